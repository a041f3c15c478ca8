import { useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { api, ApiError, ask, type Schemas } from '../api/client';

export type Operation = string;

/** Who is signed in; null: nobody. */
export function useWho() {
  return useQuery({
    queryKey: ['whoami'],
    queryFn: async (): Promise<Schemas['WhoAmI'] | null> => {
      try {
        return await ask(api.GET('/api/v1/whoami'));
      } catch (why) {
        if (why instanceof ApiError && why.status === 401) {
          return null;
        }
        throw why;
      }
    },
    staleTime: 60_000,
  });
}

/**
 * Tells whether the role of who is signed in allows an operation, by its name in the API's
 * description. What a role may not do is not offered; the API refuses it anyway.
 */
export function useMay(): (operation: Operation) => boolean {
  const { data } = useWho();
  return useCallback((operation) => data?.may.includes(operation) ?? false, [data]);
}

/**
 * Drops all that was heard, but who is signed in: the frame of the page watches that, and what
 * is dropped is not watched any more.
 */
function forget(cache: QueryClient) {
  cache.removeQueries({ predicate: (q) => q.queryKey[0] !== 'whoami' });
  cache.getMutationCache().clear();
}

/** Signs in with an admin token, which the browser does not keep. */
export function useSignIn() {
  const cache = useQueryClient();
  return useCallback(
    async (token: string) => {
      const session = await ask(
        api.POST('/api/v1/session', { headers: { Authorization: `Bearer ${token}` } }),
      );
      forget(cache);
      cache.setQueryData(['whoami'], session);
    },
    [cache],
  );
}

/** Signs out: the session is ended at the server, and nothing of it stays in the page. */
export function useSignOut() {
  const cache = useQueryClient();
  return useCallback(async () => {
    try {
      await ask(api.DELETE('/api/v1/session'));
    } finally {
      forget(cache);
      cache.setQueryData(['whoami'], null);
    }
  }, [cache]);
}
