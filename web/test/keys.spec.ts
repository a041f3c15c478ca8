import { createHash } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, makeKey, test } from './support';

test.beforeEach(async ({ context }) => context.grantPermissions(['clipboard-read', 'clipboard-write']));

/** The simulated provider takes $5 for a million output tokens: this many are five cents. */
const fiveCents = { content: 'simulate: tokens=10000 delay=0ms\ngo', maxTokens: 10_000 };

function limitOf(page: Page, name: string) {
  return page.getByRole('region', { name: `Limit: ${name}` });
}

test('a key is made in the dialog, and its secret is shown once and works', async ({ signedIn: page, api, send }) => {
  await page.goto('keys');
  // With and without keys there is a button for it.
  await page.getByRole('button', { name: /^Create (key|the first key)$/ }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Create a key' });
  await dialog.getByRole('button', { name: 'Create key' }).click();
  await expect(dialog.getByText('A key needs a name')).toBeVisible();

  await dialog.getByLabel('Name').fill('checkout-prod');
  for (const [limit, amount] of [['Cost limit', '0.12'], ['Token limit', '5,000,000'], ['Requests/min', '60']] as const) {
    await dialog.getByRole('switch', { name: limit }).click();
    await dialog.getByRole('textbox', { name: limit }).fill(amount);
  }
  await dialog.getByRole('combobox', { name: 'Reset period' }).click();
  await page.getByRole('option', { name: 'Each day' }).click();
  const zone = dialog.getByRole('combobox', { name: 'Time zone' });
  await expect(zone).toHaveValue('Europe/Berlin');
  await zone.fill('new york');
  await page.getByRole('option', { name: 'America/New_York' }).click();
  await dialog.getByRole('button', { name: '30 days' }).click();
  await dialog.getByRole('button', { name: /^More/ }).click();
  await dialog.getByLabel('Labels', { exact: true }).fill('team=payments');
  await page.keyboard.press('Enter');
  await expect(dialog.getByText(
    /^checkout-prod may call any model and spend up to \$0\.12 each calendar day \(America\/New_York\), at most 5,000,000 tokens each calendar day \(America\/New_York\), at most 60 requests in any 60 s, until \d+ \w+ \d{4}\.$/,
  )).toBeVisible();
  await dialog.getByRole('button', { name: 'Create key' }).click();

  const ready = page.getByRole('dialog', { name: 'checkout-prod is ready' });
  const secret = await ready.getByLabel('Secret of checkout-prod').innerText();
  expect(secret).toMatch(/^sk-tg-/);
  await expect(ready.getByText(`Bearer ${secret}`)).toBeVisible();
  await ready.getByRole('tab', { name: 'Python' }).click();
  await expect(ready.getByText('from openai import OpenAI')).toBeVisible();

  // Whoever closes it without having copied the secret is asked.
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog', { name: 'Close without copying?' })).toContainText('checkout-prod');
  await page.getByRole('button', { name: 'Back to the secret' }).click();
  await ready.getByRole('button', { name: 'Copy the secret' }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
  await ready.getByRole('button', { name: 'Done' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  expect(await page.content()).not.toContain(secret);

  expect((await send(secret)).status).toBe(200);
  await page.getByRole('row').filter({ hasText: 'checkout-prod' }).getByRole('link').click();
  await expect(limitOf(page, '$0.12 a day')).toContainText('America/New_York');
  await expect(limitOf(page, '60 requests in any 60 s')).toBeVisible();
  const stored = await api<{ keys: { limits: unknown[]; labels: unknown; expires_at: string }[] }>('GET', '/keys?q=checkout-prod');
  expect(stored.keys[0]).toMatchObject({
    labels: { team: 'payments' },
    limits: [
      { kind: 'cost', amount: '0.12', window: { calendar: 'day', timezone: 'America/New_York' } },
      { kind: 'tokens', amount: 5_000_000, window: { calendar: 'day', timezone: 'America/New_York' } },
      { kind: 'requests', amount: 60, window: { sliding: '60s' } },
    ],
  });
});

test('what the server has against a key stands at its field', async ({ signedIn: page, api, watch }) => {
  watch.allow(/status of 4(09|22)/);
  await makeKey(api, { name: 'taken' });
  await page.goto('keys?new=key');
  const dialog = page.getByRole('dialog', { name: 'Create a key' });
  await dialog.getByLabel('Name').fill('taken');
  await dialog.getByRole('button', { name: 'Create key' }).click();
  await expect(dialog.getByRole('alert').or(dialog.getByText(/is taken|already|exists/)).first()).toBeVisible();
  await dialog.getByLabel('Name').fill('not-taken');
  await dialog.getByRole('button', { name: /^More/ }).click();
  await dialog.getByRole('switch', { name: 'Only from some networks' }).click();
  await dialog.getByLabel('Allowed networks', { exact: true }).fill('10.0.0.0/99');
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Create key' }).click();
  await expect(dialog.getByText(/10\.0\.0\.0\/99/).last()).toBeVisible();
  await expect(dialog.getByLabel('Allowed networks', { exact: true })).toHaveAttribute('aria-invalid', 'true');
});

test('a limit moves while requests flow, until it refuses and says why', async ({ signedIn: page, api, send }) => {
  const key = await makeKey(api, { name: 'moving', cost_limit: '0.12', reset_period: 'monthly' });
  await page.goto(`keys/${key.id}`);
  const limit = limitOf(page, '$0.12 a month');
  const bar = limit.getByRole('meter');
  await expect(bar).toHaveAttribute('aria-valuenow', '0');
  await expect(limit).toContainText('Resets in');
  await expect(page.getByText('No request yet')).toBeVisible();
  await page.evaluate(() => ((window as unknown as { stays: boolean }).stays = true));

  expect((await send(key.secret, fiveCents)).status).toBe(200);
  await expect(bar).toHaveAttribute('aria-valuenow', '42');
  await expect(limit).toContainText('$0.05');
  expect((await send(key.secret, fiveCents)).status).toBe(200);
  await expect(bar).toHaveAttribute('aria-valuenow', '83');
  await expect(page.locator('[data-request]')).toHaveCount(2);

  const refused = await send(key.secret, fiveCents);
  expect(refused.status).toBe(429);
  const why = page.getByRole('listitem').filter({ hasText: 'budget exceeded' }).getByRole('link');
  await expect(why).toBeVisible();
  expect(await page.evaluate(() => (window as unknown as { stays: boolean }).stays), 'the page was never loaded anew').toBe(true);
  await why.click();
  const one = page.getByRole('complementary', { name: 'One request' });
  await expect(one.getByRole('heading', { name: 'Why was this refused?' })).toBeVisible();
  await expect(one.getByRole('img', { name: /^Of \$0\.12: spent \$0\.10/ })).toBeVisible();
  await one.getByRole('link', { name: 'the key and its limits' }).click();
  await expect(page.getByRole('heading', { name: 'moving', level: 1 })).toBeVisible();
});

test('what is under way is set aside, and given back', async ({ signedIn: page, api, send }) => {
  const key = await makeKey(api, { name: 'under-way', cost_limit: '1.00', reset_period: 'monthly' });
  await page.goto(`keys/${key.id}`);
  const limit = limitOf(page, '$1.00 a month');
  const reserved = limit.locator('div').filter({ hasText: /^Reserved/ }).getByRole('definition');
  await expect(reserved).toHaveText('$0.00');
  const answer = send(key.secret, { content: 'simulate: latency=6s tokens=10\ngo', maxTokens: 50_000 });
  await expect(reserved).toHaveText('$0.25');
  await answer;
  await expect(reserved).toHaveText('$0.00');
});

test('an edit says before what it does, and what it does holds at once', async ({ signedIn: page, api, send }) => {
  const key = await makeKey(api, { name: 'edited', cost_limit: '10.00', reset_period: 'monthly' });
  await send(key.secret, fiveCents);
  await page.goto(`keys/${key.id}`);
  await expect(limitOf(page, '$10.00 a month')).toContainText('$0.05');
  await page.getByRole('button', { name: 'Edit' }).click();
  const drawer = page.getByRole('dialog', { name: 'Edit edited' });
  const preview = drawer.getByRole('region', { name: 'What changes' });
  await expect(preview).toContainText('Nothing yet.');
  await expect(drawer.getByRole('button', { name: 'Save' })).toBeDisabled();
  await drawer.getByRole('textbox', { name: 'Cost limit' }).fill('0.01');
  await expect(preview).toContainText('requests are refused until it resets');
  await drawer.getByRole('textbox', { name: 'Cost limit' }).fill('20');
  await expect(preview).toContainText(/Cost limit: \$10\.00 a month.*\$20\.00 a month; spent stays \$0\.05/);
  await drawer.getByLabel('Name').fill('edited-again');
  await drawer.getByRole('button', { name: 'Save' }).click();
  await expect(drawer).toBeHidden();
  await expect(page.getByRole('heading', { name: 'edited-again', level: 1 })).toBeVisible();
  await expect(limitOf(page, '$20.00 a month')).toContainText('$0.05');
  await page.getByRole('tab', { name: 'History' }).click();
  await expect(page.getByRole('tabpanel')).toContainText('$10.00 a month');
});

test('who edits what somebody else has changed is told, and nothing is lost', async ({ signedIn: page, api }) => {
  const key = await makeKey(api, { name: 'contested' });
  await page.goto(`keys/${key.id}`);
  await page.getByRole('button', { name: 'Edit' }).click();
  const drawer = page.getByRole('dialog', { name: 'Edit contested' });
  await drawer.getByLabel('Name').fill('mine');
  await api('PATCH', `/keys/${key.id}`, { labels: { team: 'theirs' } });
  await expect(drawer.getByText('Somebody else changed this key meanwhile')).toBeVisible();
  await drawer.getByRole('button', { name: 'Load it anew' }).click();
  await expect(drawer.getByText('team=theirs')).toBeVisible();
  await drawer.getByLabel('Name').fill('ours');
  await drawer.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('heading', { name: 'ours', level: 1 })).toBeVisible();
  expect(await api('GET', `/keys/${key.id}`)).toMatchObject({ name: 'ours', labels: { team: 'theirs' } });
});

test('a save that comes too late is refused by the server (412)', async ({ signedIn: page, api, watch }) => {
  watch.allow(/status of 412/);
  const key = await makeKey(api, { name: 'too-late' });
  await page.goto(`keys/${key.id}`);
  await page.getByRole('button', { name: 'Edit' }).click();
  const drawer = page.getByRole('dialog', { name: 'Edit too-late' });
  await drawer.getByLabel('Name').fill('mine');
  // The page hears nothing of the other change before it saves.
  await page.route('**/api/v1/keys/*', (route) => (route.request().method() === 'GET' ? route.abort() : route.continue()));
  watch.allow(/net::ERR_FAILED/);
  await api('PATCH', `/keys/${key.id}`, { labels: { team: 'theirs' } });
  await drawer.getByRole('button', { name: 'Save' }).click();
  await expect(drawer.getByRole('alert').filter({ hasText: 'Somebody else changed it meanwhile' })).toBeVisible();
  await page.unroute('**/api/v1/keys/*');
  expect(await api('GET', `/keys/${key.id}`)).toMatchObject({ name: 'too-late' });
});

test('a rotated key has two secrets for a while, and one of them at once when asked', async ({ signedIn: page, api, send }) => {
  const key = await makeKey(api, { name: 'rotated' });
  await page.goto(`keys/${key.id}`);
  const rotate = async (grace: string) => {
    await page.getByRole('button', { name: 'Rotate' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Rotate rotated' });
    await dialog.getByRole('radio', { name: grace, exact: true }).check();
    await dialog.getByRole('button', { name: 'Rotate' }).click();
    const made = page.getByRole('dialog', { name: 'The new secret of rotated' });
    const secret = await made.getByLabel('Secret of rotated').innerText();
    return { made, secret };
  };
  const first = await rotate('1 hour');
  expect((await send(key.secret)).status).toBe(200);
  expect((await send(first.secret)).status).toBe(200);
  const rows = first.made.getByRole('row');
  await expect(rows.nth(1)).toContainText('now');
  await expect(rows.nth(2)).toContainText('now');
  await expect(rows.nth(2)).toContainText(/min/);
  await first.made.getByRole('button', { name: 'I have the secret' }).click();

  const second = await rotate('None');
  expect((await send(second.secret)).status).toBe(200);
  expect((await send(first.secret)).status).toBe(401);
  await second.made.getByRole('button', { name: 'I have the secret' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('disable, enable, revoke and delete hold from the next request on', async ({ signedIn: page, api, send }) => {
  const key = await makeKey(api, { name: 'ended' });
  await page.goto(`keys/${key.id}`);
  await page.getByRole('button', { name: 'Disable' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Reason').fill('on holiday');
  await dialog.getByRole('button', { name: 'Disable' }).click();
  await expect(page.getByText('This key is disabled')).toBeVisible();
  await expect(page.getByText('“on holiday”')).toBeVisible();
  expect(await send(key.secret)).toMatchObject({ status: 401, body: { error: { code: 'key_disabled' } } });

  await page.getByRole('button', { name: 'Enable' }).click();
  await dialog.getByRole('button', { name: 'Enable' }).click();
  await expect(page.getByText('This key is disabled')).toBeHidden();
  expect((await send(key.secret)).status).toBe(200);

  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Revoke…' }).click();
  await expect(dialog).toContainText('It cannot be undone');
  await dialog.getByRole('button', { name: 'Revoke for ever' }).click();
  await expect(page.getByText('This key is revoked for ever')).toBeVisible();
  expect(await send(key.secret)).toMatchObject({ status: 401, body: { error: { code: 'key_revoked' } } });
  await expect(page.getByRole('button', { name: 'Edit' })).toHaveCount(0);

  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Delete…' }).click();
  const sure = dialog.getByRole('button', { name: 'Delete for ever' });
  await expect(sure).toBeDisabled();
  await dialog.getByRole('textbox', { name: /to go on/ }).fill('ende');
  await expect(sure).toBeDisabled();
  await dialog.getByRole('textbox', { name: /to go on/ }).fill('ended');
  await sure.click();
  await expect(page.getByRole('heading', { name: 'Keys', level: 1 })).toBeVisible();
  expect((await send(key.secret)).status).toBe(401);
  // A link to it still says what became of it.
  await expect(page.getByRole('link', { name: 'ended', exact: true })).toHaveCount(0);
});

test('a deleted key that is open says so', async ({ signedIn: page, api, watch }) => {
  watch.allow(/status of 404/);
  const key = await makeKey(api, { name: 'vanishing' });
  await page.goto(`keys/${key.id}`);
  await expect(page.getByRole('heading', { name: 'vanishing', level: 1 })).toBeVisible();
  await api('DELETE', `/keys/${key.id}`);
  await expect(page.getByRole('heading', { name: 'vanishing', level: 1 })).toBeHidden();
  await expect(page.getByText(key.id).first()).toBeVisible();
});

test('the list is searched, filtered, sorted and turned over, all in the address', async ({ signedIn: page, api }) => {
  for (let i = 0; i < 30; i++) {
    await makeKey(api, { name: `shelf-${String(i).padStart(2, '0')}`, labels: { shelf: i % 2 ? 'odd' : 'even' }, ...(i === 7 ? { cost_limit: '5', disabled: true } : {}) });
  }
  const names = page.getByRole('table', { name: 'Keys' }).getByRole('link');
  await page.goto('keys?size=25');
  await expect(names).toHaveCount(25);
  await page.keyboard.press('/');
  await page.keyboard.type('shelf-');
  await expect(page).toHaveURL(/q=shelf-/);
  await expect(names).toHaveCount(25);
  await expect(names.first()).toHaveText('shelf-00');
  await page.getByRole('button', { name: 'Name' }).click();
  await expect(page).toHaveURL(/sort=-name/);
  await expect(names.first()).toHaveText('shelf-29');
  await page.getByRole('button', { name: 'Next' }).click();
  await expect(names).toHaveCount(5);
  await expect(page.getByText('26 to 30 of 30')).toBeVisible();
  await page.reload();
  await expect(names.first()).toHaveText('shelf-04');
  await page.getByRole('button', { name: 'Previous' }).click();
  await expect(names.first()).toHaveText('shelf-29');

  await page.getByRole('row').filter({ hasText: 'shelf-29' }).getByTitle('Only keys with shelf=odd').locator('visible=true').click();
  await expect(names).toHaveCount(15);
  await page.getByRole('combobox', { name: 'Status' }).click();
  await page.getByRole('option', { name: 'disabled' }).click();
  await expect(names).toHaveText(['shelf-07']);
  const address = page.url();
  await page.goto('usage');
  await page.goto(address);
  await expect(names).toHaveText(['shelf-07']);
  await page.getByRole('switch', { name: 'Without limits' }).click();
  await expect(page.getByText('No key matches')).toBeVisible();
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await expect(names).toHaveCount(25);
});

test('a switch in the list turns a key off and on', async ({ signedIn: page, api, send }) => {
  const key = await makeKey(api, { name: 'switched' });
  await page.goto('keys?q=switched');
  const works = page.getByRole('switch', { name: 'switched works' });
  await works.click();
  await page.getByRole('dialog').getByLabel('Reason').fill('a break');
  await page.keyboard.press('Enter');
  await expect(works).not.toBeChecked();
  await expect(async () => expect((await send(key.secret)).status).toBe(401)).toPass();
  await works.click();
  await expect(works).toBeChecked();
  await expect(async () => expect((await send(key.secret)).status).toBe(200)).toPass();
});

test('many at once: what fails is told and stops nothing', async ({ signedIn: page, api, watch }) => {
  watch.allow(/status of 4(04|09)/);
  const made = [];
  for (let i = 0; i < 5; i++) {
    made.push(await makeKey(api, { name: `bulk-${i}` }));
  }
  await page.goto('keys?q=bulk-');
  await page.getByRole('checkbox', { name: 'Select all keys of this page' }).check();
  const selected = page.getByRole('region', { name: 'Selected keys' });
  await selected.getByRole('button', { name: 'Disable' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('bulk-4');
  // One of them goes while the question stands.
  await api('DELETE', `/keys/${made[2]!.id}`);
  await dialog.getByRole('button', { name: 'Disable 5 keys' }).click();
  await expect(dialog).toContainText('4 of 5 keys done, 1 failed');
  await expect(dialog.getByRole('alert')).toContainText('bulk-2');
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await expect(page.getByRole('switch', { name: /^bulk-\d works$/, checked: false })).toHaveCount(4);

  await selected.getByRole('button', { name: 'Clear the selection' }).click();
  await page.getByRole('checkbox', { name: 'Select all keys of this page' }).check();
  await selected.getByRole('button', { name: 'Add a label' }).click();
  await dialog.getByRole('textbox', { name: 'Label' }).fill('team=bulk');
  await dialog.getByRole('button', { name: 'Add to 4 keys' }).click();
  await expect(dialog).toHaveCount(0);
  expect((await api<{ keys: unknown[] }>('GET', '/keys?label.team=bulk')).keys).toHaveLength(4);

  await page.getByRole('checkbox', { name: 'Select all keys of this page' }).check();
  await selected.getByRole('button', { name: 'Delete' }).click();
  const sure = dialog.getByRole('button', { name: 'Delete 4 keys' });
  await expect(sure).toBeDisabled();
  await dialog.getByRole('textbox', { name: /^Type 4/ }).fill('4');
  await sure.click();
  await expect(page.getByText('No key matches')).toBeVisible();
});

test('an import is tried out, then done, and keys work with the secrets that clients have', async ({ signedIn: page, api, send }) => {
  const file = join(await mkdtemp(join(tmpdir(), 'tollgate-import-')), 'keys.csv');
  await writeFile(file, 'name,key,cost_limit,reset_period\nold-app,sk-old-secret-of-an-application-1,5,monthly\nbroken,,5,monthly\n');
  await page.goto('keys?new=import');
  const dialog = page.getByRole('dialog', { name: 'Import keys' });
  const choose = page.waitForEvent('filechooser');
  await dialog.getByRole('button', { name: 'File' }).click();
  await (await choose).setFiles(file);
  await dialog.getByRole('button', { name: 'Try it out' }).click();
  await expect(dialog.getByRole('status')).toContainText('Nothing was changed yet');
  await expect(dialog.getByRole('row').filter({ hasText: 'broken' })).toContainText('refused');
  await expect(dialog.getByRole('button', { name: /^Import/ })).toHaveCount(0);
  await dialog.getByRole('switch', { name: 'Skip what cannot be taken over' }).click();
  await dialog.getByRole('button', { name: 'Try it out' }).click();
  await dialog.getByRole('button', { name: 'Import 1 key' }).click();
  await expect(dialog.getByRole('status')).toContainText('1 made');
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  expect((await send('sk-old-secret-of-an-application-1')).status).toBe(200);
  expect((await api<{ keys: { name: string }[] }>('GET', '/keys?q=old-app')).keys[0]).toMatchObject({ name: 'old-app', limits: [{ kind: 'cost', amount: '5.00' }] });
});

test("rows of LiteLLM's own table come in with their budgets, and what is not taken over is told", async ({ signedIn: page, api, send }) => {
  const secret = 'sk-litellm-secret-of-an-application';
  const rows = [
    {
      token: createHash('sha256').update(secret).digest('hex'), key_name: 'sk-...tion', key_alias: 'from-litellm', spend: 1.25, max_budget: 5, budget_duration: '30d',
      rpm_limit: 60, models: ['simulated'], team_id: 'search', metadata: { service: 'api' }, soft_budget: 3,
    },
    { token: 'no hash', key_alias: 'broken' },
  ];
  const file = join(await mkdtemp(join(tmpdir(), 'tollgate-import-')), 'keys.ndjson');
  await writeFile(file, rows.map((r) => JSON.stringify(r)).join('\n'));
  await page.goto('keys?new=import');
  const dialog = page.getByRole('dialog', { name: 'Import keys' });
  const choose = page.waitForEvent('filechooser');
  await dialog.getByRole('button', { name: 'File' }).click();
  await (await choose).setFiles(file);
  await dialog.getByRole('combobox', { name: 'Format' }).click();
  await page.getByRole('option', { name: 'LiteLLM' }).click();
  await dialog.getByRole('switch', { name: 'Skip what cannot be taken over' }).click();
  await dialog.getByRole('button', { name: 'Try it out' }).click();
  await expect(dialog.getByRole('row').filter({ hasText: 'broken' })).toContainText('SHA-256');
  await expect(dialog.getByRole('row').filter({ hasText: 'soft_budget' })).toContainText('not taken over');
  await dialog.getByRole('button', { name: 'Import 1 key' }).click();
  await expect(dialog.getByRole('status')).toContainText('1 made');
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  expect((await send(secret)).status).toBe(200);
  const { keys } = await api<{ keys: object[] }>('GET', '/keys?q=from-litellm');
  expect(keys[0]).toMatchObject({
    name: 'from-litellm', labels: { team: 'search', service: 'api' }, models: { allow: ['simulated'] },
    limits: [{ kind: 'cost', amount: '5.00' }, { kind: 'requests', amount: 60 }],
  });
});

test('a key page answers whether a request would pass', async ({ signedIn: page, api }) => {
  const key = await makeKey(api, { name: 'asked-about', cost_limit: '0.001' });
  await page.goto(`keys/${key.id}?tab=requests`);
  const trial = page.getByRole('region', { name: 'Would this pass?' });
  await trial.getByLabel('Model').fill('simulated');
  await page.keyboard.press('Escape');
  await trial.getByRole('button', { name: 'Ask' }).click();
  await expect(trial.getByText('No: 429 budget exceeded')).toBeVisible();
  await trial.getByLabel('Output at most').fill('10');
  await trial.getByLabel('Input tokens').fill('10');
  await trial.getByRole('button', { name: 'Ask' }).click();
  await expect(trial.getByText('Yes, it would pass')).toBeVisible();
});
