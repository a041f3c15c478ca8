import { expect, test } from 'vitest';
import { atLeastZero, compare, minus, plus, typed } from './amounts';

test('money is added without losing a digit', () => {
  expect(plus('cost', '0.1', '0.2')).toBe('0.30');
  expect(plus('cost', '9007199254740993.000000001', '0.000000001')).toBe('9007199254740993.000000002');
  expect(plus('cost', '1.00', '-2.5')).toBe('-1.50');
});

test('other amounts are whole numbers', () => {
  expect(plus('tokens', 5_000_000, -1)).toBe(4_999_999);
  expect(minus('requests', 7)).toBe(-7);
});

test('the sign', () => {
  expect(minus('cost', '0.05')).toBe('-0.05');
  expect(minus('cost', '-0.05')).toBe('0.05');
  expect(atLeastZero('cost', '-0.05')).toBe('0.00');
  expect(atLeastZero('tokens', 3)).toBe(3);
});

test('comparison is by value, not by text', () => {
  expect(compare('cost', '10', '9.99')).toBe(1);
  expect(compare('cost', '10.0', '10')).toBe(0);
  expect(compare('tokens', 9, 10)).toBe(-1);
});

test.each([
  ['cost', '5', '5'],
  ['cost', '$1,000.50', '1000.50'],
  ['cost', '0', undefined],
  ['cost', '-5', undefined],
  ['cost', '5 USD', undefined],
  ['cost', '1.0000000001', undefined],
  ['tokens', '5,000,000', 5_000_000],
  ['tokens', '1.5', undefined],
  ['requests', '', undefined],
] as const)('typed %s %s', (kind, text, want) => {
  expect(typed(kind, text)).toBe(want);
});
