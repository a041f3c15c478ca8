import type { Schemas } from '../api/client';
import { exact, height, money, sum } from './money';
import { compact, count } from './numbers';

// Sums of usage, made ready to be shown. Amounts stay the decimal text that the API gives;
// the other units are whole numbers, written as text as well, so that one code adds up both.

export type Sums = Schemas['UsageSums'];
export type Group = Schemas['UsageGroup'];

/** What is counted. */
export type Unit = 'cost' | 'tokens' | 'requests';

export const units: { value: Unit; label: string }[] = [
  { value: 'cost', label: 'Cost' },
  { value: 'tokens', label: 'Tokens' },
  { value: 'requests', label: 'Requests' },
];

/** The unit that a text names, cost if none. */
export function unitOf(text: string | undefined): Unit {
  return units.find((u) => u.value === text)?.value ?? 'cost';
}

/** How much of a unit the sums have, exactly, as decimal text. */
export function amountOf(unit: Unit, s: Sums): string {
  switch (unit) {
    case 'cost':
      return s.cost_usd;
    case 'tokens':
      return String(s.input_tokens + s.output_tokens);
    case 'requests':
      return String(s.requests);
  }
}

/** An amount of a unit for people. */
export function shortly(unit: Unit, amount: string): string {
  return unit === 'cost' ? money(amount) : count(Number(amount));
}

/** An amount of a unit to its last digit. */
export function exactly(unit: Unit, amount: string): string {
  return unit === 'cost' ? exact(amount) : count(Number(amount));
}

/** An amount beside an axis, where there is little room. */
export function tick(unit: Unit, amount: number): string {
  if (unit !== 'cost') {
    return compact(amount);
  }
  return amount >= 1000 ? `$${compact(amount)}` : money(amount.toFixed(9));
}

/** The share of an amount in a whole, 0 to 1. */
export function share(amount: string, whole: string): number {
  const all = height(whole);
  return all > 0 ? height(amount) / all : 0;
}

/** The groupings that are spans of time. */
export type Step = 'hour' | 'day';

export function isStep(by: string): by is Step {
  return by === 'hour' || by === 'day';
}

/** What a group is called under a grouping. */
export function nameOf(by: string, g: Group): string {
  const value = g.group?.[by] ?? '';
  if (by === 'key') {
    return g.name || value || 'without a key';
  }
  return value || nameless(by);
}

/** What has no value for a grouping. */
export function nameless(by: string): string {
  if (by.startsWith('label.')) {
    return `no ${by.slice('label.'.length)}`;
  }
  return by === 'model' ? 'no model' : by === 'provider' ? 'not sent' : 'none';
}

/** One bar of a chart: a span of time and how much of each series fell into it. */
export interface Point {
  /** When the span begins, RFC 3339. */
  at: string;
  /** Exact amounts by the id of the series. */
  values: Record<string, string>;
}

/** What bars are made of. The one with the id `other` is what all that is not shown comes to. */
export interface Series {
  id: string;
  name: string;
}

export const other = 'other:';

export interface Stack {
  data: Point[];
  series: Series[];
}

const steps: Record<Step, number> = { hour: 3_600_000, day: 86_400_000 };

/** All spans of a period, those without anything too: a quiet hour is a gap and no missing bar. */
export function spans(step: Step, from: string | Date, to: string | Date): string[] {
  const length = steps[step];
  const all: string[] = [];
  const end = new Date(to).getTime();
  for (let at = Math.floor(new Date(from).getTime() / length) * length; at < end; at += length) {
    all.push(stamp(at));
  }
  return all;
}

function stamp(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z');
}

/**
 * Stacks groups by time: the largest series by their sum, at most `top` of them, and one for
 * all others. Without `by` there is one series.
 */
export function stacked(
  groups: Group[],
  { step, by, unit, from, to, top = 8 }: { step: Step; by?: string; unit: Unit; from: string | Date; to: string | Date; top?: number },
): Stack {
  const idOf = (g: Group) => (by ? `=${g.group?.[by] ?? ''}` : 'all');
  const totals = new Map<string, { name: string; parts: string[] }>();
  for (const g of groups) {
    const id = idOf(g);
    const total = totals.get(id) ?? { name: by ? nameOf(by, g) : (units.find((u) => u.value === unit)?.label ?? ''), parts: [] };
    total.parts.push(amountOf(unit, g));
    totals.set(id, total);
  }
  const ranked = [...totals]
    .map(([id, t]) => ({ id, name: t.name, size: height(sum(t.parts)) }))
    .filter((s) => s.size > 0)
    .sort((a, b) => b.size - a.size || a.name.localeCompare(b.name));
  // One that is left over has a name of its own, which says more than "1 other".
  const kept = ranked.length > top + 1 ? ranked.slice(0, top) : ranked;
  const shown = new Set(kept.map((s) => s.id));
  const series: Series[] = kept.map(({ id, name }) => ({ id, name }));
  if (ranked.length > kept.length) {
    series.push({ id: other, name: `${count(ranked.length - kept.length)} others` });
  }

  const points = new Map(spans(step, from, to).map((at) => [at, new Map<string, string[]>()]));
  for (const g of groups) {
    const at = g.group?.[step];
    const point = at === undefined ? undefined : points.get(stamp(new Date(at).getTime()));
    const amount = amountOf(unit, g);
    if (!point || height(amount) === 0) {
      continue;
    }
    const id = shown.has(idOf(g)) ? idOf(g) : other;
    point.set(id, [...(point.get(id) ?? []), amount]);
  }
  const data = [...points].map(([at, point]) => ({
    at,
    values: Object.fromEntries([...point].map(([id, parts]) => [id, sum(parts)])),
  }));
  return { data, series };
}

/** How much of each series there is in all bars. */
export function totalOf(data: Point[], id: string): string {
  return sum(data.map((p) => p.values[id]));
}
