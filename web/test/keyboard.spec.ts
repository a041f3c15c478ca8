import type { Page } from '@playwright/test';
import { expect, makeKey, ownerToken, test } from './support';

/** Tells how whatever has the focus shows it: an outline, or another border than without. */
async function focusShown(page: Page): Promise<boolean> {
  return page.evaluate(() => {
    const on = document.activeElement as HTMLElement | null;
    if (!on || on === document.body) {
      return false;
    }
    const look = (e: Element | null | undefined) => {
      const { outlineStyle, outlineWidth, borderColor, boxShadow } = e ? getComputedStyle(e) : {} as CSSStyleDeclaration;
      return `${outlineStyle !== 'none' && parseFloat(outlineWidth) > 0} ${borderColor} ${boxShadow}`;
    };
    // A switch shows the focus of its input on its track beside it, an input with chips on what is around both.
    const around: (Element | null | undefined)[] = [on, on.nextElementSibling];
    for (let e = on.parentElement; e && around.length < 6; e = e.parentElement) {
      around.push(e);
    }
    // Borders change their colour in a moment of time, at the end of which they are looked at.
    const looks = () => {
      around.forEach(look);
      document.getAnimations().forEach((a) => a instanceof CSSTransition && a.finish());
      return around.map(look);
    };
    const focused = looks();
    on.blur();
    const without = looks();
    on.focus({ focusVisible: true } as FocusOptions);
    return focused.some((f, i) => f !== without[i]);
  });
}

/** Presses Tab until something has the focus, and looks that each stop on the way can be seen. */
async function tabTo(page: Page, name: string | RegExp, role = '') {
  const passed: string[] = [];
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press('Tab');
    const on = await page.evaluate(() => {
      const e = document.activeElement as HTMLElement;
      const labels = (e as HTMLInputElement).labels;
      return { role: e.getAttribute('role') ?? e.tagName.toLowerCase(), name: (e.getAttribute('aria-label') ?? labels?.[0]?.textContent ?? e.textContent ?? '').trim() };
    });
    passed.push(`${on.role} ${on.name}`);
    if ((role === '' || on.role === role) && (typeof name === 'string' ? on.name === name : name.test(on.name))) {
      expect(await focusShown(page), `the focus on ${passed.at(-1)!} shows`).toBe(true);
      return;
    }
  }
  throw new Error(`no Tab leads to ${String(name)}:\n${passed.join('\n')}`);
}

test('without a mouse: sign in, make a key, open it, rotate it, sign out', async ({ page, context, watch }) => {
  watch.allow(/status of 401/);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('./');
  await expect(page.getByLabel('Admin token', { exact: true })).toBeFocused();
  await page.keyboard.type(ownerToken);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('navigation', { name: 'Pages' })).toBeVisible();

  await page.keyboard.press('Control+k');
  await expect(page.getByRole('textbox', { name: 'Go to' })).toBeFocused();
  await page.keyboard.type('create');
  await expect(page.getByRole('button', { name: /Create a key/ })).toBeVisible();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Create a key' });
  await expect(dialog.getByLabel('Name')).toBeFocused();
  await page.keyboard.type('by-hand');
  await tabTo(page, 'Cost limit', 'switch');
  await page.keyboard.press('Space');
  await expect(dialog.getByRole('textbox', { name: 'Cost limit' })).toBeFocused();
  await page.keyboard.type('20');
  await tabTo(page, 'Create key', 'button');
  await page.keyboard.press('Enter');
  const copy = page.getByRole('button', { name: 'Copy the secret' });
  await expect(copy).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByText('Copied')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);

  await page.keyboard.press('/');
  await expect(page.getByRole('textbox', { name: 'Search keys' })).toBeFocused();
  await page.keyboard.type('by-hand');
  const link = page.getByRole('link', { name: 'by-hand' });
  await expect(link).toBeVisible();
  await tabTo(page, 'by-hand', 'a');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'by-hand', level: 1 })).toBeVisible();

  await tabTo(page, 'Rotate', 'button');
  await page.keyboard.press('Enter');
  const rotate = page.getByRole('dialog', { name: 'Rotate by-hand' });
  await expect(rotate).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(rotate).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Rotate' })).toBeFocused();
  await page.keyboard.press('Enter');
  await tabTo(page, '24 hours');
  await page.keyboard.press('ArrowLeft');
  await expect(rotate.getByRole('radio', { name: '1 hour' })).toBeChecked();
  await tabTo(page, 'Rotate', 'button');
  await page.keyboard.press('Enter');
  await expect(copy).toBeFocused();
  await tabTo(page, 'I have the secret', 'button');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Rotate' })).toBeFocused();

  await page.getByRole('button', { name: /^Signed in as/ }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem', { name: 'Sign out' })).toBeVisible();
  await expect(async () => { // a menu that is still opening takes no key yet
    await page.keyboard.press('ArrowDown');
    await expect(page.getByRole('menuitem', { name: 'Sign out' })).toBeFocused({ timeout: 500 });
  }).toPass();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
});

