import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

/** Builds the program that the tests run against, unless TOLLGATE_BIN names one. */
export default function build() {
  if (process.env.TOLLGATE_BIN) {
    return;
  }
  const binary = resolve(import.meta.dirname, '../.cache/tollgate');
  execFileSync('go', ['build', '-o', binary, './cmd/tollgate'], { cwd: resolve(import.meta.dirname, '../..'), stdio: 'inherit' });
  process.env.TOLLGATE_BIN = binary;
}
