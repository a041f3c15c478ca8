import type { Schemas } from '../../../api/client';
import type { FurtherLimit, KeyValues, Kind, SimpleLimit } from './values';

type Key = Schemas['Key'];
type Limit = Schemas['Limit'];
type Window = Schemas['Window'];

/** A limit as it is sent, with the place in the form that it came from. */
export interface Placed {
  limit: Limit;
  /** A path of the form: "cost", "limits.0". */
  at: string;
}

/** The limits of a form in the order in which they are sent. */
export function limitsOf(values: KeyValues): Placed[] {
  const all: Placed[] = [];
  const simple = (kind: 'cost' | 'tokens' | 'requests', from: SimpleLimit, window: Window | undefined) => {
    if (from.on) {
      all.push({ at: kind, limit: { ...(from.id && { id: from.id }), kind, amount: amountOf(kind, from.amount), ...(window && { window }) } });
    }
  };
  const period: Window | undefined = values.period === 'never' ? undefined : { calendar: values.period, timezone: values.zone };
  simple('cost', values.cost, period);
  simple('tokens', values.tokens, period);
  simple('requests', values.requests, { sliding: '60s' });
  values.limits.forEach((from, i) => all.push({ at: `limits.${i}`, limit: furtherLimit(from) }));
  return all;
}

/** A limit of a form as it is sent. */
export function furtherLimit(from: FurtherLimit): Limit {
  const window = windowOf(from);
  return {
    ...(from.id && { id: from.id }), kind: from.kind, amount: amountOf(from.kind, from.amount),
    ...(window && { window }), ...(from.models.length > 0 && { models: from.models }),
  };
}

function windowOf(from: FurtherLimit): Window | undefined {
  if (from.kind === 'concurrency' || from.shape === 'life') {
    return undefined;
  }
  if (from.shape === 'calendar') {
    return { calendar: from.period, timezone: from.zone, ...(from.anchor && from.period !== 'day' && from.period !== 'hour' && { anchor: from.anchor }) };
  }
  return from.shape === 'sliding' ? { sliding: from.length.trim() } : { fixed: from.length.trim(), ...(from.origin && { origin: from.origin }) };
}

/** What somebody typed, without thousands apart and signs of money. */
export function plain(text: string): string {
  return text.replace(/[\s,_$]/g, '');
}

// Money stays text. A count that is no number is sent as it is: the API says what it has against it.
function amountOf(kind: Kind, text: string): string | number {
  const p = plain(text);
  return kind === 'cost' || !/^\d{1,15}$/.test(p) ? p : Number(p);
}

/** The moment when a key ends, as RFC 3339 in UTC; undefined: never. */
export function expiryOf(values: KeyValues): string | undefined {
  if (!values.expires) {
    return undefined;
  }
  const at = new Date(values.expires.replace(' ', 'T'));
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString().replace('.000Z', 'Z');
}

/** What makes the key that a form describes. */
export function inputOf(values: KeyValues): Schemas['KeyInput'] {
  const limits = limitsOf(values).map((l) => l.limit);
  const expires = expiryOf(values);
  const maxTokens = Number(plain(values.maxTokens));
  return {
    name: values.name.trim(),
    ...(limits.length > 0 && { limits }),
    ...((values.allow !== null || values.deny.length > 0) && {
      models: { ...(values.allow !== null && { allow: values.allow }), ...(values.deny.length > 0 && { deny: values.deny }) },
    }),
    ...(values.operations !== null && { operations: values.operations }),
    ...(values.networks !== null && { networks: values.networks }),
    ...(Object.keys(values.labels).length > 0 && { labels: values.labels }),
    ...(expires && { expires_at: expires }),
    ...(maxTokens > 0 && { max_tokens: maxTokens }),
    ...(values.clamp && { clamp: true }),
    ...(values.discreet && { discreet: true }),
  };
}

/**
 * The merge patch that turns a key into what a form says. Only what differs is in it; limits
 * are sent as a whole, each with its id, so that they keep what they have counted.
 */
export function patchOf(before: Key, values: KeyValues): Schemas['KeyPatch'] {
  const is = inputOf(values);
  const limits = is.limits ?? [];
  const patch: Schemas['KeyPatch'] = {};
  if (is.name !== before.name) {
    patch.name = is.name;
  }
  if (!same((before.limits ?? []).map(declared), limits.map(declared), byId)) {
    patch.limits = limits;
  }
  if (!same(before.models?.allow ?? null, is.models?.allow ?? null) || !same(before.models?.deny ?? [], is.models?.deny ?? [])) {
    patch.models = is.models ? { allow: is.models.allow ?? null, deny: is.models.deny ?? null } : null;
  }
  if (!same(before.operations ?? null, is.operations ?? null)) {
    patch.operations = is.operations ?? null;
  }
  if (!same(before.networks ?? null, is.networks ?? null)) {
    patch.networks = is.networks ?? null;
  }
  const labels = labelPatch(before.labels ?? {}, is.labels ?? {});
  if (Object.keys(labels).length > 0) {
    patch.labels = labels;
  }
  if (seconds(before.expires_at) !== seconds(is.expires_at)) {
    patch.expires_at = is.expires_at ?? null;
  }
  if ((before.max_tokens ?? 0) !== (is.max_tokens ?? 0)) {
    patch.max_tokens = is.max_tokens ?? null;
  }
  if ((before.clamp ?? false) !== values.clamp) {
    patch.clamp = values.clamp;
  }
  if ((before.discreet ?? false) !== values.discreet) {
    patch.discreet = values.discreet;
  }
  return patch;
}

// The form knows moments to the second.
function seconds(at: string | null | undefined): number | undefined {
  return at ? Math.floor(new Date(at).getTime() / 1000) : undefined;
}

function labelPatch(before: Record<string, string>, after: Record<string, string>): Record<string, string | null> {
  const patch: Record<string, string | null> = {};
  for (const name of Object.keys(before).filter((n) => !(n in after))) {
    patch[name] = null;
  }
  for (const [name, value] of Object.entries(after)) {
    if (before[name] !== value) {
      patch[name] = value;
    }
  }
  return patch;
}

/** A limit without how it stands, and in one spelling. */
function declared(limit: Limit): string {
  const w = limit.window;
  const amount = String(limit.amount);
  return JSON.stringify([
    limit.id ?? '', limit.kind, amount.includes('.') ? amount.replace(/\.?0+$/, '') : amount, limit.models ?? [],
    w ? [w.calendar, w.calendar && (w.timezone ?? 'UTC'), w.anchor, w.fixed, w.fixed && w.origin, w.sliding] : null,
  ]);
}

const byId = (list: string[]) => [...list].sort();

function same<T>(a: T, b: T, order: (value: T) => T = (value) => value): boolean {
  return JSON.stringify(order(a)) === JSON.stringify(order(b));
}
