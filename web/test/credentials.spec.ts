import { readFile, writeFile } from 'node:fs/promises';
import { expect, makeKey, test } from './support';

test('a credential comes in, is tested, rotated, renamed and deleted, and its value never shows', async ({ signedIn: page, api }) => {
  await page.goto('credentials');
  await page.getByRole('button', { name: 'Add a credential' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Add the credential' }).click();
  await expect(dialog.getByText('Paste what the provider gave you.')).toBeVisible();
  await dialog.getByLabel('Name').fill('nearby');
  await dialog.getByLabel('Provider').fill('openai');
  await dialog.getByLabel('Host').fill('localhost:9');
  await dialog.getByRole('textbox', { name: 'Value' }).fill('sk-provider-value-abcd');
  await dialog.getByRole('button', { name: 'Add the credential' }).click();
  await expect(dialog).toBeHidden();
  const row = page.getByRole('table', { name: 'Credentials' }).getByRole('row').filter({ hasText: 'nearby' });
  await expect(row).toContainText('…abcd');
  await expect(page.getByText('{credential: nearby}')).toBeVisible();
  expect(await page.content()).not.toContain('sk-provider-value-abcd');

  await page.getByRole('button', { name: 'What can be done with nearby' }).click();
  await page.getByRole('menuitem', { name: 'Rotate' }).click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'New value' }).fill('sk-provider-value-wxyz');
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
  await expect(row).toContainText('…wxyz');

  await page.getByRole('button', { name: 'What can be done with nearby' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('elsewhere');
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  await expect(page.getByRole('cell', { name: 'elsewhere', exact: true })).toBeVisible();

  await page.getByRole('button', { name: 'What can be done with elsewhere' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  const sure = page.getByRole('dialog').getByRole('button', { name: 'Delete the credential' });
  await expect(sure).toBeDisabled();
  await page.getByRole('dialog').getByRole('textbox').fill('elsewhere');
  await sure.click();
  await expect(page.getByText('No credential is stored')).toBeVisible();
  expect(await api<{ credentials: unknown[] }>('GET', '/credentials')).toEqual({ credentials: [] });
});


test('a provider that fails shows as resting, with its error, and as healthy once it answers again', async ({ signedIn: page, api, send }) => {
  const { secret } = await makeKey(api, { name: 'meets-trouble' });
  await page.goto('credentials');
  const table = page.getByRole('table', { name: 'Providers and their targets' });
  const slow = table.getByRole('row').filter({ has: page.getByText('slow', { exact: true }) });
  await send(secret, { model: 'slow' });
  await expect(slow).toContainText('healthy');

  // Each failure in a row makes the rest longer, so that there is time to look at it.
  const fail = (model: string) => Array.from({ length: 20 }, () => send(secret, { model, content: 'simulate: status=503\ngo' }));
  for (const answer of await Promise.all([...fail('simulated'), ...fail('slow')])) {
    expect(answer.status).toBe(503);
  }
  await expect(table).toContainText('all 2 targets rest');
  await expect(slow).toContainText(/restingtried again in \d+ s/);
  await expect(slow).toContainText('answered with status 503');
  await page.goto('./');
  const attention = page.getByRole('region', { name: 'What needs attention' });
  await expect(attention).toContainText('Providers that rest');
  await expect(attention).toContainText('all of its 2 targets rest');
  await attention.getByRole('link', { name: 'simulated', exact: true }).first().click();
  await expect(page.getByRole('heading', { name: 'Providers and credentials', level: 1 })).toBeVisible();

  // Nothing else is left, so a target that rests is tried after all.
  for (const model of ['simulated', 'slow']) {
    expect((await send(secret, { model })).status).toBe(200);
  }
  await expect(slow).toContainText('healthy');
  await expect(slow).toContainText('answered with status 503'); // as long as there was no other
  await expect(table).not.toContainText('rest');
});

test('what uses a credential stands there before anybody tries to delete it', async ({ signedIn: page, api, server }) => {
  await api('POST', '/credentials', { name: 'in-use', provider: 'openai', host: 'localhost:9', value: 'sk-provider-value-used' });
  const before = await readFile(server.configFile, 'utf8');
  await page.goto('credentials');
  const row = page.getByRole('table', { name: 'Credentials' }).getByRole('row').filter({ hasText: 'in-use' });
  await expect(row).toContainText('nothing');
  try {
    await writeFile(server.configFile, `${before}  - {name: far, provider: openAI, params: {apiKey: {credential: in-use}, baseUrl: "http://localhost:9"}}\n`);
    await expect(row).toContainText(/config\.yaml:\d+:\d+/, { timeout: 30_000 });
    const group = page.getByRole('table', { name: 'Providers and their targets' }).getByRole('row').filter({ hasText: 'in-use' });
    await expect(group).toContainText('reached as far');
    await expect(group).toContainText('not tested');
    await row.getByRole('button', { name: 'Test in-use' }).click();
    await expect(row).toContainText('cannot be reached');
    await expect(group).toContainText('test failed');
    for (const deed of ['Rename', 'Delete']) {
      await page.getByRole('button', { name: 'What can be done with in-use' }).click();
      await page.getByRole('menuitem', { name: deed }).click();
      const dialog = page.getByRole('dialog', { name: `${deed} in-use` });
      await expect(dialog.getByRole('list', { name: 'Where the configuration names it' })).toContainText(/config\.yaml:\d+:\d+/);
      await expect(dialog.getByRole('textbox')).toHaveCount(0);
      if (deed === 'Rename') {
        await page.keyboard.press('Escape');
        await expect(dialog).toHaveCount(0);
      }
    }
  } finally {
    await writeFile(server.configFile, before);
  }
  // The dialog is open while the configuration lets go of it.
  const dialog = page.getByRole('dialog', { name: 'Delete in-use' });
  await dialog.getByRole('textbox').fill('in-use', { timeout: 30_000 });
  await dialog.getByRole('button', { name: 'Delete the credential' }).click();
  await expect(row).toHaveCount(0);
});
