#!/usr/bin/env bash
# The pages of a run in a real browser without a window: alm watch while a run is killed and goes on, then the report of that run.
#   test.sh [FOLDER]       FOLDER gets screenshots of both pages
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
say() { echo "browser: $*"; }
find_browser() { for name in chromium chromium-browser google-chrome; do command -v $name && return; done; return 1; }

# What is there is taken as it is: a browser or a node that came by another way must not be replaced by Debian's.
needed=()
find_browser >/dev/null || needed+=(chromium)
command -v node >/dev/null || needed+=(nodejs)
command -v npm >/dev/null || needed+=(npm)
if [ ${#needed[@]} -gt 0 ] && ! missing=$("$here/../cluster/install.sh" "${needed[@]}"); then
  say "LEFT OUT: the pages in a browser. $missing"
  exit 0
fi
export ALM_BROWSER=$(find_browser) ALM_SCREENSHOTS=${1:+$(mkdir -p "$1" && cd "$1" && pwd)}
cd "$here"
if ! npm ci --ignore-scripts >/dev/null 2>&1; then
  say "LEFT OUT: the pages in a browser. playwright-core cannot be fetched here (npm ci in tests/browser says more)"
  exit 0
fi
node --test --test-reporter=spec pages.test.mjs
