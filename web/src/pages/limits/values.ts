import type { Schemas } from '../../api/client';
import type { LabelSet } from '../../format/labels';
import { limitCheck } from '../keys/form/checks';
import { furtherLimit } from '../keys/form/input';
import { emptyLimit, furtherOf, type FurtherLimit } from '../keys/form/values';
import type { Start } from './examples';
import type { SharedLimit } from './queries';
import { labelsIn, matchOf } from './sentence';

type Limit = Schemas['Limit'];

/** A shared limit as the form has it. */
export interface LimitValues {
  name: string;
  labels: LabelSet;
  per: 'pool' | 'each';
  limit: FurtherLimit;
}

/** What the form begins with: a limit that there is, an example, or nothing. */
export function valuesOf(from: SharedLimit | Start | undefined): LimitValues {
  if (!from) {
    return { name: '', labels: {}, per: 'pool', limit: { ...emptyLimit(), period: 'month' } };
  }
  return { name: from.name ?? '', labels: labelsIn(from.match), per: from.per ?? 'pool', limit: furtherOf(from) };
}

/** What is sent to create the limit. */
export function inputOf(values: LimitValues): Limit {
  return { ...furtherLimit(values.limit), id: undefined, name: values.name.trim(), match: matchOf(values.labels), per: values.per };
}

/** The merge patch that turns a limit into what the form says; nothing in it: nothing differs. */
export function patchOf(before: SharedLimit, values: LimitValues): Schemas['LimitPatch'] {
  const is = inputOf(values);
  // As the form would send it unchanged, so that only what somebody changed differs.
  const was = inputOf(valuesOf(before));
  const patch: Schemas['LimitPatch'] = {};
  if (is.name !== was.name) {
    patch.name = is.name;
  }
  if (String(is.amount) !== String(was.amount)) {
    patch.amount = is.amount;
  }
  if (JSON.stringify(is.window) !== JSON.stringify(was.window)) {
    patch.window = is.window ? { ...cleared, ...is.window } : null;
  }
  if (JSON.stringify(is.models ?? []) !== JSON.stringify(was.models ?? [])) {
    patch.models = is.models ?? null;
  }
  const gone = Object.keys(was.match ?? {}).filter((name) => !(name in (is.match ?? {})));
  const set = Object.entries(is.match ?? {}).filter(([name, value]) => was.match?.[name] !== value);
  if (gone.length + set.length > 0) {
    patch.match = { ...Object.fromEntries(gone.map((name) => [name, null])), ...Object.fromEntries(set) };
  }
  return patch;
}

// A merge patch keeps what it does not name, and a window has one shape only.
const cleared: Schemas['WindowPatch'] = { calendar: null, timezone: null, anchor: null, fixed: null, origin: null, sliding: null };

/** What is wrong with a form, by its paths. */
export function checks(values: LimitValues): Record<string, string> {
  const wrong: Record<string, string> = {};
  const n = [...values.name.trim()].length;
  if (n === 0 || n > 128) {
    wrong.name = n === 0 ? 'A shared limit needs a name' : 'At most 128 characters';
  }
  limitCheck(values.limit, (field, message) => {
    if (message) {
      wrong[`limit.${field}`] = message;
    }
  });
  return wrong;
}

/** Brings what the API has against fields to those of the form; what has none there stays behind. */
export function placed(fields: Record<string, string>): { placed: Record<string, string>; rest: string[] } {
  const found: Record<string, string> = {};
  const rest: string[] = [];
  for (const [path, message] of Object.entries(fields)) {
    const at = places.find(([shape]) => shape.test(path))?.[1];
    if (at) {
      found[at] = message;
    } else {
      rest.push(path);
    }
  }
  return { placed: found, rest };
}

const places: [RegExp, string][] = [
  [/^name/, 'name'], [/^match/, 'labels'], [/^amount/, 'limit.amount'], [/^kind/, 'limit.kind'], [/^models/, 'limit.models'],
  [/^window\.timezone/, 'limit.zone'], [/^window\.anchor/, 'limit.anchor'], [/^window/, 'limit.length'],
];
