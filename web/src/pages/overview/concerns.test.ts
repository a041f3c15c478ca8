import { expect, test } from 'vitest';
import { concerns, moments, tersely } from './concerns';

test('concerns are grouped, the most urgent first, with the number of those that are not named', () => {
  const got = concerns([
    { kind: 'idle', name: 'old', key_id: 'key_1', message: 'never used' },
    { kind: 'idle', name: '', message: 'and more than 1,234 others', more: 1234, more_than: true },
    { kind: 'near_limit', name: 'shop', message: '90 %' },
    { kind: 'near_limit', name: 'shop', message: '85 %' },
    { kind: 'credential_failing', name: 'openai', message: 'refused' },
  ]);
  expect(got.map((c) => [c.kind, c.entries.length, c.more, c.moreThan])).toEqual([
    ['credential_failing', 1, 0, false], ['near_limit', 2, 0, false], ['idle', 1, 1234, true],
  ]);
});

test('moments stand out of their text, without the word before them', () => {
  expect(moments('expires at 2026-03-01T12:00:00Z')).toEqual([{ text: 'expires ' }, { text: '2026-03-01T12:00:00Z', at: '2026-03-01T12:00:00Z' }]);
  expect(moments('refused, tested at 2026-03-01T12:00:00+02:00; again')).toEqual([
    { text: 'refused, tested ' }, { text: '2026-03-01T12:00:00+02:00', at: '2026-03-01T12:00:00+02:00' }, { text: '; again' },
  ]);
  expect(moments('has no limit of its own')).toEqual([{ text: 'has no limit of its own' }]);
});

test('what the heading says is not said again', () => {
  expect(tersely({ kind: 'refused', name: 'a', message: 'refused once in the last 24 hours, the last time for key_expired' }))
    .toBe('refused once, the last time for key expired');
  expect(tersely({ kind: 'near_limit', name: 'a_b', message: '99 % of $20.00 used: $19.90 spent, $0.00 reserved; resets soon' }))
    .toBe('99 % of $20.00 used: $19.90 spent; resets soon');
  expect(tersely({ kind: 'near_limit', name: 'a_b', message: '99 % of $10.00 used: $9.97940713 spent, $0.00 reserved' }))
    .toBe('99 % of $10.00 used: $9.98 spent');
});
