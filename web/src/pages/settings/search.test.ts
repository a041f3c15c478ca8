import { expect, test } from 'vitest';
import { parts } from './search';

test.each([
  ['abcABC', 'b', ['a', 'b', 'cA', 'B', 'C']],
  ['aaa', 'aa', ['', 'aa', 'a']],
  ['abc', ' ', ['abc']],
  ['abc', 'x', ['abc']],
  ['', 'x', ['']],
])('%s for %s', (text, searched, want) => {
  expect(parts(text, searched)).toEqual(want);
});
