import type { Schemas } from '../../../api/client';
import { amountName, durationOf } from '../../../format/limits';
import { count } from '../../../format/numbers';

type Limit = Schemas['Limit'];

/** What is needed of a key to say what it can do; both what is sent and what is there fit. */
export type Able = Pick<Schemas['KeyInput'], 'name' | 'limits' | 'max_tokens' | 'clamp'> & {
  models?: Schemas['Models'] | null;
  operations?: string[] | null;
  networks?: string[] | null;
  expires_at?: string | null;
};

/**
 * What a key will be able to do, in one sentence or two: "checkout-prod may call gpt-5* and
 * spend up to $200.00 each calendar month (Europe/Berlin), at most 60 requests in any 60 s,
 * until 1 Feb 2027." Limits that are not complete yet are left out.
 */
export function ability(key: Able, zone?: string): string {
  const name = key.name.trim() || 'This key';
  if (empty(key.models?.allow) || empty(key.operations) || empty(key.networks)) {
    const what = empty(key.models?.allow) ? 'model' : empty(key.operations) ? 'operation' : 'address';
    return `${name} may call nothing: no ${what} is allowed.`;
  }
  const limits = (key.limits ?? []).filter(complete);
  const spends = limits.filter((l) => l.kind === 'cost');
  const others = limits.filter((l) => l.kind !== 'cost');
  const first = `${name} may call ${modelsOf(key.models)}`
    + (spends.length > 0 ? ` and spend up to ${and(spends.map(bound))}` : '')
    + others.map((l) => `, at most ${bound(l)}`).join('')
    + (limits.length === 0 ? ' without any limit of its own' : '')
    + (key.expires_at ? `${limits.length > 0 ? ',' : ''} until ${day(key.expires_at, zone)}` : '');
  return `${first}.${restrictions(key)}`;
}

function empty(list: string[] | null | undefined): boolean {
  return list?.length === 0;
}

function complete(limit: Limit): boolean {
  const amount = /^\d+(\.\d+)?$/.test(String(limit.amount));
  const length = limit.window?.fixed ?? limit.window?.sliding;
  return amount && length !== '';
}

function modelsOf(models: Able['models']): string {
  const allow = models?.allow && !models.allow.includes('*') ? and(models.allow) : 'any model';
  return models?.deny?.length ? `${allow} except ${and(models.deny)}` : allow;
}

function bound(limit: Limit): string {
  const unit = limit.kind === 'concurrency' ? ' under way at a time' : windowOf(limit.window);
  return `${amountName(limit)}${limit.models?.length ? ` on ${and(limit.models)}` : ''}${unit}`;
}

function windowOf(w: Limit['window']): string {
  if (w?.calendar) {
    const zone = w.timezone ?? 'UTC';
    return ` each calendar ${w.calendar}${w.anchor ? ` from ${w.anchor}` : ''} (${zone})`;
  }
  if (w?.fixed) {
    return ` every ${durationOf(w.fixed)}`;
  }
  return w?.sliding ? ` in any ${durationOf(w.sliding)}` : ' for life';
}

// Midnight needs no hour: whoever picks a day means its beginning.
function day(at: string, zone: string | undefined): string {
  const d = new Date(at);
  const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: zone }).format(d);
  const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: zone }).format(d);
  return time === '00:00' ? date : `${date}, ${time}`;
}

function restrictions({ operations, networks, max_tokens: most, clamp }: Able): string {
  const only = [operations ? `for ${and(operations)}` : '', networks ? `from ${and(networks)}` : ''].filter(Boolean);
  const bounds = [
    most ? `answers have at most ${count(most)} tokens unless a request says otherwise` : '',
    clamp ? 'output is shortened to what the limits can pay for' : '',
  ].filter(Boolean);
  return (only.length > 0 ? ` It works only ${and(only)}.` : '') + (bounds.length > 0 ? ` ${capital(and(bounds))}.` : '');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** "a", "a and b", "a, b and c". */
function and(list: string[]): string {
  return list.length < 2 ? (list[0] ?? '') : `${list.slice(0, -1).join(', ')} and ${list.at(-1)!}`;
}
