import { expect, test } from 'vitest';
import { configName, scalar } from './providers';

test.each([
  ['openai-prod', 'openai-prod'], ['my key: {x}', '"my key: {x}"'], ['yes', '"yes"'], ['4711', '"4711"'], ['a"b', '"a\\"b"'],
])('%s in YAML', (text, want) => {
  expect(scalar(text)).toBe(want);
});

test('OpenAI is spelled as configurations have it', () => {
  expect(configName('openai')).toBe('openAI');
  expect(configName('mistral')).toBe('mistral');
});
