import { expect, test } from 'vitest';
import { kindWords, perWords, same, total } from './arithmetic';

const lines = (...costs: string[]) => costs.map((cost_usd) => ({ cost_usd }));

test.each([
  [[], '0'],
  [['1'], '1'],
  [['0.0006447', '0.000485'], '0.0011297'],
  [['0.1', '0.2'], '0.3'],
  [['9007199254740993.000000000001', '0.999999999999'], '9007199254740994.000000000000'],
  [['0.00', '0.00'], '0.00'],
])('total of %j', (costs, want) => {
  expect(total(lines(...costs))).toBe(want);
});

test('amounts are compared as amounts', () => {
  expect(same('0.10', '0.1')).toBe(true);
  expect(same('10', '1')).toBe(false);
  expect(same('1.00', '1')).toBe(true);
  expect(same('0.1297', '0.12971')).toBe(false);
});

test('kinds and units in words', () => {
  expect(kindWords('cacheRead')).toBe('Input tokens from the cache');
  expect(kindWords('holograms')).toBe('holograms');
  expect(perWords('million')).toBe(' per million');
  expect(perWords('one')).toBe('');
});
