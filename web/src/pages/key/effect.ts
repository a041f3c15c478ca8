import type { Schemas } from '../../api/client';
import { figureOf, limitName } from '../../format/limits';
import { count } from '../../format/numbers';
import { absolute } from '../../format/time';
import { compare, plus, type Kind } from '../limits/amounts';

type Key = Schemas['Key'];
type Limit = Schemas['Limit'];
type Patch = Schemas['KeyPatch'];

/** One thing that a change of a key does, for whoever is about to make it. */
export interface Effect {
  what: string;
  /** Absent for what is new. */
  before?: string;
  /** Absent for what goes. */
  after?: string;
  note?: string;
  /** The key will refuse what it admits now. */
  warns?: boolean;
}

const kinds: Record<Kind, string> = { cost: 'Cost limit', tokens: 'Token limit', requests: 'Request limit', concurrency: 'Concurrency limit' };

/** What a patch changes of a key, in the order of the form. Nothing: the key stays as it is. */
export function effects(key: Key, patch: Patch, now: Date = new Date()): Effect[] {
  return [
    ...named(key, patch),
    ...limits(key.limits ?? [], patch.limits),
    ...expiry(key, patch, now),
    ...rights(key, patch),
    ...labels(key.labels ?? {}, patch.labels),
    ...manners(key, patch),
  ];
}

function changed(what: string, before: string, after: string, more: Partial<Effect> = {}): Effect[] {
  return before === after ? [] : [{ what, before, after, ...more }];
}

function named(key: Key, patch: Patch): Effect[] {
  return patch.name ? changed('Name', key.name, patch.name, { note: 'id, secret and counters stay' }) : [];
}

function limits(before: Limit[], after: Limit[] | null | undefined): Effect[] {
  if (after === undefined) {
    return [];
  }
  const next = after ?? [];
  const all: Effect[] = [];
  for (const was of before) {
    const is = next.find((l) => l.id === was.id);
    all.push(...(is ? limit(was, is) : [{ what: kinds[was.kind], before: limitName(was), note: 'is removed, and what it counted is forgotten' }]));
  }
  for (const is of next.filter((l) => !l.id || !before.some((was) => was.id === l.id))) {
    all.push({ what: kinds[is.kind], after: limitName(is), note: 'is new and counts from now on' });
  }
  return all;
}

function limit(was: Limit, is: Limit): Effect[] {
  const sameWindow = windowText(was) === windowText(is);
  const sameAmount = compare(was.kind, was.amount, is.amount) === 0;
  const sameModels = list(was.models) === list(is.models);
  if (sameWindow && sameAmount && sameModels) {
    return [];
  }
  const effect: Effect = { what: kinds[was.kind], before: about(was, sameWindow, sameModels), after: about(is, sameWindow, sameModels) };
  if (!sameWindow) {
    return [{ ...effect, note: 'what was used in the new window is counted anew from the ledger' }];
  }
  const used = plus(was.kind, was.spent ?? 0, was.reserved ?? 0);
  if (compare(was.kind, is.amount, used) <= 0) {
    return [{ ...effect, note: `${figureOf(was.kind, used)} is used already: ${refusing(was)}`, warns: true }];
  }
  return [{ ...effect, note: was.kind === 'concurrency' ? 'what is under way goes on' : `spent stays ${figureOf(was.kind, was.spent ?? 0)}` }];
}

function refusing(was: Limit): string {
  if (was.kind === 'concurrency') {
    return 'requests are refused until enough of them have ended';
  }
  return was.resets_at ? 'requests are refused until it resets' : was.window?.sliding ? 'requests are refused until enough of it is past' : 'every request is refused';
}

/** A limit with what its name leaves out, where that is what changes. */
function about(limit: Limit, sameWindow: boolean, sameModels: boolean): string {
  const { calendar, timezone, anchor, origin } = limit.window ?? {};
  const details = calendar ? `${timezone ?? 'UTC'}${anchor ? `, from ${anchor}` : ''}` : origin ? `counted from ${absolute(origin)}` : '';
  return limitName({ ...limit, models: undefined }) + (sameWindow || !details ? '' : ` (${details})`) + (sameModels ? '' : ` for ${list(limit.models)}`);
}

// The zone is UTC if it is left out, however it was written.
function windowText({ window: w }: Limit): string {
  if (!w) {
    return 'life';
  }
  return w.calendar ? `${w.calendar} ${w.timezone ?? 'UTC'} ${w.anchor ?? ''}` : w.fixed ? `fixed ${w.fixed} ${w.origin ?? ''}` : `sliding ${w.sliding}`;
}

function expiry(key: Key, patch: Patch, now: Date): Effect[] {
  if (patch.expires_at === undefined) {
    return [];
  }
  const say = (at: string | null) => (at ? absolute(at) : 'never');
  const ends = patch.expires_at !== null && new Date(patch.expires_at) <= now;
  return changed('Expires', say(key.expires_at), say(patch.expires_at), ends ? { note: 'that is past: every request is refused', warns: true } : {});
}

function rights(key: Key, patch: Patch): Effect[] {
  const all: Effect[] = [];
  if (patch.models !== undefined) {
    const is = patch.models === null ? null : { ...key.models, ...patch.models };
    all.push(...changed('Models', models(key.models), models(is), nothing(is?.allow)));
  }
  if (patch.operations !== undefined) {
    all.push(...changed('Operations', list(key.operations), list(patch.operations), nothing(patch.operations)));
  }
  if (patch.networks !== undefined) {
    all.push(...changed('Networks', list(key.networks), list(patch.networks), nothing(patch.networks)));
  }
  return all;
}

function nothing(allowed: string[] | null | undefined): Partial<Effect> {
  return allowed?.length === 0 ? { note: 'every request is refused', warns: true } : {};
}

/** A list that is absent allows all, an empty one nothing. */
export function list(values: string[] | null | undefined): string {
  return values ? (values.length > 0 ? values.join(', ') : 'none') : 'all';
}

/** The models that a key may use, in words. */
export function models(scope: Schemas['Models'] | Schemas['ModelsPatch'] | null): string {
  const deny = scope?.deny?.length ? ` but not ${scope.deny.join(', ')}` : '';
  return list(scope?.allow) + deny;
}

function labels(before: Record<string, string>, patch: Patch['labels']): Effect[] {
  if (patch === undefined) {
    return [];
  }
  const note = { note: 'shared limits select keys by their labels' };
  const names = patch === null ? Object.keys(before) : Object.keys(patch);
  return names.flatMap((name): Effect[] => {
    const [was, is] = [before[name], patch?.[name] ?? undefined];
    return was === is ? [] : [{ what: `Label ${name}`, before: was, after: is, ...note }];
  });
}

function manners(key: Key, patch: Patch): Effect[] {
  const all: Effect[] = [];
  if (patch.max_tokens !== undefined) {
    const say = (n: number | null | undefined) => (n ? `${count(n)} tokens` : 'the model’s own');
    all.push(...changed('Output bound where a request has none', say(key.max_tokens), say(patch.max_tokens)));
  }
  if (patch.clamp !== undefined) {
    const say = (on: boolean | null | undefined) => (on ? 'lowered' : 'refused');
    all.push(...changed('An output bound that a limit cannot pay for is', say(key.clamp), say(patch.clamp)));
  }
  if (patch.discreet !== undefined) {
    const say = (on: boolean | null | undefined) => (on ? 'no amounts' : 'amounts');
    all.push(...changed('The holder of the key is told', say(key.discreet), say(patch.discreet)));
  }
  return all;
}
