import { keepPreviousData, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { api, ask, labelQuery, type Schemas } from '../../api/client';
import { labelsOf } from '../../format/labels';

export type Key = Schemas['Key'];
type Page = Schemas['KeyList'];

/** What the address of the page says. */
export interface KeySearch {
  q?: string;
  status?: string;
  origin?: string;
  labels?: string;
  expiring?: string;
  idle?: string;
  uncapped?: string;
  sort?: string;
  size?: string;
  /** Cursor of the page that is shown; absent: the first. */
  after?: string;
}

export const sizes = ['25', '50', '100', '200'];
const statuses = ['active', 'disabled', 'revoked', 'expired'] as const;
const origins = ['managed', 'file'] as const;
const sorts = ['name', '-name', 'created_at', '-created_at', 'last_used_at', '-last_used_at', 'expires_at', '-expires_at'] as const;
export type Sort = (typeof sorts)[number];

/** Keeps a word of an address if it is one that is known. */
function oneOf<T extends string>(known: readonly T[], word: string | undefined): T | undefined {
  return known.find((k) => k === word);
}

/** The sorting that an address asks for. */
export function sortOf(search: KeySearch): Sort {
  return oneOf(sorts, search.sort) ?? 'name';
}

/** What the API is asked for an address. */
export function queryOf(search: KeySearch) {
  return {
    q: search.q,
    status: oneOf(statuses, search.status),
    origin: oneOf(origins, search.origin),
    expiring_within: search.expiring,
    idle_for: search.idle,
    uncapped: search.uncapped === 'true' || undefined,
    sort: sortOf(search),
    limit: Number(oneOf(sizes, search.size) ?? '50'),
    cursor: search.after,
    ...labelQuery(labelsOf(search.labels)),
  };
}

/** Whether an address asks for some keys only. */
export function filtered(search: KeySearch): boolean {
  return [search.q, search.status, search.origin, search.labels, search.expiring, search.idle, search.uncapped].some((v) => v !== undefined);
}

/** One page of keys. It is asked for anew now and then, since spending moves. */
export function useKeys(search: KeySearch) {
  const query = queryOf(search);
  return useQuery({
    queryKey: ['keys', 'page', query],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/keys', { params: { query }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
  });
}

/** Shows a key as it is after a change on every page that has it, without asking. Changes do not tell what was used. */
export function show(cache: QueryClient, key: Key) {
  replace(cache, key.id, (was) => ({ ...was, ...key }));
  cache.setQueryData<Key>(['key', key.id], (was) => ({ ...was, ...key }));
}

/** Changes a key on every page that has it. */
export function replace(cache: QueryClient, id: string, change: (key: Key) => Key) {
  cache.setQueriesData<Page>({ queryKey: ['keys', 'page'] }, (page) => page && {
    ...page, keys: (page.keys ?? []).map((k) => (k.id === id ? change(k) : k)),
  });
}

/** What has to be asked for anew after keys were changed. */
export function useTouched() {
  const cache = useQueryClient();
  return () => {
    for (const noun of ['keys', 'key', 'limits', 'overview', 'audit']) {
      void cache.invalidateQueries({ queryKey: [noun] });
    }
  };
}

/** Keys of a file are changed where they are declared, and what is revoked stays so. */
export function fixed(key: Pick<Key, 'origin' | 'status'>): boolean {
  return key.origin === 'file' || key.status === 'revoked';
}
