import { expect, test } from 'vitest';
import type { Schemas } from '../../api/client';
import { effects, list, models } from './effect';

type Key = Schemas['Key'];
type Limit = Schemas['Limit'];

const now = new Date('2026-11-21T12:00:00Z');
const month = { calendar: 'month', timezone: 'UTC' } as const;

const cost: Limit = {
  id: 'lim_cost', kind: 'cost', amount: '200.00', window: month, spent: '41.80', reserved: '0.20', remaining: '158.00', resets_at: '2026-12-01T00:00:00Z',
};
const busy: Limit = { id: 'lim_busy', kind: 'concurrency', amount: 4, spent: 0, reserved: 3, remaining: 1 };
const rate: Limit = { id: 'lim_rate', kind: 'requests', amount: 60, window: { sliding: '60s' }, spent: 50, reserved: 0 };

const key: Key = {
  id: 'key_NDs2SrFJuVsh', name: 'checkout-prod', status: 'active', origin: 'managed', labels: { team: 'payments', env: 'prod' }, models: null,
  operations: null, networks: null, limits: [cost, busy, rate], secrets: [], created_at: '', created_by: '', updated_at: '',
  expires_at: null, last_used_at: null, etag: '"1"',
};

/** A limit as a form sends it: without how it stands. */
function sent({ id, kind, amount, window, models }: Limit): Limit {
  return { id, kind, amount, window, models };
}
const rest = [sent(busy), sent(rate)];

test('nothing', () => {
  expect(effects(key, {}, now)).toEqual([]);
  expect(effects(key, { limits: [sent(cost), ...rest], labels: { team: 'payments' }, name: 'checkout-prod', clamp: false }, now)).toEqual([]);
});

test('another amount keeps what is spent', () => {
  expect(effects(key, { limits: [{ ...sent(cost), amount: '300' }, ...rest] }, now)).toEqual([
    { what: 'Cost limit', before: '$200.00 a month', after: '$300.00 a month', note: 'spent stays $41.80' },
  ]);
});

test('an amount that is used up already warns; spent and reserved both count', () => {
  expect(effects(key, { limits: [{ ...sent(cost), amount: '42.00' }, ...rest] }, now)).toEqual([
    { what: 'Cost limit', before: '$200.00 a month', after: '$42.00 a month', note: '$42.00 is used already: requests are refused until it resets', warns: true },
  ]);
  expect(effects(key, { limits: [{ ...sent(cost), amount: '42.01' }, ...rest] }, now)[0]?.warns).toBeUndefined();
});

test('why it refuses depends on the window', () => {
  const tight = effects(key, { limits: [sent(cost), { ...sent(busy), amount: 2 }, { ...sent(rate), amount: 10 }] }, now);
  expect(tight.map((e) => e.note)).toEqual([
    '3 is used already: requests are refused until enough of them have ended', '50 is used already: requests are refused until enough of it is past',
  ]);
  const life = { ...key, limits: [{ ...cost, window: undefined, resets_at: null }] };
  expect(effects(life, { limits: [{ ...sent(cost), window: undefined, amount: '1' }] }, now)[0]?.note).toBe('$42.00 is used already: every request is refused');
});

test('another window counts anew, and says what differs', () => {
  const note = 'what was used in the new window is counted anew from the ledger';
  expect(effects(key, { limits: [{ ...sent(cost), window: { calendar: 'day' } }, ...rest] }, now)).toEqual([
    { what: 'Cost limit', before: '$200.00 a month (UTC)', after: '$200.00 a day (UTC)', note },
  ]);
  expect(effects(key, { limits: [{ ...sent(cost), window: { calendar: 'month', timezone: 'Europe/Berlin', anchor: '15' } }, ...rest] }, now)).toEqual([
    { what: 'Cost limit', before: '$200.00 a month (UTC)', after: '$200.00 a month (Europe/Berlin, from 15)', note },
  ]);
  expect(effects(key, { limits: [{ ...sent(cost), window: { calendar: 'month' } }, ...rest] }, now)).toEqual([]);
});

test('the models of a limit', () => {
  expect(effects(key, { limits: [{ ...sent(cost), models: ['gpt-5*'] }, ...rest] }, now)).toEqual([
    { what: 'Cost limit', before: '$200.00 a month for all', after: '$200.00 a month for gpt-5*', note: 'spent stays $41.80' },
  ]);
});

test('limits that come and go', () => {
  expect(effects(key, { limits: [...rest, { kind: 'tokens', amount: 5_000_000, window: { calendar: 'week' } }] }, now)).toEqual([
    { what: 'Cost limit', before: '$200.00 a month', note: 'is removed, and what it counted is forgotten' },
    { what: 'Token limit', after: '5,000,000 tokens a week', note: 'is new and counts from now on' },
  ]);
  expect(effects(key, { limits: null }, now)).toHaveLength(3);
});

test('expiration', () => {
  const [ends] = effects(key, { expires_at: '2026-11-20T00:00:00Z' }, now);
  expect(ends).toMatchObject({ what: 'Expires', before: 'never', warns: true });
  expect(effects(key, { expires_at: '2027-01-01T00:00:00Z' }, now)[0]?.warns).toBeUndefined();
  expect(effects({ ...key, expires_at: '2027-01-01T00:00:00Z' }, { expires_at: null }, now)[0]).toMatchObject({ after: 'never' });
});

test('rights', () => {
  expect(effects(key, { models: { allow: ['gpt-5*'], deny: ['gpt-5-pro'] } }, now)).toEqual([
    { what: 'Models', before: 'all', after: 'gpt-5* but not gpt-5-pro' },
  ]);
  const narrow = { ...key, models: { allow: ['gpt-5*'], deny: ['gpt-5-pro'] } };
  expect(effects(narrow, { models: { deny: null } }, now)).toEqual([{ what: 'Models', before: 'gpt-5* but not gpt-5-pro', after: 'gpt-5*' }]);
  expect(effects(key, { operations: [], networks: ['10.0.0.0/8'] }, now)).toEqual([
    { what: 'Operations', before: 'all', after: 'none', note: 'every request is refused', warns: true },
    { what: 'Networks', before: 'all', after: '10.0.0.0/8' },
  ]);
});

test('labels', () => {
  const note = 'shared limits select keys by their labels';
  expect(effects(key, { labels: { team: null, env: 'dev', owner: 'ana' } }, now)).toEqual([
    { what: 'Label team', before: 'payments', after: undefined, note },
    { what: 'Label env', before: 'prod', after: 'dev', note },
    { what: 'Label owner', before: undefined, after: 'ana', note },
  ]);
  expect(effects(key, { labels: null }, now)).toHaveLength(2);
});

test('name and manners', () => {
  expect(effects(key, { name: 'till', max_tokens: 1000, clamp: true, discreet: true }, now)).toEqual([
    { what: 'Name', before: 'checkout-prod', after: 'till', note: 'id, secret and counters stay' },
    { what: 'Output bound where a request has none', before: 'the model’s own', after: '1,000 tokens' },
    { what: 'An output bound that a limit cannot pay for is', before: 'refused', after: 'lowered' },
    { what: 'The holder of the key is told', before: 'amounts', after: 'no amounts' },
  ]);
});

test('in words', () => {
  expect([list(null), list([]), list(['a', 'b'])]).toEqual(['all', 'none', 'a, b']);
  expect([models(null), models({ deny: ['x'] }), models({ allow: [] })]).toEqual(['all', 'all but not x', 'none']);
});
