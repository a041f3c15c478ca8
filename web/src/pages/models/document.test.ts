import { expect, test } from 'vitest';
import { changes, entries, parseDoc, withModel, withoutModel, wrongPrice, type Doc } from './document';

const doc: Doc = {
  format: 'tollgate/prices/1', source: 'our contract',
  providers: {
    openai: { fallback: ['azure'], models: { 'gpt-5': { match: 'gpt-5*', rates: { input: '1.00', output: '8.00' }, tiers: [{ over: 1 }] } } },
    custom: { models: { llama: { free: true } } },
  },
};

test('entries are what the list has, and what the form does not show is named', () => {
  expect(entries(doc)).toEqual([
    { provider: 'openai', model: 'gpt-5', free: false, rates: { input: '1.00', output: '8.00' }, others: ['match', 'tiers'] },
    { provider: 'custom', model: 'llama', free: true, rates: {}, others: [] },
  ]);
  expect(entries({ format: 'tollgate/prices/1', providers: [] })).toEqual([]);
});

test('setting a price leaves everything else as it stands', () => {
  const after = withModel(doc, { provider: 'openai', model: 'gpt-5', free: false, rates: { input: '2' } });
  expect(after).toEqual({
    ...doc,
    providers: {
      ...(doc.providers as Doc),
      openai: { fallback: ['azure'], models: { 'gpt-5': { match: 'gpt-5*', rates: { input: '2' }, tiers: [{ over: 1 }] } } },
    },
  });
  expect(entries(doc)[0]!.rates.input).toBe('1.00');
});

test('what is free has no prices of any shape', () => {
  const after = withModel(doc, { provider: 'openai', model: 'gpt-5', free: true, rates: { input: '2' } });
  expect(entries(after)[0]).toEqual({ provider: 'openai', model: 'gpt-5', free: true, rates: {}, others: ['match'] });
});

test('a provider goes with its last model, unless there is more about it', () => {
  expect(withoutModel(doc, 'custom', 'llama').providers).not.toHaveProperty('custom');
  expect(withoutModel(doc, 'openai', 'gpt-5').providers).toHaveProperty('openai', { fallback: ['azure'] });
});

test('the first price makes a list', () => {
  expect(withModel({}, { provider: 'xai', model: 'grok', free: false, rates: { input: '1' } })).toEqual({
    format: 'tollgate/prices/1', providers: { xai: { models: { grok: { rates: { input: '1' } } } } },
  });
});

test('changes are told model by model', () => {
  const after = withModel(withoutModel(doc, 'custom', 'llama'), { provider: 'openai', model: 'gpt-5', free: false, rates: { input: '1.00', output: '9' } });
  expect(changes(doc, after)).toEqual([
    { provider: 'custom', model: 'llama', deed: 'removed', lines: [{ name: 'free', before: 'true', after: undefined }] },
    { provider: 'openai', model: 'gpt-5', deed: 'changed', lines: [{ name: 'output', before: '$8.00', after: '$9' }] },
  ]);
  expect(changes(doc, doc)).toEqual([]);
});

test.each([
  ['', undefined], ['1.25', undefined], ['0', undefined], ['0.000001', undefined],
  ['0.0000001', 'six decimals'], ['1e3', 'decimal number'], ['-1', 'decimal number'], ['1,25', 'decimal number'], ['$1', 'decimal number'],
])('price %j', (text, want) => {
  if (want) {
    expect(wrongPrice(text)).toContain(want);
  } else {
    expect(wrongPrice(text)).toBeUndefined();
  }
});

test('what is no list is not taken', () => {
  expect(parseDoc('{')).toHaveProperty('wrong');
  expect(parseDoc('[]')).toHaveProperty('wrong');
  expect(parseDoc('{"providers":{}}')).toHaveProperty('wrong', '"format" has to be "tollgate/prices/1".');
  expect(parseDoc('{"format":"tollgate/prices/1"}')).toEqual({ doc: { format: 'tollgate/prices/1' } });
});
