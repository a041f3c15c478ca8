import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, makeKey, ownerToken, test } from './support';
import { ended, freePort, host } from './server';

// The lines for nginx that docs/console.md shows, as they stand there but for the ports, in front of the real program.
const nginx = ['/usr/sbin/nginx', '/usr/local/bin/nginx', '/opt/homebrew/bin/nginx'].find(existsSync);

test('behind nginx with TLS the console works as it does without', async ({ browser, server, api }) => {
  test.skip(!nginx, 'nginx is not installed');
  const port = await freePort();
  const at = (name: string) => join(server.directory, name);
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${host}`, '-keyout', at('key.pem'), '-out', at('cert.pem')], { stdio: 'ignore' });
  const shown = /```nginx\n([\s\S]*?)```/.exec(await readFile(resolve(import.meta.dirname, '../../docs/console.md'), 'utf8'))![1]!;
  const lines = shown.replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`).replace('http://127.0.0.1:15000', server.admin)
    .replace('# ssl_certificate …', `ssl_certificate ${at('cert.pem')}; ssl_certificate_key ${at('key.pem')};`);
  expect(lines).toContain(`127.0.0.1:${port}`);
  expect(lines).toContain(server.admin);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((t) => `${t}_temp_path ${at(t)};`).join(' ');
  await writeFile(at('nginx.conf'), `daemon off; master_process off; pid ${at('nginx.pid')}; error_log ${at('nginx.log')};\nevents {}\nhttp { access_log off; ${temporary}\n${lines}}\n`);

  const proxy = spawn(nginx!, ['-p', server.directory, '-c', at('nginx.conf')], { stdio: 'ignore' });
  try {
    const context = await browser.newContext({ baseURL: `https://${host}:${port}/ui/`, ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await expect(async () => {
      expect((await page.goto('./'))?.status()).toBe(200);
    }).toPass({ timeout: 30_000 });
    await page.getByLabel('Admin token', { exact: true }).fill(ownerToken);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('navigation', { name: 'Pages' })).toBeVisible();
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ secure: true, httpOnly: true, sameSite: 'Strict' });

    // What changes something needs an origin that is the server's own.
    const key = await makeKey(api, { name: 'behind-nginx' });
    await page.goto(`try?key=${key.id}&model=slow`);
    await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('simulate: tokens=600 delay=100ms\ngo');
    await page.getByRole('button', { name: 'Send' }).click();
    const answer = page.getByRole('region', { name: 'Answer' });
    await expect(answer.locator('[aria-live]')).not.toHaveText(/Waiting/);
    await expect(answer.getByLabel('Answering')).toBeVisible(); // the beginning is here long before the end
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect(answer).toContainText('total cancelled');
    await context.close();
  } finally {
    await ended(proxy);
  }
});
