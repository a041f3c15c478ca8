import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import { api, ask, labelQuery } from '../../api/client';
import { live } from '../../app/queries';
import { all, newcomers, withNewcomers, type Pages } from './tail';

/** What the list can be filtered by, as it stands in the address of the page. */
export interface Asked {
  key?: string;
  model?: string;
  provider?: string;
  outcome?: string;
  code?: string;
  limit_id?: string;
  status?: string;
  labels?: string;
  from?: string;
  to?: string;
}

type Outcome = 'served' | 'refused' | 'failed' | 'cut' | 'answered' | 'aborted';

function read(asked: Asked, cursor: string | undefined, limit: number, signal: AbortSignal) {
  const { labels, status, outcome, ...others } = asked;
  const query = {
    ...others, cursor, limit, status: status ? Number(status) : undefined, outcome: outcome as Outcome | undefined,
    ...labelQuery(pairs(labels)),
  };
  return ask(api.GET('/api/v1/requests', { params: { query }, signal }));
}

/** Labels of an address: NAME=VALUE with commas between. */
function pairs(labels: string | undefined): Record<string, string> {
  const found: Record<string, string> = {};
  for (const pair of (labels ?? '').split(',')) {
    const [name, ...value] = pair.split('=');
    if (name) {
      found[name.trim()] = value.join('=').trim();
    }
  }
  return found;
}

/**
 * The requests that a filter lets through, page by page. While the tail is followed, new ones
 * are looked for; they wait while they are held back, so that nothing moves under who reads.
 */
export function useRequestList(asked: Asked, follow: boolean, held: boolean) {
  const cache = useQueryClient();
  const key = useMemo(() => ['requests', 'list', asked], [asked]);
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => read(asked, pageParam, 50, signal),
    initialPageParam: undefined as Pages['pageParams'][number],
    getNextPageParam: (last) => last.next || undefined,
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: false,
  });
  const newest = useQuery({
    queryKey: ['requests', 'newest', asked],
    queryFn: ({ signal }) => read(asked, undefined, 50, signal),
    enabled: follow && list.isSuccess && !list.isPlaceholderData,
    refetchInterval: live,
    gcTime: 0,
  });
  const requests = useMemo(() => all(list.data as Pages | undefined), [list.data]);
  const waiting = useMemo(
    () => (follow ? newcomers(requests, newest.data, list.hasNextPage) : []),
    [follow, requests, newest.data, list.hasNextPage],
  );
  const { data } = newest;
  const take = useMemo(
    () => () => cache.setQueryData<Pages>(key, (was) => (was && data ? withNewcomers(was, data) : was)),
    [cache, key, data],
  );
  useEffect(() => {
    if (!held && waiting.length > 0) {
      take();
    }
  }, [held, waiting, take]);
  return { list, requests, waiting: held ? waiting.length : 0, take };
}
