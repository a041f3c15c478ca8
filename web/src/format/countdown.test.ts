import { expect, test } from 'vitest';
import { clock, past, until } from './countdown';

const now = new Date('2026-03-01T12:00:00Z');

test.each([
  ['2026-03-10T20:59:00Z', '9 d 8 h'],
  ['2026-03-02T12:00:00Z', '1 d 0 h'],
  ['2026-03-02T11:59:59Z', '23 h 59 min'],
  ['2026-03-01T17:05:30Z', '5 h 05 min'],
  ['2026-03-01T12:12:05Z', '12 min 05 s'],
  ['2026-03-01T12:00:00.400Z', '1 s'],
  ['2026-03-01T12:00:00Z', '0 s'],
  ['2026-03-01T11:00:00Z', '0 s'],
])('until %s', (at, want) => {
  expect(until(at, now)).toBe(want);
});

test.each([
  ['2026-11-30T23:00:00Z', 'Europe/Berlin', 'Tue 1 Dec 2026, 00:00 Europe/Berlin'],
  ['2026-11-30T23:00:00Z', 'UTC', 'Mon 30 Nov 2026, 23:00 UTC'],
])('clock %s %s', (at, zone, want) => {
  expect(clock(at, zone)).toBe(want);
});

test('past', () => {
  expect(past('2026-03-01T12:00:00Z', now)).toBe(true);
  expect(past('2026-03-01T12:00:01Z', now)).toBe(false);
});
