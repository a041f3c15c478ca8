import { expect, makeKey, test } from './support';

const fiveCents = { content: 'simulate: tokens=10000\ngo', maxTokens: 10_000 };

test('two keys draw from one pool, and what one uses is gone for the other', async ({ signedIn: page, api, send }) => {
  const one = await makeKey(api, { name: 'pool-one', labels: { team: 'pooled' } });
  const two = await makeKey(api, { name: 'pool-two', labels: { team: 'pooled' } });
  await makeKey(api, { name: 'outside-the-pool', labels: { team: 'elsewhere' } });
  await page.goto('limits?new=limit');
  const dialog = page.getByRole('dialog', { name: 'Create a shared limit' });
  await dialog.getByLabel('Name').fill('pooled team');
  await dialog.getByLabel('Keys with these labels').fill('team=pooled');
  await page.keyboard.press('Enter');
  await expect(dialog.getByText('Selects 2 keys now')).toBeVisible();
  await expect(dialog.getByText(/pool-(one|two), pool-(one|two)$/)).toBeVisible();
  await dialog.getByRole('textbox', { name: 'Amount' }).fill('0.12');
  await expect(dialog.getByText(/^All keys with team pooled may spend \$0\.12 a month.* together: what one of them uses is gone for the others\.$/)).toBeVisible();
  await dialog.getByRole('button', { name: 'Create', exact: true }).click();

  const drawer = page.getByRole('dialog', { name: 'pooled team' });
  const bar = drawer.getByRole('meter');
  await expect(bar).toHaveAttribute('aria-valuenow', '0');
  expect((await send(one.secret, fiveCents)).status).toBe(200);
  await expect(bar).toHaveAttribute('aria-valuenow', '42');
  expect((await send(two.secret, fiveCents)).status).toBe(200);
  await expect(bar).toHaveAttribute('aria-valuenow', '83');
  for (const name of ['pool-one', 'pool-two']) {
    await expect(drawer.getByRole('row').filter({ hasText: name })).toContainText('50');
  }
  await expect(drawer).not.toContainText('outside-the-pool');
  const refused = await send(one.secret, fiveCents);
  expect(refused.status).toBe(429);

  // The key says who holds it, and the refusal leads back to the pool.
  await drawer.getByRole('row').filter({ hasText: 'pool-one' }).getByRole('link').click();
  await expect(page.getByRole('region', { name: 'Limit: $0.12 a month' })).toContainText('shared by all its keys');
  await page.goto(`requests?id=${refused.id}`);
  await page.getByRole('link', { name: 'the shared limit' }).click();
  await expect(drawer).toBeVisible();
});

test('a default for each key holds every one for itself', async ({ signedIn: page, api, send }) => {
  const one = await makeKey(api, { name: 'each-one', labels: { team: 'each' } });
  await makeKey(api, { name: 'each-two', labels: { team: 'each' } });
  await page.goto('limits?new=each');
  const dialog = page.getByRole('dialog', { name: 'Create a shared limit' });
  await expect(dialog.getByText(/^Selects (\d+|more than 10) keys now$/)).toBeVisible();
  await dialog.getByLabel('Name').fill('each of them');
  await dialog.getByLabel('Keys with these labels').fill('team=each');
  await page.keyboard.press('Enter');
  await expect(dialog.getByText('Selects 2 keys now')).toBeVisible();
  await dialog.getByRole('textbox', { name: 'Amount' }).fill('0.10');
  await expect(dialog.getByText(/^Every key with team each may spend \$0\.10 a month.* for itself: none takes from another\.$/)).toBeVisible();
  await dialog.getByRole('button', { name: 'Create', exact: true }).click();
  const drawer = page.getByRole('dialog', { name: 'each of them' });
  await expect(drawer.getByRole('meter')).toHaveCount(2);
  expect((await send(one.secret, fiveCents)).status).toBe(200);
  await expect(drawer.getByRole('meter').first()).toHaveAttribute('aria-valuenow', '50');
  await expect(drawer.getByRole('meter').last()).toHaveAttribute('aria-valuenow', '0');

  await drawer.getByRole('button', { name: 'Edit' }).click();
  const edit = page.getByRole('dialog', { name: 'Edit each of them' });
  await edit.getByRole('textbox', { name: 'Amount' }).fill('1');
  await edit.getByRole('button', { name: 'Save' }).click();
  await expect(edit).toBeHidden();
  await expect(drawer.getByRole('meter').first()).toHaveAttribute('aria-valuenow', '5');
  await drawer.getByRole('button', { name: 'Delete' }).click();
  const sure = page.getByRole('dialog', { name: 'Delete the shared limit each of them' });
  await expect(sure).toContainText('2 keys are no longer held by it');
  await sure.getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.getByText('each of them')).toHaveCount(0);
});

test('a new key is told which shared limits will hold for it', async ({ signedIn: page, api }) => {
  await api('POST', '/limits', { name: 'told before', kind: 'cost', amount: '50.00', window: { calendar: 'month' }, match: { 'label.team': 'told' }, per: 'pool' });
  await page.goto('keys?new=key');
  const dialog = page.getByRole('dialog', { name: 'Create a key' });
  await dialog.getByRole('button', { name: /^More/ }).click();
  await dialog.getByLabel('Labels', { exact: true }).fill('team=told');
  await page.keyboard.press('Enter');
  await expect(dialog.getByText('1 shared limit will hold for it, too:')).toBeVisible();
  await expect(dialog.getByText('$50.00 a month, shared: told before (all its keys together)')).toBeVisible();
});

test('what a limit has counted can be corrected', async ({ signedIn: page, api, send }) => {
  const key = await makeKey(api, { name: 'corrected', cost_limit: '0.06', reset_period: 'monthly' });
  await send(key.secret, fiveCents);
  await page.goto(`keys/${key.id}`);
  const limit = page.getByRole('region', { name: 'Limit: $0.06 a month' });
  await expect(limit.getByRole('meter')).toHaveAttribute('aria-valuenow', '83');
  await limit.getByRole('button', { name: /^Adjust/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Adjust what is spent' });
  await dialog.getByLabel('Amount in US dollars').fill('0.04');
  await expect(dialog.getByText(/^Spent \$0\.05 → \$0\.01 of \$0\.06; \$0\.05 remains\.$/)).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Adjust' })).toBeDisabled();
  await dialog.getByLabel('Reason').fill('the provider gave it back');
  await dialog.getByRole('button', { name: 'Adjust' }).click();
  await expect(dialog).toHaveCount(0);
  await expect(limit.getByRole('meter')).toHaveAttribute('aria-valuenow', '17');
});
