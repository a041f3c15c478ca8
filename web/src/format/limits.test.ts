import { expect, test } from 'vitest';
import type { Schemas } from '../api/client';
import { durationOf, limitName, nearness, secondsOf, used } from './limits';

test.each<[Schemas['Limit'], string]>([
  [{ kind: 'cost', amount: '200', window: { calendar: 'month', timezone: 'Europe/Berlin' } }, '$200.00 a month'],
  [{ kind: 'cost', amount: '5' }, '$5.00 for life'],
  [{ kind: 'tokens', amount: 5_000_000, window: { calendar: 'hour' } }, '5,000,000 tokens an hour'],
  [{ kind: 'requests', amount: 60, window: { sliding: '60s' } }, '60 requests in any 60 s'],
  [{ kind: 'requests', amount: 1, window: { fixed: '5h' } }, '1 request every 5 h'],
  [{ kind: 'concurrency', amount: 4 }, '4 requests at a time'],
  [{ kind: 'cost', amount: '500', window: { calendar: 'month' }, name: 'payments', match: {} }, '$500.00 a month, shared: payments'],
  [{ kind: 'cost', amount: '1', window: { calendar: 'day' }, models: ['gpt-5*', '*-mini'] }, '$1.00 a day for gpt-5*, *-mini'],
])('limitName %#', (limit, want) => {
  expect(limitName(limit)).toBe(want);
});

test.each([
  ['24h', '24 h'],
  ['90s', '90 s'],
  ['1h30m', '1 h 30 min'],
  ['1h0m5s', '1 h 5 s'],
  ['0s', '0 s'],
  ['7d', '7d'],
  ['soon', 'soon'],
])('durationOf %s', (text, want) => {
  expect(durationOf(text)).toBe(want);
});

test.each([
  ['5h', 18_000],
  ['1h30m', 5_400],
  [' 90s ', 90],
  ['1.5h', 5_400],
  ['7d', undefined],
  ['5', undefined],
  ['', undefined],
])('secondsOf %s', (text, want) => {
  expect(secondsOf(text)).toBe(want);
});

test('what is reserved counts as used', () => {
  expect(used({ amount: '10', spent: '2.5', reserved: '2.5' })).toBe(0.5);
  expect(used({ amount: 10, spent: 12 })).toBe(1.2);
  expect(used({ amount: 0 })).toBe(1);
});

test.each([
  ['7.99', 'room'],
  ['8', 'near'],
  ['9.99', 'near'],
  ['10', 'full'],
  ['11', 'full'],
])('nearness of %s of 10', (spent, want) => {
  expect(nearness({ amount: '10', spent })).toBe(want);
});
