#!/usr/bin/env bash
# test/crash/run.sh [KILLS [SEED]]: kill -9 under load, restart, again; the ledger decides (crash.mjs). TAP on standard output.
set -euo pipefail
cd "$(dirname "$0")"
export POMBO="${POMBO:-$(cd ../.. && pwd)/build/pombo}"
[ -d ../e2e/node_modules/smpp ] || (cd ../e2e && npm ci --silent --no-audit --no-fund)
exec node crash.mjs "${1:-20}" "${2:-$RANDOM}"
