# Sourced by test.sh and test-long.sh: stages, their time and the sum of what they ran.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
logs=$root/build/test-logs
mkdir -p "$logs"
passed=0
failed=0
jobs=$(nproc)

# stage NAME COUNT COMMAND...: runs the command with its output in a log. COUNT says where the cases are: `exit` (the exit
# code is one case), `tap` (lines of the log) or `meson:DIR` (the test log of that build folder).
stage() {
    local name=$1 count=$2 began=$SECONDS rc=0 good=0 bad=0 log
    shift 2
    log=$logs/$name.log
    [[ $count != meson:* ]] || rm -f "${count#meson:}"/meson-logs/testlog*
    "$@" >"$log" 2>&1 </dev/null || rc=$?
    case $count in
    exit) if [ $rc -eq 0 ]; then good=1; else bad=1; fi ;;
    tap) read -r good bad < <(python3 tools/count_tests.py tap "$log") ;;
    meson:*) read -r good bad < <(python3 tools/count_tests.py meson "$(ls "${count#meson:}"/meson-logs/testlog*.json 2>/dev/null | head -n 1)") ;;
    esac
    local note=
    if [ $rc -ne 0 ] && [ "$bad" -eq 0 ]; then
        bad=1
        note=" (exit code $rc)"
    elif [ $((good + bad)) -eq 0 ]; then
        bad=1
        note=" (ran no test)"
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
    printf '%-22s %4ds  %5d passed, %d failed%s\n' "$name" $((SECONDS - began)) "$good" "$bad" "$note"
    if [ "$bad" -ne 0 ]; then
        echo "---- the end of ${log#"$root"/}"
        { grep -aE '^\s*not ok|ERROR|FAIL|error:' "$log" || true; } | head -n 30
        tail -n 60 "$log"
        echo "----"
    fi
}

finish() {
    echo "$passed passed, $failed failed"
    [ $failed -eq 0 ]
}

# configure_and_build DIR OPTIONS...
configure_and_build() {
    local dir=$1
    shift
    tools/configure.sh "$dir" "$@" && ninja -C "$dir" -j "$jobs" --quiet
}

build_asan() {
    configure_and_build build/asan -Db_sanitize=address,undefined -Db_lundef=false -Dfaults=true -Dtests=enabled
}

# The second compiler's opinion of every source, fuzz targets included.
build_clang() {
    CC=clang configure_and_build build/clang -Dfuzz=true -Dtests=enabled -Db_lundef=false -Doptimization=0 -Ddebug=false
}

run_meson_tests() { # DIR arguments of meson test
    local dir=$1
    shift
    meson test -C "$dir" --print-errorlogs --num-processes "$jobs" "$@"
}

# The thread sanitizer of gcc 12 cannot live with the wide address randomisation of newer kernels.
run_tsan() {
    tools/configure.sh build/tsan -Db_sanitize=thread -Db_lundef=false -Dfaults=true -Dtests=enabled || return 1
    if setarch "$(uname -m)" -R true 2>/dev/null; then
        setarch "$(uname -m)" -R meson test -C build/tsan --print-errorlogs --num-processes "$jobs" --suite threads
    else
        run_meson_tests build/tsan --suite threads
    fi
}

# Installed once for each lock file, offline afterwards.
npm_install() { # FOLDER
    [ -f "$1/package.json" ] || return 0
    cmp -s "$1/package-lock.json" "$1/node_modules/.lock-of-install" && return 0
    (cd "$1" && npm ci --no-audit --no-fund --omit=optional) && cp "$1/package-lock.json" "$1/node_modules/.lock-of-install"
}

run_node_tests() { # FOLDER SECONDS
    local files reporter=()
    npm_install "$1" || return 1
    mapfile -t files < <(find "$1" -name node_modules -prune -o \( -name '*.test.mjs' -o -name '*.test.js' \) -print | sort)
    [ ${#files[@]} -gt 0 ] || return 0
    if node --help | grep -q -- --test-reporter; then reporter=(--test-reporter=tap); fi
    timeout "$2" node --test "${reporter[@]}" "${files[@]}"
}

run_e2e() { # the binary: what users run, and what the sanitizers watch
    POMBO=$1 POMBO_ASAN=$root/build/asan/src/app/pombo run_node_tests test/e2e 480
}

# A steady load of everything; nothing may pile up.
run_soak() { # SECONDS
    npm_install test/e2e || return 1
    SOAK_SECONDS=$1 POMBO=$root/build/pombo run_node_tests test/soak $(($1 + 150))
}

# What is computed against independent libraries.
run_oracles() {
    POMBO_ORACLE=$root/build/asan/test/oracle run_node_tests test/oracle 200
}

# Many lives of the engine, without the sanitizers' weight.
run_simulation() {
    tools/configure.sh build/sim -Dtests=enabled || return 1
    ninja -C build/sim -j "$jobs" --quiet test/sim/sim-engine test/sim/sim-engine-small || return 1
    build/sim/test/sim/sim-engine && build/sim/test/sim/sim-engine-small
}
