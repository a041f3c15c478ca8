import type { Schemas } from '../../../api/client';
import type { LabelSet } from '../../../format/labels';
import { ownZone } from '../../../format/time';

type Key = Schemas['Key'];
type Limit = Schemas['Limit'];
export type Kind = Limit['kind'];

/** One of the three limits that every form of a key begins with. */
export interface SimpleLimit {
  on: boolean;
  amount: string;
  /** Of the limit that it was, which keeps what that has counted. */
  id?: string;
}

/** When a limit counts anew, in the words of the form. */
export type Shape = 'calendar' | 'fixed' | 'sliding' | 'life';
export type Period = 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year';

/** A limit of any kind, window and models. */
export interface FurtherLimit {
  /** Tells the rows of the form apart. */
  row: string;
  id?: string;
  kind: Kind;
  amount: string;
  shape: Shape;
  period: Period;
  zone: string;
  anchor: string;
  /** Of fixed and sliding windows, as in "5h". */
  length: string;
  /** When the first of the fixed windows began. */
  origin?: string;
  models: string[];
}

/** The fields of a key as the form has them: amounts are text until they are sent. */
export interface KeyValues {
  name: string;
  cost: SimpleLimit;
  tokens: SimpleLimit;
  requests: SimpleLimit;
  /** Of the cost and the token limit. */
  period: Period | 'never';
  zone: string;
  /** Local time, "YYYY-MM-DD HH:mm:ss"; empty: never. */
  expires: string;
  /** null: all models. */
  allow: string[] | null;
  deny: string[];
  /** null: all. */
  operations: string[] | null;
  networks: string[] | null;
  labels: LabelSet;
  maxTokens: string;
  clamp: boolean;
  discreet: boolean;
  limits: FurtherLimit[];
}

/** A form without anything in it. */
export function emptyValues(zone: string = ownZone()): KeyValues {
  const off = { on: false, amount: '' };
  return {
    name: '', cost: off, tokens: off, requests: off, period: 'month', zone, expires: '',
    allow: null, deny: [], operations: null, networks: null, labels: {}, maxTokens: '', clamp: false, discreet: false, limits: [],
  };
}

/** A further limit to be filled in. */
export function emptyLimit(zone: string = ownZone()): FurtherLimit {
  return { row: crypto.randomUUID(), kind: 'cost', amount: '', shape: 'calendar', period: 'day', zone, anchor: '', length: '', models: [] };
}

/** The form of a key that exists. Every limit of the key is in it, with its id. */
export function valuesOf(key: Key): KeyValues {
  const values: KeyValues = {
    ...emptyValues(), name: key.name, expires: key.expires_at ? localTime(key.expires_at) : '',
    allow: key.models?.allow ?? null, deny: key.models?.deny ?? [], operations: key.operations, networks: key.networks,
    labels: key.labels ?? {}, maxTokens: key.max_tokens ? String(key.max_tokens) : '', clamp: key.clamp ?? false, discreet: key.discreet ?? false,
  };
  for (const limit of key.limits ?? []) {
    if (!takeSimple(values, limit)) {
      values.limits.push(furtherOf(limit));
    }
  }
  return values;
}

// The cost and the token limit of the form share their period: the first of them sets it,
// and what does not fit is a further limit.
function takeSimple(values: KeyValues, limit: Limit): boolean {
  const { kind, window: w } = limit;
  if (kind === 'concurrency' || limit.models?.length || values[kind].on) {
    return false;
  }
  if (kind === 'requests') {
    if (w?.sliding !== '60s') {
      return false;
    }
  } else {
    const plain = !w || (w.calendar && !w.anchor);
    const [period, zone] = [w?.calendar ?? 'never', w?.timezone ?? 'UTC'] as const;
    const set = values.cost.on || values.tokens.on;
    if (!plain || (set && (values.period !== period || (w && values.zone !== zone)))) {
      return false;
    }
    values.period = period;
    values.zone = w ? zone : values.zone;
  }
  values[kind] = { on: true, amount: String(limit.amount), id: limit.id };
  return true;
}

/** A limit as the form has it. */
export function furtherOf(limit: Limit): FurtherLimit {
  const w = limit.window;
  return {
    ...emptyLimit(w?.timezone ?? 'UTC'), row: limit.id ?? crypto.randomUUID(), id: limit.id, kind: limit.kind, amount: String(limit.amount),
    shape: w?.calendar ? 'calendar' : w?.fixed ? 'fixed' : w?.sliding ? 'sliding' : 'life',
    period: w?.calendar ?? 'day', anchor: w?.anchor ?? '', length: w?.fixed ?? w?.sliding ?? '', origin: w?.origin, models: limit.models ?? [],
  };
}

/** A moment as the pickers of dates write it, in the zone of the browser. */
export function localTime(at: string | Date): string {
  const d = new Date(at);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}
