import { expect, test } from 'vitest';
import { keptFor } from './kept';

test.each([['30d', '30 days'], ['1d', '1 day'], ['36h0m0s', '36 hours'], ['1h30m0s', '1h30m0s']])('%s', (text, want) => {
  expect(keptFor(text)).toBe(want);
});
