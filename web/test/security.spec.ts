import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from '@playwright/test';
import { expect, makeKey, ownerToken, signIn, test } from './support';

const bidi = '\u202Egnp.exe\u2066';
/** What people have tried elsewhere; each calls alert, which no page may do. */
const payloads = [
  '<script>alert(1)</script>', '<img src=x onerror=alert(2)>', '"><svg onload=alert(3)>', 'javascript:alert(4)', '{{constructor.constructor("alert(5)")()}} ${alert(5)}',
];
/** All of them in one text, short enough for every field. */
const all = payloads.join(' ');

/** Waits until a page has everything, then looks whether anything of what was stored came to life. */
async function harmless(page: Page, path: string) {
  await page.goto(path);
  await expect(page.locator('main')).toHaveText(/\S/);
  await expect(page.locator('[aria-busy=true], .mantine-Skeleton-root')).toHaveCount(0);
  const alive = await page.evaluate(() => ({
    handlers: [...document.querySelectorAll('*')].filter((e) => [...e.attributes].some((a) => /^on/i.test(a.name))).map((e) => e.outerHTML),
    links: [...document.querySelectorAll('[href], [src]')].map((e) => e.getAttribute('href') ?? e.getAttribute('src') ?? '').filter((to) => /^\s*(javascript|data|vbscript):/i.test(to)),
    scripts: [...document.scripts].filter((s) => !s.src || new URL(s.src).origin !== location.origin).map((s) => s.outerHTML).filter((s) => !/type="module"/.test(s)),
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  }));
  expect(alive, path).toEqual({ handlers: [], links: [], scripts: [], wide: 0 });
}

