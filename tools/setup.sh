#!/usr/bin/env bash
# Installs what is missing for a group of work: tools/setup.sh build|test|bench
#
# Each missing package is told in one line with what it is for. Without root the command to run is printed and the exit code
# is 1. Nothing is asked, no daemon is started, and the package lists are fetched only when something is missing.
set -euo pipefail

group=${1:-build}

# package, then what it is for
build_packages=(
    "build-essential|C compiler and make"
    "meson|build system"
    "ninja-build|build system"
    "pkg-config|finds the libraries"
    "libmicrohttpd-dev|HTTP server"
    "libgnutls28-dev|TLS of the HTTP server"
    "libevent-dev|sockets of the carriers"
    "libjansson-dev|JSON"
    "libsqlite3-dev|store"
    "libcurl4-openssl-dev|webhooks"
    "libsodium-dev|passwords, hashing"
    "libssl-dev|TLS of the carriers"
    "libyaml-dev|configuration"
    "tzdata|time zones"
    "curl|talks to the API"
    "ca-certificates|trusted certificates"
    "openssl|makes the demo certificate"
)
test_packages=(
    "libcmocka-dev|unit tests"
    "libnet-smpp-perl|independent SMSC"
    "tshark|judge of the SMPP bytes"
    "clang|fuzzing, second compiler"
    "libclang-rt-14-dev|fuzzing"
    "clang-format-14|style check"
    "sqlite3|looks into stores"
    "chromium|opens the pages"
    "python3|test drivers"
)
bench_packages=(
    "kannel|the yardstick"
    "wrk|HTTP load"
)

case $group in
build) wanted=("${build_packages[@]}") ;;
test) wanted=("${build_packages[@]}" "${test_packages[@]}") ;;
bench) wanted=("${build_packages[@]}" "${bench_packages[@]}") ;;
*)
    echo "usage: tools/setup.sh build|test|bench" >&2
    exit 64
    ;;
esac
# Any Node will do, Debian's included; one that is installed elsewhere is not doubled.
if [ "$group" = test ]; then
    command -v node >/dev/null || wanted+=("nodejs|end-to-end tests")
    command -v npm >/dev/null || wanted+=("npm|end-to-end tests")
fi

if ! command -v dpkg-query >/dev/null; then
    echo "setup: this is not Debian; see DEPENDENCIES.md for what is needed" >&2
    exit 0
fi

names=()
for entry in "${wanted[@]}"; do names+=("${entry%%|*}"); done
# One call for all: it fails when any is unknown, and prints the known ones all the same.
installed=$(dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' "${names[@]}" 2>/dev/null | sed -n 's/ ii *$//p' || true)
missing=()
for entry in "${wanted[@]}"; do
    name=${entry%%|*}
    if ! grep -qx -- "$name" <<<"$installed"; then
        missing+=("$name")
        echo "setup: $name is missing (${entry#*|})"
    fi
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "setup: run this as root, then again: apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
policy_saved=
policy_made=

cleanup() {
    rm -f "$log"
    if [ -n "$policy_made" ]; then
        rm -f "$policy"
        [ -z "$policy_saved" ] || mv "$policy_saved" "$policy"
    fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Packages such as kannel start a daemon when installed. 101 from policy-rc.d forbids it.
forbid_daemons() {
    if [ -e "$policy" ] || [ -L "$policy" ]; then
        policy_saved=$policy.pombo-saved
        mv "$policy" "$policy_saved"
    fi
    policy_made=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

quietly() {
    if ! "$@" >"$log" 2>&1; then
        echo "setup: failed: $*" >&2
        tail -n 20 "$log" >&2
        exit 1
    fi
}

forbid_daemons
echo "setup: fetching package lists"
quietly apt-get update
for name in "${missing[@]}"; do
    # tshark asks whether everybody may capture packets; the answer is no.
    if [ "$name" = tshark ] && command -v debconf-set-selections >/dev/null; then
        echo 'wireshark-common wireshark-common/install-setuid boolean false' | debconf-set-selections
    fi
done
echo "setup: installing ${missing[*]}"
quietly apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}"
echo "setup: done"
