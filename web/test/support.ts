import { test as base, expect, type Page } from '@playwright/test';
import { ownerToken, Server, type Seed } from './server';

export { expect, ownerToken, Server };

/** What is sent to the gateway. Whatever is left out has a value that works. */
export interface Prompt {
  model?: string;
  /** What the user says; a line "simulate: …" gives the simulated provider orders. */
  content?: string;
  maxTokens?: number;
}

/** What a test has. */
interface Has {
  /** Calls the admin API as its owner and gives the decoded answer; fails where it is refused. */
  api: <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => Promise<T>;
  /** Sends a real request with a key's secret to the gateway. */
  send: (secret: string, prompt?: Prompt) => Promise<{ status: number; id: string; body: unknown }>;
  /** A page of the console that is signed in as owner. */
  signedIn: Page;
  /** Takes part in every test: a console that breaks its policy, logs errors or calls elsewhere fails it. */
  watch: { allow: (what: RegExp) => void };
}

interface Shares {
  /** Of one worker. */
  server: Server;
  masterKey: boolean;
  /** A past for the server's data. */
  past: Seed | undefined;
  /** A directory with data that are there already. */
  data: string | undefined;
}

export const test = base.extend<Has, Shares>({
  masterKey: [true, { scope: 'worker', option: true }],
  past: [undefined, { scope: 'worker', option: true }],
  data: [undefined, { scope: 'worker', option: true }],

  server: [async ({ masterKey, past, data }, give) => {
    const server = await Server.start({ masterKey, seed: past, data });
    await give(server);
    await server.stop();
  }, { scope: 'worker', timeout: 180_000 }],

  baseURL: async ({ server }, give) => give(`${server.console}/ui/`),

  api: async ({ server }, give) => {
    await give(async (method, path, body) => {
      const answer = await fetch(`${server.admin}/api/v1${path}`, {
        method,
        headers: { Authorization: `Bearer ${ownerToken}`, ...(body === undefined ? {} : { 'Content-Type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' }) },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      const text = await answer.text();
      if (!answer.ok) {
        throw new Error(`${method} ${path}: ${answer.status} ${text}`);
      }
      return JSON.parse(text);
    });
  },

  send: async ({ server }, give) => {
    await give(async (secret, { model = 'simulated', content = 'Hello', maxTokens = 16 } = {}) => {
      const answer = await fetch(`${server.gateway}/v1/chat/completions`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ model, max_tokens: maxTokens, messages: [{ role: 'user', content }] }),
      });
      return { status: answer.status, id: answer.headers.get('x-request-id') ?? '', body: await answer.json() };
    });
  },

  watch: [async ({ page, server }, give) => {
    const wrong: string[] = [];
    const allowed: RegExp[] = [];
    await page.exposeFunction('reportViolation', (what: string) => wrong.push(`policy: ${what}`));
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (e) => {
        void (window as unknown as { reportViolation: (what: string) => void }).reportViolation(`${e.violatedDirective} ${e.blockedURI}`);
      });
    });
    page.on('console', (m) => m.type() === 'error' && wrong.push(`console: ${m.text()}`));
    page.on('pageerror', (e) => wrong.push(`error: ${e.message}`));
    page.on('request', (r) => {
      const url = new URL(r.url());
      if (!['blob:', 'about:'].includes(url.protocol) && url.origin !== server.console && url.protocol !== 'ws:') {
        wrong.push(`elsewhere: ${r.url()}`);
      }
    });
    await give({ allow: (what) => allowed.push(what) });
    expect(wrong.filter((w) => !allowed.some((a) => a.test(w))), 'what the console did that it must not').toEqual([]);
  }, { auto: true }],

  signedIn: async ({ page, server }, give) => {
    await carrySession(page, server, ownerToken);
    await give(page);
  },
});

/** The same on a server with a month behind it. Files that share it can share the server as well. */
export const testWithPast = test.extend<object, Shares>({ past: [{ keys: 40, requests: 4000, days: 30 }, { scope: 'worker' }] });

/** Begins a session for a page that has not gone anywhere yet, without the form and what that takes. */
export async function carrySession(page: Page, server: Server, token: string) {
  const answer = await fetch(`${server.admin}/api/v1/session`, { method: 'POST', headers: { Authorization: `Bearer ${token}` } });
  const value = /^tollgate_session=([^;]+)/.exec(answer.headers.get('set-cookie') ?? '')?.[1];
  if (!value) {
    throw new Error(`no session began: ${answer.status} ${await answer.text()}`);
  }
  await page.context().addCookies([{ name: 'tollgate_session', value, url: server.console, httpOnly: true, sameSite: 'Strict' }]);
}

/** Signs in by the form, as people do. */
export async function signIn(page: Page, token: string) {
  await page.goto('./');
  await page.getByLabel('Admin token', { exact: true }).fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('navigation', { name: 'Pages' })).toBeVisible();
}

/** Makes a key and gives its id and secret. */
export async function makeKey(api: Has['api'], fields: Record<string, unknown>): Promise<{ id: string; secret: string }> {
  const made = await api<{ key: { id: string }; secret: string }>('POST', '/keys', fields);
  return { id: made.key.id, secret: made.secret };
}
