import { Card, Grid, Group, SegmentedControl, Skeleton, Stack, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { api, ask, type Schemas } from '../../api/client';
import { compact, count, percent, seconds } from '../../format/numbers';
import { nameOfPeriod, rangeOf, stepOf } from '../../format/period';
import { amountOf, nameOf, share, shortly, stacked, unitOf, units, type Unit } from '../../format/usage';
import { Bars } from '../../parts/charts';
import { Money } from '../../parts/figures';
import { PeriodPicker } from '../../parts/period';
import { Failed } from '../../parts/states';
import { ranked } from './models';
import type { Key } from './queries';
import { Section } from './section';
import classes from './usage.module.css';

const route = getRouteApi('/keys/$id');

/** What a key used over a period: by day and model, with the sums beside. */
export function Usage({ of: key }: { of: Key }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const unit = unitOf(search.unit);
  const name = nameOfPeriod(search, '30d');
  const step = stepOf(rangeOf(search, '30d'));
  const found = useQuery({
    queryKey: ['usage', 'key', key.id, name, search.from, search.to, step],
    queryFn: ({ signal }) => {
      const { from, to } = rangeOf(search, '30d');
      return ask(api.GET('/api/v1/keys/{id}/usage', {
        params: { path: { id: key.id }, query: { from: from.toISOString(), to: to.toISOString(), group_by: [step, 'model'] } }, signal,
      }));
    },
    refetchInterval: 10_000,
    placeholderData: keepPreviousData,
  });
  const choose = (more: Partial<typeof search>) => void navigate({ search: (s) => ({ ...s, ...more }), replace: true });
  return (
    <Section
      title="Usage"
      aside={
        <Group gap="sm" align="flex-end">
          <SegmentedControl aria-label="What is counted" data={units} value={unit} onChange={(value) => choose({ unit: value === 'cost' ? undefined : value })} />
          <PeriodPicker bare value={search} fallback="30d" onChange={(period) => choose({ from: undefined, to: undefined, ...period })} />
        </Group>
      }
    >
      {found.isError && !found.data && <Failed why={found.error} again={() => found.refetch()} />}
      {!found.isError && !found.data && <Skeleton height={380} />}
      {found.data && <Shown usage={found.data} unit={unit} step={step} name={key.name} />}
    </Section>
  );
}

function Shown({ usage, unit, step, name }: { usage: Schemas['Usage']; unit: Unit; step: 'hour' | 'day'; name: string }) {
  const { data, series } = stacked(usage.groups ?? [], { step, by: 'model', unit, from: usage.from, to: usage.to });
  const label = units.find((u) => u.value === unit)?.label ?? '';
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, lg: 8.5 }}>
        <Card withBorder padding="md" h="100%">
          <Bars data={data} series={series} unit={unit} step={step} height={260} label={`${label} of ${name} by ${step} and model`} />
        </Card>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 3.5 }}>
        <Card withBorder padding="md" h="100%">
          <Stack gap="lg">
            <Totals of={usage.total} />
            <ByModel groups={usage.groups ?? []} unit={unit} />
          </Stack>
        </Card>
      </Grid.Col>
    </Grid>
  );
}

function Totals({ of: t }: { of: Schemas['UsageSums'] }) {
  return (
    <dl className={classes.totals}>
      <div><dt>Cost</dt><dd><Money usd={t.cost_usd} /></dd></div>
      <div><dt>Requests</dt><dd>{count(t.requests)}</dd></div>
      <div><dt>Input tokens</dt><dd title={count(t.input_tokens)}>{compact(t.input_tokens)}</dd></div>
      <div><dt>Output tokens</dt><dd title={count(t.output_tokens)}>{compact(t.output_tokens)}</dd></div>
      <div><dt>Refused</dt><dd>{count(t.refused)}</dd></div>
      <div><dt>Failed</dt><dd>{count(t.failed)}</dd></div>
      <div><dt>From cache</dt><dd title={`${count(t.cached_input_tokens)} input tokens`}>{t.input_tokens > 0 ? percent(t.cached_input_tokens / t.input_tokens) : '–'}</dd></div>
      <div><dt>Mean duration</dt><dd>{t.requests > 0 ? seconds(t.mean_duration_seconds) : '–'}</dd></div>
    </dl>
  );
}

function ByModel({ groups, unit }: { groups: Schemas['UsageGroup'][]; unit: Unit }) {
  const all = ranked(groups, (g) => nameOf('model', g), (g) => amountOf(unit, g));
  if (all.models.length === 0) {
    return null;
  }
  return (
    <div>
      <Text size="xs" c="dimmed" mb={6}>By model</Text>
      <Stack gap={8}>
        {all.models.slice(0, 6).map((m) => (
          <div key={m.name}>
            <Group justify="space-between" wrap="nowrap" gap="xs">
              <Text size="sm" truncate title={m.name}>{m.name}</Text>
              <Text size="sm" className="number">{shortly(unit, m.amount)} <Text span size="xs" c="dimmed">{percent(share(m.amount, all.total))}</Text></Text>
            </Group>
            <div className={classes.track}><div style={{ width: `${share(m.amount, all.total) * 100}%` }} /></div>
          </div>
        ))}
        {all.models.length > 6 && <Text size="xs" c="dimmed">and {all.models.length - 6} more</Text>}
      </Stack>
    </div>
  );
}
