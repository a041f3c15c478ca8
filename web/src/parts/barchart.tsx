import '@mantine/charts/styles.css';

import { BarChart } from '@mantine/charts';
import { Group, Paper, Stack, Text } from '@mantine/core';
import { height as heightOf, sum } from '../format/money';
import { exactly, tick, type Point, type Series, type Step, type Unit } from '../format/usage';
import { seriesColor, spanName, spanTitle, Swatch } from './charts';

// The one file that draws with recharts: who shows a chart loads it, and nobody else.

interface Props {
  data: Point[];
  series: Series[];
  unit: Unit;
  step: Step;
  height: number;
  label: string;
}

/** A bar as the chart has it: heights as numbers, and beside them what they are exactly. */
interface Row extends Record<string, number | string | Point> {
  name: string;
  point: Point;
}

export function StackedBars({ data, series, unit, step, height, label }: Props) {
  // The names of series are not fit for keys: a dot in one would be a path to the chart.
  const rows: Row[] = data.map((point) => ({
    name: spanName(step, point.at),
    point,
    ...Object.fromEntries(series.map((s, place) => [`s${place}`, heightOf(point.values[s.id])])),
  }));
  return (
    <BarChart
      h={height}
      data={rows}
      dataKey="name"
      type="stacked"
      series={series.map((s, place) => ({ name: `s${place}`, label: s.name, color: seriesColor(s.id, place) }))}
      valueFormatter={(n) => tick(unit, n)}
      tickLine="none"
      gridAxis="x"
      strokeDasharray="0"
      maxBarWidth={42}
      barProps={{ isAnimationActive: false }}
      barChartProps={{ barCategoryGap: '14%', margin: { top: 6, right: 4, bottom: 0, left: 0 }, ...{ 'aria-label': label } }}
      xAxisProps={{ interval: 'preserveStartEnd', minTickGap: 24, tickMargin: 8 }}
      yAxisProps={{ width: 56, tickCount: 5, allowDecimals: unit === 'cost' }}
      tooltipProps={{
        isAnimationActive: false,
        // A tooltip higher than the chart would else be cut off by the card around it.
        allowEscapeViewBox: { x: false, y: true },
        wrapperStyle: { zIndex: 10 },
        content: ({ payload }) => {
          const row = payload?.[0]?.payload as Row | undefined;
          return row ? <Span point={row.point} series={series} unit={unit} step={step} /> : null;
        },
      }}
    />
  );
}

/** What one bar is made of, the top of it first, exact to the last digit. */
function Span({ point, series, unit, step }: { point: Point; series: Series[]; unit: Unit; step: Step }) {
  const parts = series.map((s, place) => ({ ...s, place, amount: point.values[s.id] ?? '0' })).filter((s) => heightOf(s.amount) > 0);
  return (
    <Paper withBorder shadow="md" px="sm" py="xs" maw={360}>
      <Stack gap={4}>
        <Group justify="space-between" wrap="nowrap" gap="lg">
          <Text size="xs" fw={600}>{spanTitle(step, point.at)}</Text>
          <Text size="xs" fw={600} className="number">{exactly(unit, sum(Object.values(point.values)))}</Text>
        </Group>
        {series.length > 1 && parts.reverse().map((s) => (
          <Group key={s.id} justify="space-between" wrap="nowrap" gap="lg">
            <Group gap={6} wrap="nowrap" style={{ minWidth: 0 }}>
              <Swatch id={s.id} place={s.place} />
              <Text size="xs" truncate>{s.name}</Text>
            </Group>
            <Text size="xs" className="number">{exactly(unit, s.amount)}</Text>
          </Group>
        ))}
        {parts.length === 0 && <Text size="xs" c="dimmed">nothing</Text>}
      </Stack>
    </Paper>
  );
}
