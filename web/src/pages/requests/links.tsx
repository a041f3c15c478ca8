import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { api, ask } from '../../api/client';
import { TextLink } from '../../parts/links';

export function KeyLink({ id, children }: { id: string; children: ReactNode }) {
  return <TextLink to="/keys/$id" params={{ id }} inherit>{children}</TextLink>;
}

export function ModelLink({ model }: { model: string }) {
  return <TextLink to="/models" search={{ q: model }} inherit>{model}</TextLink>;
}

export function LimitLink({ id, children }: { id: string; children: ReactNode }) {
  return <TextLink to="/limits" search={{ id }} inherit>{children}</TextLink>;
}

/** The name of a key, as long as it is unknown its id. */
export function KeyName({ id }: { id: string }) {
  const key = useQuery({
    queryKey: ['key', id],
    queryFn: ({ signal }) => ask(api.GET('/api/v1/keys/{id}', { params: { path: { id } }, signal })),
    staleTime: 30_000,
  });
  return <>{key.data?.name ?? id}</>;
}
