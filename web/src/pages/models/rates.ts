import type { Schemas } from '../../api/client';
import { compact } from '../../format/numbers';

type Tier = Schemas['PriceTier'];

const columns = ['input', 'output', 'cacheRead', 'cacheWrite'];

/** The price of a kind that has a column. */
export function rateOf(tier: Tier, kind: string): Schemas['Rate'] | undefined {
  return tier.rates?.find((r) => r.kind === kind);
}

/** The prices of kinds that have none: "reasoning $10.00", "web search $0.01 each". */
export function otherRates(tier: Tier): string[] {
  return (tier.rates ?? [])
    .filter((r) => !columns.includes(r.kind))
    .map((r) => `${words(r.kind)} $${r.price_usd}${r.per === 'million' ? '' : r.per === 'one' ? ' each' : ` per ${r.per}`}`);
}

/** The name of a kind for people: cacheWrite1h is "cache write 1h". */
export function words(kind: string): string {
  return kind.replaceAll(/([a-z])([A-Z0-9])/g, '$1 $2').toLowerCase();
}

/** When the prices of a tier hold. */
export function whenOf(tier: Tier): string {
  const parts = [
    tier.service && `service ${tier.service}`,
    tier.over_input_tokens !== undefined && `over ${compact(tier.over_input_tokens)} input tokens`,
    tier.factor && `times ${tier.factor}`,
  ].filter((p) => p);
  return parts.join(', ') || 'usually';
}

/** Who says so, each source once. */
export function sourcesOf(tier: Tier): Schemas['Origin'][] {
  const found = new Map((tier.rates ?? []).map((r) => [`${r.origin.source} ${r.origin.version ?? ''} ${r.origin.date ?? ''}`, r.origin]));
  return [...found.values()];
}
