import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { api, ApiError, type Problem } from '../../api/client';
import { deltaOf, Events, textOf, wrongOf } from './answer';

/** One request with what came back so far. */
export interface Exchange {
  phase: 'sent' | 'answering' | 'done' | 'cancelled';
  status?: number;
  headers: [string, string][];
  requestId?: string;
  text: string;
  /** Everything that came, as it came. */
  raw: string;
  wrong?: { code: string; message: string };
  /** Why there is no answer at all: tollgate could not be reached, or its admin API refused. */
  failed?: unknown;
  /** Milliseconds to the first piece of the answer, and to its end. */
  first?: number;
  total?: number;
}

interface Sent {
  key: string;
  path: string;
  body: Record<string, unknown>;
}

const begun: Exchange = { phase: 'sent', headers: [], text: '', raw: '' };

/** Sends a request in the name of a key and follows the answer as it arrives. */
export function useExchange() {
  const [exchange, setExchange] = useState<Exchange>();
  const running = useRef<AbortController>(undefined);
  const cache = useQueryClient();
  useEffect(() => () => running.current?.abort(), []);

  const send = useCallback(async (sent: Sent) => {
    running.current?.abort();
    const control = new AbortController();
    running.current = control;
    setExchange(begun);
    try {
      await follow(sent, control.signal, (change) => {
        if (running.current === control) {
          setExchange((now) => ({ ...(now ?? begun), ...change }));
        }
      });
    } catch (why) {
      if (running.current === control) {
        setExchange((now) => ({ ...(now ?? begun), ...(control.signal.aborted ? { phase: 'cancelled' } : { phase: 'done', failed: why }) }));
      }
    } finally {
      for (const of of ['overview', 'usage', 'requests', 'keys']) {
        void cache.invalidateQueries({ queryKey: [of] });
      }
    }
  }, [cache]);
  const cancel = useCallback(() => running.current?.abort(), []);
  return { exchange, send, cancel };
}

/** Tells piece by piece what comes back. */
async function follow({ key, path, body }: Sent, signal: AbortSignal, tell: (change: Partial<Exchange>) => void) {
  const start = performance.now();
  const since = () => performance.now() - start;
  const got = await api.POST('/api/v1/keys/{id}/try', { params: { path: { id: key } }, body: { path, body }, parseAs: 'stream', signal })
    .catch((why: unknown) => {
      throw signal.aborted ? why : new ApiError(0, { detail: 'tollgate cannot be reached. Is it still running?' });
    });
  const { response } = got;
  const type = response.headers.get('content-type') ?? '';
  tell({
    phase: 'answering', status: response.status, headers: [...response.headers].sort(([a], [b]) => a.localeCompare(b)),
    requestId: response.headers.get('x-request-id') ?? undefined,
  });
  if (!response.ok) {
    const error: unknown = got.error;
    if (type.startsWith('application/problem+json')) {
      throw new ApiError(response.status, error as Partial<Problem>);
    }
    const raw = typeof error === 'string' ? error : JSON.stringify(error ?? {});
    tell({ phase: 'done', raw, wrong: wrongOf(raw), first: since(), total: since() });
    return;
  }
  await read(got.data as ReadableStream<Uint8Array> | null | undefined, type.startsWith('text/event-stream'), since, tell);
}

async function read(body: ReadableStream<Uint8Array> | null | undefined, stream: boolean, since: () => number, tell: (change: Partial<Exchange>) => void) {
  const reader = body?.getReader();
  const decoder = new TextDecoder();
  const events = new Events();
  let [raw, text, wrong, first]: [string, string, Exchange['wrong'], number | undefined] = ['', '', undefined, undefined];
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    const piece = decoder.decode(part.value, { stream: true });
    raw += piece;
    if (stream) {
      for (const data of events.add(piece)) {
        text += deltaOf(data);
        wrong ??= wrongOf(data);
      }
    }
    first ??= since();
    tell({ raw, text, wrong, first });
  }
  tell({ phase: 'done', raw, text: stream ? text : textOf(raw), wrong: wrong ?? (stream ? undefined : wrongOf(raw)), first, total: since() });
}
