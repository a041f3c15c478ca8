import type { Schemas } from '../api/client';
import { height, money } from './money';
import { count, some } from './numbers';

type Limit = Schemas['Limit'];

/** What is needed of a limit to name it. */
export type Named = Pick<Limit, 'kind' | 'amount' | 'window' | 'models' | 'name' | 'match'>;

/**
 * A limit in a few words: "$200.00 a month", "60 requests in any 60 s",
 * "$500.00 a month, shared: payments".
 */
export function limitName(limit: Named): string {
  const models = limit.models?.length ? ` for ${limit.models.join(', ')}` : '';
  const shared = limit.name ? `, shared: ${limit.name}` : limit.match ? ', shared' : '';
  return `${amountName(limit)}${windowName(limit)}${models}${shared}`;
}

/** An amount with what it counts: "$200.00", "5,000,000 tokens", "1 request". */
export function amountName({ kind, amount }: Pick<Limit, 'kind' | 'amount'>): string {
  if (kind === 'cost') {
    return money(String(amount));
  }
  return kind === 'tokens' ? some(Number(amount), 'token') : some(Number(amount), 'request');
}

function windowName({ kind, window: w }: Named): string {
  if (kind === 'concurrency') {
    return ' at a time';
  }
  if (w?.calendar) {
    return ` ${w.calendar === 'hour' ? 'an' : 'a'} ${w.calendar}`;
  }
  if (w?.fixed) {
    return ` every ${durationOf(w.fixed)}`;
  }
  return w?.sliding ? ` in any ${durationOf(w.sliding)}` : ' for life';
}

/** What a limit counted, without what it counts: "$12.30", "4,211". */
export function figureOf(kind: Limit['kind'], amount: Limit['amount'] | undefined): string {
  return kind === 'cost' ? money(String(amount ?? '0')) : count(Number(amount ?? 0));
}

/** The share of a limit that is spent or reserved: 0 to 1, and more where it was overrun. */
export function used(limit: Pick<Limit, 'amount' | 'spent' | 'reserved'>): number {
  const of = height(String(limit.amount));
  const taken = height(String(limit.spent ?? 0)) + height(String(limit.reserved ?? 0));
  // A limit of nothing is used up from the beginning.
  return of > 0 ? taken / of : 1;
}

/** How near a limit is to refusing. */
export type Nearness = 'room' | 'near' | 'full';

/** From four fifths on a limit is near; with nothing left it is full. */
export function nearness(limit: Pick<Limit, 'amount' | 'spent' | 'reserved'>): Nearness {
  const share = used(limit);
  return share >= 1 ? 'full' : share >= 0.8 ? 'near' : 'room';
}

const units: Record<string, [name: string, seconds: number]> = { h: ['h', 3600], m: ['min', 60], s: ['s', 1] };

/** A duration of the API as people read it: "24h" is "24 h", "1h30m" is "1 h 30 min". */
export function durationOf(text: string): string {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([hms])/g)];
  return parts.length > 0 && parts.map((p) => p[0]).join('') === text
    ? parts.filter((p) => Number(p[1]) !== 0 || parts.length === 1).map((p) => `${p[1]} ${units[p[2]!]![0]}`).join(' ')
    : text;
}

/** The seconds of a duration as the API takes it ("5h", "90s"); undefined if it is none. */
export function secondsOf(text: string): number | undefined {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)([hms])/g)];
  if (parts.length === 0 || parts.map((p) => p[0]).join('') !== text.trim()) {
    return undefined;
  }
  return parts.reduce((sum, p) => sum + Number(p[1]) * units[p[2]!]![1], 0);
}
