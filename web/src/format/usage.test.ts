import { expect, test } from 'vitest';
import { amountOf, nameOf, other, share, spans, stacked, tick, totalOf, unitOf, type Group } from './usage';

function group(of: Record<string, string>, cost: string, name?: string): Group {
  return {
    group: of, name, cost_usd: cost, requests: 2, refused: 1, failed: 0, input_tokens: 30, output_tokens: 12,
    cached_input_tokens: 5, reasoning_tokens: 2, unpriced_requests: 0, mean_duration_seconds: 1,
  };
}

const day = (n: number) => `2026-03-0${n}T00:00:00Z`;

test('cached and reasoning tokens are within input and output', () => {
  expect(amountOf('tokens', group({}, '0'))).toBe('42');
});

test('a quiet span is a bar of nothing', () => {
  expect(spans('day', '2026-03-01T05:00:00Z', '2026-03-03T00:00:00Z')).toEqual([day(1), day(2)]);
  expect(spans('hour', '2026-03-01T05:10:00Z', '2026-03-01T07:00:01Z')).toEqual([
    '2026-03-01T05:00:00Z', '2026-03-01T06:00:00Z', '2026-03-01T07:00:00Z',
  ]);
  const { data } = stacked([group({ day: day(3) }, '1.5')], { step: 'day', unit: 'cost', from: day(1), to: '2026-03-03T12:00:00Z' });
  expect(data.map((p) => p.values)).toEqual([{}, {}, { all: '1.5' }]);
});

test('the largest are shown and the rest is one series, to the last digit', () => {
  const groups = ['a', 'b', 'c', 'd'].flatMap((key, i) => [
    group({ day: day(1), key }, `${i}.000000001`), group({ day: day(2), key }, '0.1'),
  ]);
  const { data, series } = stacked(groups, { step: 'day', by: 'key', unit: 'cost', from: day(1), to: day(3), top: 2 });
  expect(series).toEqual([{ id: '=d', name: 'd' }, { id: '=c', name: 'c' }, { id: other, name: '2 others' }]);
  expect(data[0]!.values).toEqual({ '=d': '3.000000001', '=c': '2.000000001', [other]: '1.000000002' });
  expect(totalOf(data, other)).toBe('1.200000002');
});

test('a single one that is left over keeps its name', () => {
  const groups = ['a', 'b', 'c'].map((key) => group({ day: day(1), key }, '1'));
  const { series } = stacked(groups, { step: 'day', by: 'key', unit: 'cost', from: day(1), to: day(2), top: 2 });
  expect(series.map((s) => s.name)).toEqual(['a', 'b', 'c']);
});

test('what has no value has a name', () => {
  expect(nameOf('label.team', group({ 'label.team': '' }, '1'))).toBe('no team');
  expect(nameOf('provider', group({ provider: '' }, '1'))).toBe('not sent');
  expect(nameOf('key', group({ key: 'key_1' }, '1', 'shop'))).toBe('shop');
  expect(nameOf('key', group({ key: 'key_1' }, '1'))).toBe('key_1');
});

test('a key that is called like the rest is not the rest', () => {
  const { series } = stacked([group({ day: day(1), key: other }, '1')], { step: 'day', by: 'key', unit: 'cost', from: day(1), to: day(2) });
  expect(series[0]!.id).not.toBe(other);
});

test('shares and units', () => {
  expect(share('1', '4')).toBe(0.25);
  expect(share('1', '0')).toBe(0);
  expect(unitOf('nonsense')).toBe('cost');
  expect(tick('cost', 1200)).toBe('$1.2K');
  expect(tick('cost', 0.25)).toBe('$0.25');
  expect(tick('tokens', 1_500_000)).toBe('1.5M');
});
