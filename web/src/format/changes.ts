import type { Schemas } from '../api/client';
import { limitName } from './limits';
import { exact } from './money';
import { count } from './numbers';
import { absolute } from './time';

// An audit event lists what changed by the path of each field. For people, fields that make
// one thing together, such as a limit with its window, become one line.

/** One thing that changed; absent: it was not there before, or is not there after. */
export interface Change {
  path: string;
  name: string;
  before?: string[];
  after?: string[];
}

type Field = Schemas['EventField'];

const names: Record<string, string> = {
  status: 'Status', name: 'Name', reason: 'Reason', expires_at: 'Expires', max_tokens: 'Output bound', clamp: 'Lowers output bounds',
  discreet: 'Tells no amounts', networks: 'Networks', operations: 'Operations', 'models.allow': 'Models allowed', 'models.deny': 'Models denied',
  models: 'Models', limits: 'Limits', labels: 'Labels', kind: 'Kind', amount: 'Amount', per: 'Counted', role: 'Role', last4: 'Ends with',
  provider: 'Provider', host: 'Host', rotated_at: 'Rotated', legacy: 'Without limits by import', id: 'Id', test_result: 'Test',
};

/** What changed, in the order of the event, with limits and secrets as one line each. */
export function changes(diff: readonly Field[] | null | undefined): Change[] {
  const fields = diff ?? [];
  const found = new Map<string, Field[]>();
  for (const field of fields) {
    const group = groupOf(field.path, fields);
    found.set(group, [...(found.get(group) ?? []), field]);
  }
  return [...found].flatMap(([group, members]) => {
    const one = (group.startsWith('limits.') || group === 'limit') ? limit(group, members) : group.startsWith('secrets.') ? secret(group, members) : undefined;
    return one ? [one] : members.map(single);
  });
}

/** The fields of a shared limit stand at the top of its event, those of a key's below their id. */
function groupOf(path: string, all: readonly Field[]): string {
  const nested = /^(limits|secrets)\.[^.]+/.exec(path);
  if (nested) {
    return nested[0];
  }
  const shared = all.some((f) => f.path === 'kind') && all.some((f) => f.path === 'amount');
  return shared && /^(kind|amount|window(\..*)?)$/.test(path) ? 'limit' : path;
}

function limit(group: string, members: Field[]): Change | undefined {
  if (!members.some((f) => f.path.endsWith('kind'))) {
    return undefined;
  }
  const id = group.split('.')[1];
  const side = (pick: 'before' | 'after') => {
    const value = nest(members.map((f) => [f.path.slice(group === 'limit' ? 0 : group.length + 1), f[pick]]));
    return 'kind' in value && 'amount' in value ? [limitName(value as unknown as Schemas['Limit'])] : undefined;
  };
  return { path: group, name: id ? `Limit ${id}` : 'Limit', before: side('before'), after: side('after') };
}

function secret(group: string, members: Field[]): Change | undefined {
  const last4 = members.find((f) => f.path.endsWith('.last4'));
  if (!last4) {
    return undefined;
  }
  const shown = (value: unknown) => (typeof value === 'string' ? [`…${value}`] : undefined);
  return { path: group, name: 'Secret', before: shown(last4.before), after: shown(last4.after) };
}

function single(field: Field): Change {
  return { path: field.path, name: nameOf(field.path), before: shown(field.path, field.before), after: shown(field.path, field.after) };
}

function nameOf(path: string): string {
  const known = names[path];
  if (known) {
    return known;
  }
  const label = /^labels\.(.+)$/.exec(path);
  if (label) {
    return `Label ${label[1]}`;
  }
  const match = /^match\.label\.(.+)$/.exec(path);
  if (match) {
    return `Keys with label ${match[1]}`;
  }
  const nested = /^(limits|secrets)\.([^.]+)\.(.+)$/.exec(path);
  if (nested) {
    const what = nested[3] === 'not_after' ? 'works until' : (names[nested[3]!] ?? nested[3]!.replaceAll('_', ' ')).toLowerCase();
    return `${nested[1] === 'limits' ? 'Limit' : 'Secret'} ${nested[2]}, ${what}`;
  }
  const words = path.replaceAll('_', ' ').replaceAll('.', ', ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A value for people, as one piece of text for each element of a list. */
function shown(path: string, value: unknown): string[] | undefined {
  if (value === undefined || value === null) {
    return undefined;
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? ['none'] : value.flatMap((each) => shown(path, each) ?? []);
  }
  if (typeof value === 'boolean') {
    return [value ? 'yes' : 'no'];
  }
  if (typeof value === 'number') {
    return [count(value)];
  }
  if (typeof value === 'object') {
    return [JSON.stringify(value)];
  }
  const text = String(value);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)) {
    return [absolute(text)];
  }
  // Amounts of money are text, all others are numbers.
  return [/(^|\.)(amount|by|spent)$/.test(path) && /^-?\d+(\.\d+)?$/.test(text) ? exact(text) : text];
}

/** Puts fields with dots in their path into objects, without those that have no value. */
function nest(fields: [path: string, value: unknown][]): Record<string, unknown> {
  const top: Record<string, unknown> = {};
  for (const [path, value] of fields) {
    if (value === undefined) {
      continue;
    }
    const steps = path.split('.');
    const last = steps.pop()!;
    let at = top;
    for (const step of steps) {
      at = (at[step] ??= {}) as Record<string, unknown>;
    }
    at[last] = value;
  }
  return top;
}
