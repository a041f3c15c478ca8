import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, makeKey, test } from './support';

/** What there is to see: every page, and the dialogs that people meet most. */
interface Sight {
  name: string;
  path: string;
  /** Opens what is not there by the address alone. */
  open?: (page: Page) => Promise<void>;
}

async function sights(api: <T>(method: string, path: string, body?: unknown) => Promise<T>, send: (secret: string, prompt?: object) => Promise<{ id: string }>): Promise<Sight[]> {
  const name = `looked-at-${Date.now()}`;
  const key = await makeKey(api as never, {
    name, labels: { team: 'payments', env: 'prod', cost_center: '4711', owner: 'somebody-with-a-long-name@example.com' }, expires_at: new Date(Date.now() + 5 * 86_400_000).toISOString(),
    limits: [
      { kind: 'cost', amount: '0.0001', window: { calendar: 'month', timezone: 'Europe/Berlin' } }, { kind: 'tokens', amount: 5_000_000, window: { calendar: 'week' } },
      { kind: 'requests', amount: 60, window: { sliding: '60s' } }, { kind: 'concurrency', amount: 4 },
    ],
  });
  await makeKey(api as never, { name: `${name}-${'very-'.repeat(12)}long`.slice(0, 128) });
  const off = await makeKey(api as never, { name: `${name}-off`, cost_limit: '10' });
  await api('POST', `/keys/${off.id}/disable`, { reason: 'on holiday' });
  const { limit } = await api<{ limit: { id: string } }>('POST', '/limits', {
    name: `${name} team`, kind: 'cost', amount: '500.00', window: { calendar: 'month' }, match: { 'label.team': 'payments' }, per: 'pool',
  });
  const served = await send(key.secret, { maxTokens: 10 });
  await send(key.secret, { maxTokens: 10 });
  const refused = await send(key.secret, { maxTokens: 5000 });
  await send(key.secret, { model: 'nowhere' });
  await expect(async () => { await api('GET', `/requests/${refused.id}`); }).toPass();
  const on = (button: string, item?: string) => async (page: Page) => {
    await page.getByRole('button', { name: button }).first().click();
    if (item) {
      await page.getByRole('menuitem', { name: item }).click();
    }
    await expect(page.getByRole('dialog').last()).toBeVisible();
  };
  return [
    { name: 'overview', path: '' }, { name: 'keys', path: 'keys' }, { name: 'no key matches', path: 'keys?q=nothing-like-that' },
    { name: 'create a key', path: 'keys?new=key', open: async (page) => { await page.getByRole('dialog').getByRole('button', { name: /^More/ }).click(); } },
    { name: 'import keys', path: 'keys?new=import' },
    { name: 'many keys', path: 'keys', open: async (page) => { await page.getByRole('checkbox').first().check(); await on('Delete')(page); } },
    { name: 'key', path: `keys/${key.id}` }, { name: 'requests of a key', path: `keys/${key.id}?tab=requests` }, { name: 'settings of a key', path: `keys/${key.id}?tab=settings` },
    { name: 'history of a key', path: `keys/${key.id}?tab=history` }, { name: 'disabled key', path: `keys/${off.id}` }, { name: 'no such key', path: 'keys/key_none' },
    { name: 'edit a key', path: `keys/${key.id}`, open: on('Edit') }, { name: 'rotate a key', path: `keys/${key.id}`, open: on('Rotate') },
    { name: 'delete a key', path: `keys/${key.id}`, open: on('More actions', 'Delete…') }, { name: 'revoke a key', path: `keys/${key.id}`, open: on('More actions', 'Revoke…') },
    { name: 'adjust a limit', path: `keys/${key.id}`, open: on('Adjust') },
    { name: 'shared limits', path: 'limits' }, { name: 'shared limit', path: `limits?id=${limit.id}` }, { name: 'create a shared limit', path: 'limits?new=pool' },
    { name: 'requests', path: 'requests' }, { name: 'served request', path: `requests?id=${served.id}` }, { name: 'refused request', path: `requests?id=${refused.id}` },
    { name: 'usage', path: 'usage' }, { name: 'usage by key', path: 'usage?by=key,model' },
    { name: 'models', path: 'models' }, { name: 'prices', path: 'models?tab=prices' }, { name: 'overrides', path: 'models?tab=overrides' }, { name: 'override', path: 'models?tab=overrides&provider=simulated&model=simulated' },
    { name: 'credentials', path: 'credentials' }, { name: 'add a credential', path: 'credentials?new=credential' },
    { name: 'audit', path: 'audit', open: async (page) => { await page.getByRole('list', { name: 'Events' }).getByRole('button').first().click(); } },
    { name: 'try it', path: `try?key=${key.id}&model=simulated` },
    { name: 'server', path: 'settings' }, { name: 'admin tokens', path: 'settings?tab=tokens' }, { name: 'configuration', path: 'settings?tab=configuration' },
    { name: 'retention', path: 'settings?tab=retention' }, { name: 'appearance', path: 'settings?tab=appearance' },
    { name: 'create an admin token', path: 'settings?tab=tokens', open: on('Create a token') },
    { name: 'anywhere', path: 'audit', open: on('Go to a page') },
    { name: 'nowhere', path: 'no/such/page' },
  ];
}

