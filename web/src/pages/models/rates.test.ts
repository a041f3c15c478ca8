import { expect, test } from 'vitest';
import { otherRates, rateOf, sourcesOf, whenOf, words } from './rates';

const origin = { source: 'genai-prices', version: '0.1.8', date: '2026-09-23' };
const tier = {
  rates: [
    { kind: 'input', price_usd: '1.25', per: 'million', origin },
    { kind: 'reasoning', price_usd: '10.00', per: 'million', origin },
    { kind: 'webSearch', price_usd: '0.01', per: 'one', origin: { source: 'operator' } },
    { kind: 'audioHour', price_usd: '0.36', per: 'hour', origin },
  ],
};

test('kinds with a column and others', () => {
  expect(rateOf(tier, 'input')?.price_usd).toBe('1.25');
  expect(rateOf(tier, 'output')).toBeUndefined();
  expect(otherRates(tier)).toEqual(['reasoning $10.00', 'web search $0.01 each', 'audio hour $0.36 per hour']);
  expect(words('cacheWrite1h')).toBe('cache write 1h');
});

test('when a tier holds', () => {
  expect(whenOf(tier)).toBe('usually');
  expect(whenOf({ ...tier, over_input_tokens: 271_999, service: 'flex', factor: '0.50' })).toBe('service flex, over 272K input tokens, times 0.50');
});

test('each source is named once', () => {
  expect(sourcesOf(tier)).toEqual([origin, { source: 'operator' }]);
});
