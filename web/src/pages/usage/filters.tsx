import { useQuery } from '@tanstack/react-query';
import { api, ask } from '../../api/client';
import { useMay } from '../../app/session';
import { FilterBar, type Filter } from '../../parts/filters';
import { KeySelect } from '../../parts/keypick';

type Name = 'key' | 'model' | 'provider' | 'labels';
type Values = { [N in Name]?: string };

/** What the sums are confined to. */
export function Filters({ search, set }: { search: Values; set: (change: Values) => void }) {
  const may = useMay();
  const key = useQuery({
    queryKey: ['key', search.key],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/keys/{id}', { params: { path: { id: search.key ?? '' } }, signal })),
    enabled: search.key !== undefined && may('getKey'),
    staleTime: 30_000,
  });
  const filters: Filter<Name>[] = [
    {
      name: 'key', label: 'Key', says: () => key.data?.name ?? search.key ?? '',
      ...(may('listKeys') && { edit: ({ value, set: choose }) => <KeySelect value={value || undefined} onChange={choose} comboboxProps={{ withinPortal: false }} data-autofocus /> }),
    },
    { name: 'model', label: 'Model', placeholder: 'gpt-5', hint: 'As it was sent to the provider' },
    { name: 'provider', label: 'Provider', placeholder: 'openai' },
    { name: 'labels', label: 'Labels', placeholder: 'team=payments', hint: 'NAME=VALUE, several with commas between' },
  ];
  return <FilterBar filters={filters} values={search} onChange={set} />;
}
