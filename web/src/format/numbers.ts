const whole = new Intl.NumberFormat('en-US');
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 0 });

/** A count, with its thousands apart. */
export function count(n: number | bigint | undefined | null): string {
  return n === undefined || n === null ? '–' : whole.format(n);
}

/** A count where there is little room: 1.2M. */
export function compact(n: number | undefined | null): string {
  return n === undefined || n === null ? '–' : short.format(n);
}

/** A share of 1. What is nearly nothing or nearly all is not rounded to it. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) {
    return '–';
  }
  if (share > 0 && share < 0.01) {
    return '<1%';
  }
  if (share < 1 && share > 0.99) {
    return '>99%';
  }
  return percents.format(share);
}

/** How long something took. */
export function seconds(s: number | undefined | null): string {
  if (s === undefined || s === null) {
    return '–';
  }
  if (s < 0.001) {
    return `${Math.round(s * 1e6)} µs`;
  }
  if (s < 1) {
    return `${Math.round(s * 1000)} ms`;
  }
  return s < 60 ? `${s.toFixed(1)} s` : `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
}

/** So many of something: "1 key", "12 keys". */
export function some(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}
