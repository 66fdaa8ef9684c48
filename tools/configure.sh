#!/usr/bin/env bash
# tools/configure.sh DIR [meson options]: sets up the build folder, or brings an old one to these options. Quiet unless it fails.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$1
shift
mkdir -p "$dir"
log=$dir/configure.log
stamp=$dir/configure.options
options="$*"

if [ -f "$dir/build.ninja" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$options" ]; then
    exit 0
fi
how=()
if [ -f "$dir/build.ninja" ]; then how=(--reconfigure); fi
if ! meson setup "${how[@]}" "$dir" . "$@" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    exit 1
fi
echo "$options" >"$stamp"
