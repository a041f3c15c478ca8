import { QueryClient } from '@tanstack/react-query';
import { expect, test, vi } from 'vitest';
import type { Schemas } from '../../api/client';
import { filtered, fixed, queryOf, replace, show } from './list';

// The client of the API asks the page where it is.
vi.hoisted(() => vi.stubGlobal('window', { location: { origin: 'http://localhost' } }));

test('an address becomes a question to the API', () => {
  expect(queryOf({ q: 'check', status: 'active', labels: 'team=payments,env=prod', expiring: '7d', idle: '90d', uncapped: 'true', sort: '-expires_at', size: '100', after: 'c' })).toEqual({
    q: 'check', status: 'active', origin: undefined, expiring_within: '7d', idle_for: '90d', uncapped: true, sort: '-expires_at', limit: 100, cursor: 'c',
    'label.team': 'payments', 'label.env': 'prod',
  });
});

test('what an address has wrong is left out', () => {
  expect(queryOf({ status: 'nonsense', origin: 'x', sort: 'y', size: '7', uncapped: 'maybe' })).toMatchObject({
    status: undefined, origin: undefined, sort: 'name', limit: 50, uncapped: undefined,
  });
});

test('sorting and paging filter nothing', () => {
  expect(filtered({ sort: '-name', size: '25', after: 'c' })).toBe(false);
  expect(filtered({ labels: 'a=b' })).toBe(true);
});

test('a change shows on every page that has the key', () => {
  const cache = new QueryClient();
  const pages = [['keys', 'page', { q: 'a' }], ['keys', 'page', { q: 'b' }]];
  pages.forEach((page) => cache.setQueryData(page, { keys: [{ id: '1', status: 'active' }, { id: '2', status: 'active' }], next: 'n' }));
  replace(cache, '2', (k) => ({ ...k, status: 'disabled' }));
  pages.forEach((page) => expect(cache.getQueryData(page)).toEqual({ keys: [{ id: '1', status: 'active' }, { id: '2', status: 'disabled' }], next: 'n' }));
});

test('a change keeps what a key used, of which it does not tell', () => {
  const cache = new QueryClient();
  const key = { id: '1', status: 'active', this_month: { requests: 1, input_tokens: 2, output_tokens: 3, cost_usd: '4.00' } } as Schemas['Key'];
  cache.setQueryData(['keys', 'page', {}], { keys: [key] });
  const { this_month, ...changed } = { ...key, status: 'disabled' as const };
  show(cache, changed);
  expect(cache.getQueryData(['keys', 'page', {}])).toEqual({ keys: [{ ...changed, this_month }] });
});

test('what cannot be changed here', () => {
  expect([fixed({ origin: 'file', status: 'active' }), fixed({ origin: 'managed', status: 'revoked' }), fixed({ origin: 'managed', status: 'expired' })]).toEqual([true, true, false]);
});
