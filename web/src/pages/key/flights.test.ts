import { expect, test } from 'vitest';
import type { Schemas } from '../../api/client';
import { flights } from './flights';

type Limit = Schemas['Limit'];

const busy = (reserved: number): Limit => ({ kind: 'concurrency', amount: 4, spent: 0, reserved, remaining: 4 - reserved });
const cost = (reserved: string): Limit => ({ kind: 'cost', amount: '5.00', spent: '1.00', reserved });

test.each<[Limit[] | null, string]>([
  [[cost('0.10'), busy(1)], '1 request is under way now.'],
  [[busy(3)], '3 requests are under way now.'],
  [[cost('0.10'), busy(0)], 'No request is under way now.'],
  [[cost('0.10')], 'There are requests under way now.'],
  [[cost('0.00')], ''],
  [[{ ...busy(0), models: ['gpt-5*'] }, cost('0.10')], 'There are requests under way now.'],
  [null, ''],
])('%#', (limits, want) => {
  expect(flights({ limits })).toBe(want);
});
