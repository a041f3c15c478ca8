import { expect, makeKey, testWithPast as test } from './support';

test.beforeEach(async ({ signedIn }) => { await signedIn.goto('./'); });

interface Sums { requests: number; refused: number; cost_usd: string }
interface Group extends Sums { group: Record<string, string>; name?: string }
interface Overview {
  today: Sums;
  month: Sums;
  keys: { active: number; disabled: number };
  attention: { kind: string; key_id?: string; name: string }[];
  top_keys: Group[];
  refusals_today: { code: string; count: number }[];
}

const whole = new Intl.NumberFormat('en-US');
const cents = (usd: string) => `$${whole.format(Number(BigInt(Math.round(Number(usd) * 100)) / 100n))}.${String(Math.round(Number(usd) * 100) % 100).padStart(2, '0')}`;

test('the figures are those of the API, and move with traffic', async ({ signedIn: page, api, send }) => {
  const figure = (name: string) => page.getByRole('group', { name, exact: true });
  const o = await api<Overview>('GET', '/overview');
  await expect(figure('Requests today')).toContainText(whole.format(o.today.requests));
  await expect(figure('Requests today')).toContainText(`${whole.format(o.month.requests)} this month`);
  await expect(figure('This month')).toContainText(cents(o.month.cost_usd));
  await expect(figure('Refused today')).toContainText(whole.format(o.today.refused));
  await expect(figure('Keys')).toContainText(`${o.keys.active} active`);

  const { secret } = await makeKey(api, { name: 'spends-today', cost_limit: '1', reset_period: 'daily' });
  await send(secret, { content: 'simulate: tokens=10000 delay=0ms\ngo', maxTokens: 10_000 });
  await expect(figure('Requests today')).toContainText(whole.format(o.today.requests + 1));
  const now = await api<Overview>('GET', '/overview');
  expect(Number(now.today.cost_usd)).toBeGreaterThan(Number(o.today.cost_usd) + 0.04);
  await expect(figure('Spent today')).toContainText(cents(now.today.cost_usd));
  await expect(figure('Keys')).toContainText(`${o.keys.active + 1} active`);
});

test('the chart has what the sums of the API have, by any grouping', async ({ signedIn: page, api }) => {
  const over = page.getByRole('region', { name: 'Over time' });
  await over.getByRole('combobox', { name: 'Stacked by' }).click();
  await page.getByRole('option', { name: 'by team' }).click();
  await over.getByText('Requests', { exact: true }).click();
  await expect(page).toHaveURL(/by=label\.team/);
  await expect(page).toHaveURL(/show=requests/);
  const from = `${new Date(Date.now() - 29 * 86_400_000).toISOString().slice(0, 10)}T00:00:00Z`;
  const usage = await api<{ groups: Group[] }>('GET', `/usage?group_by=label.team&from=${from}&to=${new Date().toISOString()}`);
  const legend = over.getByRole('listitem');
  for (const team of ['payments', 'search', 'support']) {
    const sum = usage.groups.find((g) => g.group['label.team'] === team)!.requests;
    await expect(legend.filter({ hasText: team })).toContainText(whole.format(sum));
  }
  await over.getByRole('button', { name: 'Show figures' }).click();
  await expect(over.getByRole('table').getByRole('row')).toHaveCount(31);
  await page.reload();
  await expect(over.getByRole('img', { name: /^Requests per day, by team\./ })).toBeVisible();
});

test('a bar of the chart is read by pointer and by arrow keys', async ({ signedIn: page }) => {
  const over = page.getByRole('region', { name: 'Over time' });
  const chart = over.getByRole('img', { name: /^Cost per day, by model\./ });
  await expect(chart).toBeVisible();
  const tip = over.getByRole('status');
  await chart.hover({ position: { x: 700, y: 100 } });
  await expect(tip).toContainText('(UTC)');
  await page.mouse.move(0, 0);
  await expect(tip).toBeEmpty();
  await chart.focus();
  await page.keyboard.press('End');
  const newest = (await tip.textContent())!;
  await page.keyboard.press('ArrowLeft');
  await expect(tip).not.toHaveText(newest);
  await page.keyboard.press('ArrowRight');
  await expect(tip).toHaveText(newest);
  await page.keyboard.press('Escape');
  await expect(tip).toBeEmpty();
});

