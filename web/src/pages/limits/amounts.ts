import type { Schemas } from '../../api/client';

export type Kind = Schemas['Limit']['kind'];

/** What a limit counts: decimal text in US dollars for cost, a whole number for anything else. */
export type Amount = Schemas['Limit']['amount'];

// Sums are made in billionths of a dollar, which is what money is counted in, so that no
// digit is lost.
const places = 9;

function units(kind: Kind, amount: Amount): bigint {
  if (kind !== 'cost') {
    return BigInt(amount);
  }
  const m = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(String(amount).trim());
  if (!m) {
    throw new RangeError(`${amount} is no amount of money`);
  }
  const n = BigInt(m[2]! + (m[3] ?? '').padEnd(places, '0'));
  return m[1] ? -n : n;
}

function amountOf(kind: Kind, n: bigint): Amount {
  if (kind !== 'cost') {
    return Number(n);
  }
  const digits = (n < 0n ? -n : n).toString().padStart(places + 1, '0');
  const part = digits.slice(-places).replace(/0+$/, '').padEnd(2, '0');
  return `${n < 0n ? '-' : ''}${digits.slice(0, -places)}.${part}`;
}

/** Adds amounts of one kind. */
export function plus(kind: Kind, a: Amount, b: Amount): Amount {
  return amountOf(kind, units(kind, a) + units(kind, b));
}

/** The amount with its sign turned. */
export function minus(kind: Kind, a: Amount): Amount {
  return amountOf(kind, -units(kind, a));
}

/** -1, 0 or 1, as a is less than, equal to or more than b. */
export function compare(kind: Kind, a: Amount, b: Amount): number {
  const [x, y] = [units(kind, a), units(kind, b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The greater of an amount and zero: what a counter cannot go below. */
export function atLeastZero(kind: Kind, a: Amount): Amount {
  return units(kind, a) < 0n ? amountOf(kind, 0n) : a;
}

/**
 * Reads what somebody typed as an amount above zero: money with at most nine decimals, or a
 * whole number. Undefined: it is none.
 */
export function typed(kind: Kind, text: string): Amount | undefined {
  const plain = text.trim().replace(/[\s,_$]/g, '');
  if (kind === 'cost') {
    return /^\d{1,9}(\.\d{1,9})?$/.test(plain) && units(kind, plain) > 0n ? plain : undefined;
  }
  return /^\d{1,15}$/.test(plain) && Number(plain) > 0 ? Number(plain) : undefined;
}
