import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

/** Builds what the tests run, unless TOLLGATE_BIN and SEED_BIN name it: the program, and what makes a past for it. */
export default function build() {
  process.env.TOLLGATE_BIN ??= built('tollgate', './cmd/tollgate');
  process.env.SEED_BIN ??= built('seed', './test/seed');
}

function built(name: string, from: string): string {
  const binary = resolve(import.meta.dirname, '../.cache', name);
  execFileSync('go', ['build', '-o', binary, from], { cwd: resolve(import.meta.dirname, '../..'), stdio: 'inherit' });
  return binary;
}
