/** How long answers took: the median, and what all but one in twenty kept within. */
export function latency(durations: number[]): { p50: number; p95: number; of: number } | undefined {
  if (durations.length === 0) {
    return undefined;
  }
  const sorted = [...durations].sort((a, b) => a - b);
  // The nearest rank: a percentile is always a duration that somebody has seen.
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
  return { p50: at(0.5), p95: at(0.95), of: sorted.length };
}
