import { expect, test } from 'vitest';
import { labelsOf, labelsText, parseLabel } from './labels';

test('labels in an address come back as they were', () => {
  const labels = { team: 'payments', note: 'a, b = 100%2C', empty: '' };
  expect(labelsOf(labelsText(labels))).toEqual(labels);
  expect(labelsText({})).toBeUndefined();
  expect(labelsOf(undefined)).toEqual({});
  expect(labelsOf('team,env=prod,=x')).toEqual({ env: 'prod' });
});

test.each([
  ['team=payments', { name: 'team', value: 'payments' }],
  [' team = a=b ', { name: 'team', value: 'a=b' }],
  ['team=', { name: 'team', value: '' }],
  ['team', { wrong: 'Write team=VALUE' }],
])('parseLabel %s', (text, want) => {
  expect(parseLabel(text)).toEqual(want);
});

test.each(['te am=x', '=x', `${'n'.repeat(64)}=x`, `n=${'v'.repeat(257)}`])('%s is no label', (text) => {
  expect(parseLabel(text)).toHaveProperty('wrong');
});
