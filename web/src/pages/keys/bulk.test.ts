import { expect, test, vi } from 'vitest';
import { each, meant, type Progress } from './bulk';
import type { Key } from './list';

// The client of the API asks the page where it is.
vi.hoisted(() => vi.stubGlobal('window', { location: { origin: 'http://localhost' } }));

const key = (id: string, more: Partial<Key> = {}) => ({ id, name: id, status: 'active', origin: 'managed', ...more }) as Key;
const keys = [key('on'), key('off', { status: 'disabled' }), key('gone', { status: 'revoked' }), key('file', { origin: 'file' }), key('late', { status: 'expired' })];

test.each([
  ['enable', ['off']],
  ['disable', ['on', 'late']],
  ['delete', ['on', 'off', 'gone', 'late']],
  ['label', ['on', 'off', 'late']],
] as const)('%s is for some', (kind, want) => {
  const { keys: for_, left } = meant(keys, kind);
  expect(for_.map((k) => k.id)).toEqual(want);
  expect(left).toHaveLength(keys.length - want.length);
});

test('each key gets its turn, a few at a time, and what fails stops nothing', async () => {
  let [under, most] = [0, 0];
  const told: Progress[] = [];
  const many = Array.from({ length: 10 }, (_, i) => key(`k${i}`));
  const got = await each(many, async (k) => {
    most = Math.max(most, ++under);
    await Promise.resolve();
    under--;
    if (k.id === 'k3') {
      throw new Error('not this one');
    }
  }, (p) => told.push(p), new AbortController().signal, 3);
  expect(most).toBe(3);
  expect(got.done).toBe(10);
  expect(got.failed.map((f) => [f.key.id, f.why])).toEqual([['k3', 'not this one']]);
  expect(told.map((p) => p.done)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('what is stopped begins no further key', async () => {
  const stop = new AbortController();
  const done: string[] = [];
  await each([key('a'), key('b'), key('c')], async (k) => {
    done.push(k.id);
    stop.abort();
  }, () => {}, stop.signal, 1);
  expect(done).toEqual(['a']);
});
