import type { Schemas } from '../../api/client';

/** What the form of a shared limit begins with. */
export type Start = Pick<Schemas['Limit'], 'kind' | 'amount' | 'window' | 'match' | 'per' | 'name'>;

/** One for many, and one for each: what the two kinds of shared limits are for. */
export const examples: Record<'pool' | 'each', Start> = {
  pool: { name: 'payments team', kind: 'cost', amount: '500.00', window: { calendar: 'month' }, match: { 'label.team': 'payments' }, per: 'pool' },
  each: { name: 'every key', kind: 'cost', amount: '50.00', window: { calendar: 'month' }, match: {}, per: 'each' },
};

/** The example that an address names; anything else begins with an empty form. */
export function exampleOf(name: string): Start | undefined {
  return name === 'pool' || name === 'each' ? examples[name] : undefined;
}
