import { expect, test } from 'vitest';
import { placeOf, remember } from './places';

test('the way back is that by which somebody came', () => {
  remember({ q: 'a' }, 'c1', 50);
  remember({ q: 'a', after: 'c1' }, 'c2', 50);
  expect(placeOf({ q: 'a', after: 'c2' })).toEqual({ before: 'c1', first: 101 });
  expect(placeOf({ q: 'a', after: 'c1' })).toEqual({ before: undefined, first: 51 });
  expect(placeOf({ q: 'a' })).toEqual({ first: 1 });
});

test('another question has other pages', () => {
  remember({ q: 'b' }, 'c1', 50);
  expect(placeOf({ q: 'x', after: 'c1' })).toBeUndefined();
  expect(placeOf({ q: 'b', size: '25', after: 'c1' })).toBeUndefined();
});

test('from somewhere in the middle nothing is known', () => {
  remember({ q: 'm', after: 'unknown' }, 'c9', 50);
  expect(placeOf({ q: 'm', after: 'c9' })).toBeUndefined();
});
