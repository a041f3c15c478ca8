import { expect, test } from './support';

test.use({ masterKey: false });

test('without a master key the page says how to get one instead of a button that fails', async ({ signedIn: page }) => {
  await page.goto('credentials?new=credential');
  await expect(page.getByText('This server has no master key')).toBeVisible();
  await expect(page.getByText('TOLLGATE_MASTER_KEY_FILE')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Add a credential' })).toHaveCount(0);
  await expect(page.getByRole('dialog')).toHaveCount(0);
});
