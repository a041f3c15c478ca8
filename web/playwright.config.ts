import { defineConfig } from '@playwright/test';

// The console in a real browser, against the real program with a provider that is part of it.
// TOLLGATE_BIN names a binary; otherwise one is built from the source beside this folder.
export default defineConfig({
  testDir: 'test',
  globalSetup: './test/build.ts',
  // What times pages needs a large data directory and a quiet machine: run.sh large.
  testIgnore: process.env.TOLLGATE_LARGE ? [] : '**/large.spec.ts',
  workers: 2,
  fullyParallel: false,
  forbidOnly: Boolean(process.env.CI),
  // A browser on a strange machine may hang once; what fails twice is ours. The report names what was retried.
  retries: process.env.CI ? 1 : 0,
  timeout: 180_000, // whole tours of the console are single tests, and machines are slow
  expect: { timeout: 15_000 },
  reporter: process.env.CI ? [['list'], ['html', { open: 'never' }]] : 'list',
  use: {
    browserName: 'chromium',
    viewport: { width: 1440, height: 900 },
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    // A trace of everything takes half the time: --trace on, where a picture and the words do not tell enough.
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run',
        '--host-resolver-rules=MAP tollgate.example.com 127.0.0.1', // host of test/server.ts
      ],
    },
  },
});
