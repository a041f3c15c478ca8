import { mkdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { test as base, expect, type Page } from '@playwright/test';
import { ownerToken, Server } from './server';

// The pictures of the documents: a month that is made up by test/seed, which tells the same story
// every time but lets it end now, and some traffic while they are taken.

const folder = resolve(import.meta.dirname, '../../docs/images');

/** What a picture may weigh, in bytes. */
const most = 250_000;

/** A gateway that stands for the providers. */
const provider = (port: number) => `
llm:
  port: ${port}
  models:
  - {name: "*", provider: {simulated: {latency: 280ms, tokenLatency: 12ms}}}
`;

/** The models of the story, at the providers that have them, which is to say at the other gateway. */
const gateway = (at: string) => (port: number) => `
llm:
  port: ${port}
  policies:
    apiKey: {mode: strict, keys: []}
  models:
${[
    ['gpt-5', 'openAI'], ['gpt-5-mini', 'openAI'], ['gpt-4.1', 'openAI'], ['text-embedding-3-small', 'openAI'],
    ['claude-sonnet-4-5', 'anthropic'], ['claude-haiku-4-5', 'anthropic'], ['mistral-large', 'mistral', 'mistral-large-latest'],
  ].map(([name, from, model]) => `  - {name: ${name}, provider: ${from}, params: {apiKey: made-up, hostOverride: "${at}"${model ? `, model: ${model}` : ''}}}`).join('\n')}
`;

const test = base.extend<{ signedIn: Page }, { server: Server }>({
  server: [async ({}, give) => {
    const providers = await Server.start({ masterKey: false, configuration: provider });
    const server = await Server.start({
      masterKey: true, seed: { keys: 60, requests: 120_000, days: 30 }, configuration: gateway(new URL(providers.gateway).host), ports: { admin: 15000, gateway: 4000 },
    });
    const stop = traffic(server);
    await give(server);
    await stop();
    await Promise.all([server.stop(), providers.stop()]);
  }, { scope: 'worker', timeout: 180_000 }],

  signedIn: async ({ page, server }, give) => {
    await page.goto(`${server.console}/ui/`);
    await page.getByLabel('Admin token', { exact: true }).fill(server.seeded.admin_tokens.find((t) => t.name === 'maria.santos')?.secret ?? ownerToken);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('navigation', { name: 'Pages' })).toBeVisible();
    await give(page);
  },
});

test.use({ timezoneId: 'UTC', reducedMotion: 'reduce' } as object);

const questions = ['Summarise this ticket in two sentences.', 'Classify the sentiment of this review.', 'Draft a reply to the customer.', 'Extract the invoice number.'];

/** Sends requests with the keys of the story, until it is stopped. */
function traffic(server: Server): () => Promise<void> {
  const models = [['gpt-5-mini', 'chat/completions'], ['claude-haiku-4-5', 'messages'], ['gpt-5', 'chat/completions'], ['claude-sonnet-4-5', 'messages'], ['gpt-4.1', 'chat/completions']] as const;
  let on = true;
  const one = async (n: number) => {
    for (let i = n; on; i += 3) {
      const key = server.seeded.keys[(i * 7) % 24]!;
      const [model, path] = models[i % models.length]!;
      await fetch(`${server.gateway}/v1/${path}`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${key.secret}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ model, max_tokens: 220, messages: [{ role: 'user', content: questions[i % questions.length] }] }),
      }).then((answer) => answer.text()).catch(() => undefined);
    }
  };
  const all = [one(0), one(1), one(2)];
  return async () => {
    on = false;
    await Promise.all(all);
  };
}

/** Takes a picture of what is in the window, once nothing is on its way. */
async function picture(page: Page, name: string) {
  await mkdir(folder, { recursive: true });
  await expect(page.locator('.mantine-Skeleton-root, main [aria-busy=true]')).toHaveCount(0);
  await page.waitForTimeout(400); // what slides in has arrived
  const path = resolve(folder, `console-${name}.png`);
  await page.screenshot({ path, animations: 'disabled', caret: 'hide' });
  expect((await stat(path)).size, `bytes of console-${name}.png`).toBeLessThan(most);
}

