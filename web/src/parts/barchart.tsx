import { Group, Paper, Stack, Text } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useMemo, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { height as heightOf, sum } from '../format/money';
import { exactly, tick, type Point, type Series, type Step, type Unit } from '../format/usage';
import classes from './barchart.module.css';
import { pieces, stride, ticks } from './scale';
import { seriesColor, spanName, spanTitle, Swatch } from './series';

interface Props {
  data: Point[];
  series: Series[];
  unit: Unit;
  step: Step;
  height: number;
  label: string;
}

// What is around the bars, in pixels.
const left = 56;
const right = 4;
const top = 8;
const bottom = 26;
const widest = 42;

/** Stacked bars. The pointer and the arrow keys choose one, whose figures are then shown and read out. */
export function StackedBars({ data, series, unit, step, height, label }: Props) {
  const { ref, width } = useElementSize();
  const [at, setAt] = useState<number>();
  const chosen = at === undefined ? undefined : data[at];
  const slot = Math.max(0, width - left - right) / data.length;
  const choose = (i: number) => setAt(Math.max(0, Math.min(data.length - 1, i)));
  const point = (e: PointerEvent<SVGSVGElement>) => choose(Math.floor((e.clientX - e.currentTarget.getBoundingClientRect().left - left) / slot));
  const key = (e: KeyboardEvent) => {
    const to = { ArrowLeft: (at ?? data.length) - 1, ArrowRight: (at ?? -1) + 1, Home: 0, End: data.length - 1 }[e.key];
    if (to !== undefined) {
      e.preventDefault();
      choose(to);
    } else if (e.key === 'Escape') {
      setAt(undefined);
    }
  };
  return (
    <div className={classes.chart} ref={ref}>
      <svg className={classes.drawing} height={height} role="img" aria-label={`${label}. The arrow keys go from bar to bar.`} tabIndex={0}
        onPointerMove={point} onPointerDown={point} onPointerLeave={() => setAt(undefined)} onKeyDown={key} onBlur={() => setAt(undefined)}>
        {width > 0 && chosen && <rect className={classes.chosen} x={left + at! * slot} y={top} width={slot} height={height - top - bottom} />}
        {width > 0 && <Drawing data={data} series={series} unit={unit} step={step} height={height} width={width} slot={slot} />}
      </svg>
      <div className={classes.tip} style={sideOf(left + ((at ?? 0) + 0.5) * slot, slot, width)} role="status">
        {chosen && <Span point={chosen} series={series} unit={unit} step={step} />}
      </div>
    </div>
  );
}

/** Beside the bar, where there is more room. */
function sideOf(middle: number, slot: number, width: number) {
  const away = Math.min(slot, widest) / 2 + 10;
  return middle > width / 2 ? { right: width - middle + away } : { left: middle + away };
}

/** Everything that stays as it is while another bar is chosen. */
function Drawing({ data, series, unit, step, height, width, slot }: Omit<Props, 'label'> & { width: number; slot: number }) {
  const bars = useMemo(() => data.map((p) => series.map((s) => heightOf(p.values[s.id]))), [data, series]);
  const marks = ticks(Math.max(0, ...bars.map((amounts) => amounts.reduce((a, b) => a + b, 0))), 5, unit !== 'cost');
  const floor = height - bottom;
  const perUnit = (floor - top) / (marks.at(-1) || 1);
  const names = data.map((p) => spanName(step, p.at));
  const every = stride(data.length, width - left - right, Math.max(...names.map((n) => n.length)) * 6.5 + 20);
  const bar = Math.max(1, Math.min(widest, Math.round(slot * 0.84)));
  return (
    <g aria-hidden>
      {marks.map((mark) => {
        const y = Math.round(floor - mark * perUnit);
        return (
          <g key={mark}>
            <line className={classes.line} x1={left} x2={width - right} y1={y} y2={y} />
            <text x={left - 8} y={y} dy="0.35em" textAnchor="end">{tick(unit, mark)}</text>
          </g>
        );
      })}
      {data.map((p, i) => {
        const middle = left + (i + 0.5) * slot;
        const x = Math.round(middle - bar / 2);
        return (
          <g key={p.at}>
            {pieces(bars[i]!, floor, perUnit).map((piece) => {
              const s = series[piece.place]!;
              return <rect key={s.id} x={x} y={piece.y} width={bar} height={piece.height} fill={seriesColor(s.id, piece.place)} />;
            })}
            {/* The newest has its name always, the others count back from it. */}
            {(data.length - 1 - i) % every === 0 && <text x={middle} y={height - 6} textAnchor="middle">{names[i]}</text>}
          </g>
        );
      })}
    </g>
  );
}

/** What one bar is made of, the top of it first, exact to the last digit. */
function Span({ point, series, unit, step }: { point: Point; series: Series[]; unit: Unit; step: Step }) {
  const parts = series.map((s, place) => ({ ...s, place, amount: point.values[s.id] ?? '0' })).filter((s) => heightOf(s.amount) > 0);
  return (
    <Paper withBorder shadow="md" px="sm" py="xs">
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
