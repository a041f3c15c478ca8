import { describe, expect, test } from 'vitest';
import { glance, trouble, type Target } from './targets';

const target = (state: Target['state'], backend = 'a'): Target => ({ backend, host: 'h', state, rests_until: null, failures_in_a_row: 0, requests_5m: 0, failed_5m: 0, last_error_at: null });

test('of many targets the first are shown, and those in trouble', () => {
  const many = Array.from({ length: 40 }, (_, i) => target(i === 20 ? 'resting' : i === 30 ? 'failing' : 'healthy', String(i)));
  expect(glance(many).map((t) => t.backend)).toEqual([...Array.from({ length: 12 }, (_, i) => String(i)), '20', '30']);
});

describe('how a provider is', () => {
  test.each<[Target['state'][], string | undefined]>([
    [[], undefined],
    [['healthy', 'unknown'], undefined],
    [['resting'], 'its only target rests'],
    [['resting', 'resting'], 'all 2 targets rest'],
    [['resting', 'healthy'], '1 of 2 rest'],
    [['resting', 'failing', 'healthy'], '1 of 3 rest, 1 of 3 fail'],
    [['failing'], 'its only target fails'],
    [['failing', 'failing'], 'all 2 targets fail'],
  ])('%j: %s', (states, says) => {
    expect(trouble(states.map((s) => target(s)))?.text).toBe(says);
  });
});

test('only a provider that rests as a whole is out', () => {
  expect(trouble([target('resting'), target('resting')])?.allRest).toBe(true);
  expect(trouble([target('resting'), target('failing')])?.allRest).toBe(false);
});
