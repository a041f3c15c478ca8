import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { api, ask, labelQuery, type Schemas } from '../../api/client';
import { live } from '../../app/queries';
import type { LabelSet } from '../../format/labels';

export type SharedLimit = Schemas['SharedLimit'];

/** All shared limits as they stand, every two seconds while somebody looks. */
export function useLimits() {
  return useQuery({
    queryKey: ['limits'],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/limits', { signal })),
    refetchInterval: live,
  });
}

/** The first keys that have some labels; how they stand is told with them. */
export function useKeysWith(labels: LabelSet, { limit = 10, every }: { limit?: number; every?: number } = {}) {
  return useQuery({
    queryKey: ['keys', 'with', labels, limit],
    queryFn: ({ signal }) =>
      ask(api.GET('/api/v1/keys', { params: { query: { limit, sort: '-last_used_at', ...labelQuery(labels) } }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: every,
  });
}

/** Has everything asked anew that a changed shared limit shows up in. */
export function useLimitsChanged() {
  const cache = useQueryClient();
  return useCallback(() => {
    for (const noun of ['limits', 'key', 'keys', 'audit', 'overview']) {
      void cache.invalidateQueries({ queryKey: [noun] });
    }
  }, [cache]);
}