async function settled(page: Page, sight: Sight) {
  await page.goto(sight.path);
  await expect(page.getByRole('heading').or(page.getByText('There is no')).first()).toBeVisible();
  await expect(page.locator('[aria-busy=true], .mantine-Skeleton-root')).toHaveCount(0);
  await sight.open?.(page);
  // What fades in is measured when it is there, and what fades out when it is gone.
  if (await page.getByRole('dialog').count() > 0) {
    await expect(page.getByRole('menu')).toHaveCount(0);
  }
  await page.evaluate(() => Promise.all(document.getAnimations().map((a) => a.finished.catch(() => undefined))));
}

/** Waits until the colours of a scheme are those that are seen. */
async function drawn(page: Page) {
  await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
  await page.evaluate(() => Promise.all(document.getAnimations().map((a) => a.finished.catch(() => undefined))));
}

/** What axe has against the page that matters to people. */
async function findings(page: Page, rules?: string[]): Promise<string[]> {
  const axe = new AxeBuilder({ page });
  const { violations } = await (rules ? axe.withRules(rules) : axe.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'])).analyze();
  return violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} ${n.html.slice(0, 200)} ${n.any[0]?.message ?? ''}`).join('\n  ')}`);
}

/** By how many pixels what must not scroll sideways is too wide. */
async function tooWide(page: Page, width: number): Promise<number[]> {
  await page.setViewportSize({ width, height: 900 });
  return page.evaluate(() => [...document.querySelectorAll<HTMLElement>('html, [role=dialog], main')].map((e) => e.scrollWidth - e.clientWidth).filter((over) => over > 0));
}

const parts = 4;
test.describe.configure({ mode: 'parallel' });

for (let part = 0; part < parts; part++) {
  test(`readable in both schemes and at every width, part ${part + 1} of ${parts}`, async ({ signedIn: page, api, send, watch }) => {
    test.setTimeout(240_000);
    watch.allow(/status of 404/);
    for (const sight of (await sights(api, send)).filter((_, i) => i % parts === part)) {
      await page.setViewportSize({ width: 1440, height: 900 });
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
      await settled(page, sight);
      expect.soft(await findings(page), `${sight.name}, light`).toEqual([]);
      await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
      await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
      await drawn(page);
      expect.soft(await findings(page, ['color-contrast']), `${sight.name}, dark`).toEqual([]);
      for (const width of [1920, 390]) {
        await expect.soft(async () => expect(await tooWide(page, width)).toEqual([]), `${sight.name}, ${width} px`).toPass({ timeout: 5000 });
      }
      expect.soft(await findings(page, ['color-contrast', 'scrollable-region-focusable', 'nested-interactive', 'button-name', 'link-name']), `${sight.name}, dark at 390 px`).toEqual([]);
    }
  });
}
