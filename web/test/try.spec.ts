import type { Page } from '@playwright/test';
import { expect, makeKey, test } from './support';

// An exchange is on record a moment after it ended; the page asks again until it is.
test.beforeEach(({ watch }) => watch.allow(/status of 404/));

/** Fills the form for a key and gives what is often looked at. */
async function form(page: Page, key: string, model: string, prompt: string) {
  await page.goto(`try?key=${key}&model=${model}`);
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill(prompt);
  return {
    send: page.getByRole('button', { name: 'Send' }),
    answer: page.getByRole('region', { name: 'Answer' }),
    text: page.getByRole('region', { name: 'Answer' }).locator('[aria-live]'),
    limits: page.getByRole('region', { name: 'Limits of the key' }),
    cost: page.getByRole('region', { name: 'What it cost and why' }),
  };
}

test('the answer arrives in pieces; cost and limit move', async ({ signedIn: page, api }) => {
  const key = await makeKey(api, { name: 'tries', cost_limit: '0.01', reset_period: 'daily' });
  const at = await form(page, key.id, 'slow', 'simulate: tokens=40 delay=50ms\ngo');
  await expect(at.limits).toContainText('$0.01');
  await at.send.click();
  await expect(at.answer.getByLabel('Answering')).toBeVisible();
  await expect(at.text).not.toHaveText(/Waiting/);
  const early = (await at.text.textContent())!;
  expect(early).not.toBe('');
  await expect(at.answer.getByLabel('Answering')).toBeHidden();
  const whole = (await at.text.textContent())!;
  expect(whole.startsWith(early)).toBe(true);
  expect(whole.length).toBeGreaterThan(early.length);

  await expect(at.answer).toContainText('status 200');
  await expect(at.cost.getByRole('row').filter({ hasText: 'output' })).toContainText('40 tokens');
  const { limits } = await api<{ limits: { spent: string }[] }>('GET', `/keys/${key.id}`);
  expect(Number(limits[0]!.spent)).toBeGreaterThan(0);
  await expect(at.limits.getByText(/\$0\.000/).first()).toBeVisible();
  await expect(page.getByRole('region', { name: 'Headers' })).toContainText('x-request-id');
  await at.answer.getByRole('tab', { name: 'As it came' }).click();
  await expect(at.answer.getByRole('region', { name: 'Body as it came' })).toContainText('data: ');
  await at.cost.getByRole('link', { name: 'The whole record' }).click();
  await expect(page.getByRole('complementary', { name: 'One request' })).toContainText('tries');
});

test('cancelling ends the answer, and what was done until then is charged', async ({ signedIn: page, api }) => {
  const key = await makeKey(api, { name: 'changes-its-mind' });
  const at = await form(page, key.id, 'slow', 'simulate: tokens=150 delay=100ms\ngo');
  await at.send.click();
  await expect(at.text).not.toHaveText(/Waiting/);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(at.answer).toContainText('total cancelled');
  await expect(page.getByRole('button', { name: 'Cancel' })).toHaveCount(0);
  const recorded = async () => (await api<{ requests: { outcome: string; tokens: { output?: number } }[] }>('GET', `/requests?key=${key.id}`)).requests;
  await expect.poll(recorded).toHaveLength(1);
  const [request] = await recorded();
  expect(request!.outcome).not.toBe('served');
  expect(request!.tokens.output).toBeLessThan(150);
});

test('a refusal names the limit that refused', async ({ signedIn: page, api, watch }) => {
  watch.allow(/status of 429/);
  const key = await makeKey(api, { name: 'too-poor', cost_limit: '0.000001', reset_period: 'monthly' });
  const at = await form(page, key.id, 'simulated', 'Hello');
  await at.send.click();
  await expect(at.answer.getByRole('alert')).toBeVisible();
  await expect(at.answer).toContainText('status 429');
  const { limits } = await api<{ limits: { id: string }[] }>('GET', `/keys/${key.id}`);
  await expect(at.answer.getByRole('alert').or(at.cost)).toContainText([/cost|limit/i]);
  await expect(at.cost).toContainText(/cost limit|limit on cost|a month/i);
  expect(limits).toHaveLength(1);
});

test('what the key may not use is refused in words', async ({ signedIn: page, api, watch }) => {
  watch.allow(/status of 403/);
  const key = await makeKey(api, { name: 'one-model-only', models: { allow: ['slow'] } });
  const at = await form(page, key.id, 'simulated', 'Hello');
  await at.send.click();
  await expect(at.answer.getByRole('alert')).toContainText('simulated');
  await expect(at.answer).toContainText('status 403');
});

test('Ctrl and Enter send, without a stream too', async ({ signedIn: page, api }) => {
  const key = await makeKey(api, { name: 'hurried' });
  const at = await form(page, key.id, 'simulated', 'simulate: tokens=12 delay=0ms\ngo');
  await page.getByRole('switch', { name: 'Stream' }).click();
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).press('Control+Enter');
  await expect(at.cost.getByRole('row').filter({ hasText: 'output' })).toContainText('12 tokens');
  await at.answer.getByRole('tab', { name: 'As it came' }).click();
  await expect(at.answer.getByRole('region', { name: 'Body as it came' })).toContainText('"chat.completion"');
});
