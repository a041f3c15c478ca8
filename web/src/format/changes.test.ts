import { expect, test } from 'vitest';
import { changes } from './changes';

test('plain fields keep their order and become text', () => {
  expect(changes([
    { path: 'clamp', before: false, after: true },
    { path: 'labels.team', after: 'payments' },
    { path: 'max_tokens', before: 4096 },
    { path: 'models.allow', before: ['gpt-5*'], after: ['gpt-5*', 'o3'] },
    { path: 'networks', before: ['10.0.0.0/8'], after: [] },
  ])).toEqual([
    { path: 'clamp', name: 'Lowers output bounds', before: ['no'], after: ['yes'] },
    { path: 'labels.team', name: 'Label team', before: undefined, after: ['payments'] },
    { path: 'max_tokens', name: 'Output bound', before: ['4,096'], after: undefined },
    { path: 'models.allow', name: 'Models allowed', before: ['gpt-5*'], after: ['gpt-5*', 'o3'] },
    { path: 'networks', name: 'Networks', before: ['10.0.0.0/8'], after: ['none'] },
  ]);
});

test('a limit that came or went is one line', () => {
  const [only, ...others] = changes([
    { path: 'limits.lim_1.amount', after: '15.00' },
    { path: 'limits.lim_1.kind', after: 'cost' },
    { path: 'limits.lim_1.window.calendar', after: 'month' },
  ]);
  expect(others).toEqual([]);
  expect(only?.name).toBe('Limit lim_1');
  expect(only?.before).toBeUndefined();
  expect(only?.after?.[0]).toContain('$15.00');
  expect(only?.after?.[0]).toContain('month');
});

test('an edited limit shows the field that changed', () => {
  expect(changes([{ path: 'limits.lim_1.amount', before: '15.00', after: '20.5' }])).toEqual([
    { path: 'limits.lim_1.amount', name: 'Limit lim_1, amount', before: ['$15.00'], after: ['$20.50'] },
  ]);
  expect(changes([{ path: 'amount', before: 60, after: 1200 }])).toEqual([
    { path: 'amount', name: 'Amount', before: ['60'], after: ['1,200'] },
  ]);
});

test('a new secret is one line, the end of an old one another', () => {
  const found = changes([
    { path: 'secrets.sec_a.not_after', after: '2026-11-20T10:12:25Z' },
    { path: 'secrets.sec_b.created_at', after: '2026-11-19T10:12:25Z' },
    { path: 'secrets.sec_b.last4', after: '3Fnz' },
  ]);
  expect(found.map((c) => c.name)).toEqual(['Secret sec_a, works until', 'Secret']);
  expect(found[1]?.after).toEqual(['…3Fnz']);
});

test('a shared limit is one line with its window', () => {
  const found = changes([
    { path: 'amount', after: '5.00' }, { path: 'kind', after: 'cost' }, { path: 'match.label.env', after: 'dev' },
    { path: 'window.calendar', after: 'day' }, { path: 'window.timezone', after: 'UTC' },
  ]);
  expect(found.map((c) => c.name)).toEqual(['Limit', 'Keys with label env']);
});

test('nothing is no change', () => {
  expect(changes(null)).toEqual([]);
});
