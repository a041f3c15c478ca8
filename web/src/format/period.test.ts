import { expect, test } from 'vitest';
import { customPeriod, daysOf, nameOfPeriod, rangeOf, stepOf } from './period';

const now = new Date('2026-03-01T12:34:56Z');

test.each([
  ['today', '2026-03-01T00:00:00.000Z', '2026-03-01T12:34:56.000Z', 'hour'],
  ['24h', '2026-02-28T13:00:00.000Z', '2026-03-01T12:34:56.000Z', 'hour'],
  ['7d', '2026-02-23T00:00:00.000Z', '2026-03-01T12:34:56.000Z', 'day'],
  ['30d', '2026-01-31T00:00:00.000Z', '2026-03-01T12:34:56.000Z', 'day'],
  ['month', '2026-03-01T00:00:00.000Z', '2026-03-01T12:34:56.000Z', 'hour'],
  ['last_month', '2026-02-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z', 'day'],
  ['nonsense', '2026-02-23T00:00:00.000Z', '2026-03-01T12:34:56.000Z', 'day'],
])('%s', (period, from, to, step) => {
  const r = rangeOf({ period }, '7d', now);
  expect([r.from.toISOString(), r.to.toISOString(), stepOf(r)]).toEqual([from, to, step]);
});

test('the last month of a January is that of the year before', () => {
  const r = rangeOf({ period: 'last_month' }, '7d', new Date('2026-01-15T00:00:00Z'));
  expect(r.from.toISOString()).toBe('2025-12-01T00:00:00.000Z');
});

test('a custom period has whole days, in either order', () => {
  const p = customPeriod('2026-02-28', '2026-02-26');
  expect(p).toEqual({ period: 'custom', from: '2026-02-26T00:00:00Z', to: '2026-03-01T00:00:00Z' });
  expect(daysOf(rangeOf(p, '7d', now))).toEqual(['2026-02-26', '2026-02-28']);
});

test.each([
  [{ period: 'custom' }],
  [{ period: 'custom', from: '2026-03-02T00:00:00Z', to: '2026-03-01T00:00:00Z' }],
  [{ period: 'custom', from: 'then', to: 'now' }],
])('%j is no period', (p) => {
  expect(nameOfPeriod(p, '30d')).toBe('30d');
});
