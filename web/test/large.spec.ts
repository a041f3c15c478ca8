import type { Page } from '@playwright/test';
import { expect, test } from './support';

// With 100,000 keys and 1,000,000 requests every page is of use within a second of its address
// being opened. It is about time, so it is no part of the other tests: see run.sh large.

test.use({ data: process.env.TOLLGATE_LARGE });

const rounds = 3;
const allowed = 1000;

interface Visit {
  name: string;
  address: string;
  /** What is there once the page is of use; nothing may be on its way then. */
  shows: string;
}

interface Timing {
  useful: number;
  /** The longest that the page did not react. */
  longest: number;
}

test('every page is of use within a second', async ({ signedIn: page, api, server }) => {
  test.setTimeout(300_000);
  await page.addInitScript(() => {
    const tasks: number[] = [];
    Object.assign(window, { longTasks: tasks });
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map((e) => e.duration))).observe({ type: 'longtask', buffered: true });
  });
  const key = server.seeded.keys[0]!.id;
  const refused = (await api<{ requests: { id: string }[] }>('GET', '/requests?outcome=refused&limit=1')).requests[0]!.id;
  const visits: Visit[] = [
    { name: 'overview', address: './', shows: 'section[aria-label="What needs attention"]' },
    { name: 'overview, in tokens', address: './?show=tokens&by=provider&period=24h', shows: 'svg[role=img]' },
    { name: 'keys', address: 'keys', shows: 'tbody tr' },
    { name: 'keys, page of 200', address: 'keys?size=200', shows: 'tbody tr' },
    { name: 'keys, searched', address: 'keys?q=studios', shows: 'tbody tr' },
    { name: 'keys, newest use first', address: 'keys?sort=-last_used_at', shows: 'tbody tr' },
    { name: 'keys without a limit', address: 'keys?status=active&uncapped=true', shows: 'tbody tr' },
    { name: 'one key', address: `keys/${key}`, shows: 'svg[role=img]' },
    { name: 'limits', address: 'limits', shows: 'h1' },
    { name: 'requests', address: 'requests', shows: '[data-request]' },
    { name: 'requests, refused', address: 'requests?outcome=refused', shows: '[data-request]' },
    { name: 'requests of a key', address: `requests?key=${key}`, shows: '[data-request]' },
    { name: 'one request', address: `requests?id=${refused}`, shows: '[aria-label="One request"] h2' },
    { name: 'usage', address: 'usage', shows: 'svg[role=img]' },
    { name: 'usage by provider and day', address: 'usage?by=provider,day', shows: 'svg[role=img]' },
    { name: 'models', address: 'models', shows: 'tbody tr' },
    { name: 'prices', address: 'models?tab=prices', shows: 'tbody tr' },
    { name: 'credentials', address: 'credentials', shows: 'h1' },
    { name: 'audit', address: 'audit', shows: 'h1' },
    { name: 'settings', address: 'settings', shows: 'h1' },
    { name: 'admin tokens', address: 'settings?tab=tokens', shows: 'tbody tr' },
    { name: 'try it', address: `try?key=${key}`, shows: 'section[aria-label="Limits of the key"]' },
  ];
  const found: { visit: Visit; timings: Timing[] }[] = [];
  for (const visit of visits) {
    const timings: Timing[] = [];
    for (let round = 0; round < rounds; round++) {
      timings.push(await time(page, visit));
    }
    found.push({ visit, timings });
  }
  const slow: string[] = [];
  console.log('\npage                          useful after (ms)   each            longest task (ms)');
  for (const { visit, timings } of found) {
    const useful = median(timings.map((t) => t.useful));
    if (useful > allowed) {
      slow.push(`${visit.name}: ${useful} ms`);
    }
    console.log(`${visit.name.padEnd(30)}${String(useful).padStart(8)}            ${timings.map((t) => String(t.useful).padStart(4)).join(' ')}  ${String(median(timings.map((t) => t.longest))).padStart(8)}`);
  }
  expect(slow, `pages that take longer than ${allowed} ms`).toEqual([]);
});

/** Opens an address and gives how long it took until the page was of use, from the start of the navigation. */
async function time(page: Page, { address, shows }: Visit): Promise<Timing> {
  await page.goto('about:blank'); // nothing of the page before goes on
  await page.goto(address, { waitUntil: 'commit' });
  const useful = await page.waitForFunction((wanted) => {
    const main = document.querySelector('main');
    const waits = '[aria-busy=true], .mantine-Skeleton-root, .mantine-Loader-root';
    return main?.querySelector(wanted) && !main.querySelector(waits) ? performance.now() : false;
  }, shows, { timeout: 30_000 });
  const at = Math.round(Number(await useful.jsonValue()));
  const longest = await page.evaluate(() => Math.max(0, ...(window as unknown as { longTasks: number[] }).longTasks));
  return { useful: at, longest: Math.round(longest) };
}

function median(of: number[]): number {
  return [...of].sort((a, b) => a - b)[Math.floor(of.length / 2)]!;
}

test('sums by key say that they take a while, and can be stopped', async ({ signedIn: page, watch }) => {
  test.setTimeout(180_000);
  watch.allow(/status of 422/);
  await page.goto('usage?by=key');
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('button', { name: 'Add them up' }).click();
  await expect(page.getByText('All; the 1,000 dearest are listed')).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText('too many groups to draw them one by one')).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole('img', { name: /^Cost per day\./ })).toBeVisible({ timeout: 60_000 });
});
