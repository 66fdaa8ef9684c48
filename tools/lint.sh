#!/usr/bin/env bash
# clang-tidy over the sources (or the files given), with the flags of a clang build.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=$(command -v clang-tidy-14 || command -v clang-tidy) || {
    echo "lint: clang-tidy is missing: apt-get install -y --no-install-recommends clang-tidy-14" >&2
    exit 1
}
CC=clang tools/configure.sh build/lint -Dtests=enabled -Dwerror=false
if [ $# -gt 0 ]; then
    files=("$@")
else
    mapfile -t files < <(git ls-files -- 'src/**/*.c')
fi
printf '%s\n' "${files[@]}" | xargs -P 2 -n 4 "$tool" -p build/lint --quiet
