import { expect, test } from 'vitest';
import { ago } from './time';

const now = new Date('2026-03-01T12:00:00Z');

test.each([
  ['2026-03-01T11:59:55Z', 'now'],
  ['2026-03-01T11:59:30Z', '30 seconds ago'],
  ['2026-03-01T11:01:00Z', '59 minutes ago'],
  ['2026-03-01T11:00:00Z', '1 hour ago'],
  ['2026-02-27T12:00:00Z', '2 days ago'],
  ['2026-03-15T12:00:00Z', 'in 2 weeks'],
  ['2027-03-02T12:00:00Z', 'next year'],
])('%s', (at, want) => {
  expect(ago(at, now)).toBe(want);
});
