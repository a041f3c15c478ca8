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

/** An address that applications call, as the API tells it. */
export interface Door {
  address: string;
  tls: boolean;
}

/**
 * The base URL of the data plane as this browser would reach it: the first of its addresses, on
 * the host of this page where it listens on all or on this machine.
 */
export function baseOf(location: Pick<Location, 'hostname'>, doors: Door[]): string {
  const door = doors.find((d) => !d.address.startsWith('unix:'));
  if (!door) {
    return `http://${location.hostname}:4000`;
  }
  const at = door.address.lastIndexOf(':');
  const host = door.address.slice(0, at);
  const everywhere = ['', '0.0.0.0', '[::]', '::', 'localhost', '127.0.0.1', '[::1]'].includes(host);
  const [scheme, usual] = door.tls ? ['https', '443'] : ['http', '80'];
  const port = door.address.slice(at + 1);
  return `${scheme}://${everywhere ? location.hostname : host}${port === usual ? '' : `:${port}`}`;
}
