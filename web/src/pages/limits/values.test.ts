import { expect, test } from 'vitest';
import { examples } from './examples';
import type { SharedLimit } from './queries';
import { checks, inputOf, patchOf, placed, valuesOf } from './values';

const limit: SharedLimit = {
  id: 'lim_Pp03RrT5uVwX', name: 'payments', kind: 'cost', amount: '500.00', window: { calendar: 'month', timezone: 'Europe/Berlin' },
  match: { 'label.team': 'payments' }, per: 'pool', origin: 'managed', keys: 6, etag: '"1"', created_at: '', created_by: '', updated_at: '',
};

test('an example is sent as it is', () => {
  expect(inputOf(valuesOf(examples.pool))).toMatchObject({ ...examples.pool, window: { calendar: 'month', timezone: 'UTC' } });
  expect(inputOf(valuesOf(examples.each))).toMatchObject({ match: {}, per: 'each' });
});

test('what is not changed is not in the patch', () => {
  expect(patchOf(limit, valuesOf(limit))).toEqual({});
  expect(patchOf({ ...limit, models: null }, valuesOf({ ...limit, models: null }))).toEqual({});
});

test('a patch has what differs', () => {
  const values = valuesOf(limit);
  expect(patchOf(limit, { ...values, name: ' sales ', limit: { ...values.limit, amount: '$1,000' } })).toEqual({ name: 'sales', amount: '1000' });
  expect(patchOf(limit, { ...values, labels: { env: 'prod' } })).toEqual({ match: { 'label.team': null, 'label.env': 'prod' } });
});

test('a window of another shape clears the one that was', () => {
  const values = valuesOf(limit);
  expect(patchOf(limit, { ...values, limit: { ...values.limit, shape: 'sliding', length: '24h' } })).toEqual({
    window: { calendar: null, timezone: null, anchor: null, fixed: null, origin: null, sliding: '24h' },
  });
  expect(patchOf(limit, { ...values, limit: { ...values.limit, shape: 'life' } })).toEqual({ window: null });
});

test('checks', () => {
  expect(checks(valuesOf(limit))).toEqual({});
  expect(Object.keys(checks(valuesOf(undefined)))).toEqual(['name', 'limit.amount']);
});

test('errors of the API come to their fields', () => {
  expect(placed({ 'window.timezone': 'is no zone', amount: 'is missing', 'match.team': 'is no label', odd: 'is odd' })).toEqual({
    placed: { 'limit.zone': 'is no zone', 'limit.amount': 'is missing', labels: 'is no label' }, rest: ['odd'],
  });
});
