import './charts.css';

import { Anchor, Box, Group, ScrollArea, Skeleton, Table, Text } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { absolute, dayOf } from '../format/time';
import { exactly, other, shortly, totalOf, type Point, type Series, type Step, type Unit } from '../format/usage';
import { sum } from '../format/money';

const BarChart = lazy(() => import('./barchart').then((m) => ({ default: m.StackedBars })));

/** The colour of a series by its place, as CSS. */
export function seriesColor(id: string, place: number): string {
  return id === other ? 'var(--series-other)' : `var(--series-${place % 9})`;
}

/** The square that stands for a series beside its name. */
export function Swatch({ id, place }: { id: string; place: number }) {
  return <Box w={10} h={10} bg={seriesColor(id, place)} style={{ borderRadius: 3, flex: 'none' }} aria-hidden />;
}

const hour = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** A span as it stands below its bar: days are those of UTC, hours those of the browser. */
export function spanName(step: Step, at: string): string {
  return step === 'day' ? dayOf(at) : hour.format(new Date(at));
}

/** A span where there is room for all of it. */
export function spanTitle(step: Step, at: string): string {
  return step === 'day' ? `${dayOf(at)} (UTC)` : absolute(at);
}

interface BarsProps {
  data: Point[];
  series: Series[];
  unit: Unit;
  step?: Step;
  height?: number;
  /** What the chart shows, for those who do not see it. */
  label: string;
  /** Whether there is a legend; one series needs none. */
  legend?: boolean;
}

/**
 * Stacked bars over time, with a legend that has the sums and a table of the same figures.
 * The code that draws is loaded when there is something to draw.
 */
export function Bars({ data, series, unit, step = 'day', height = 260, label, legend = series.length > 1 }: BarsProps) {
  const [table, setTable] = useState(false);
  if (series.length === 0) {
    return (
      <Box h={height} style={{ display: 'grid', placeItems: 'center' }}>
        <Text c="dimmed" size="sm">Nothing in this period.</Text>
      </Box>
    );
  }
  return (
    <div>
      <Suspense fallback={<Skeleton height={height} radius="sm" />}>
        <BarChart data={data} series={series} unit={unit} step={step} height={height} label={label} />
      </Suspense>
      <Group justify="space-between" align="flex-start" gap="md" mt="sm" wrap="nowrap">
        {legend ? <Legend data={data} series={series} unit={unit} /> : <span />}
        <Anchor component="button" type="button" size="xs" onClick={() => setTable(!table)} aria-expanded={table} style={{ whiteSpace: 'nowrap' }}>
          {table ? 'Hide figures' : 'Show figures'}
        </Anchor>
      </Group>
      {table && <Figures data={data} series={series} unit={unit} step={step} label={label} />}
    </div>
  );
}

function Legend({ data, series, unit }: { data: Point[]; series: Series[]; unit: Unit }) {
  return (
    <Group component="ul" gap="xs" m={0} p={0} style={{ columnGap: 16, rowGap: 4, listStyle: 'none' }}>
      {series.map((s, place) => (
        <Group component="li" key={s.id} gap={6} wrap="nowrap" style={{ minWidth: 0 }}>
          <Swatch id={s.id} place={place} />
          <Text size="xs" truncate maw={200} title={s.name}>{s.name}</Text>
          <Text size="xs" c="dimmed" className="number">{shortly(unit, totalOf(data, s.id))}</Text>
        </Group>
      ))}
    </Group>
  );
}

function Figures({ data, series, unit, step, label }: { data: Point[]; series: Series[]; unit: Unit; step: Step; label: string }) {
  return (
    <ScrollArea.Autosize mah={320} mt="sm" type="auto" viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': `${label}, as a table` }}>
      <Table stickyHeader verticalSpacing={4} fz="xs" withRowBorders={false} striped>
        <Table.Caption>{label}</Table.Caption>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{step === 'day' ? 'Day (UTC)' : 'Hour'}</Table.Th>
            {series.map((s) => <Table.Th scope="col" key={s.id} className="number">{s.name}</Table.Th>)}
            {series.length > 1 && <Table.Th scope="col" className="number">All</Table.Th>}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {data.map((p) => (
            <Table.Tr key={p.at}>
              <Table.Th scope="row" fw={400} style={{ whiteSpace: 'nowrap' }} title={spanTitle(step, p.at)}>{spanName(step, p.at)}</Table.Th>
              {series.map((s) => <Table.Td key={s.id} className="number">{exactly(unit, p.values[s.id] ?? '0')}</Table.Td>)}
              {series.length > 1 && <Table.Td className="number">{exactly(unit, sum(Object.values(p.values)))}</Table.Td>}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea.Autosize>
  );
}
