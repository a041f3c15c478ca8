import { expect, test } from './support';

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
  const row = page.getByRole('row').filter({ hasText: 'nearby' });
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

