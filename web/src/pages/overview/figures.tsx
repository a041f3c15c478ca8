import { Group, Paper, SimpleGrid, Skeleton, Text, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/client';
import { exact, money } from '../../format/money';
import { compact, count, percent, seconds } from '../../format/numbers';

/** The figures of the day and the month. */
export function Figures({ overview: o }: { overview: Schemas['Overview'] }) {
  const answered = o.today.requests - o.today.refused;
  return (
    <SimpleGrid cols={{ base: 2, xs: 3, lg: 6 }} spacing="sm">
      <Figure label="Spent today" value={money(o.today.cost_usd)} title={exact(o.today.cost_usd)}>
        {o.today.unpriced_requests > 0 ? `and ${count(o.today.unpriced_requests)} requests without a price` : 'since midnight UTC'}
      </Figure>
      <Figure label="This month" value={money(o.month.cost_usd)} title={exact(o.month.cost_usd)}>
        <Tooltip label="What the month comes to if it goes on as it began"><span>{money(o.month_projected_usd)} projected</span></Tooltip>
      </Figure>
      <Figure label="Requests today" value={count(o.today.requests)}>{count(o.month.requests)} this month</Figure>
      <Figure label="Tokens today" value={compact(o.today.input_tokens + o.today.output_tokens)}
        title={`${count(o.today.input_tokens)} in, ${count(o.today.output_tokens)} out`}>
        {compact(o.today.input_tokens)} in, {compact(o.today.output_tokens)} out
      </Figure>
      <Figure label="Refused today" value={count(o.today.refused)}>
        {o.today.requests > 0 ? `${percent(o.today.refused / o.today.requests)} of requests` : 'no requests yet'}
        {o.today.failed > 0 && `, ${count(o.today.failed)} failed`}
      </Figure>
      <Latency of={o.latency} mean={answered > 0 ? o.today.mean_duration_seconds : undefined} />
    </SimpleGrid>
  );
}

/** How long answers took in the last hour, or else over the day. */
function Latency({ of: last, mean }: { of: Schemas['Latency'] | undefined; mean: number | undefined }) {
  if (last) {
    return (
      <Figure label="Latency" value={seconds(last.p50_seconds)}
        title={`Median of the last ${count(last.requests)} answers within an hour. Half of them began within ${seconds(last.first_byte_p50_seconds)}.`}>
        median; p95 {seconds(last.p95_seconds)}
      </Figure>
    );
  }
  return <Figure label="Latency" value={seconds(mean)}>{mean === undefined ? 'no answers yet' : 'mean of today'}</Figure>;
}

function Figure({ label, value, title, children }: { label: string; value: string; title?: string; children?: ReactNode }) {
  return (
    <Paper withBorder px="md" py="sm" role="group" aria-label={label}>
      <Text size="xs" c="dimmed" truncate>{label}</Text>
      <Group mih={34} align="center">
        <Tooltip label={title} disabled={!title || title === value}>
          <Text fw={600} fz={24} lh={1.3} lts="-0.02em" style={{ whiteSpace: 'nowrap' }}>{value}</Text>
        </Tooltip>
      </Group>
      <Text size="xs" c="dimmed" component="div">{children}</Text>
    </Paper>
  );
}

export function FiguresPending() {
  return (
    <SimpleGrid cols={{ base: 2, xs: 3, lg: 6 }} spacing="sm" role="status" aria-busy="true" aria-label="Loading">
      {Array.from({ length: 6 }, (_, i) => <Skeleton key={i} height={94} radius="md" />)}
    </SimpleGrid>
  );
}
