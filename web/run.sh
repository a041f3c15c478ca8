#!/usr/bin/env bash
# What the console is checked with.
#   run.sh build   builds it into ../internal/console/dist, where the program embeds it
#   run.sh check   types, lint, units, the generated client, and that the committed build is of this source
#   run.sh test    drives it in a real browser, on the real program; further arguments go to Playwright
#   run.sh large   times every page with 100,000 keys and 1,000,000 requests, seeded once into .cache/large (1.2 GB)
#   run.sh shots   seeds a month of plausible data and takes the pictures of the documents
set -euo pipefail
cd "$(dirname "$0")"
export NO_COLOR=1

if ! command -v npm >/dev/null; then
  echo "the console's $1 is skipped: it needs Node 20 or newer with npm"
  exit 0
fi

build_into() {
  ./node_modules/.bin/vite build --logLevel warn --emptyOutDir --outDir "$1"
}

case "$1" in
build)
  bash install.sh packages
  # Beside it first: a build that fails leaves the one that the program embeds alone.
  new=$(mktemp -d)
  trap 'rm -rf "$new"' EXIT
  build_into "$new/dist"
  rm -rf ../internal/console/dist
  cp -r "$new/dist" ../internal/console/dist
  ;;
check)
  bash install.sh packages
  new=$(mktemp -d)
  trap 'rm -rf "$new"' EXIT
  ./node_modules/.bin/openapi-typescript ../docs/openapi.json -o "$new/schema.ts" >/dev/null
  cmp -s "$new/schema.ts" src/api/schema.ts || { echo "web/src/api/schema.ts is out of date: run 'npm run api' in web"; exit 1; }
  ./node_modules/.bin/tsc --noEmit
  ./node_modules/.bin/eslint src test
  ./node_modules/.bin/vitest run --reporter=dot
  build_into "$new/dist"
  diff -rq "$new/dist" ../internal/console/dist || { echo "internal/console/dist is not what web builds: run 'make console'"; exit 1; }
  ;;
test | large | shots)
  CHROMIUM=$(bash install.sh)
  export CHROMIUM
  mkdir -p .cache
  (cd .. && go build -o web/.cache/tollgate ./cmd/tollgate && go build -o web/.cache/seed ./test/seed)
  export TOLLGATE_BIN="$PWD/.cache/tollgate" SEED_BIN="$PWD/.cache/seed"
  what=$1
  shift
  case "$what" in
  test) exec ./node_modules/.bin/playwright test "$@" ;;
  shots) exec ./node_modules/.bin/playwright test --config shots.config.ts "$@" ;;
  large)
    export TOLLGATE_LARGE="$PWD/.cache/large"
    # What a seeding that was interrupted left is no use.
    [ -f "$TOLLGATE_LARGE/seed.json" ] || { rm -rf "$TOLLGATE_LARGE"; "$SEED_BIN" -data "$TOLLGATE_LARGE" -keys 100000 -requests 1000000; }
    exec ./node_modules/.bin/playwright test large --workers 1 "$@"
    ;;
  esac
  ;;
*)
  echo "run.sh build | check | test | large | shots" >&2
  exit 2
  ;;
esac