test('every stop of the Tab key can be seen, on every page', async ({ signedIn: page, api }) => {
  const key = await makeKey(api, { name: 'walked', cost_limit: '5', reset_period: 'monthly' });
  for (const path of ['', 'keys', `keys/${key.id}`, 'limits', 'requests', 'usage', 'models', 'credentials', 'audit', 'settings?tab=tokens', 'try']) {
    await page.goto(path);
    await expect(page.locator('main')).toHaveText(/\S/);
    await expect(page.locator('[aria-busy=true], .mantine-Skeleton-root')).toHaveCount(0);
    const hidden: string[] = [];
    for (let i = 0; i < 30; i++) {
      await page.keyboard.press('Tab');
      const on = await page.evaluate(() => (document.activeElement === document.body ? '' : document.activeElement?.outerHTML.slice(0, 160) ?? ''));
      if (on && !(await focusShown(page))) {
        hidden.push(on);
      }
    }
    expect(hidden, `on ${path || 'the overview'}`).toEqual([]);
  }
});

test('dialogs hold the focus and give it back', async ({ signedIn: page, api }) => {
  const key = await makeKey(api, { name: 'held' });
  await page.goto(`keys/${key.id}`);
  for (const name of ['Edit', 'Disable']) {
    const button = page.getByRole('button', { name, exact: true });
    await button.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await expect(dialog).toBeVisible();
    for (let i = 0; i < 25; i++) {
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement?.closest('[role=dialog]') !== null)).toBe(true);
    }
    await page.keyboard.press('Escape');
    await expect(dialog).toHaveCount(0);
    await expect(button).toBeFocused();
  }
});

test('the dialog that makes a key gives the focus back however it is closed', async ({ signedIn: page }) => {
  await page.goto('keys');
  const opener = page.getByRole('button', { name: 'Create key' }).first();
  const dialog = page.getByRole('dialog');
  const made = async (name: string) => {
    await dialog.getByLabel('Name').fill(name);
    await dialog.getByRole('button', { name: 'Create key' }).click();
    await expect(dialog.getByRole('button', { name: 'Copy the secret' })).toBeVisible();
  };
  const ways: [string, () => Promise<void>][] = [
    ['Escape', () => page.keyboard.press('Escape')],
    ['the cross', () => dialog.getByRole('banner').getByRole('button').click()],
    ['Cancel', () => dialog.getByRole('button', { name: 'Cancel' }).click()],
    ['Done', async () => {
      await made('focus-done');
      await dialog.getByRole('button', { name: 'Copy the secret' }).click();
      await dialog.getByRole('button', { name: 'Done' }).click();
    }],
    ['Escape, and then anyway', async () => {
      await made('focus-anyway');
      await page.keyboard.press('Escape');
      await dialog.getByRole('button', { name: 'Close anyway' }).click();
    }],
  ];
  for (const [way, close] of ways) {
    await opener.focus();
    await page.keyboard.press('Enter');
    await expect(dialog.getByLabel('Name'), way).toBeFocused();
    await close();
    await expect(dialog, way).toHaveCount(0);
    await expect(opener, way).toBeFocused();
  }
});

test('Ctrl+K goes anywhere', async ({ signedIn: page }) => {
  await page.goto('keys');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  for (const [typed, heading] of [['audit', 'Audit'], ['shared', 'Shared limits'], ['sett', 'Settings']] as const) {
    await page.keyboard.press('Control+k');
    await expect(page.getByRole('textbox', { name: 'Go to' })).toBeFocused();
    await page.keyboard.type(typed);
    await expect(page.getByRole('dialog').getByRole('button').first()).toContainText(heading);
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { name: heading, level: 1 })).toBeVisible();
    await expect(page.getByRole('dialog')).toHaveCount(0);
  }
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('textbox', { name: 'Go to' })).toBeFocused();
  await page.keyboard.type('zzz');
  await expect(page.getByText('No such page')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});
