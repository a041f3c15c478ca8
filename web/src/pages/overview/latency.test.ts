import { expect, test } from 'vitest';
import { latency } from './latency';

test('nothing has no latency', () => {
  expect(latency([])).toBeUndefined();
});

test('percentiles are durations that were seen', () => {
  expect(latency([3])).toEqual({ p50: 3, p95: 3, of: 1 });
  expect(latency([4, 1, 3, 2])).toEqual({ p50: 2, p95: 4, of: 4 });
  expect(latency(Array.from({ length: 100 }, (_, i) => 100 - i))).toEqual({ p50: 50, p95: 95, of: 100 });
});
