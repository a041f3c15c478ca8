#!/usr/bin/env bash
# Makes sure that what the console is built and tested with is there: its npm packages and,
# unless it is told "packages", a Chromium, whose path it prints.
set -euo pipefail
cd "$(dirname "$0")"

if [ ! -f node_modules/.package-lock.json ] || ! cmp -s package-lock.json node_modules/.installed; then
  npm ci --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json node_modules/.installed
fi
[ "${1:-}" != packages ] || exit 0

for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
  if [ -n "$candidate" ] && command -v "$candidate" >/dev/null; then
    command -v "$candidate"
    exit 0
  fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing Chromium" >&2
  { apt-get update -q && apt-get install -y -q --no-install-recommends chromium; } >&2
  command -v chromium
  exit 0
fi
echo "no Chromium was found: install it, or name it in CHROMIUM" >&2
exit 1
