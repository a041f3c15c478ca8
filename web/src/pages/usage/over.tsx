import { Skeleton } from '@mantine/core';
import { useMemo } from 'react';
import { rangeOf, stepOf } from '../../format/period';
import { isStep, stacked, units, type Unit } from '../../format/usage';
import { Bars } from '../../parts/charts';
import { useUsage, type UsageQuery } from '../../parts/usage';
import { groupingName } from './groupings';

/** The same sums over time, stacked by the first grouping that is no time itself. */
export function Over({ query, unit }: { query: UsageQuery; unit: Unit }) {
  const by = query.by.find((b) => !isStep(b));
  const range = rangeOf(query.period, query.fallback);
  const step = stepOf(range);
  // In the order of the table's query where both are the same, so that it is asked once.
  const wanted = by ? [step, by] : [step];
  const same = wanted.length === query.by.length && wanted.every((b) => query.by.includes(b));
  const { data, isError } = useUsage({ ...query, by: same ? query.by : wanted });
  const chart = useMemo(() => {
    if (!data) {
      return undefined;
    }
    const seen = stepOf({ from: new Date(data.from), to: new Date(data.to) });
    return { step: seen, ...stacked(data.groups ?? [], { step: seen, by, unit, from: data.from, to: data.to }) };
  }, [data, by, unit]);
  if (!chart) {
    return isError ? null : <Skeleton height={280} radius="sm" />;
  }
  const what = units.find((u) => u.value === unit)?.label ?? '';
  return (
    <Bars data={chart.data} series={chart.series} unit={unit} step={chart.step}
      label={`${what} per ${chart.step}${by ? ` by ${groupingName(by).toLowerCase()}` : ''}`} />
  );
}
