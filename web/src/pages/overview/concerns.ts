import type { Schemas } from '../../api/client';
import { money } from '../../format/money';

type Entry = Schemas['AttentionTo'];
export type Kind = Entry['kind'];

/** Entries of one kind, and how many others there are. */
export interface Concern {
  kind: Kind;
  entries: Entry[];
  more: number;
  /** There are even more than that. */
  moreThan: boolean;
}

/** The most urgent first: what already stops somebody, what soon will, what only might. */
const order: Kind[] = ['provider_resting', 'credential_failing', 'near_limit', 'refused', 'unpriced_model', 'expiring', 'uncapped', 'idle'];

/** Groups entries by kind. The last of a kind may stand for others that are not named. */
export function concerns(entries: Entry[]): Concern[] {
  const found = new Map<Kind, Concern>();
  for (const e of entries) {
    const of = found.get(e.kind) ?? { kind: e.kind, entries: [], more: 0, moreThan: false };
    if (e.more) {
      of.more = e.more;
      of.moreThan = e.more_than ?? false;
    } else {
      of.entries.push(e);
    }
    found.set(e.kind, of);
  }
  const rank = (k: Kind) => (order.indexOf(k) + order.length + 1) % (order.length + 1);
  return [...found.values()].sort((a, b) => rank(a.kind) - rank(b.kind));
}

/** A text apart at the moments (RFC 3339) that stand in it, so that these can be shown as people say them. */
export function moments(text: string): { text: string; at?: string }[] {
  return text
    .split(/(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2}))/)
    .map((part, i) => (i % 2 === 1 ? { text: part, at: part } : { text: part.replace(/\bat $/, '') }))
    .filter((part) => part.text !== '');
}

/** What is said of an entry, without what the heading of its kind says already, and what is nothing. */
export function tersely(e: Entry): string {
  // A glance wants cents; the page of the key has every digit.
  const text = e.message.replace(/\$(\d+\.\d{3,})/g, (_, amount: string) => money(amount)).replace(', $0.00 reserved', '').replace(' in the last 24 hours', '');
  return e.kind === 'refused' ? text.replaceAll('_', ' ') : text;
}
