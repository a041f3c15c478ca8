import { expect, test } from 'vitest';
import { groupingName, groupingsOf, optionsOf, setGrouping } from './groupings';

test.each([
  [undefined, ['model']],
  ['model', ['model']],
  ['day,label.team', ['day', 'label.team']],
  ['model,model', ['model']],
  ['nonsense,label.,model', ['model']],
  ['key,model,day', ['key', 'model']],
])('groupings of %s', (text, want) => {
  expect(groupingsOf(text)).toEqual(want);
});

test('choosing', () => {
  expect(setGrouping(['key'], 1, 'day')).toBe('key,day');
  expect(setGrouping(['key', 'day'], 1, null)).toBe('key');
  expect(setGrouping(['key', 'day'], 0, 'day')).toBe('day');
  expect(setGrouping(['key', 'day'], 0, null)).toBe('key,day');
});

test('a label in use can be chosen though no key that was seen has it', () => {
  expect(optionsOf(['team'], ['label.env', 'key']).slice(5)).toEqual([
    { value: 'label.team', label: 'Label: team' }, { value: 'label.env', label: 'Label: env' },
  ]);
  expect(groupingName('label.team')).toBe('team');
});
