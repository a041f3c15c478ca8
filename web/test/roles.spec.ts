import type { Page } from '@playwright/test';
import { carrySession, expect, makeKey, test } from './support';

/** What stands on a page for each operation that a role may or may not have. */
const offered: { on: string; needs: string; control: (page: Page) => ReturnType<Page['getByRole']> }[] = [
  { on: 'keys', needs: 'createKey', control: (p) => p.getByRole('button', { name: 'Create key' }) },
  { on: 'keys', needs: 'disableKey', control: (p) => p.getByRole('switch', { name: /works$/ }).first() },
  { on: 'keys', needs: 'editKey', control: (p) => p.getByRole('checkbox', { name: 'Select all keys of this page' }) },
  { on: 'keys/KEY', needs: 'editKey', control: (p) => p.getByRole('button', { name: 'Edit' }) },
  { on: 'keys/KEY', needs: 'rotateKey', control: (p) => p.getByRole('button', { name: 'Rotate' }) },
  { on: 'keys/KEY', needs: 'disableKey', control: (p) => p.getByRole('button', { name: 'Disable' }) },
  { on: 'keys/KEY', needs: 'deleteKey', control: (p) => p.getByRole('button', { name: 'More actions' }) },
  { on: 'keys/KEY', needs: 'adjustLimit', control: (p) => p.getByRole('button', { name: /^Adjust/ }) },
  { on: 'keys/KEY', needs: 'tryKey', control: (p) => p.getByRole('link', { name: 'Try it' }).last() },
  { on: 'keys/KEY', needs: 'listEvents', control: (p) => p.getByRole('tab', { name: 'History' }) },
  { on: 'limits', needs: 'createLimit', control: (p) => p.getByRole('button', { name: 'Create a shared limit' }) },
  { on: 'limits', needs: 'editLimit', control: (p) => p.getByRole('button', { name: 'Actions for seen-by-all' }).first() },
  { on: 'models?tab=overrides', needs: 'setPriceOverrides', control: (p) => p.getByRole('button', { name: /price|override/i }).first() },
  { on: 'credentials', needs: 'createCredential', control: (p) => p.getByRole('button', { name: 'Add a credential' }) },
  { on: 'audit', needs: 'exportEvents', control: (p) => p.getByRole('link', { name: 'Export' }) },
  { on: 'settings', needs: 'backup', control: (p) => p.getByRole('link', { name: 'Download a backup' }) },
  { on: 'settings', needs: 'listAdminTokens', control: (p) => p.getByRole('tab', { name: 'Admin tokens' }) },
  { on: 'settings', needs: 'dumpConfiguration', control: (p) => p.getByRole('tab', { name: 'Configuration in force' }) },
  { on: 'settings?tab=tokens', needs: 'createAdminToken', control: (p) => p.getByRole('button', { name: 'Create a token' }) },
];

const pages: Record<string, string> = {
  Overview: 'getOverview', Keys: 'listKeys', 'Shared limits': 'listLimits', Requests: 'listRequests', Usage: 'getUsage', 'Models and prices': 'listModels',
  Providers: 'listCredentials', Audit: 'listEvents', 'Try it': 'tryKey', Settings: 'getHealth',
};

const everywhere = [
  '', 'keys', 'keys?new=key', 'keys?new=import', 'keys/KEY', 'keys/KEY?tab=requests', 'keys/KEY?tab=settings', 'keys/KEY?tab=history', 'keys/key_none', 'limits', 'limits?new=limit',
  'limits?id=LIMIT', 'requests', 'requests?id=REQUEST', 'usage', 'models', 'models?tab=prices', 'models?tab=overrides', 'credentials', 'credentials?new=credential', 'audit', 'try', 'settings',
  'settings?tab=tokens', 'settings?tab=configuration', 'settings?tab=retention',
];

test.describe.configure({ mode: 'parallel' });

