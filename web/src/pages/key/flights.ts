import type { Schemas } from '../../api/client';
import { some } from '../../format/numbers';
import { compare } from '../limits/amounts';

/**
 * What is known of the requests that a key has under way. Where they are not counted, what its limits
 * have set aside tells that there are some.
 */
export function flights(key: Pick<Schemas['Key'], 'limits' | 'in_flight'>): string {
  const n = key.in_flight;
  if (n !== undefined) {
    return n > 0 ? `${some(n, 'request')} ${n === 1 ? 'is' : 'are'} under way now.` : 'No request is under way now.';
  }
  const waiting = (key.limits ?? []).some((l) => l.reserved !== undefined && compare(l.kind, l.reserved, 0) > 0);
  return waiting ? 'There are requests under way now.' : '';
}
