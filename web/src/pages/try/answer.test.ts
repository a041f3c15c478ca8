import { expect, test } from 'vitest';
import { deltaOf, Events, pretty, textOf, wrongOf } from './answer';

test('events are put together from pieces that end anywhere', () => {
  const stream = 'event: a\r\ndata: {"x":1}\r\n\r\n: quiet\n\ndata: one\ndata: two\n\ndata: [DONE]\n\n';
  for (const size of [1, 2, 3, 7, stream.length]) {
    const events = new Events();
    const got: string[] = [];
    for (let i = 0; i < stream.length; i += size) {
      got.push(...events.add(stream.slice(i, i + size)));
    }
    expect(got).toEqual(['{"x":1}', 'one\ntwo', '[DONE]']);
  }
});

test.each([
  ['{"choices":[{"delta":{"content":"Hi"}}]}', 'Hi'],
  ['{"choices":[{"delta":{"role":"assistant"}}]}', ''],
  ['{"choices":[],"usage":{}}', ''],
  ['{"type":"response.output_text.delta","delta":"Hi"}', 'Hi'],
  ['{"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}}', 'Hi'],
  ['[DONE]', ''],
])('delta of %s', (data, want) => {
  expect(deltaOf(data)).toBe(want);
});

test.each([
  ['{"choices":[{"message":{"content":"Hi"}}]}', 'Hi'],
  ['{"output":[{"type":"reasoning"},{"content":[{"type":"output_text","text":"Hi"}]}]}', 'Hi'],
  ['{"content":[{"type":"text","text":"H"},{"type":"text","text":"i"}]}', 'Hi'],
  ['{"data":[{"embedding":[0.12345,1]}]}', 'A vector of 2 numbers: 0.1235, 1.000 …'],
  ['no JSON', ''],
])('text of %s', (body, want) => {
  expect(textOf(body)).toBe(want);
});

test('errors of every dialect', () => {
  expect(wrongOf('{"error":{"code":"budget_exceeded","message":"used up"}}')).toEqual({ code: 'budget_exceeded', message: 'used up' });
  expect(wrongOf('{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}')).toEqual({ code: 'rate_limit_error', message: 'slow' });
  expect(wrongOf('{"type":"response.failed","response":{"error":{"code":"x","message":"y"}}}')).toEqual({ code: 'x', message: 'y' });
  expect(wrongOf('{"error":null}')).toBeUndefined();
  expect(wrongOf('[DONE]')).toBeUndefined();
});

test('JSON is set out, anything else is left', () => {
  expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}');
  expect(pretty('oops')).toBe('oops');
});
