import type { Schemas } from '../../api/client';
import { some } from '../../format/numbers';
import { compare } from '../limits/amounts';

/**
 * What is known of the requests that a key has under way: a limit on concurrency counts them,
 * and any other tells by what it has set aside that there are some.
 */
export function flights(key: Pick<Schemas['Key'], 'limits'>): string {
  const limits = key.limits ?? [];
  const counting = limits.find((l) => l.kind === 'concurrency' && !l.models?.length);
  if (counting) {
    const n = Number(counting.spent ?? 0) + Number(counting.reserved ?? 0);
    return n > 0 ? `${some(n, 'request')} ${n === 1 ? 'is' : 'are'} under way now.` : 'No request is under way now.';
  }
  const waiting = limits.some((l) => l.reserved !== undefined && compare(l.kind, l.reserved, 0) > 0);
  return waiting ? 'There are requests under way now.' : '';
}
