// What is sent, in the dialect that an application would speak.

export type Operation = 'chat' | 'responses' | 'messages' | 'embeddings';

export const operations: { value: Operation; label: string; path: string }[] = [
  { value: 'chat', label: 'Chat completions', path: '/v1/chat/completions' },
  { value: 'responses', label: 'Responses', path: '/v1/responses' },
  { value: 'messages', label: 'Messages', path: '/v1/messages' },
  { value: 'embeddings', label: 'Embeddings', path: '/v1/embeddings' },
];

export interface Prompt {
  operation: Operation;
  model: string;
  system: string;
  user: string;
  /** Absent: the key's default, or what the budget can pay. */
  maxTokens?: number;
  stream: boolean;
}

/** The operation that a text names, chat if none. */
export function operationOf(text: string | undefined): Operation {
  return operations.find((o) => o.value === text)?.value ?? 'chat';
}

export function pathOf(operation: Operation): string {
  return operations.find((o) => o.value === operation)!.path;
}

/** The body of the request. */
export function bodyOf(p: Prompt): Record<string, unknown> {
  const system = p.system.trim();
  const stream = p.stream ? { stream: true } : {};
  switch (p.operation) {
    case 'chat':
      return {
        model: p.model,
        messages: [...(system ? [{ role: 'system', content: system }] : []), { role: 'user', content: p.user }],
        ...(p.maxTokens && { max_tokens: p.maxTokens }), ...stream,
      };
    case 'responses':
      return { model: p.model, ...(system && { instructions: system }), input: p.user, ...(p.maxTokens && { max_output_tokens: p.maxTokens }), ...stream };
    case 'messages':
      // This dialect has no default of its own.
      return { model: p.model, max_tokens: p.maxTokens ?? 1024, ...(system && { system }), messages: [{ role: 'user', content: p.user }], ...stream };
    case 'embeddings':
      return { model: p.model, input: p.user };
  }
}

/** The same request as a command. The secret is not known here: nobody but its holder has it. */
export function curlOf(base: string, p: Prompt): string {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const headers = p.operation === 'messages' ? [`x-api-key: $TOLLGATE_KEY`, 'anthropic-version: 2023-06-01'] : ['Authorization: Bearer $TOLLGATE_KEY'];
  return [
    `curl${p.stream && p.operation !== 'embeddings' ? ' -N' : ''} ${base}${pathOf(p.operation)}`,
    // Double quotes, so that the shell puts the secret in.
    ...headers.map((h) => `-H "${h}"`),
    `-H 'Content-Type: application/json'`,
    `-d ${quoted(JSON.stringify(bodyOf(p)))}`,
  ].join(' \\\n  ');
}
