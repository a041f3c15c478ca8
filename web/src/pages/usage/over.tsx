import { Skeleton, Text } from '@mantine/core';
import { useMemo } from 'react';
import { ApiError } from '../../api/client';
import { rangeOf, stepOf } from '../../format/period';
import { isStep, stacked, units, type Unit } from '../../format/usage';
import { Bars } from '../../parts/charts';
import { useUsage, type UsageQuery } from '../../parts/usage';
import { groupingName } from './groupings';

/** The same sums over time, stacked by the first grouping that is no time itself. */
export function Over({ query, unit }: { query: UsageQuery; unit: Unit }) {
  const wanted = query.by.find((b) => !isStep(b));
  const step = stepOf(rangeOf(query.period, query.fallback));
  // In the order of the table's query where both are the same, so that it is asked once.
  const groups = wanted ? [step, wanted] : [step];
  const same = groups.length === query.by.length && groups.every((b) => query.by.includes(b));
  const apart = useUsage({ ...query, by: same ? query.by : groups, limit: undefined });
  // Of tens of thousands of keys no chart can be made, but of what they come to together.
  const crowded = apart.error instanceof ApiError && 'group_by' in apart.error.fields;
  const together = useUsage({ ...query, by: [step], limit: undefined }, { enabled: crowded });
  const data = crowded ? together.data : apart.data;
  const chart = useMemo(() => {
    if (!data) {
      return undefined;
    }
    const seen = stepOf({ from: new Date(data.from), to: new Date(data.to) });
    const by = data.by.find((b) => !isStep(b));
    return { by, step: seen, ...stacked(data.groups ?? [], { step: seen, by, unit, from: data.from, to: data.to }) };
  }, [data, unit]);
  if (!chart) {
    return apart.isFetching || together.isFetching ? <Skeleton height={280} radius="sm" /> : null;
  }
  const what = units.find((u) => u.value === unit)?.label ?? '';
  return (
    <>
      <Bars data={chart.data} series={chart.series} unit={unit} step={chart.step}
        label={`${what} per ${chart.step}${chart.by ? ` by ${groupingName(chart.by).toLowerCase()}` : ''}`} />
      {crowded && <Text size="xs" c="dimmed" mt="xs">All together: there are too many groups to draw them one by one. Confine the sums, or take a shorter period.</Text>}
    </>
  );
}
