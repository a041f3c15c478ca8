import { readFile, writeFile } from 'node:fs/promises';
import { expect, signIn, test } from './support';

test('an admin token is made, shown once, and deleted', async ({ signedIn: page, browser, server }) => {
  await page.goto('settings?tab=tokens');
  await page.getByRole('button', { name: 'Create a token' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('night-watch');
  await dialog.getByRole('radio', { name: /^auditor/ }).check();
  await dialog.getByRole('button', { name: 'Create' }).click();
  const secret = (await dialog.getByLabel('Admin token night-watch').textContent()) ?? '';
  expect(secret).not.toBe('');
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(dialog).toBeHidden();
  expect(await page.content()).not.toContain(secret);

  const other = await browser.newPage({ baseURL: `${server.console}/ui/` });
  await signIn(other, secret);
  await other.goto('settings?tab=tokens');
  await expect(other.getByRole('row').filter({ hasText: 'night-watch' })).toContainText('yours');
  await expect(other.getByRole('button', { name: 'Create a token' })).toHaveCount(0);
  await other.close();

  await page.getByRole('button', { name: 'Delete the token night-watch' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete the token' }).click();
  await expect(page.getByRole('cell', { name: 'night-watch' })).toHaveCount(0);
  expect((await fetch(`${server.admin}/api/v1/whoami`, { headers: { Authorization: `Bearer ${secret}` } })).status).toBe(401);
});

test('the server tells of itself, and of a configuration that it did not take', async ({ signedIn: page, server }) => {
  await page.goto('settings');
  await expect(page.getByText(server.directory).first()).toBeVisible();
  await expect(page.getByRole('link', { name: 'Download a backup' })).toBeVisible();
  const good = await readFile(server.configFile, 'utf8');
  try {
    await writeFile(server.configFile, `${good}\nnonsense: 1\n`);
    await expect(page.getByRole('alert')).toContainText('nonsense', { timeout: 30_000 });
  } finally {
    await writeFile(server.configFile, good);
  }
  await expect(page.getByRole('alert')).toHaveCount(0, { timeout: 30_000 });
});

test('a backup is downloaded whole', async ({ signedIn: page }) => {
  await page.goto('settings');
  const coming = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download a backup' }).click();
  const backup = await coming;
  expect(backup.suggestedFilename()).toBe('tollgate-backup.tar');
  const names = entries(await readFile(await backup.path()));
  expect(names).toEqual(expect.arrayContaining(['requests.db', 'tollgate.db', 'pepper']));
});

/** The names of the files in a tar archive, which has to end as one does. */
function entries(tar: Buffer): string[] {
  const names: string[] = [];
  let at = 0;
  const text = (from: number, length: number) => tar.toString('latin1', at + from, at + from + length).split('\0')[0]!;
  while (text(0, 100) !== '') {
    names.push(text(0, 100));
    at += 512 + Math.ceil(parseInt(text(124, 12), 8) / 512) * 512;
  }
  expect(tar.subarray(at).equals(Buffer.alloc(1024)), 'two empty blocks end the archive').toBe(true);
  return names;
}

test('the configuration in force can be searched', async ({ signedIn: page }) => {
  await page.goto('settings?tab=configuration');
  await page.getByRole('textbox', { name: 'Search in the configuration' }).fill('tokenLatency');
  await expect(page.getByText(/^\d+ places?$/)).toBeVisible();
  await expect(page.locator('mark').first()).toHaveText('tokenLatency');
});

test('what is kept how long', async ({ signedIn: page }) => {
  await page.goto('settings?tab=retention');
  await expect(page.getByRole('row').filter({ hasText: 'Records of requests' })).toContainText('30 days');
  await expect(page.getByRole('row').filter({ hasText: 'Audit trail' })).toContainText('for ever');
});

test('colours are chosen, and stay', async ({ signedIn: page }) => {
  await page.goto('settings?tab=appearance');
  await page.getByText('Dark', { exact: true }).click();
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
});
