import { expect, test } from 'vitest';
import { checks, placeErrors } from './checks';
import { emptyLimit, emptyValues, type KeyValues } from './values';

const now = new Date(2026, 10, 21, 12);

function wrong(change: Partial<KeyValues>): Record<string, string> {
  return checks({ ...emptyValues('UTC'), name: 'k', ...change }, now);
}

test('a name is enough', () => {
  expect(wrong({})).toEqual({});
  expect(wrong({ name: '  ' })).toHaveProperty('name');
  expect(wrong({ name: 'n'.repeat(129) })).toHaveProperty('name');
});

test('amounts count only where they are switched on', () => {
  expect(wrong({ cost: { on: false, amount: 'x' } })).toEqual({});
  expect(wrong({ cost: { on: true, amount: '' } })).toHaveProperty(['cost.amount']);
  expect(wrong({ cost: { on: true, amount: '1.0000000001' } })).toHaveProperty(['cost.amount']);
  expect(wrong({ cost: { on: true, amount: '$1,000.25' } })).toEqual({});
  expect(wrong({ tokens: { on: true, amount: '1.5' } })).toHaveProperty(['tokens.amount']);
  expect(wrong({ requests: { on: true, amount: '-1' } })).toHaveProperty(['requests.amount']);
});

test('the end lies ahead', () => {
  expect(wrong({ expires: '2026-11-21 12:00:00' })).toHaveProperty('expires');
  expect(wrong({ expires: '2026-11-21 12:00:01' })).toEqual({});
});

test.each([['gpt-5*', true], ['*-mini', true], ['*', true], ['gpt', true], ['a*b', false], ['*a*', false], ['**', false]])('the pattern %s', (pattern, good) => {
  expect('allow' in wrong({ allow: [pattern] })).toBe(!good);
});

test('further limits are checked by their shape', () => {
  const limit = { ...emptyLimit('UTC'), amount: '5' };
  const of = (change: Partial<typeof limit>) => Object.keys(wrong({ limits: [{ ...limit, ...change }] }));
  expect(of({})).toEqual([]);
  expect(of({ amount: '' })).toEqual(['limits.0.amount']);
  expect(of({ shape: 'fixed', length: '7d' })).toEqual(['limits.0.length']);
  expect(of({ shape: 'sliding', length: '0s' })).toEqual(['limits.0.length']);
  expect(of({ shape: 'sliding', length: '24h' })).toEqual([]);
  expect(of({ period: 'week', anchor: 'someday' })).toEqual(['limits.0.anchor']);
  expect(of({ period: 'month', anchor: '15' })).toEqual([]);
  expect(of({ period: 'year', anchor: '4-6' })).toEqual(['limits.0.anchor']);
  expect(of({ period: 'day', anchor: 'left over' })).toEqual([]);
  expect(of({ kind: 'concurrency', shape: 'fixed', length: '' })).toEqual([]);
});

test('errors of the API come to the fields that they are about', () => {
  const values: KeyValues = { ...emptyValues('UTC'), requests: { on: true, amount: '1' }, limits: [emptyLimit('UTC'), emptyLimit('UTC')] };
  const { placed, rest } = placeErrors(values, {
    name: 'is taken', 'limits[0].amount': 'a', 'limits[2].window.anchor': 'b', 'limits[1].window.timezone': 'c', 'limits[2].models[0]': 'd',
    'networks[1]': 'e', 'labels.team': 'f', 'models.deny[0]': 'g', 'models.allow[1]': 'h', 'limits[9].amount': 'i', nonsense: 'j', expires_at: 'k', max_tokens: 'l',
  });
  expect(placed).toEqual({
    name: 'is taken', 'requests.amount': 'a', 'limits.1.anchor': 'b', 'limits.0.zone': 'c', 'limits.1.models': 'd',
    networks: 'e', labels: 'f', deny: 'g', allow: 'h', expires: 'k', maxTokens: 'l',
  });
  expect(rest).toEqual({ 'limits[9].amount': 'i', nonsense: 'j' });
});
