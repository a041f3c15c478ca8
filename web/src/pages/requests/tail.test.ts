import { expect, test } from 'vitest';
import type { Schemas } from '../../api/client';
import { all, beside, newcomers, withNewcomers, type Pages } from './tail';

function request(second: number): Schemas['Request'] {
  return {
    id: `req_${second}`, at: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(), cost_usd: '0.00', dialect: 'openai',
    duration_seconds: 0, operation: 'chat', outcome: 'served', status: 200, streamed: false, tokens: { input: 0, output: 0 },
  };
}

const page = (next: string | undefined, ...seconds: number[]) => ({ requests: seconds.map(request), next });
const pages = (...p: ReturnType<typeof page>[]): Pages => ({ pages: p, pageParams: p.map(() => undefined) });
const ids = (list: Schemas['Request'][]) => list.map((r) => r.id);

test('newcomers stand before what is there', () => {
  const was = pages(page('a', 5, 4), page('b', 3, 2));
  expect(ids(all(withNewcomers(was, page('x', 7, 6, 5))))).toEqual(['req_7', 'req_6', 'req_5', 'req_4', 'req_3', 'req_2']);
});

test('one that began earlier and ended late takes its place by time', () => {
  const was = pages(page('a', 9, 5, 3));
  expect(ids(all(withNewcomers(was, page('x', 9, 7, 5))))).toEqual(['req_9', 'req_7', 'req_5', 'req_3']);
});

test('what is older than the list belongs to a later page, unless there is none', () => {
  expect(newcomers([request(5)], page(undefined, 5, 2), true)).toEqual([]);
  expect(ids(newcomers([request(5)], page(undefined, 5, 2), false))).toEqual(['req_2']);
  expect(ids(newcomers([], page(undefined, 2), true))).toEqual(['req_2']);
});

test('a gap makes the list begin anew', () => {
  const was = pages(page('a', 2, 1));
  const now = withNewcomers(was, page('x', 9, 8));
  expect(ids(all(now))).toEqual(['req_9', 'req_8']);
  expect(now.pages[0]?.next).toBe('x');
});

test('no gap where the newest page is all there is', () => {
  expect(ids(all(withNewcomers(pages(page(undefined, 1)), page(undefined, 3, 2))))).toEqual(['req_3', 'req_2', 'req_1']);
});

test('a list that got too long begins anew', () => {
  const long = page('a', ...Array.from({ length: 1000 }, (_, i) => 1000 - i));
  expect(all(withNewcomers(pages(long), page('x', 1001, 1000)))).toHaveLength(2);
});

test('the next and the one before', () => {
  const list = [3, 2, 1].map(request);
  expect(beside(list, 'req_3', 1)?.id).toBe('req_2');
  expect(beside(list, 'req_3', -1)).toBeUndefined();
  expect(beside(list, 'req_1', 1)).toBeUndefined();
  expect(beside(list, undefined, 1)?.id).toBe('req_3');
});
