import base from './playwright.config';

// Takes the pictures of README and docs/console.md: run.sh shots.
export default {
  ...base,
  testIgnore: [],
  testMatch: 'shots.ts',
  workers: 1,
  timeout: 300_000,
};
