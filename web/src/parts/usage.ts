import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { api, ask, labelQuery, type Schemas } from '../api/client';
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
  /** So many groups at most, the dearest; not for groupings by time, whose end it would cut off. */
  limit?: number;
}

/** Sums, with what they are grouped by: those of another query are shown until new ones are there. */
export type Summed = Schemas['Usage'] & {
  by: string[];
  /** How long it took to hear them, in milliseconds. */
  took: number;
};

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
    ...(q.limit && { limit: q.limit }),
    ...labelQuery(q.labels),
  };
}

/**
 * Sums of usage. A period that ends now is asked for anew as time goes on; what was seen stays
 * until there is something newer. Sums that take long are asked for more rarely, so that a page
 * that stays open does not keep the server busy.
 */
export function useUsage(q: UsageQuery, { every = 10_000, enabled = true }: { every?: number; enabled?: boolean } = {}) {
  const moves = q.period.period !== 'last_month' && q.period.period !== 'custom';
  return useQuery({
    queryKey: ['usage', q],
    queryFn: async ({ signal }): Promise<Summed> => {
      const begin = performance.now();
      const usage = await ask(api.GET('/api/v1/usage', { params: { query: usageParams(q) }, signal }));
      return { ...usage, by: q.by, took: performance.now() - begin };
    },
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (moves && state.data ? Math.max(every, 20 * state.data.took) : false),
    enabled,
  });
}

/** The names of labels that keys have, those that most have if there are very many. */
export function useLabelNames(): string[] {
  const { data } = useQuery({
    queryKey: ['keys', 'labels'],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/labels', { signal })),
    staleTime: 60_000,
    select: (list) => list.labels.map((l) => l.name).sort(),
  });
  return data ?? [];
}
