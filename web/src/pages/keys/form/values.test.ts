import { expect, test } from 'vitest';
import type { Schemas } from '../../../api/client';
import { inputOf, limitsOf, patchOf } from './input';
import { emptyLimit, emptyValues, localTime, valuesOf, type KeyValues } from './values';

const key: Schemas['Key'] = {
  id: 'key_1', name: 'checkout', status: 'active', origin: 'managed', labels: { team: 'payments', env: 'prod' },
  models: { allow: ['gpt-5*'] }, operations: null, networks: ['10.0.0.0/8'],
  limits: [
    { id: 'lim_c', kind: 'cost', amount: '200.00', window: { calendar: 'month', timezone: 'Europe/Berlin' }, spent: '1.00', reserved: '0', remaining: '199.00', resets_at: null },
    { id: 'lim_r', kind: 'requests', amount: 60, window: { sliding: '60s' } },
    { id: 'lim_t', kind: 'tokens', amount: 1000, window: { calendar: 'day', timezone: 'Europe/Berlin' } },
    { id: 'lim_f', kind: 'cost', amount: '5', window: { fixed: '5h', origin: '2026-01-01T00:00:00Z' }, models: ['gpt-5*'] },
    { id: 'lim_n', kind: 'concurrency', amount: 4 },
  ],
  secrets: [], created_at: '2026-01-01T00:00:00Z', created_by: 'ops', updated_at: '2026-01-01T00:00:00Z',
  expires_at: '2027-02-01T00:00:00.123Z', last_used_at: null, etag: '"1"', max_tokens: 500,
};

function edited(change: (values: KeyValues) => void): Schemas['KeyPatch'] {
  const values = structuredClone(valuesOf(key));
  change(values);
  return patchOf(key, values);
}

test('a form without anything in it makes a key without anything', () => {
  expect(inputOf({ ...emptyValues('UTC'), name: ' x ' })).toEqual({ name: 'x' });
});

test('what is typed becomes what the API takes', () => {
  const values: KeyValues = {
    ...emptyValues('Europe/Berlin'), name: 'x', cost: { on: true, amount: '$1,200.50' }, tokens: { on: true, amount: '5 000 000' },
    requests: { on: true, amount: '60' }, maxTokens: '1,000', deny: ['*-pro'], operations: [], clamp: true,
    limits: [{ ...emptyLimit('UTC'), kind: 'concurrency', amount: '4' }, { ...emptyLimit('UTC'), kind: 'cost', amount: '5', shape: 'sliding', length: ' 24h ', models: ['a*'] }],
  };
  expect(inputOf(values)).toEqual({
    name: 'x', max_tokens: 1000, models: { deny: ['*-pro'] }, operations: [], clamp: true,
    limits: [
      { kind: 'cost', amount: '1200.50', window: { calendar: 'month', timezone: 'Europe/Berlin' } },
      { kind: 'tokens', amount: 5_000_000, window: { calendar: 'month', timezone: 'Europe/Berlin' } },
      { kind: 'requests', amount: 60, window: { sliding: '60s' } },
      { kind: 'concurrency', amount: 4 },
      { kind: 'cost', amount: '5', window: { sliding: '24h' }, models: ['a*'] },
    ],
  });
});

test('a period of never is a limit for life', () => {
  expect(limitsOf({ ...emptyValues('UTC'), cost: { on: true, amount: '5' }, period: 'never' })[0]!.limit).toEqual({ kind: 'cost', amount: '5' });
});

test('a key that exists fills the form: what shares the period is simple, the rest is further', () => {
  const values = valuesOf(key);
  expect(values.cost).toEqual({ on: true, amount: '200.00', id: 'lim_c' });
  expect([values.period, values.zone]).toEqual(['month', 'Europe/Berlin']);
  expect(values.requests.id).toBe('lim_r');
  expect(values.tokens.on).toBe(false);
  expect(values.limits.map((l) => [l.id, l.kind, l.shape])).toEqual([
    ['lim_t', 'tokens', 'calendar'], ['lim_f', 'cost', 'fixed'], ['lim_n', 'concurrency', 'life'],
  ]);
});

test('an untouched form changes nothing', () => {
  expect(patchOf(key, valuesOf(key))).toEqual({});
});

test('another spelling of the same amount changes nothing', () => {
  expect(edited((v) => { v.cost.amount = '200'; })).toEqual({});
});

test('a changed amount keeps the ids of all limits and the origin of their windows', () => {
  const { limits } = edited((v) => { v.cost.amount = '300'; });
  expect(limits!.map((l) => l.id).sort()).toEqual(['lim_c', 'lim_f', 'lim_n', 'lim_r', 'lim_t']);
  expect(limits!.find((l) => l.id === 'lim_c')!.amount).toBe('300');
  expect(limits!.find((l) => l.id === 'lim_f')!.window).toEqual({ fixed: '5h', origin: '2026-01-01T00:00:00Z' });
  expect(limits!.some((l) => 'spent' in l)).toBe(false);
});

test('what is taken out is cleared', () => {
  expect(edited((v) => { v.networks = null; v.allow = null; v.expires = ''; v.maxTokens = ''; v.labels = { team: 'search', new: '1' }; })).toEqual({
    networks: null, models: null, expires_at: null, max_tokens: null, labels: { env: null, team: 'search', new: '1' },
  });
  expect(edited((v) => { v.cost.on = false; v.requests.on = false; v.limits = []; }).limits).toEqual([]);
});

test('all models but some: what was allowed is cleared', () => {
  expect(edited((v) => { v.allow = null; v.deny = ['o1*']; }).models).toEqual({ allow: null, deny: ['o1*'] });
});

test('nothing allowed is not everything', () => {
  expect(edited((v) => { v.operations = []; v.networks = []; })).toEqual({ operations: [], networks: [] });
});

test('local time comes back as the same moment', () => {
  expect(localTime(new Date(2027, 1, 1, 9, 5, 0))).toBe('2027-02-01 09:05:00');
  expect(inputOf({ ...emptyValues(), name: 'x', expires: '2027-02-01 09:05:00' }).expires_at).toBe(new Date(2027, 1, 1, 9, 5).toISOString().replace('.000Z', 'Z'));
});
