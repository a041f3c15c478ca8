import { api, ask } from '../../api/client';
import { fixed, type Key } from './list';

/** What can be done to many keys at once. */
export type Deed =
  | { kind: 'enable' }
  | { kind: 'disable'; reason?: string }
  | { kind: 'delete'; reason?: string }
  | { kind: 'label'; name: string; value: string }
  | { kind: 'unlabel'; name: string };

/** The keys that a deed is for, and those that it leaves as they are. */
export function meant(keys: Key[], kind: Deed['kind']): { keys: Key[]; left: Key[] } {
  const fits = (key: Key) => {
    switch (kind) {
      case 'delete':
        return key.origin !== 'file';
      case 'enable':
        return !fixed(key) && key.status === 'disabled';
      case 'disable':
        return !fixed(key) && key.status !== 'disabled';
      default:
        return !fixed(key);
    }
  };
  return { keys: keys.filter(fits), left: keys.filter((k) => !fits(k)) };
}

/** Does it to one key. */
export function act(deed: Deed, key: Key): Promise<unknown> {
  const params = { path: { id: key.id } };
  switch (deed.kind) {
    case 'enable':
      return ask(api.POST('/api/v1/keys/{id}/enable', { params, body: {} }));
    case 'disable':
      return ask(api.POST('/api/v1/keys/{id}/disable', { params, body: { reason: deed.reason } }));
    case 'delete':
      return ask(api.DELETE('/api/v1/keys/{id}', { params: { ...params, query: { reason: deed.reason } } }));
    case 'label':
      return ask(api.PATCH('/api/v1/keys/{id}', { params, body: { labels: { [deed.name]: deed.value } } }));
    case 'unlabel':
      return ask(api.PATCH('/api/v1/keys/{id}', { params, body: { labels: { [deed.name]: null } } }));
  }
}

/** How far a deed is. */
export interface Progress {
  done: number;
  failed: { key: Key; why: string }[];
}

/**
 * Does something to one key after the other, a few at a time. What fails is told, and stops
 * nothing; a signal stops before the next key.
 */
export async function each(keys: Key[], one: (key: Key) => Promise<unknown>, told: (progress: Progress) => void, signal: AbortSignal, atOnce = 4): Promise<Progress> {
  let progress: Progress = { done: 0, failed: [] };
  const waiting = keys.values();
  const work = async () => {
    for (const key of waiting) {
      if (signal.aborted) {
        return;
      }
      try {
        await one(key);
        progress = { ...progress, done: progress.done + 1 };
      } catch (why) {
        progress = { done: progress.done + 1, failed: [...progress.failed, { key, why: why instanceof Error ? why.message : String(why) }] };
      }
      told(progress);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, keys.length) }, work));
  return progress;
}
