#!/usr/bin/env bash
# Every layer of the tests, cheap ones first; ends with "N passed, N failed" and exit code 1 when any failed or a layer ran
# nothing. Logs are left in build/test-logs.
set -uo pipefail
# shellcheck source=tools/test_lib.sh
. "$(dirname "$0")/test_lib.sh"

stage layers-self-test exit python3 tools/layers.py --self-test
stage layers exit python3 tools/layers.py
stage format exit tools/format.sh --check
stage reference exit python3 tools/docgen.py --check
stage conformance exit python3 tools/conformance.py --self-test --check
stage build-asan exit build_asan
stage unit-and-simulation meson:build/asan run_meson_tests build/asan --no-rebuild --no-suite fuzz
stage fuzz-corpora meson:build/asan run_meson_tests build/asan --no-rebuild --suite fuzz
stage simulation tap timeout 300 bash -c '. tools/test_lib.sh; run_simulation'
stage oracles tap run_oracles
stage build-clang exit build_clang
stage build-release exit make --no-print-directory build
stage end-to-end tap run_e2e "$root/build/pombo"
stage end-to-end-asan tap run_e2e "$root/build/asan/src/app/pombo"
[ ! -x test/crash/run.sh ] || stage crash tap timeout 400 test/crash/run.sh 20
stage soak tap run_soak 20
stage threads meson:build/tsan run_tsan
finish
