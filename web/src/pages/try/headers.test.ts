import { expect, test } from 'vitest';
import { meaningOf } from './headers';

test('the headers of tollgate are explained, others are not', () => {
  expect(meaningOf('X-Tollgate-Key')).toBe('Public id of the key');
  expect(meaningOf('x-ratelimit-remaining-tokens')).toBe('What is left of it, of tokens alone');
  expect(meaningOf('x-frame-options')).toBeUndefined();
});
