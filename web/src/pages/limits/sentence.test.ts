import { expect, test } from 'vitest';
import { labelsIn, matchOf, sentence } from './sentence';

const month = { calendar: 'month', timezone: 'Europe/Berlin' } as const;

test.each([
  [
    { kind: 'cost', amount: '500.00', window: month, match: { 'label.team': 'payments' }, per: 'pool' },
    6,
    'All keys with team payments (6 keys now, and those to come) may spend $500.00 a month (Europe/Berlin) together: what one of them uses is gone for the others.',
  ],
  [
    { kind: 'cost', amount: '5', window: { calendar: 'day', timezone: 'UTC' }, match: {}, per: 'each' },
    undefined,
    'Every key may spend $5.00 a day for itself: none takes from another.',
  ],
  [
    { kind: 'requests', amount: 60, window: { sliding: '60s' }, match: { 'label.env': 'dev', 'label.team': 'search' }, per: 'each', models: ['gpt-5*'] },
    1,
    'Every key with env dev and team search (1 key now, and those to come) may send 60 requests on gpt-5* in any 60 s for itself: none takes from another.',
  ],
  [
    { kind: 'tokens', amount: 1000, match: {}, per: 'pool' },
    undefined,
    'All keys may use 1,000 tokens in all together: what one of them uses is gone for the others.',
  ],
  [
    { kind: 'concurrency', amount: 1, match: {}, per: 'each' },
    undefined,
    'Every key may have 1 request under way at a time for itself: none takes from another.',
  ],
] as const)('%o', (limit, keys, want) => {
  expect(sentence({ ...limit, models: 'models' in limit ? [...limit.models] : undefined }, keys)).toBe(want);
});

test('labels and what selects by them', () => {
  expect(labelsIn({ 'label.team': 'payments' })).toEqual({ team: 'payments' });
  expect(matchOf({ team: 'payments' })).toEqual({ 'label.team': 'payments' });
});
