import { expect, makeKey, test } from './support';

test('a refused request says why, with the limit that refused it', async ({ signedIn: page, api, send }) => {
  const key = await makeKey(api, { name: 'short-of-money', cost_limit: '0.000001', reset_period: 'monthly' });
  const refused = await send(key.secret, { maxTokens: 4000 });
  expect(refused.status).toBe(429);
  await page.goto('requests');
  await page.getByRole('row').filter({ hasText: 'short-of-money' }).first().getByRole('link').click();
  const one = page.getByRole('complementary', { name: 'One request' });
  await expect(one.getByRole('heading', { name: refused.id })).toBeVisible();
  await expect(one.getByRole('heading', { name: 'Why was this refused?' })).toBeVisible();
  await expect(one.getByText('the most that it may cost').or(one.getByText('may come to more')).first()).toBeVisible();
  await expect(one.getByRole('img', { name: /asked for \$/ })).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`id=${refused.id}`));
});

test('what was served shows its price as arithmetic that adds up', async ({ signedIn: page, api, send }) => {
  const key = await makeKey(api, { name: 'well-off' });
  const served = await send(key.secret, { content: 'one two three' });
  expect(served.status).toBe(200);
  await expect(async () => { await api('GET', `/requests/${served.id}`); }).toPass();
  await page.goto(`requests?id=${served.id}`);
  const one = page.getByRole('complementary', { name: 'One request' });
  await expect(one.getByRole('cell', { name: 'Input tokens' })).toBeVisible();
  await expect(one.getByText('The lines add up to the total.')).toBeVisible();
  await one.getByRole('link', { name: 'well-off' }).click();
  await expect(page).toHaveURL(new RegExp(`/keys/${key.id}`));
});

test('new requests come in by themselves, and wait while one is read', async ({ signedIn: page, api, send }) => {
  const key = await makeKey(api, { name: 'streaming-in' });
  await send(key.secret);
  await page.goto(`requests?key=${key.id}`);
  const rows = page.locator('[data-request]');
  await expect(rows).toHaveCount(1);
  await send(key.secret);
  await expect(rows).toHaveCount(2);
  await rows.first().getByRole('link').click();
  await expect(page.getByRole('complementary', { name: 'One request' })).toBeVisible();
  await send(key.secret);
  const waiting = page.getByRole('button', { name: '1 new request' });
  await expect(waiting).toBeVisible();
  await expect(rows).toHaveCount(2);
  await waiting.click();
  await expect(rows).toHaveCount(3);
});

test('filters are in the address, and j and k go from one to the next', async ({ signedIn: page, api, send }) => {
  const key = await makeKey(api, { name: 'walked-through' });
  const sent = [await send(key.secret), await send(key.secret), await send(key.secret, { model: 'nowhere' })];
  await expect(async () => { await api('GET', `/requests/${sent[2]!.id}`); }).toPass();
  await page.goto(`requests?key=${key.id}`);
  await expect(page.locator('[data-request]')).toHaveCount(3);
  await page.keyboard.press('j');
  await expect(page).toHaveURL(new RegExp(sent[2]!.id));
  await page.keyboard.press('j');
  await expect(page).toHaveURL(new RegExp(sent[1]!.id));
  await page.keyboard.press('k');
  await expect(page).toHaveURL(new RegExp(sent[2]!.id));
  await page.keyboard.press('Escape');
  await expect(page).not.toHaveURL(/id=req/);
  await page.getByRole('button', { name: 'Filter by model' }).click();
  await page.getByRole('textbox', { name: 'Model' }).fill('nowhere');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/model=nowhere/);
  await expect(page.locator('[data-request]')).toHaveCount(1);
  await page.reload();
  await expect(page.locator('[data-request]')).toHaveCount(1);
  await page.getByRole('button', { name: 'Without the filter by model' }).click();
  await expect(page.locator('[data-request]')).toHaveCount(3);
});

test('a request id opens its request, an unknown one says so', async ({ signedIn: page, api, send, watch }) => {
  watch.allow(/status of 404/);
  const key = await makeKey(api, { name: 'looked-up' });
  const { id } = await send(key.secret);
  await expect(async () => { await api('GET', `/requests/${id}`); }).toPass();
  await page.goto('requests');
  const search = page.getByRole('textbox', { name: 'Request id' });
  await search.fill(id);
  await search.press('Enter');
  const one = page.getByRole('complementary', { name: 'One request' });
  await expect(one.getByText('looked-up').first()).toBeVisible();
  await search.fill('req_unheard-of');
  await search.press('Enter');
  await expect(one.getByRole('alert')).toContainText('there is no record of a request');
});

test('no match offers the way back', async ({ signedIn: page }) => {
  await page.goto('requests?model=no-such-model-at-all');
  await expect(page.getByText('No request is like that').or(page.getByRole('button', { name: 'Search further back' }))).toBeVisible();
});

test('on a telephone one request covers the list', async ({ signedIn: page, api, send }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  const key = await makeKey(api, { name: 'by-telephone' });
  await send(key.secret);
  await page.goto(`requests?key=${key.id}`);
  await page.locator('[data-request]').first().getByRole('link').click();
  await expect(page.getByRole('dialog')).toContainText('by-telephone');
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
});
