import { expect, makeKey, ownerToken, signIn, test } from './support';

test('an admin token opens the door, and the browser does not keep it', async ({ page, watch }) => {
  watch.allow(/status of 401/);
  await signIn(page, ownerToken);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, document.documentElement.outerHTML]));
  expect(kept).not.toContain(ownerToken);
  const cookie = (await page.context().cookies()).find((c) => c.name === 'tollgate_session');
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
});

test('what is no admin token is refused in words', async ({ page, api, watch }) => {
  watch.allow(/status of 401/);
  const { secret } = await makeKey(api, { name: 'not-an-admin' });
  await page.goto('./');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText('Paste an admin token.')).toBeVisible();
  for (const wrong of ['nonsense', secret]) {
    await page.getByLabel('Admin token', { exact: true }).fill(wrong);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByText('No admin token is like this.')).toBeVisible();
  }
});

test('too many tries have to wait', async ({ page, watch }) => {
  watch.allow(/status of 4(01|29)/);
  await page.route('**/api/v1/session', (route) => route.fulfill({
    status: 429, headers: { 'Retry-After': '7' }, contentType: 'application/problem+json', body: '{"title":"Too Many Requests","status":429,"detail":"wait","code":"too_many_failures"}',
  }));
  await page.goto('./');
  await page.getByLabel('Admin token', { exact: true }).fill('nonsense');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText('Try again in 7 seconds.')).toBeVisible();
});

test('signing out ends the session; the page that was open comes back after it', async ({ signedIn: page, watch }) => {
  watch.allow(/status of 401/);
  await page.goto('audit');
  await page.getByRole('button', { name: /^Signed in as/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
  await expect(page.getByText('Your session is over')).toBeHidden();
  await page.getByLabel('Admin token', { exact: true }).fill(ownerToken);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Audit', level: 1 })).toBeVisible();
});

test('a session that ends by itself says so', async ({ signedIn: page, watch }) => {
  watch.allow(/status of 401/);
  await page.goto('keys');
  await expect(page.getByRole('navigation', { name: 'Pages' })).toBeVisible();
  await page.context().clearCookies();
  await page.getByRole('link', { name: 'Requests' }).click();
  await expect(page.getByText('Your session is over')).toBeVisible();
});

test('what a role may not do is not offered', async ({ page, api, watch }) => {
  watch.allow(/status of 40[13]/);
  const viewer = await api<{ secret: string }>('POST', '/admin-tokens', { name: 'looks-only', role: 'viewer' });
  await signIn(page, viewer.secret);
  const pages = page.getByRole('navigation', { name: 'Pages' });
  await expect(pages.getByRole('link', { name: 'Keys' })).toBeVisible();
  for (const hidden of ['Requests', 'Providers', 'Audit']) {
    await expect(pages.getByRole('link', { name: hidden })).toHaveCount(0);
  }
  await pages.getByRole('link', { name: 'Settings' }).click();
  await expect(page.getByRole('tab', { name: 'Server' })).toBeVisible();
  await expect(page.getByRole('tab', { name: 'Admin tokens' })).toHaveCount(0);
  await expect(page.getByRole('link', { name: 'Download a backup' })).toHaveCount(0);
});
