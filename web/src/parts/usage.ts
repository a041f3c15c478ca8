import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { api, ask, labelQuery } from '../api/client';
import { rangeOf, type Period, type PeriodName } from '../format/period';

/** What sums are made of, as the address of a page has it. */
export interface UsageQuery {
  period: Period;
  fallback: PeriodName;
  /** Groupings, at most four. */
  by: string[];
  key?: string;
  model?: string;
  provider?: string;
  labels?: Record<string, string>;
}

/** The query of the API, with the ends of the period as they are now. */
export function usageParams(q: UsageQuery, now: Date = new Date()) {
  const { from, to } = rangeOf(q.period, q.fallback, now);
  return {
    from: from.toISOString(),
    to: to.toISOString(),
    ...(q.by.length > 0 && { group_by: q.by }),
    ...(q.key && { key: q.key }),
    ...(q.model && { model: q.model }),
    ...(q.provider && { provider: q.provider }),
    ...labelQuery(q.labels),
  };
}

/**
 * Sums of usage. A period that ends now is asked for anew as time goes on; what was seen stays
 * until there is something newer.
 */
export function useUsage(q: UsageQuery, { every = 10_000, enabled = true }: { every?: number; enabled?: boolean } = {}) {
  return useQuery({
    queryKey: ['usage', q],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/usage', { params: { query: usageParams(q) }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: q.period.period === 'last_month' || q.period.period === 'custom' ? false : every,
    enabled,
  });
}

/** The names of labels that keys have, of the newest keys: enough to choose from. */
export function useLabelNames(): string[] {
  const { data } = useQuery({
    queryKey: ['keys', 'label names'],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/keys', { params: { query: { limit: 200 } }, signal })),
    staleTime: 60_000,
    select: (list) => [...new Set((list.keys ?? []).flatMap((k) => Object.keys(k.labels ?? {})))].sort(),
  });
  return data ?? [];
}
