import { expect, test } from 'vitest';
import type { Group } from '../../format/usage';
import { nextOrder, orderOf, sorted } from './order';

const group = (key: string, cost: string, requests: number): Group => ({
  group: { key }, name: key, cost_usd: cost, requests, refused: 0, failed: 0, input_tokens: 0, output_tokens: 0,
  cached_input_tokens: 0, reasoning_tokens: 0, unpriced_requests: 0, mean_duration_seconds: 0,
});
const groups = [group('b', '10', 1), group('A', '9', 3), group('c', '0.5', 3)];
const names = (order: string | undefined) => sorted(groups, ['key'], orderOf(order, 'cost', false)).map((g) => g.name);

test('the largest is first unless somebody wants it otherwise', () => {
  expect(names(undefined)).toEqual(['b', 'A', 'c']);
  expect(names('cost')).toEqual(['c', 'A', 'b']);
  expect(names('by0')).toEqual(['A', 'b', 'c']);
  expect(names('-by0')).toEqual(['c', 'b', 'A']);
  expect(names('-requests')).toEqual(['A', 'c', 'b']);
  expect(names('nonsense')).toEqual(['b', 'A', 'c']);
});

test('time goes on as it went', () => {
  expect(orderOf(undefined, 'cost', true)).toEqual({ column: 'by0', down: false });
});

test('choosing a column again turns it round', () => {
  expect(nextOrder({ column: 'cost', down: true }, 'cost')).toBe('cost');
  expect(nextOrder({ column: 'cost', down: false }, 'cost')).toBe('-cost');
  expect(nextOrder({ column: 'cost', down: true }, 'requests')).toBe('-requests');
  expect(nextOrder({ column: 'cost', down: true }, 'by0')).toBe('by0');
});
