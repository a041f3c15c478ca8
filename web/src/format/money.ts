// Money comes from the API as decimal text in US dollars and stays text: a number would lose
// what it is exact to. Only where a chart needs a height does it become a number.

const grouped = new Intl.NumberFormat('en-US');

interface Decimal {
  minus: boolean;
  whole: string;
  part: string;
}

function parse(amount: string): Decimal | undefined {
  const m = /^(-?)(\d+)(?:\.(\d+))?$/.exec(amount.trim());
  return m ? { minus: m[1] === '-', whole: m[2]!.replace(/^0+(?=\d)/, ''), part: m[3] ?? '' } : undefined;
}

/** Rounds decimal digits half up to so many places. */
function round(d: Decimal, places: number): Decimal {
  const part = d.part.padEnd(places + 1, '0');
  const kept = BigInt(d.whole + part.slice(0, places)) + (part[places]! >= '5' ? 1n : 0n);
  const digits = kept.toString().padStart(places + 1, '0');
  return { minus: d.minus && kept !== 0n, whole: digits.slice(0, digits.length - places), part: places > 0 ? digits.slice(-places) : '' };
}

function write(d: Decimal): string {
  return `${d.minus ? '−' : ''}$${grouped.format(BigInt(d.whole))}${d.part ? `.${d.part}` : ''}`;
}

/**
 * Money for people: cents, and for what is less than a cent so many places that two digits
 * show. The exact amount is for titles: see exact.
 */
export function money(amount: string | undefined | null): string {
  const d = parse(amount ?? '');
  if (!d) {
    return '–';
  }
  if (/^0*$/.test(d.whole + d.part)) {
    return '$0.00';
  }
  if (BigInt(d.whole) === 0n && /^00/.test(d.part)) {
    return write(round(d, /^0*/.exec(d.part)![0].length + 2));
  }
  return write(round(d, 2));
}

/** Money to the last digit there is, at least cents. */
export function exact(amount: string | undefined | null): string {
  const d = parse(amount ?? '');
  return d ? write({ ...d, part: d.part.replace(/0+$/, '').padEnd(2, '0') }) : '–';
}

/** Money as a number, for the height of a bar and for nothing that is read. */
export function height(amount: string | undefined | null): number {
  return Number(amount ?? 0) || 0;
}

/** The sum of amounts, exact to the last digit of each. What is no amount counts nothing. */
export function sum(amounts: Iterable<string | undefined | null>): string {
  const all = [...amounts].map((a) => parse(a ?? '')).filter((d) => d !== undefined);
  const places = Math.max(0, ...all.map((d) => d.part.length));
  const total = all.reduce((n, d) => n + BigInt(d.whole + d.part.padEnd(places, '0')) * (d.minus ? -1n : 1n), 0n);
  const digits = (total < 0n ? -total : total).toString().padStart(places + 1, '0');
  const whole = digits.slice(0, digits.length - places);
  const part = places > 0 ? digits.slice(-places).replace(/0+$/, '') : '';
  return `${total < 0n ? '-' : ''}${whole}${part ? `.${part}` : ''}`;
}
