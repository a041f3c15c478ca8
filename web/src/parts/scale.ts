// Where things go in a chart. Places are in pixels, amounts are numbers: only heights are drawn of them.

/**
 * The marks of an axis from nothing up to at least `most`, at round distances: at most `wanted` of
 * them above nothing. What is counted in whole pieces has no marks between.
 */
export function ticks(most: number, wanted: number, whole: boolean): number[] {
  if (!(most > 0)) {
    return [0];
  }
  const rough = most / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const round = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough * (1 - 1e-9) && (!whole || Number.isInteger(n)));
  const distance = round ?? Math.max(1, Math.ceil(rough));
  const marks = Math.ceil(most / distance - 1e-9);
  return Array.from({ length: marks + 1 }, (_, i) => Number((i * distance).toPrecision(12)));
}

/** Every how many of `n` names there is room for one, in a row so wide where each takes so much. */
export function stride(n: number, width: number, each: number): number {
  return Math.max(1, Math.ceil(n / Math.max(1, Math.floor(width / each))));
}

/** A piece of a bar. */
export interface Piece {
  place: number;
  y: number;
  height: number;
}

/**
 * The pieces of a bar from the bottom up. Their edges are whole pixels and lie on each other, so
 * that no line shows between them, and what is not nothing is at least seen.
 */
export function pieces(amounts: number[], bottom: number, perUnit: number): Piece[] {
  const found: Piece[] = [];
  let sum = 0;
  let below = bottom;
  amounts.forEach((amount, place) => {
    if (amount <= 0) {
      return;
    }
    sum += amount;
    const y = Math.round(bottom - sum * perUnit);
    if (y < below) {
      found.push({ place, y, height: below - y });
      below = y;
    }
  });
  const first = amounts.findIndex((a) => a > 0);
  return found.length === 0 && first >= 0 ? [{ place: first, y: bottom - 1, height: 1 }] : found;
}
