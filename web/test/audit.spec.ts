import { readFile } from 'node:fs/promises';
import { expect, makeKey, test } from './support';

test('a change shows field by field, a refused one is marked', async ({ signedIn: page, api }) => {
  const key = await makeKey(api, { name: 'watched', cost_limit: '15.00', reset_period: 'monthly' });
  await api('PATCH', `/keys/${key.id}`, { clamp: true, labels: { team: 'payments' } });
  await expect(api('POST', '/keys', { name: 'watched' })).rejects.toThrow('409');
  await page.goto(`audit?target=${key.id}`);
  const events = page.getByRole('list', { name: 'Events' }).getByRole('listitem');
  await expect(events).toHaveCount(2);
  await events.first().getByRole('button').click();
  await expect(events.first().getByText('Label team')).toBeVisible();
  await expect(events.first().getByText('payments')).toBeVisible();
  await events.last().getByRole('button').first().click();
  await expect(events.last().getByText('$15.00 a month')).toBeVisible();
  await page.goto('audit?outcome=refused');
  await expect(page.getByRole('button', { name: /key\.create watched refused/ })).toBeVisible();
});

test('user text is shown as text', async ({ signedIn: page, api }) => {
  const name = '<img src=x onerror=alert(1)>';
  const key = await makeKey(api, { name, labels: { team: '"><script>alert(1)</script>' } });
  await page.goto(`audit?target=${key.id}`);
  await page.getByRole('list', { name: 'Events' }).getByRole('button').first().click();
  await expect(page.getByText(name).first()).toBeVisible();
  await expect(page.getByText('"><script>alert(1)</script>').first()).toBeVisible();
});

test('the trail verifies, and the hash of its end can be kept', async ({ signedIn: page, api }) => {
  await page.goto('audit');
  await page.getByRole('button', { name: 'Verify' }).click();
  await expect(page.getByText(/All [\d,]+ events? verify/)).toBeVisible();
  const { tip } = await api<{ tip: string }>('GET', '/audit/verify');
  await expect(page.getByText(tip)).toBeVisible();
});

test('what the filters let through can be exported', async ({ signedIn: page, api }) => {
  const key = await makeKey(api, { name: 'exported' });
  await page.goto(`audit?target=${key.id}`);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Export these' }).click()]);
  const lines = (await readFile(await download.path(), 'utf8')).trim().split('\n');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0]!)).toMatchObject({ action: 'key.create', target: { id: key.id } });
});
