import { expect, test } from 'vitest';
import { bodyOf, curlOf, operationOf, type Prompt } from './request';

const prompt: Prompt = { operation: 'chat', model: 'm', system: ' Be brief. ', user: "It's me", maxTokens: 20, stream: true };

test('each dialect has its own words', () => {
  expect(bodyOf(prompt)).toEqual({
    model: 'm', messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: "It's me" }], max_tokens: 20, stream: true,
  });
  expect(bodyOf({ ...prompt, operation: 'responses' })).toEqual({ model: 'm', instructions: 'Be brief.', input: "It's me", max_output_tokens: 20, stream: true });
  expect(bodyOf({ ...prompt, operation: 'messages', maxTokens: undefined, system: '' })).toEqual({
    model: 'm', max_tokens: 1024, messages: [{ role: 'user', content: "It's me" }], stream: true,
  });
  expect(bodyOf({ ...prompt, operation: 'embeddings' })).toEqual({ model: 'm', input: "It's me" });
  expect(bodyOf({ ...prompt, system: ' ', stream: false, maxTokens: undefined })).toEqual({ model: 'm', messages: [{ role: 'user', content: "It's me" }] });
});

test('the command can be pasted whatever the prompt has in it', () => {
  expect(curlOf('http://localhost:4000', { ...prompt, system: '', maxTokens: undefined, stream: false })).toBe(
    `curl http://localhost:4000/v1/chat/completions \\
  -H "Authorization: Bearer $TOLLGATE_KEY" \\
  -H 'Content-Type: application/json' \\
  -d '{"model":"m","messages":[{"role":"user","content":"It'\\''s me"}]}'`,
  );
  expect(curlOf('http://h', { ...prompt, operation: 'messages' })).toContain('-H "x-api-key: $TOLLGATE_KEY"');
});

test('what is unknown is a chat', () => {
  expect(operationOf('nonsense')).toBe('chat');
  expect(operationOf('messages')).toBe('messages');
});
