import type { Step } from './usage';

// A period as it stands in an address: the name of one that moves with the clock, or
// `custom` with its ends. Days and months are those of UTC, as usage is counted.

export type PeriodName = '24h' | 'today' | '7d' | '30d' | 'month' | 'last_month' | 'custom';

export interface Period {
  period?: string;
  /** Of `custom` alone, RFC 3339. */
  from?: string;
  to?: string;
}

export interface Range {
  from: Date;
  to: Date;
}

export const periods: { value: PeriodName; label: string }[] = [
  { value: 'today', label: 'Today' },
  { value: '24h', label: '24 hours' },
  { value: '7d', label: '7 days' },
  { value: '30d', label: '30 days' },
  { value: 'month', label: 'This month' },
  { value: 'last_month', label: 'Last month' },
  { value: 'custom', label: 'Custom' },
];

const day = 86_400_000;

function midnight(at: Date, days = 0): Date {
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate() + days));
}

function month(at: Date, months = 0): Date {
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + months, 1));
}

/** The period that an address names; what is unknown or impossible is the fallback. */
export function nameOfPeriod(p: Period, fallback: PeriodName): PeriodName {
  if (p.period === 'custom') {
    return customOf(p) ? 'custom' : fallback;
  }
  return periods.find((known) => known.value === p.period)?.value ?? fallback;
}

function customOf(p: Period): Range | undefined {
  const from = new Date(p.from ?? '');
  const to = new Date(p.to ?? '');
  return from.getTime() < to.getTime() ? { from, to } : undefined;
}

/** From when to when a period is, seen from now. Whole hours and days, so that every bar is whole. */
export function rangeOf(p: Period, fallback: PeriodName, now: Date = new Date()): Range {
  switch (nameOfPeriod(p, fallback)) {
    case 'today':
      return { from: midnight(now), to: now };
    case '24h':
      return { from: new Date(Math.floor(now.getTime() / 3_600_000) * 3_600_000 - 23 * 3_600_000), to: now };
    case '7d':
      return { from: midnight(now, -6), to: now };
    case '30d':
      return { from: midnight(now, -29), to: now };
    case 'month':
      return { from: month(now), to: now };
    case 'last_month':
      return { from: month(now, -1), to: month(now) };
    case 'custom':
      return customOf(p)!;
  }
}

/** The step in which a period makes a readable number of bars. */
export function stepOf(r: Range): Step {
  return r.to.getTime() - r.from.getTime() <= 2 * day ? 'hour' : 'day';
}

/** A custom period of whole days of UTC, both inclusive, as YYYY-MM-DD. */
export function customPeriod(first: string, last: string): Period {
  const [a, b] = first <= last ? [first, last] : [last, first];
  return { period: 'custom', from: `${a}T00:00:00Z`, to: midnight(new Date(`${b}T00:00:00Z`), 1).toISOString().replace('.000Z', 'Z') };
}

/** The days of a range, first and last, as YYYY-MM-DD. */
export function daysOf(r: Range): [string, string] {
  return [r.from.toISOString().slice(0, 10), new Date(r.to.getTime() - 1).toISOString().slice(0, 10)];
}
