import createClient, { type FetchResponse } from 'openapi-fetch';
import type { components, paths } from './schema';

// The console speaks the public admin API and nothing else. This file is the one place where
// it does: everything that the API can say comes back as data or as an ApiError.

export type Schemas = components['schemas'];
export type Problem = Schemas['Problem'];

/** What the API refused, in its own words (RFC 9457), or why it could not be asked. */
export class ApiError extends Error {
  constructor(
    /** HTTP status; 0 if the server could not be reached. */
    readonly status: number,
    readonly problem: Partial<Problem>,
    /** Seconds after which another try makes sense, if the server said so. */
    readonly retryAfter?: number,
  ) {
    super(problem.detail ?? problem.title ?? `The server answered ${status}.`);
    this.name = 'ApiError';
  }

  /** A stable word for what is wrong. */
  get code(): string {
    return this.problem.code ?? '';
  }

  /** What is wrong with single fields, by their path in the body, such as limits[0].amount. */
  get fields(): Record<string, string> {
    const found: Record<string, string> = {};
    for (const e of this.problem.errors ?? []) {
      found[e.path] = e.suggestion ? `${e.message} (did you mean ${e.suggestion}?)` : e.message;
    }
    return found;
  }
}

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: 'same-origin',
  // Several values of a parameter stand in one, with commas between: group_by=day,key.
  querySerializer: { array: { style: 'form', explode: false } },
});

/** Gives the data of an answer, or throws what the API has against it. */
export async function ask<T extends Record<string | number, unknown>, O, M extends `${string}/${string}`>(
  answer: Promise<FetchResponse<T, O, M>>,
): Promise<NonNullable<FetchResponse<T, O, M>['data']>> {
  let got: FetchResponse<T, O, M>;
  try {
    got = await answer;
  } catch (why) {
    if (why instanceof DOMException && why.name === 'AbortError') {
      throw why;
    }
    throw new ApiError(0, { detail: 'tollgate cannot be reached. Is it still running?' });
  }
  if (!got.response.ok || got.data === undefined) {
    throw new ApiError(got.response.status, (got.error ?? {}) as Partial<Problem>, Number(got.response.headers.get('Retry-After')) || undefined);
  }
  return got.data as NonNullable<FetchResponse<T, O, M>['data']>;
}

/** Labels as the query parameters that the API takes them in: label.NAME=VALUE. */
export function labelQuery(labels: Record<string, string> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(labels ?? {}).map(([name, value]) => [`label.${name}`, value]));
}

/** A new idempotency key: what is sent twice with it happens once. */
export function once(): { 'Idempotency-Key': string } {
  return { 'Idempotency-Key': crypto.randomUUID() };
}
