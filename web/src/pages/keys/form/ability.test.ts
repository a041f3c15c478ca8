import { expect, test } from 'vitest';
import { ability, type Able } from './ability';

const berlin = { calendar: 'month', timezone: 'Europe/Berlin' } as const;

test.each<[string, Able, string]>([
  ['the usual key', {
    name: 'checkout-prod', models: { allow: ['gpt-5*'] }, expires_at: '2027-02-01T00:00:00Z',
    limits: [{ kind: 'cost', amount: '200', window: berlin }, { kind: 'requests', amount: 60, window: { sliding: '60s' } }],
  }, 'checkout-prod may call gpt-5* and spend up to $200.00 each calendar month (Europe/Berlin), at most 60 requests in any 60 s, until 1 Feb 2027.'],
  ['nothing set', { name: '' }, 'This key may call any model without any limit of its own.'],
  ['only an end', { name: 'k', expires_at: '2027-02-01T10:30:00Z' }, 'k may call any model without any limit of its own until 1 Feb 2027, 10:30.'],
  ['several budgets', {
    name: 'k', limits: [{ kind: 'cost', amount: '200', window: { calendar: 'month' } }, { kind: 'cost', amount: '20.5', window: { fixed: '5h' } }, { kind: 'cost', amount: '900' }],
  }, 'k may call any model and spend up to $200.00 each calendar month (UTC), $20.50 every 5 h and $900.00 for life.'],
  ['no budget', {
    name: 'k', limits: [{ kind: 'tokens', amount: 5_000_000, window: { calendar: 'week', anchor: 'sunday' } }, { kind: 'concurrency', amount: 1 }],
  }, 'k may call any model, at most 5,000,000 tokens each calendar week from sunday (UTC), at most 1 request under way at a time.'],
  ['a limit on some models', {
    name: 'k', limits: [{ kind: 'cost', amount: '5', models: ['o1*', '*-pro'], window: { sliding: '24h' } }],
  }, 'k may call any model and spend up to $5.00 on o1* and *-pro in any 24 h.'],
  ['scope', {
    name: 'k', models: { allow: ['a', 'b', 'c*'], deny: ['c-1'] }, operations: ['chat'], networks: ['10.0.0.0/8', '::1'],
  }, 'k may call a, b and c* except c-1 without any limit of its own. It works only for chat and from 10.0.0.0/8 and ::1.'],
  ['all by a wildcard', { name: 'k', models: { allow: ['*'] } }, 'k may call any model without any limit of its own.'],
  ['bounds', { name: 'k', max_tokens: 4096, clamp: true }, 'k may call any model without any limit of its own. Answers have at most 4,096 tokens unless a request says otherwise and output is shortened to what the limits can pay for.'],
  ['what is not complete is left out', { name: 'k', limits: [{ kind: 'cost', amount: '' }, { kind: 'requests', amount: 5, window: { fixed: '' } }] }, 'k may call any model without any limit of its own.'],
  ['no model', { name: 'k', models: { allow: [] } }, 'k may call nothing: no model is allowed.'],
  ['no operation', { name: 'k', operations: [] }, 'k may call nothing: no operation is allowed.'],
  ['no address', { name: 'k', networks: [] }, 'k may call nothing: no address is allowed.'],
])('%s', (_, key, want) => {
  expect(ability(key, 'UTC')).toBe(want);
});

test('days are those of the zone', () => {
  expect(ability({ name: 'k', expires_at: '2027-01-31T23:00:00Z' }, 'Europe/Berlin')).toContain('until 1 Feb 2027.');
});