test('what needs attention leads to where it is mended', async ({ signedIn: page, api, send }) => {
  const { id, secret } = await makeKey(api, { name: 'nearly-through', cost_limit: '0.055', reset_period: 'never' });
  await send(secret, { content: 'simulate: tokens=10000 delay=0ms\ngo', maxTokens: 10_000 });
  const { attention } = await api<Overview>('GET', '/overview');
  expect([...new Set(attention.map((a) => a.kind))]).toEqual(expect.arrayContaining(['near_limit', 'expiring', 'uncapped']));
  expect(attention.map((a) => a.key_id)).toContain(id);
  const box = page.getByRole('region', { name: 'What needs attention' });
  await page.goto('./');
  const near = attention.find((a) => a.kind === 'near_limit')!; // the list is as long as there is room
  await box.getByRole('link', { name: near.name, exact: true }).first().click();
  await expect(page).toHaveURL(new RegExp(`/keys/${near.key_id}`));
  await page.goBack();
  await send(secret, { content: 'simulate: tokens=10000 delay=0ms\ngo', maxTokens: 10_000 }); // there is no room for it
  await box.getByRole('link', { name: 'All refusals' }).click();
  await expect(page).toHaveURL(/requests\?outcome=refused/);
  await expect(page.locator('[data-request]').first()).toContainText(/refused/i);
  await page.goBack();
  await box.getByRole('link', { name: 'All that expire' }).click();
  await expect(page.getByRole('heading', { name: 'Keys', level: 1 })).toBeVisible();
  const expiring = await api<{ keys: { name: string }[] }>('GET', '/keys?status=active&expiring_within=168h');
  for (const { name } of expiring.keys) {
    await expect(page.getByRole('link', { name, exact: true })).toBeVisible();
  }
  await page.goBack();
  await box.getByRole('link', { name: 'All without a limit' }).click();
  await expect(page).toHaveURL(/uncapped=true/);
});

test('a moment is told exactly where the pointer is', async ({ signedIn: page }) => {
  const moment = page.getByRole('region', { name: 'What needs attention' }).locator('time').first();
  await moment.hover();
  await expect(page.getByRole('tooltip')).toContainText(/\d{4}.*\d\d:\d\d:\d\d/);
  await page.mouse.move(0, 0);
  await expect(page.getByRole('tooltip')).toHaveCount(0);
});

test('the dearest keys and the reasons of refusals lead to them', async ({ signedIn: page, api }) => {
  const o = await api<Overview>('GET', '/overview');
  const top = o.top_keys[0]!;
  await page.getByRole('link', { name: top.name, exact: true }).last().click();
  await expect(page).toHaveURL(new RegExp(`/keys/${top.group.key}`));
  await page.goBack();
  await page.getByRole('region', { name: 'Top keys this month' }).getByRole('link', { name: 'All keys' }).click();
  await expect(page).toHaveURL(/usage\?period=month&by=key/);
});

test('the first load is below 400 KB compressed', async ({ signedIn: page, server }) => {
  const session = await page.context().newCDPSession(page);
  const received = new Map<string, number>();
  const names = new Map<string, string>();
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  session.on('Network.responseReceived', (e) => names.set(e.requestId, e.response.url));
  session.on('Network.loadingFinished', (e) => received.set(e.requestId, e.encodedDataLength));
  await page.goto('./', { waitUntil: 'commit' });
  await expect(page.getByRole('region', { name: 'What needs attention' })).toBeVisible();
  await expect(page.getByRole('img', { name: /^Cost per day/ })).toBeVisible();
  await page.waitForLoadState('load');
  // What the page asks for again while one looks at it is no part of the first load.
  const first = new Map<string, number>();
  for (const [id, bytes] of received) {
    const path = new URL(names.get(id) ?? `about:${id}`).pathname;
    first.set(path, first.get(path) ?? bytes);
  }
  const total = [...first.values()].reduce((a, b) => a + b, 0);
  test.info().annotations.push({ type: 'bytes', description: String(total) });
  expect([...names.values()].every((url) => url.startsWith(server.console))).toBe(true);
  expect(total).toBeGreaterThan(100 * 1024); // something was measured
  expect(total).toBeLessThan(400 * 1024);
});
