#!/usr/bin/env bash
# What takes too long for every change: 500 kills, five minutes of fuzzing a target, ten of soak. A round that passed is noted in
# build/long and not repeated until the sources change, so an interrupted run goes on where it was.
set -uo pipefail
# shellcheck source=tools/test_lib.sh
. "$(dirname "$0")/test_lib.sh"

fuzz_seconds=${FUZZ_SECONDS:-300}
version=$(git rev-parse HEAD 2>/dev/null || echo none)-$(git diff HEAD 2>/dev/null | sha256sum | cut -c1-12)
done_dir=build/long/$version
mkdir -p "$done_dir"

once() { # NAME COUNT COMMAND...
    local name=$1 before=$failed
    if [ -f "$done_dir/$name" ]; then
        echo "$name: passed before"
        passed=$((passed + $(cat "$done_dir/$name")))
        return
    fi
    local had=$passed
    stage "$@"
    [ $failed -ne "$before" ] || echo $((passed - had)) >"$done_dir/$name"
}

fuzz_one() { # BINARY NAME: new inputs go to build, the kept corpus is only read
    local binary=$1 name=$2 corpus
    corpus=$(find test/fuzz -type d -path "*/corpus/$name" | head -n 1)
    mkdir -p "build/fuzz-corpus/$name" build/fuzz-artifacts
    "$binary" -max_total_time="$fuzz_seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="build/fuzz-artifacts/$name-" \
        "build/fuzz-corpus/$name" ${corpus:+"$corpus"}
}

once build-release exit make --no-print-directory build
once build-asan exit build_asan
POMBO_SIM_RUNS=${POMBO_SIM_RUNS:-10000} once simulation-long tap run_simulation
if [ -x test/crash/run.sh ]; then
    for round in $(seq 1 25); do once "crash-$round" tap test/crash/run.sh 20; done
fi
CC=clang once build-fuzz exit configure_and_build build/fuzz -Dfuzz=true -Dtests=enabled -Db_lundef=false
for binary in build/fuzz/test/fuzz/*/fuzz-* build/fuzz/test/fuzz/fuzz-*; do
    [ -f "$binary" ] && [ -x "$binary" ] || continue
    name=${binary##*/fuzz-}
    once "fuzz-$name" exit fuzz_one "$binary" "$name"
done
once soak tap run_soak "${SOAK_SECONDS:-600}"
finish
