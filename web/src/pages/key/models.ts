import { height, sum } from '../../format/money';

/** What each name comes to, the most first, and what all come to. Names with nothing are left out. */
export function ranked<G>(groups: G[], nameOf: (g: G) => string, amountOf: (g: G) => string): { models: { name: string; amount: string }[]; total: string } {
  const parts = new Map<string, string[]>();
  for (const g of groups) {
    const name = nameOf(g);
    parts.set(name, [...(parts.get(name) ?? []), amountOf(g)]);
  }
  const models = [...parts]
    .map(([name, amounts]) => ({ name, amount: sum(amounts) }))
    .filter((m) => height(m.amount) > 0)
    .sort((a, b) => height(b.amount) - height(a.amount) || a.name.localeCompare(b.name));
  return { models, total: sum(models.map((m) => m.amount)) };
}
