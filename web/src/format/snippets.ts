/** A way to call tollgate with a key. */
export interface Snippet {
  id: 'curl' | 'python' | 'node';
  name: string;
  code: string;
}

// Inside single quotes of a shell nothing is special but the quote itself.
function shell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The first call with a new key: as a command and with OpenAI's SDKs. */
export function snippets(base: string, secret: string, model: string): Snippet[] {
  const url = `${base.trim().replace(/\/+$/, '').replace(/\/v1$/, '')}/v1`;
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] });
  return [
    {
      id: 'curl', name: 'curl',
      code: `curl ${shell(`${url}/chat/completions`)} \\
  -H ${shell(`Authorization: Bearer ${secret}`)} \\
  -H 'Content-Type: application/json' \\
  -d ${shell(body)}`,
    },
    {
      id: 'python', name: 'Python',
      code: `from openai import OpenAI

client = OpenAI(base_url=${JSON.stringify(url)}, api_key=${JSON.stringify(secret)})
answer = client.chat.completions.create(
    model=${JSON.stringify(model)},
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)`,
    },
    {
      id: 'node', name: 'Node',
      code: `import OpenAI from "openai";

const client = new OpenAI({ baseURL: ${JSON.stringify(url)}, apiKey: ${JSON.stringify(secret)} });
const answer = await client.chat.completions.create({
  model: ${JSON.stringify(model)},
  messages: [{ role: "user", content: "Hello" }],
});
console.log(answer.choices[0].message.content);`,
    },
  ];
}

/** Where the data plane most likely is: on this host, at the port of its guide. */
export function likelyBase(location: Pick<Location, 'protocol' | 'hostname'>): string {
  return `${location.protocol}//${location.hostname}:4000`;
}
