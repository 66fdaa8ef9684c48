#!/usr/bin/env bash
# tools/format.sh [--check]: brings the C sources into shape, or says which are not.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=$(command -v clang-format-14 || command -v clang-format)
mapfile -t files < <(git ls-files -- 'src/**/*.[ch]' 'test/**/*.[ch]' 'bench/**/*.[ch]')
[ ${#files[@]} -gt 0 ] || exit 0
if [ "${1:-}" != --check ]; then
    exec "$tool" -i "${files[@]}"
fi
bad=0
for f in "${files[@]}"; do
    if ! "$tool" "$f" | cmp -s - "$f"; then
        echo "$f: not formatted; run make format"
        bad=1
    fi
done
exit $bad
