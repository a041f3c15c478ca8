import { expect, makeKey, test } from './support';

interface Request { cost_usd: string; output_tokens?: number; attempts?: { lines?: { kind: string; price_usd: string }[] }[] }

test('what can be called, what it costs and who says so', async ({ signedIn: page, api }) => {
  const { models } = await api<{ models: { name: string; rates?: { kind: string; price_usd: string; origin: { source: string } }[] }[] }>('GET', '/models');
  const rates = models.find((m) => m.name === 'simulated')!.rates!;
  await page.goto('models');
  const row = page.getByRole('row').filter({ has: page.getByRole('cell', { name: 'simulated', exact: true }) }).first();
  for (const kind of ['input', 'output']) {
    await expect(row).toContainText(`$${rates.find((r) => r.kind === kind)!.price_usd}`);
  }
  await row.getByRole('link', { name: rates[0]!.origin.source }).click();
  await expect(page).toHaveURL(/tab=prices/);
  await page.goBack();
  await page.getByRole('textbox', { name: 'Search by name or provider' }).fill('slow');
  await expect(page.getByRole('row').filter({ has: page.getByRole('cell', { name: 'slow', exact: true }) })).toHaveCount(1);
  await expect(page.getByRole('cell', { name: 'simulated', exact: true })).toHaveCount(1); // the provider of slow
  await expect(page).toHaveURL(/q=slow/);
});

test('prices are searched at the server and say who set them', async ({ signedIn: page }) => {
  await page.goto('models?tab=prices');
  await page.getByRole('textbox', { name: 'Search by provider and model' }).fill('claude-sonnet-4-5');
  const table = page.getByRole('region', { name: 'Prices' });
  await expect(table.getByRole('rowheader').first()).toContainText('claude-sonnet-4-5');
  await expect(table).toContainText('$3');
  await expect(page.getByText('Lists in force:')).toBeVisible();
});

test('an own price holds for the next request, and the one before stays as it was charged', async ({ signedIn: page, api, send }) => {
  const { secret } = await makeKey(api, { name: 'pays-more' });
  const ask = () => send(secret, { content: 'simulate: tokens=1000 delay=0ms\ngo', maxTokens: 1000 });
  const recorded = async (id: string) => {
    let found: Request | undefined;
    await expect(async () => { found = await api<Request>('GET', `/requests/${id}`); }).toPass();
    return found!;
  };
  const before = await ask();
  const charged = await recorded(before.id);

  await page.goto('models?tab=overrides');
  await expect(page.getByText('No prices of your own')).toBeVisible();
  await page.getByRole('button', { name: 'Set a price' }).click();
  const dialog = page.getByRole('dialog', { name: 'Set a price' });
  await dialog.getByLabel('Provider').fill('simulated');
  await dialog.getByLabel('Model').fill('simulated');
  await expect(dialog.getByText(/^Now: .*output/)).toBeVisible();
  const output = dialog.getByRole('textbox', { name: 'Output', exact: true });
  await output.fill('nonsense');
  await output.blur();
  await expect(output).toHaveAttribute('aria-invalid', 'true');
  await output.fill('50');
  await dialog.getByRole('button', { name: 'Review the change' }).click();
  const review = page.getByRole('dialog', { name: 'What changes' });
  await expect(review).toContainText('added');
  await expect(review).toContainText('50');
  await review.getByRole('button', { name: 'Put in force' }).click();
  await expect(page.getByText('The prices hold from now on.')).toBeVisible();

  const dearer = await recorded((await ask()).id);
  const price = (r: Request) => r.attempts?.[0]?.lines?.find((l) => l.kind === 'output')?.price_usd.replace(/\.0+$/, '');
  expect(price(charged)).toBe('5');
  expect(price(dearer)).toBe('50');
  expect(Number(dearer.cost_usd)).toBeGreaterThan(0.049);
  expect((await api<Request>('GET', `/requests/${before.id}`)).cost_usd).toBe(charged.cost_usd);

  const row = page.getByRole('row').filter({ hasText: 'simulated' });
  await expect(row).toContainText('$50');
  await row.getByRole('button', { name: 'Remove the price of simulated' }).click();
  await page.getByRole('dialog', { name: 'What changes' }).getByRole('button', { name: 'Put in force' }).click();
  await expect(page.getByText('No prices of your own')).toBeVisible();
  expect(price(await recorded((await ask()).id))).toBe('5');
});

test('a change to a list that somebody else changed meanwhile is not made', async ({ signedIn: page, api, watch }) => {
  watch.allow(/status of 412/);
  await page.goto('models?tab=overrides&provider=simulated&model=slow');
  const dialog = page.getByRole('dialog', { name: 'Set a price' });
  await dialog.getByRole('textbox', { name: 'Output', exact: true }).fill('7');
  await dialog.getByRole('button', { name: 'Review the change' }).click();
  const { etag, list } = await api<{ etag: string; list: Record<string, unknown> }>('GET', '/prices/overrides');
  expect(etag).not.toBe('');
  await api('PUT', '/prices/overrides', { ...list, providers: { custom: { models: { other: { rates: { output: '9' } } } } } });
  const review = page.getByRole('dialog', { name: 'What changes' });
  await review.getByRole('button', { name: 'Put in force' }).click();
  await expect(review.getByRole('alert')).toContainText('Somebody else changed it meanwhile');
  await review.getByRole('button', { name: 'Load it anew' }).click();
  await expect(page.getByRole('cell', { name: 'other', exact: true })).toBeVisible();
  await expect(page.getByRole('cell', { name: 'slow', exact: true })).toHaveCount(0);
  await api('PUT', '/prices/overrides', list);
});

test('the whole list of own prices can be edited as JSON', async ({ signedIn: page, api, watch }) => {
  watch.allow(/status of 422/);
  const { list } = await api<{ list: Record<string, unknown> }>('GET', '/prices/overrides');
  await page.goto('models?tab=overrides');
  await page.getByRole('button', { name: 'Edit as JSON' }).click();
  const dialog = page.getByRole('dialog', { name: 'Your own price list' });
  const text = dialog.getByRole('textbox', { name: 'Price list as JSON' });
  const next = dialog.getByRole('button', { name: 'Review the change' });
  await text.fill('{"format": "tollgate/prices/1",');
  await expect(text).toHaveAttribute('aria-invalid', 'true');
  await expect(next).toBeDisabled();

  const priced = (model: object) => JSON.stringify({ ...list, providers: { custom: { models: { raw: model } } } });
  const review = page.getByRole('dialog', { name: 'What changes' });
  await text.fill(priced({ rates: { nonsense: '1' } })); // JSON, and no price list
  await next.click();
  await review.getByRole('button', { name: 'Put in force' }).click();
  await expect(review.getByRole('alert')).toContainText('nonsense');
  await page.keyboard.press('Escape');
  await expect(review).toHaveCount(0);

  await text.fill(priced({ tiers: [{ contextOver: 200000, rates: { input: '6' } }], rates: { input: '3', output: '15' } }));
  await dialog.getByRole('button', { name: 'Format' }).click();
  await expect(text).toHaveValue(/\n {2}"providers": \{\n/);
  await next.click();
  await expect(review).toContainText('added');
  await review.getByRole('button', { name: 'Put in force' }).click();
  await expect(dialog).toHaveCount(0);
  await expect(page.getByRole('row').filter({ hasText: 'raw' })).toContainText('$15');
  await api('PUT', '/prices/overrides', list);
});