/** The key that a list shows first. */
async function first(server: Server, query: string): Promise<{ id: string; name: string }> {
  const answer = await fetch(`${server.admin}/api/v1/${query}`, { headers: { Authorization: `Bearer ${ownerToken}` } });
  return ((await answer.json()) as { keys: { id: string; name: string }[] }).keys[0]!;
}

test('overview', async ({ signedIn: page }) => {
  await expect(page.getByRole('img', { name: /^Cost per day, by model/ })).toBeVisible();
  await page.waitForTimeout(4_000); // some of the traffic is counted
  await picture(page, 'overview');
  await page.getByRole('button', { name: 'Use dark colours' }).click();
  await page.mouse.move(0, 0);
  await picture(page, 'overview-dark');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole('button', { name: 'Use light colours' }).click();
  await page.mouse.move(0, 400);
  await picture(page, 'mobile');
});

test('keys, and the life of one', async ({ signedIn: page, server }) => {
  await page.goto(`${server.console}/ui/keys?status=active&sort=-last_used_at`);
  await expect(page.locator('tbody tr').first()).toBeVisible();
  await picture(page, 'keys');

  await page.goto(`${server.console}/ui/keys?new=key`);
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('returns-assistant-prod');
  for (const [limit, amount] of [['Cost limit', '200'], ['Token limit', '40,000,000'], ['Requests/min', '120']] as const) {
    await dialog.getByRole('switch', { name: limit }).click();
    await dialog.getByRole('textbox', { name: limit }).fill(amount);
  }
  await dialog.getByRole('combobox', { name: 'Reset period' }).click();
  await page.getByRole('option', { name: 'Each month' }).click();
  await dialog.getByLabel('Name').focus();
  await picture(page, 'create');
  await dialog.getByRole('button', { name: 'Create key' }).click();
  await expect(dialog.getByText('is ready')).toBeVisible();
  await picture(page, 'secret');

  const { id } = await first(server, 'keys?q=checkout-prod&limit=1');
  await page.goto(`${server.console}/ui/keys/${id}`);
  await expect(page.getByRole('img', { name: /by day and model/ })).toBeVisible();
  await picture(page, 'key');
});

test('shared limits', async ({ signedIn: page, server }) => {
  await page.goto(`${server.console}/ui/limits`);
  await expect(page.getByText('payments team').first()).toBeVisible();
  await picture(page, 'limits');
});

test('why a request was refused', async ({ signedIn: page, server }) => {
  await page.goto(`${server.console}/ui/requests?outcome=refused&code=budget_exceeded`);
  await page.locator('[data-request]').first().getByRole('link').first().click();
  await expect(page.getByRole('heading', { name: 'Why was this refused?' })).toBeVisible();
  await page.mouse.move(0, 0);
  await picture(page, 'request');
});

test('usage', async ({ signedIn: page, server }) => {
  await page.goto(`${server.console}/ui/usage?by=label.team`);
  const chart = page.getByRole('img', { name: /^Cost per day by team/ });
  await expect(chart).toBeVisible();
  await chart.hover({ position: { x: 560, y: 120 } });
  await picture(page, 'usage');
});

test('try it', async ({ signedIn: page, server }) => {
  const { id } = await first(server, 'keys?q=helpdesk-bot-prod&limit=1');
  await page.goto(`${server.console}/ui/try?key=${id}&model=gpt-5-mini`);
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('A customer asks where their parcel is. Answer in two sentences.');
  await page.getByRole('button', { name: 'Send' }).click();
  await expect(page.getByRole('region', { name: 'What it cost and why' }).getByRole('row').first()).toBeVisible();
  await page.mouse.move(0, 0);
  await picture(page, 'try');
});
