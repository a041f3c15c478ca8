import type { Schemas } from '../../api/client';
import { durationOf, figureOf } from '../../format/limits';
import { some } from '../../format/numbers';

type Limit = Schemas['Limit'];
type Shared = Pick<Limit, 'kind' | 'amount' | 'window' | 'models' | 'match' | 'per'>;

/** What a shared limit does, in one sentence; keys: how many it selects now, if that is known. */
export function sentence(limit: Shared, keys?: number): string {
  const now = keys === undefined ? '' : ` (${some(keys, 'key')} now, and those to come)`;
  const what = `may ${verb(limit)} ${counted(limit)}${forModels(limit.models)}${often(limit)}`;
  const who = selected(limit.match);
  return limit.per === 'each'
    ? `Every key${who}${now} ${what} for itself: none takes from another.`
    : `All keys${who}${now} ${what} together: what one of them uses is gone for the others.`;
}

/** The labels that a limit selects keys by, without what marks them as labels. */
export function labelsIn(match: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(match ?? {}).map(([name, value]) => [name.replace(/^label\./, ''), value]));
}

/** Labels as a limit selects keys by them. */
export function matchOf(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [`label.${name}`, value]));
}

function selected(match: Record<string, string> | undefined): string {
  const labels = Object.entries(labelsIn(match)).map(([name, value]) => `${name} ${value}`);
  return labels.length > 0 ? ` with ${labels.join(' and ')}` : '';
}

function verb(limit: Shared): string {
  return limit.kind === 'cost' ? 'spend' : limit.kind === 'tokens' ? 'use' : limit.kind === 'requests' ? 'send' : 'have';
}

function counted({ kind, amount }: Shared): string {
  const n = figureOf(kind, amount);
  switch (kind) {
    case 'cost':
      return n;
    case 'tokens':
      return `${n} tokens`;
    case 'requests':
      return some(Number(amount), 'request');
    case 'concurrency':
      return `${some(Number(amount), 'request')} under way`;
  }
}

function forModels(models: string[] | null | undefined): string {
  return models && models.length > 0 ? ` on ${models.join(', ')}` : '';
}

function often({ kind, window: w }: Shared): string {
  if (kind === 'concurrency') {
    return ' at a time';
  }
  if (!w) {
    return ' in all';
  }
  if (w.sliding) {
    return ` in any ${durationOf(w.sliding)}`;
  }
  return w.fixed ? ` every ${durationOf(w.fixed)}` : ` a ${w.calendar}${w.timezone && w.timezone !== 'UTC' ? ` (${w.timezone})` : ''}`;
}
