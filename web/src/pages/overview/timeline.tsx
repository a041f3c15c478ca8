import { Group, Paper, SegmentedControl, Select, Skeleton, Title } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useMay } from '../../app/session';
import { nameOfPeriod, stepOf, type PeriodName } from '../../format/period';
import { isStep, stacked, unitOf, units, type Unit } from '../../format/usage';
import { Bars } from '../../parts/charts';
import { Failed } from '../../parts/states';
import { useLabelNames, useUsage } from '../../parts/usage';

const spans: { value: PeriodName; label: string }[] = [
  { value: '24h', label: '24 h' }, { value: '7d', label: '7 d' }, { value: '30d', label: '30 d' },
];

/** What was used over time, and by whom or what. */
export function Timeline() {
  const search = useSearch({ from: '/' });
  const navigate = useNavigate({ from: '/' });
  const labels = useLabelNames();
  const period = nameOfPeriod({ period: search.period }, '30d');
  const by = search.by ?? 'model';
  const unit = unitOf(search.show);
  const step = period === '24h' ? 'hour' : 'day';
  const usage = useUsage({ period: { period }, fallback: '30d', by: [step, by] });
  const data = usage.data;
  const chart = useMemo(() => {
    if (!data) {
      return undefined;
    }
    // While other sums are on their way, those that are shown keep their own steps and groups.
    const shown = stepOf({ from: new Date(data.from), to: new Date(data.to) });
    return { step: shown, ...stacked(data.groups ?? [], { step: shown, by: data.by.find((b) => !isStep(b)), unit, from: data.from, to: data.to }) };
  }, [data, unit]);
  const set = (change: { by?: string; show?: string; period?: string }) =>
    void navigate({ search: (s) => ({ ...s, ...change }), replace: true, resetScroll: false });
  const may = useMay();
  const groupings = [
    { value: 'model', label: 'by model' },
    { value: 'provider', label: 'by provider' },
    ...(may('listKeys') ? [{ value: 'key', label: 'by key' }] : []),
    ...[...new Set([...labels.map((l) => `label.${l}`), ...(by.startsWith('label.') ? [by] : [])])]
      .map((value) => ({ value, label: `by ${value.slice('label.'.length)}` })),
  ];
  return (
    <Paper withBorder p="md" component="section" aria-label="Over time">
      <Group justify="space-between" mb="md" gap="xs">
        <Title order={2}>Over time</Title>
        <Group gap="xs">
          <SegmentedControl size="xs" aria-label="Unit" data={units} value={unit} onChange={(v) => set({ show: v as Unit })} />
          <Select size="xs" w={150} aria-label="Stacked by" data={groupings} value={by} allowDeselect={false} onChange={(v) => set({ by: v ?? 'model' })} />
          <SegmentedControl size="xs" aria-label="Period" data={spans} value={period} onChange={(v) => set({ period: v })} />
        </Group>
      </Group>
      {usage.isError && !data && <Failed why={usage.error} again={() => void usage.refetch()} />}
      {!data && usage.isPending && <Skeleton height={292} radius="sm" />}
      {chart && (
        <Bars data={chart.data} series={chart.series} unit={unit} step={chart.step} legend
          label={`${units.find((u) => u.value === unit)?.label} per ${chart.step}, ${groupings.find((g) => g.value === by)?.label ?? by}`} />
      )}
    </Paper>
  );
}
