import { getRouteApi } from '@tanstack/react-router';
import { codeWords, meaning, outcomes } from '../../format/outcome';
import { FilterBar, TimeFilter, type Filter } from '../../parts/filters';
import { KeySelect } from '../../parts/keypick';
import { KeyName } from './links';
import type { Asked } from './list';

const route = getRouteApi('/requests');

const codes = [
  'budget_exceeded', 'budget_reserved', 'rate_limit_exceeded', 'invalid_api_key', 'key_disabled', 'key_revoked', 'key_expired', 'model_not_allowed',
  'operation_not_allowed', 'address_not_allowed', 'model_not_found', 'model_unpriced', 'upstream_error', 'upstream_auth', 'upstream_unreachable', 'upstream_timeout',
];

const filters: Filter<Exclude<keyof Asked, 'from' | 'to'>>[] = [
  {
    name: 'key', label: 'Key', says: (id) => <KeyName id={id} />,
    edit: ({ value, set }) => <KeySelect value={value || undefined} onChange={set} comboboxProps={{ withinPortal: false }} data-autofocus />,
  },
  { name: 'model', label: 'Model', placeholder: 'gpt-5', hint: 'As it was asked for, sent or served' },
  { name: 'provider', label: 'Provider', placeholder: 'openai' },
  { name: 'outcome', label: 'Outcome', options: outcomes.map((o) => ({ value: o, label: o })), hint: meaning('refused').replace('tollgate', 'Refused: tollgate') },
  { name: 'code', label: 'Code', options: codes.map((c) => ({ value: c, label: codeWords(c) })) },
  {
    name: 'status', label: 'Status', placeholder: '429', hint: 'A status, or a class: 2, 3, 4 or 5',
    says: (v) => (/^[2-5]$/.test(v) ? `${v}xx` : v),
  },
  { name: 'limit_id', label: 'Refused by', placeholder: 'lim_…', hint: 'The id of a limit' },
  { name: 'labels', label: 'Labels', placeholder: 'team=payments, env=prod', hint: 'NAME=VALUE pairs with commas between' },
];

/** What the list is filtered by. It is all in the address, so that it can be sent to somebody. */
export function Filters({ asked }: { asked: Asked }) {
  const navigate = route.useNavigate();
  const change = (by: Partial<Asked>) => void navigate({ search: (s) => ({ ...s, ...by, id: undefined }), resetScroll: false });
  return (
    <FilterBar filters={filters} values={asked} onChange={change}>
      <TimeFilter key={`${asked.from}${asked.to}`} from={asked.from} to={asked.to} onChange={change} />
    </FilterBar>
  );
}
