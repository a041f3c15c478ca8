import { Select, type SelectProps } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask } from '../api/client';

interface KeySelectProps extends Omit<SelectProps, 'data' | 'value' | 'onChange' | 'searchValue' | 'onSearchChange' | 'filter'> {
  /** Id of the key. */
  value: string | undefined;
  onChange: (id: string | undefined) => void;
}

/** Chooses one of any number of keys: the server searches. */
export function KeySelect({ value, onChange, label = 'Key', placeholder = 'Any key', ...rest }: KeySelectProps) {
  const [text, setText] = useState('');
  // What is chosen may be none of those that a search shows.
  const chosen = useQuery({
    queryKey: ['key', value],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/keys/{id}', { params: { path: { id: value ?? '' } }, signal })),
    enabled: value !== undefined,
    staleTime: 30_000,
  });
  // The name of what is chosen stands in the field: nobody searches for it.
  const [q] = useDebouncedValue(value !== undefined && text === chosen.data?.name ? '' : text.trim(), 200);
  const found = useQuery({
    queryKey: ['keys', 'pick', q],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/keys', { params: { query: { q: q || undefined, limit: 20, sort: 'name' } }, signal })),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
  const data = new Map((found.data?.keys ?? []).map((k) => [k.id, k.name]));
  if (value !== undefined && !data.has(value)) {
    data.set(value, chosen.data?.name ?? value);
  }
  return (
    <Select
      label={label} placeholder={placeholder} searchable clearable maxDropdownHeight={320} nothingFoundMessage={found.isPending ? 'Searching …' : 'No such key'}
      {...rest}
      data={[...data].map(([id, name]) => ({ value: id, label: name }))}
      // A search by id or label finds keys whose names do not have the words in them.
      filter={({ options }) => options}
      value={value ?? null} onChange={(id) => onChange(id ?? undefined)}
      searchValue={text} onSearchChange={setText}
    />
  );
}
