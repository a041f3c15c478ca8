import { expect, test } from 'vitest';
import { ranked } from './models';

test('sums by name, the most first, without those that have nothing', () => {
  const groups = [
    { model: 'a', cost: '0.1' }, { model: 'b', cost: '5' }, { model: 'a', cost: '0.2' }, { model: 'c', cost: '0' },
  ];
  expect(ranked(groups, (g) => g.model, (g) => g.cost)).toEqual({
    models: [{ name: 'b', amount: '5' }, { name: 'a', amount: '0.3' }],
    total: '5.3',
  });
});
