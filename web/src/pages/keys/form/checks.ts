import { limitsOf, plain } from './input';
import { secondsOf } from '../../../format/limits';
import type { FurtherLimit, KeyValues, Kind, Period } from './values';

/** What is wrong with a form, by its paths. What only the server can know, such as whether a name is taken, it says itself. */
export function checks(values: KeyValues, now: Date = new Date()): Record<string, string> {
  const wrong: Record<string, string> = {};
  const add = (at: string, message: string | undefined) => {
    if (message) {
      wrong[at] = message;
    }
  };
  add('name', nameCheck(values.name));
  for (const kind of ['cost', 'tokens', 'requests'] as const) {
    add(`${kind}.amount`, values[kind].on ? amountCheck(kind, values[kind].amount) : undefined);
  }
  add('expires', values.expires && new Date(values.expires.replace(' ', 'T')) <= now ? 'That is in the past' : undefined);
  add('allow', patternCheck(values.allow ?? []));
  add('deny', patternCheck(values.deny));
  add('maxTokens', /^(\d{1,12})?$/.test(plain(values.maxTokens)) ? undefined : 'A whole number of tokens');
  values.limits.forEach((limit, i) => limitCheck(limit, (field, message) => add(`limits.${i}.${field}`, message)));
  return wrong;
}

function nameCheck(name: string): string | undefined {
  const n = [...name.trim()].length;
  return n === 0 ? 'A key needs a name' : n > 128 ? 'At most 128 characters' : undefined;
}

/** What is wrong with an amount as it was typed. */
export function amountCheck(kind: Kind, text: string): string | undefined {
  const p = plain(text);
  if (kind === 'cost') {
    return /^\d{1,9}(\.\d{1,9})?$/.test(p) ? undefined : 'An amount in US dollars, such as 200 or 0.50';
  }
  return /^\d{1,15}$/.test(p) ? undefined : `A whole number of ${kind === 'tokens' ? 'tokens' : 'requests'}`;
}

function patternCheck(patterns: string[]): string | undefined {
  const bad = patterns.find((p) => !/^(\*|\*?[^*]+|[^*]+\*)$/.test(p));
  return bad === undefined ? undefined : `${bad}: one wildcard, at the beginning or at the end`;
}

/** Tells by its fields what is wrong with one limit. */
export function limitCheck(limit: FurtherLimit, add: (field: string, message: string | undefined) => void) {
  add('amount', amountCheck(limit.kind, limit.amount));
  add('models', patternCheck(limit.models));
  if (limit.kind === 'concurrency') {
    return;
  }
  if (limit.shape === 'calendar') {
    add('anchor', anchorCheck(limit.period, limit.anchor.trim()));
  } else if (limit.shape !== 'life') {
    const s = secondsOf(limit.length);
    add('length', s === undefined || s < 1 ? 'Hours, minutes and seconds, such as 5h, 1h30m or 60s' : undefined);
  }
}

const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

function anchorCheck(period: Period, anchor: string): string | undefined {
  if (!anchor || period === 'hour' || period === 'day') {
    return undefined;
  }
  if (period === 'week') {
    return weekdays.includes(anchor) ? undefined : 'A day of the week, such as sunday';
  }
  if (period === 'month') {
    return /^([1-9]|[12]\d|3[01])$/.test(anchor) ? undefined : 'A day of the month, 1 to 31';
  }
  return /^\d{2}-\d{2}$/.test(anchor) ? undefined : 'A month and a day, such as 04-06';
}

/**
 * Brings what the API has against single fields to the fields of the form. What has no field
 * there is given back, to be told in one place.
 */
export function placeErrors(values: KeyValues, fields: Record<string, string>): { placed: Record<string, string>; rest: Record<string, string> } {
  const placed: Record<string, string> = {};
  const rest: Record<string, string> = {};
  for (const [path, message] of Object.entries(fields)) {
    const at = placeOf(values, path);
    if (at) {
      placed[at] = placed[at] ? `${placed[at]}; ${message}` : message;
    } else {
      rest[path] = message;
    }
  }
  return { placed, rest };
}

const places: Record<string, string> = {
  name: 'name', expires_at: 'expires', operations: 'operations', networks: 'networks', labels: 'labels', max_tokens: 'maxTokens',
};

function placeOf(values: KeyValues, path: string): string | undefined {
  const limit = /^limits\[(\d+)\](?:\.(.*))?$/.exec(path);
  if (limit) {
    const from = limitsOf(values)[Number(limit[1])];
    const field = limit[2] ?? 'amount';
    if (!from) {
      return undefined;
    }
    return from.at.startsWith('limits.') ? `${from.at}.${furtherField(field)}` : field.startsWith('window') ? 'zone' : `${from.at}.amount`;
  }
  if (path.startsWith('models.')) {
    return path.startsWith('models.deny') ? 'deny' : 'allow';
  }
  return places[/^[a-z_]+/.exec(path)?.[0] ?? ''];
}

function furtherField(field: string): string {
  if (field.startsWith('window')) {
    return field.endsWith('timezone') ? 'zone' : field.endsWith('anchor') ? 'anchor' : 'length';
  }
  return field.startsWith('models') ? 'models' : 'amount';
}
