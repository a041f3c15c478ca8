import { expect, test } from 'vitest';
import { pieces, stride, ticks } from './scale';

test.each([
  [0, false, [0]],
  [0.9, false, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [1, true, [0, 1]],
  [3, true, [0, 1, 2, 3]],
  [7, true, [0, 2, 4, 6, 8]],
  [41.7, false, [0, 10, 20, 30, 40, 50]],
  [108, false, [0, 25, 50, 75, 100, 125]],
  [400, false, [0, 100, 200, 300, 400]],
  [0.000003, false, [0, 0.000001, 0.000002, 0.000003]],
  [9_800_000, true, [0, 2_000_000, 4_000_000, 6_000_000, 8_000_000, 10_000_000]],
])('marks up to %d', (most, whole, want) => {
  expect(ticks(most, 5, whole)).toEqual(want);
});

test('names are left out where they would not fit', () => {
  expect(stride(30, 1200, 40)).toBe(1);
  expect(stride(30, 600, 60)).toBe(3);
  expect(stride(30, 10, 60)).toBe(30);
});

test('pieces lie on each other without a gap', () => {
  expect(pieces([1, 0, 2], 100, 10.04)).toEqual([{ place: 0, y: 90, height: 10 }, { place: 2, y: 70, height: 20 }]);
});

test('a bar of nearly nothing is seen, one of nothing is not there', () => {
  expect(pieces([0, 0.001], 100, 1)).toEqual([{ place: 1, y: 99, height: 1 }]);
  expect(pieces([0, 0], 100, 1)).toEqual([]);
});
