import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { api, ApiError, ask, type Schemas } from '../../api/client';
import { live } from '../../app/queries';

export type Key = Schemas['Key'];

/** A key with its limits as they stand, every two seconds while somebody looks. */
export function useKey(ref: string) {
  return useQuery({
    queryKey: ['key', ref],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/keys/{id}', { params: { path: { id: ref } }, signal })),
    refetchInterval: (query) => (gone(query.state.error) ? false : live),
    placeholderData: keepPreviousData,
  });
}

/** Tells whether the API says that there is no such key. */
export function gone(why: unknown): boolean {
  return why instanceof ApiError && why.status === 404;
}

/** Takes over a key as a change has left it, which does not tell what was used, and has everything asked anew that shows it. */
export function useTold() {
  const cache = useQueryClient();
  return useCallback(
    (key: Key | undefined) => {
      if (key) {
        cache.setQueryData<Key>(['key', key.id], (was) => ({ ...was, ...key }));
      }
      for (const noun of ['keys', 'audit', 'overview', 'limits']) {
        void cache.invalidateQueries({ queryKey: [noun] });
      }
    },
    [cache],
  );
}

/** The header that makes a change fail if somebody else was quicker. */
export function match(of: Pick<Key, 'etag'>): { 'If-Match': string } {
  return { 'If-Match': of.etag };
}

/** Tells whether a change failed because somebody else was quicker. */
export function stale(why: unknown): boolean {
  return why instanceof ApiError && why.status === 412;
}
