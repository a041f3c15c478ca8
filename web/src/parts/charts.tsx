import { Anchor, Box, Group, ScrollArea, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { sum } from '../format/money';
import { exactly, shortly, totalOf, type Point, type Series, type Step, type Unit } from '../format/usage';
import { StackedBars } from './barchart';
import { spanName, spanTitle, Swatch } from './series';

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
      <StackedBars data={data} series={series} unit={unit} step={step} height={height} label={label} />
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
