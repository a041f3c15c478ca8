import { useQuery } from '@tanstack/react-query';
import { api, ask } from '../api/client';
import { baseOf } from '../format/snippets';

/** The base URL at which applications reach the gateway, as far as this browser can tell. */
export function useGatewayBase(): string {
  const health = useQuery({ queryKey: ['health'], queryFn: ({ signal }) => ask(api.GET('/api/v1/health', { signal })), staleTime: 60_000 });
  return baseOf(window.location, health.data?.gateways ?? []);
}
