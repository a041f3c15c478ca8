import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { expect, makeKey, testWithPast as test } from './support';

interface Group { group: Record<string, string>; name?: string; requests: number; refused: number; input_tokens: number; output_tokens: number; cost_usd: string }
interface Usage { total: Group; groups: Group[] }

const whole = new Intl.NumberFormat('en-US');

/** The period that the page shows if none is chosen: 30 days of UTC, today among them. */
const month = () => `from=${new Date(Date.now() - 29 * 86_400_000).toISOString().slice(0, 10)}T00:00:00Z&to=${new Date().toISOString()}`;

const sums = (page: Page) => page.getByRole('region', { name: 'Sums' }).getByRole('row');

/** A row of the sums as the texts of its cells. */
async function cells(page: Page, name: string): Promise<string[]> {
  const row = sums(page).filter({ has: page.getByRole('cell', { name, exact: true }) });
  return row.getByRole('cell').allTextContents();
}

test('every sum is that of the API', async ({ signedIn: page, api }) => {
  await page.goto('usage');
  const usage = await api<Usage>('GET', `/usage?group_by=model&${month()}`);
  await expect(sums(page)).toHaveCount(usage.groups.length + 2);
  for (const g of usage.groups.filter((x) => x.group.model)) {
    const [, requests, refused, input, , output] = await cells(page, g.group.model!);
    expect([requests, refused, input, output]).toEqual([
      whole.format(g.requests), g.refused > 0 ? whole.format(g.refused) : '–', whole.format(g.input_tokens), whole.format(g.output_tokens),
    ]);
  }
  await expect(sums(page).filter({ hasText: `All ${usage.groups.length} groups` })).toContainText(whole.format(usage.total.requests));
});

test('groupings, unit and order stand in the address', async ({ signedIn: page }) => {
  await page.goto('usage');
  await page.getByRole('combobox', { name: 'Group by' }).click();
  await page.getByRole('option', { name: 'Label: team' }).click();
  await page.getByRole('combobox', { name: 'then by' }).click();
  await page.getByRole('option', { name: 'Model' }).click();
  await expect(page).toHaveURL(/by=label\.team%2Cmodel|by=label\.team,model/);
  await page.getByText('Tokens', { exact: true }).click();
  await expect(page.getByRole('img', { name: /^Tokens per day by team\./ })).toBeVisible();
  await page.getByRole('button', { name: 'Requests', exact: true }).click();
  const head = page.getByRole('columnheader', { name: 'Requests' });
  await expect(head).toHaveAttribute('aria-sort', 'descending');
  await head.getByRole('button').click();
  await expect(head).toHaveAttribute('aria-sort', 'ascending');
  await page.reload();
  await expect(head).toHaveAttribute('aria-sort', 'ascending');
  await expect(page.getByRole('columnheader').nth(1)).toHaveText('Model');
});

test('the file has the rows that are seen', async ({ signedIn: page, api }) => {
  await page.goto('usage?by=key');
  const usage = await api<Usage>('GET', `/usage?group_by=key&${month()}`);
  await expect(sums(page)).toHaveCount(usage.groups.length + 2);
  const waiting = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download CSV' }).click();
  const file = await waiting;
  expect(file.suggestedFilename()).toBe('usage.csv');
  const [head, ...rows] = (await readFile(await file.path(), 'utf8')).trim().split(/\r?\n/);
  const column = head!.split(',');
  expect(rows.map((r) => {
    const value = r.split(',');
    return [value[column.indexOf('key')], value[column.indexOf('requests')], value[column.indexOf('cost_usd')]];
  }).sort()).toEqual(usage.groups.map((g) => [g.group.key ?? '', String(g.requests), g.cost_usd]).sort());
});

test('a filter confines the sums, the chart and the file', async ({ signedIn: page, api, send }) => {
  const key = await makeKey(api, { name: 'by-itself' });
  await send(key.secret, { content: 'simulate: tokens=100 delay=0ms\ngo', maxTokens: 100 });
  await page.goto(`usage?key=${key.id}&show=requests`);
  await expect(sums(page).filter({ hasText: 'simulated' })).toContainText('100%');
  await expect(page.getByRole('img', { name: /^Requests per day by model/ })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Download CSV' })).toHaveAttribute('href', new RegExp(`key=${key.id}`));
  await page.getByRole('button', { name: 'Without the filter by key' }).click();
  await expect(page).not.toHaveURL(/key=/);
  await expect(sums(page).filter({ hasText: 'gpt-5-mini' })).toBeVisible();
});

test('sums that take long say so, and can be stopped', async ({ signedIn: page }) => {
  let slow = true;
  await page.route('**/api/v1/usage?**', async (route) => {
    if (slow && new URL(route.request().url()).searchParams.get('group_by')?.includes('key')) {
      await new Promise((later) => setTimeout(later, 5_000));
    }
    await route.continue().catch(() => undefined); // stopped meanwhile
  });
  await page.goto('usage?by=key');
  await expect(page.getByText('Adding up.')).toBeVisible();
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(page.getByText('Stopped before the sums were made.')).toBeVisible();
  slow = false;
  await page.getByRole('button', { name: 'Add them up' }).click();
  await expect(sums(page).first()).toBeVisible();
  await expect(page.getByRole('img', { name: /^Cost per day by key/ })).toBeVisible();
});

test('at 390 px nothing is wider than the page', async ({ signedIn: page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto('usage');
  await expect(sums(page).first()).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
});
