import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiError } from '../api/client';

/** Under this it is kept that a session ended by itself, until somebody signs in or out. */
export const sessionOver = ['session over'];

/** A session that has ended takes everybody back to the door. */
function signedOut(why: unknown) {
  if (why instanceof ApiError && why.status === 401) {
    queries.setQueryData(sessionOver, Boolean(queries.getQueryData(['whoami'])) || undefined);
    queries.setQueryData(['whoami'], null);
  }
}

/** What the console has heard from the API. */
export const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: signedOut }),
  mutationCache: new MutationCache({ onError: signedOut }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What was refused will be refused again; only silence is worth another try.
      retry: (times, why) => times < 2 && !(why instanceof ApiError && why.status >= 400 && why.status < 500),
      refetchOnWindowFocus: true,
    },
  },
});

/** How often what moves is asked for anew, in milliseconds; pages in the background ask for nothing. */
export const live = 2_000;