test('what people store is shown as text on every page', async ({ signedIn: page, server, api, watch }) => {
  test.setTimeout(180_000);
  watch.allow(/status of 404/); // a key of such a name
  const dialogs: string[] = [];
  page.on('dialog', (d) => { dialogs.push(d.message()); void d.dismiss(); });
  const name = (what: string) => `${all.slice(0, 100)} ${what}`;

  // Names, labels and reasons.
  const key = await makeKey(api, {
    name: name('key'), labels: { team: all.slice(0, 120), app: bidi, sheet: '=HYPERLINK("http://evil.example","x")' }, models: { allow: ['*', '<script>alert(6)</script>'] },
    limits: [{ kind: 'cost', amount: '5', window: { calendar: 'month' }, models: ['*', '<img src=x onerror=alert(7)>'] }],
  });
  const other = await makeKey(api, { name: bidi });
  await makeKey(api, { name: '{{7*7}}'.padEnd(128, 'x') });
  await api('POST', `/keys/${other.id}/disable`, { reason: `${all} ${'long '.repeat(50)}` });
  const { limit } = await api<{ limit: { id: string } }>('POST', '/limits', {
    name: name('limit'), kind: 'cost', amount: '9', window: { calendar: 'month' }, match: { 'label.app': bidi }, per: 'pool',
  });
  await api('POST', '/admin-tokens', { name: name('token').slice(0, 64), role: 'viewer' });
  await api('POST', '/credentials', { name: 'img-src-x', provider: 'openai', host: 'localhost:9', value: `sk-${payloads[0]}-value` });
  await api('PUT', '/prices/overrides', {
    format: 'tollgate/prices/1', version: 'a', providers: { simulated: { models: { [payloads[0]!]: { rates: { input: '1', output: '2' } }, [payloads[1]!]: { free: true } } } },
  });

  // Requests with such models, user agents and texts, served and refused.
  const ids: string[] = [];
  for (const model of ['simulated', ...payloads, `${payloads[1]}${'x'.repeat(10_000)}`, bidi]) {
    const answer = await fetch(`${server.gateway}/v1/chat/completions`, {
      method: 'POST', headers: { Authorization: `Bearer ${key.secret}`, 'Content-Type': 'application/json', 'User-Agent': all },
      body: JSON.stringify({ model, max_tokens: 8, messages: [{ role: 'user', content: `${all} ${'x'.repeat(10_000)}` }], user: all }),
    });
    ids.push(answer.headers.get('x-request-id') ?? '');
  }
  await expect(async () => { await api('GET', `/requests/${ids.at(-1)}`); }).toPass();

  const label = encodeURIComponent(`team=${all.slice(0, 120)}`);
  const paths = [
    '', '?by=key', '?by=model', 'keys', `keys?q=${encodeURIComponent(payloads[0]!)}`, `keys?labels=${label}`, `keys/${key.id}`, `keys/${key.id}?tab=requests`, `keys/${key.id}?tab=settings`,
    `keys/${key.id}?tab=history`, `keys/${other.id}`, `keys/${encodeURIComponent(payloads[1]!)}`, 'limits', `limits?id=${limit.id}`, 'requests', `requests?model=${encodeURIComponent(payloads[1]!)}`,
    ...ids.map((id) => `requests?id=${id}`), 'usage?by=key', 'usage?by=model,key', 'usage?by=label.team', 'models', 'models?tab=prices&q=script', 'models?tab=overrides', 'credentials', 'audit',
    `audit?target=${other.id}`, `audit?actor=${encodeURIComponent(payloads[2]!)}`, 'settings?tab=tokens', 'settings?tab=configuration', `try?key=${key.id}&model=${encodeURIComponent(payloads[1]!)}`,
    `requests?key=${encodeURIComponent('javascript:alert(8)')}`, `?period=${encodeURIComponent(payloads[0]!)}`,
  ];
  for (const path of paths) {
    await harmless(page, path);
  }
  await page.goto(`keys/${key.id}`);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(name('key'));
  await page.getByRole('button', { name: 'Edit' }).click();
  await expect(page.getByRole('dialog')).toContainText(payloads[0]!);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Delete…' }).click();
  await expect(page.getByRole('dialog')).toContainText(name('key'));
  expect(dialogs).toEqual([]);

  // Spreadsheets take what begins with = for a formula.
  const csv = await (await fetch(`${server.admin}/api/v1/usage.csv?group_by=label.sheet`, { headers: { Authorization: `Bearer ${ownerToken}` } })).text();
  expect(csv).toContain("'=HYPERLINK");
  expect(csv).not.toMatch(/[,"]=HYPERLINK/);
});

/** A site of somebody else, which is all other ports to a browser. */
async function elsewhere(body: string): Promise<{ address: string; close: () => void }> {
  const site: HttpServer = createServer((_, answer) => answer.setHeader('Content-Type', 'text/html').end(body));
  await new Promise<void>((ready) => { site.listen(0, '127.0.0.1', ready); });
  return { address: `http://127.0.0.1:${(site.address() as AddressInfo).port}`, close: () => site.close() };
}

test('pages of other sites cannot do anything with the session', async ({ signedIn: page, api, server, watch }) => {
  watch.allow(/elsewhere|status of 40|CORS|blocked|ERR_|Refused to|policy/i);
  await page.goto('keys');
  const [cookie] = (await page.context().cookies()).filter((c) => c.name === 'tollgate_session');
  const key = await makeKey(api, { name: 'stays-as-it-is' });
  const disable = `${server.console}/api/v1/keys/${key.id}/disable`;
  for (const host of ['127.0.0.1', 'localhost']) { // another site, and another origin of the same site
    const site = await elsewhere(`<form method="post" enctype="text/plain" action="${disable}"><input name='{"reason":"' value='"}'></form><p>evil</p>`);
    const tab = await page.context().newPage();
    try {
      await tab.goto(site.address.replace('127.0.0.1', host));
    } catch {
      site.close();
      await tab.close();
      continue; // localhost is not this address here
    }
    const results = await tab.evaluate(async ({ disable, console }) => {
      const tries: [string, RequestInit][] = [
        [disable, { method: 'POST', body: '{}', credentials: 'include', mode: 'no-cors', headers: { 'Content-Type': 'text/plain' } }],
        [disable, { method: 'POST', body: '{}', credentials: 'include', headers: { 'Content-Type': 'application/json' } }],
        [`${console}/api/v1/keys`, { credentials: 'include' }],
        [`${console}/api/v1/session`, { method: 'DELETE', credentials: 'include' }],
      ];
      return Promise.all(tries.map(async ([url, init]) => {
        try {
          const answer = await fetch(url, init);
          return `${answer.type} ${answer.ok} ${await answer.text()}`;
        } catch {
          return 'failed';
        }
      }));
    }, { disable, console: server.console });
    expect(results.map((r) => r.replace(/^opaque false $/, 'failed'))).toEqual(['failed', 'failed', 'failed', 'failed']);
    const posted = tab.waitForResponse((r) => r.url() === disable);
    await tab.evaluate(() => document.forms[0]!.submit());
    expect((await posted).status()).toBeGreaterThanOrEqual(401);
    await tab.waitForURL(disable);
    // A link from elsewhere takes no session along; the address typed does.
    await tab.goto(site.address.replace('127.0.0.1', host));
    const [read] = await Promise.all([
      tab.waitForResponse((r) => r.url() === `${server.console}/api/v1/usage.csv?group_by=key`),
      tab.evaluate((to) => { location.href = to; }, `${server.console}/api/v1/usage.csv?group_by=key`),
    ]);
    expect(read.status()).toBeGreaterThanOrEqual(401);
    await read.finished();
    await tab.waitForURL(/usage\.csv/); // a tab that is closed on its way somewhere can hang the browser
    site.close();
    await tab.close();
  }
  expect(await api('GET', `/keys/${key.id}`)).toMatchObject({ status: 'active' });
  const still = await fetch(`${server.console}/api/v1/whoami`, { headers: { Cookie: `tollgate_session=${cookie!.value}` } });
  expect(still.status, 'the session is not ended').toBe(200);
});

test('no page of another site shows the console in a frame', async ({ page, server, watch }) => {
  watch.allow(/./);
  const site = await elsewhere(`<iframe src="${server.console}/ui/keys"></iframe>`);
  await page.goto(site.address);
  await expect(async () => expect(page.frames().length).toBe(2)).toPass();
  await expect(async () => expect(page.frames()[1]!.url()).toMatch(/^chrome-error:/)).toPass();
  site.close();
});

test('the policy is strict, and holds on every answer', async ({ page, server, watch }) => {
  test.skip(Boolean(process.env.CONSOLE_SOURCE), 'the development server has its own policy');
  for (const path of ['', 'keys', 'no/such/page', 'keys/%3Cscript%3E']) {
    const answer = await page.goto(path);
    const { 'content-security-policy': policy = '', ...head } = answer!.headers();
    const rules = new Map(policy.split('; ').map((rule) => [rule.slice(0, rule.indexOf(' ')), rule.slice(rule.indexOf(' ') + 1)]));
    expect(rules.get('default-src')).toBe("'none'");
    expect(rules.get('script-src')).toBe("'self'");
    expect(rules.get('connect-src')).toBe("'self'");
    expect(rules.get('style-src')).toMatch(/^'self' 'nonce-[\w]{16,}'$/);
    expect(rules.get('frame-ancestors')).toBe("'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
    expect(head).toMatchObject({ 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' });
  }
  const nonces = await Promise.all([1, 2].map(async () => /nonce-(\w+)/.exec((await fetch(`${server.console}/ui/`)).headers.get('content-security-policy') ?? '')?.[1]));
  expect(nonces[0]).not.toBe(nonces[1]);
  // What a script of the page could not do, were there one.
  watch.allow(/inline|status of 401/);
  const ran = await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.body.append(script);
    return 'ran' in window;
  }).catch(() => false);
  expect(ran).toBe(false);
});

test('nothing but the console is below its address', async ({ server }) => {
  test.skip(Boolean(process.env.CONSOLE_SOURCE), 'the development server serves its sources');
  // As bytes on the wire: fetch would tidy the paths up first.
  for (const path of ['/ui/../api/v1/keys', '/ui/%2e%2e/%2e%2e/etc/passwd', '/ui/..%2f..%2fconfig.yaml', '/ui/assets/../../../config.yaml', '/ui/assets/%00', '/ui//etc/passwd', '/ui/..\\..\\config.yaml']) {
    const text = execFileSync('curl', ['-s', '--path-as-is', '-i', `${server.admin}${path}`], { encoding: 'utf8' });
    expect(text, path).not.toMatch(/root:|simulated|"keys"/);
    expect(text, path).toMatch(/^HTTP\/1\.1 (200|30[1278]|400|401|404) /);
    if (/^HTTP\/1\.1 200/.test(text)) {
      expect(text).toContain('<div id="root">');
    }
  }
});

test('a session is bound to its cookie, which scripts cannot read', async ({ page, server, watch }) => {
  watch.allow(/status of 401/);
  const opened = page.waitForResponse((r) => r.url().endsWith('/api/v1/session') && r.request().method() === 'POST');
  await signIn(page, ownerToken);
  expect((await (await opened).allHeaders())['set-cookie']).toMatch(/^tollgate_session=[^;]{20,}; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/);
  expect(await page.evaluate(() => document.cookie)).toBe('');
  const [cookie] = (await page.context().cookies()).filter((c) => c.name === 'tollgate_session');
  const ask = (headers: Record<string, string>) => fetch(`${server.admin}/api/v1/whoami`, { headers: { Cookie: `tollgate_session=${cookie!.value}`, ...headers } });
  expect((await ask({ 'Sec-Fetch-Site': 'same-origin' })).status).toBe(200);
  expect((await ask({ 'Sec-Fetch-Site': 'cross-site' })).status).toBe(403);
  expect((await ask({ 'Sec-Fetch-Site': 'same-site' })).status).toBe(403);
  expect((await ask({ Origin: 'http://evil.example' })).status).toBe(403);
  expect((await fetch(`${server.admin}/api/v1/whoami`, { headers: { Cookie: `tollgate_session=${cookie!.value}x` } })).status).toBe(401);
});

test('the build has the notices of what it is made of, and no address of elsewhere is loaded', async ({ page, server }) => {
  test.skip(Boolean(process.env.CONSOLE_SOURCE), 'of the build only');
  const first = await (await fetch(`${server.console}/ui/`)).text();
  expect(first).not.toMatch(/(src|href)="(https?:)?\/\//);
  const own = await readFile(new URL('../index.html', import.meta.url), 'utf8');
  expect(own).not.toMatch(/<script(?![^>]*src=)/);
  expect(await page.goto('licenses.md').then((r) => r!.status())).toBe(200);
});