for (const role of ['owner', 'admin', 'auditor', 'viewer'] as const) {
  test(`${role}: what is offered is what the API allows, and nothing is asked that it refuses`, async ({ page, api, send, server, watch }) => {
    test.setTimeout(180_000);
    watch.allow(/status of 404/);
    const { secret } = await api<{ secret: string }>('POST', '/admin-tokens', { name: `a-${role}-${Date.now()}`, role });
    const key = await makeKey(api, { name: `seen-by-${role}`, cost_limit: '5', reset_period: 'monthly' });
    const limits = await api<{ limits: { id: string; name: string }[] | null }>('GET', '/limits');
    const limit = limits.limits?.find((l) => l.name === 'seen-by-all')
      ?? (await api<{ limit: { id: string } }>('POST', '/limits', { name: 'seen-by-all', kind: 'cost', amount: '500', window: { calendar: 'month' }, match: { 'label.team': 'x' }, per: 'pool' })).limit;
    const { id } = await send(key.secret);
    const address = (path: string) => path.replace('KEY', key.id).replace('LIMIT', limit.id).replace('REQUEST', id);

    const refused: string[] = [];
    page.on('response', (r) => r.status() === 403 && refused.push(`${r.request().method()} ${r.url()}`));
    await carrySession(page, server, secret);
    const { may } = (await (await fetch(`${server.admin}/api/v1/whoami`, { headers: { Authorization: `Bearer ${secret}` } })).json()) as { may: string[] };

    await page.goto('settings');
    const navigation = page.getByRole('navigation', { name: 'Pages' }).getByRole('link');
    await expect(navigation).toHaveText(Object.keys(pages).filter((name) => may.includes(pages[name]!)));
    let at = '';
    for (const { on, needs, control } of offered) {
      if (on !== at) {
        await settled(page, address(on));
        at = on;
      }
      if (may.includes(needs)) {
        await expect(control(page), `${needs} on ${on}`).toBeVisible();
      } else {
        await expect(control(page), `${needs} on ${on}`).toHaveCount(0);
      }
    }
    // To the owner nothing is refused.
    for (const path of role === 'owner' ? [] : everywhere) {
      await settled(page, address(path));
    }
    expect(refused, 'what was asked and refused').toEqual([]);
  });
}

/** Opens a page and waits until it has all that it shows. */
async function settled(page: Page, path: string) {
  await page.goto(path);
  await expect(page.getByRole('navigation', { name: 'Pages' })).toBeVisible();
  await expect(page.locator('main')).toHaveText(/\S/);
  await expect(page.locator('[aria-busy=true]')).toHaveCount(0);
  await expect(page.locator('.mantine-Skeleton-root')).toHaveCount(0);
}

test('signing out ends the session at the server, too', async ({ signedIn: page, server, watch }) => {
  watch.allow(/status of 401/);
  await page.goto('settings?tab=appearance');
  const cookie = (await page.context().cookies()).find((c) => c.name === 'tollgate_session')!;
  const who = () => fetch(`${server.admin}/api/v1/whoami`, { headers: { Cookie: `tollgate_session=${cookie.value}`, 'Sec-Fetch-Site': 'same-origin' } });
  expect((await who()).status).toBe(200);
  await page.getByRole('button', { name: /^Signed in as/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
  expect((await who()).status).toBe(401);
  expect((await page.context().cookies()).filter((c) => c.name === 'tollgate_session')).toEqual([]);
});

test('a token that is deleted ends its sessions at once', async ({ page, api, server, watch }) => {
  watch.allow(/status of 401/);
  const token = await api<{ secret: string; token: { id: string } }>('POST', '/admin-tokens', { name: `leaving-${Date.now()}`, role: 'admin' });
  await carrySession(page, server, token.secret);
  await page.goto('limits');
  await expect(page.getByRole('heading', { name: 'Shared limits', level: 1 })).toBeVisible();
  await api('DELETE', `/admin-tokens/${token.token.id}`);
  // The page asks anew every two seconds; nobody has to touch it.
  await expect(page.getByText('Your session is over')).toBeVisible();
});
