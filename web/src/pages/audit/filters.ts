import type { Filter } from '../../parts/filters';

/** What events can be filtered by, as it stands in the address of the page. */
export interface Asked {
  actor?: string;
  action?: string;
  target?: string;
  related?: string;
  target_kind?: string;
  outcome?: string;
  from?: string;
  to?: string;
}

const actions = [
  'key.create', 'key.edit', 'key.rotate', 'key.disable', 'key.enable', 'key.revoke', 'key.delete', 'key.import', 'limit.create', 'limit.edit', 'limit.adjust',
  'limit.delete', 'credential.create', 'credential.edit', 'credential.rotate', 'credential.test', 'credential.delete', 'admin_token.create',
  'admin_token.delete', 'prices.set_overrides', 'backup.create', 'session.create', 'session.end',
];

export const filters: Filter<Exclude<keyof Asked, 'from' | 'to'>>[] = [
  { name: 'actor', label: 'Actor', placeholder: 'maria.santos', hint: 'Name or id of who did it' },
  { name: 'action', label: 'Action', options: actions.map((a) => ({ value: a, label: a })) },
  { name: 'target_kind', label: 'Kind', options: ['key', 'limit', 'credential', 'admin_token', 'prices'].map((k) => ({ value: k, label: k.replace('_', ' ') })) },
  { name: 'target', label: 'Target', placeholder: 'key_…', hint: 'The id of what it was about' },
  { name: 'related', label: 'Key and its limits', placeholder: 'key_…', hint: 'The id of a key: what was done to it, and to its counters of limits' },
  { name: 'outcome', label: 'Outcome', options: [{ value: 'done', label: 'done' }, { value: 'refused', label: 'refused' }] },
];
