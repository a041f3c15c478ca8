import { Group, Paper, SegmentedControl, Select, Stack } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { nameOfPeriod } from '../../format/period';
import { labelsOf } from '../../format/labels';
import { isStep, unitOf, units, type Unit } from '../../format/usage';
import { PeriodPicker } from '../../parts/period';
import { Failed, PageHead, Rows } from '../../parts/states';
import { usageParams, useLabelNames, useUsage, type UsageQuery } from '../../parts/usage';
import { Download } from './download';
import { Filters } from './filters';
import { groupingsOf, optionsOf, setGrouping } from './groupings';
import { Over } from './over';
import { Progress } from './progress';
import { Sums } from './sums';

/** So many groups are listed, and so many stand in a file: the dearest. */
const listed = 1000;
const filed = 10_000;

/** Sums of any grouping and period. Everything that is chosen stands in the address. */
export function Usage() {
  const search = useSearch({ from: '/usage' });
  const navigate = useNavigate({ from: '/usage' });
  const set = (change: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...change }), replace: true, resetScroll: false });
  const by = groupingsOf(search.by);
  const unit = unitOf(search.show);
  const query: UsageQuery = {
    period: { period: nameOfPeriod(search, '30d'), from: search.from, to: search.to },
    fallback: '30d', by, key: search.key, model: search.model, provider: search.provider, labels: labelsOf(search.labels),
    limit: by.some(isStep) ? undefined : listed,
  };
  const usage = useUsage(query);
  const missing = usage.isPending || usage.isPlaceholderData;
  const options = optionsOf(useLabelNames(), by);
  return (
    <>
      <PageHead
        title="Usage"
        actions={usage.data && <Download query={{ ...usageParams({ ...query, limit: query.limit && filed }), from: usage.data.from, to: usage.data.to }} icon={<IconDownload size={16} aria-hidden />} />}
      >
        Sums of requests, made as they end. Days and months are those of UTC.
      </PageHead>
      <Stack gap="md">
        <Group gap="sm" align="flex-end">
          <PeriodPicker value={search} onChange={(p) => set({ period: p.period, from: p.from, to: p.to })} />
          <Select label="Group by" w={160} data={options} value={by[0]} allowDeselect={false} searchable
            onChange={(v) => set({ by: setGrouping(by, 0, v) })} />
          <Select label="then by" w={160} data={options.filter((o) => o.value !== by[0])} value={by[1] ?? null} placeholder="nothing" clearable searchable
            onChange={(v) => set({ by: setGrouping(by, 1, v) })} />
          <SegmentedControl aria-label="Unit" data={units} value={unit} onChange={(v) => set({ show: v as Unit })} ml={{ sm: 'auto' }} />
        </Group>
        <Filters search={search} set={set} />
        <Paper withBorder p="md" component="section" aria-label="Chart">
          <Over query={query} unit={unit} />
        </Paper>
        <Progress running={missing && usage.isFetching} stopped={missing && !usage.isFetching && !usage.isError} />
        {usage.isError && <Failed why={usage.error} again={() => void usage.refetch()} />}
        {usage.isLoading && <Rows />}
        {usage.data && !usage.isError && (
          <Sums usage={usage.data} unit={unit} sort={search.sort} onSort={(sort) => set({ sort })} stale={usage.isPlaceholderData} cut={usage.data.groups?.length === listed} />
        )}
      </Stack>
    </>
  );
}
