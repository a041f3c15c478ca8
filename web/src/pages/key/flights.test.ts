import { expect, test } from 'vitest';
import type { Schemas } from '../../api/client';
import { flights } from './flights';

type Limit = Schemas['Limit'];

const cost = (reserved: string): Limit => ({ kind: 'cost', amount: '5.00', spent: '1.00', reserved });

test.each<[number | undefined, Limit[] | null, string]>([
  [1, [cost('0.10')], '1 request is under way now.'],
  [3, [], '3 requests are under way now.'],
  [0, [cost('0.10')], 'No request is under way now.'],
  [undefined, [cost('0.10')], 'There are requests under way now.'],
  [undefined, [cost('0.00')], ''],
  [undefined, null, ''],
])('%#', (in_flight, limits, want) => {
  expect(flights({ in_flight, limits })).toBe(want);
});
