#!/usr/bin/env bash
# The newcomer's five minutes (make run): a sandbox carrier and the gateway on loopback, a demo user, lines to paste. The terminal
# is the telephone until Ctrl-C. Everything is kept in var/ (or $POMBO_VAR): a second run has the same data and token.
set -uo pipefail
umask 077

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
here=$PWD
pombo=${POMBO:-$root/build/pombo}
var=${POMBO_VAR:-$root/var}
config=$var/pombo.yaml
gateway_log=$var/gateway.log
sandbox_pid=
gateway_pid=
printer_pid=
code=0

say() { printf '%s\n' "$*"; }
die() {
    printf 'run: %s\n' "$*" >&2
    code=1
    exit 1
}

# As short as it can be pasted from where the user stands.
short() {
    case $1 in
    "$here"/*) printf '%s' "${1#"$here"/}" ;;
    *) printf '%s' "$1" ;;
    esac
}

# shellcheck disable=SC2317
cleanup() {
    trap - EXIT INT TERM HUP
    # The gateway first: its last messages still find the carrier there.
    if [ -n "$gateway_pid" ]; then
        kill -TERM "$gateway_pid" 2>/dev/null
        wait "$gateway_pid" 2>/dev/null
    fi
    if [ -n "$sandbox_pid" ]; then
        kill -TERM "$sandbox_pid" 2>/dev/null
        wait "$sandbox_pid" 2>/dev/null
    fi
    if [ -n "$printer_pid" ]; then
        wait "$printer_pid" 2>/dev/null
    fi
    rm -f "$var/.gateway-out" "$var/.sandbox-out"
    exit "$code"
}

busy() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port WANTED: that port, or the next free one.
free_port() {
    local port=$1
    while busy "$port"; do
        port=$((port + 1))
        [ "$port" -le 65535 ] || die "no free port from $1 on"
    done
    printf '%s' "$port"
}

# settle NAME PATTERN FILE...: the port that the files say after PATTERN, moved on in all of them when it is taken.
settle() {
    local name=$1 pattern=$2 old new
    shift 2
    old=$(sed -n "s/.*${pattern}127\.0\.0\.1:\([0-9]*\).*/\1/p" "$1" | head -n 1)
    [ -n "$old" ] || die "$1 has no line with $pattern"
    new=$(free_port "$old")
    if [ "$new" != "$old" ]; then
        say "run: port $old is in use, $name takes $new"
        sed -i "s/\(${pattern}127\.0\.0\.1:\)$old/\1$new/" "$@"
    fi
    port=$new
}

write_config() {
    [ -f "$config" ] || cat >"$config" <<'YAML'
# Made by `make run`; yours to change. Every key is in docs/configuration.md.
data: ./data
http:
  - {listen: 127.0.0.1:8080}
operators:
  - {id: 1, name: VIVO, delivery_reports: true, prefixes: ["55119"]}
  - {id: 5, name: TIM, delivery_reports: true, prefixes: ["551198"]}
sms:
  connections:
    - name: sandbox
      smpp: ["smpp://127.0.0.1:2775"]
      system_id: pombo
      password: secret
      binds: 2
  routes:
    - {prefix: "", connections: [sandbox]}
  short_codes: ["27182", "28149"]
webhooks: {allow: [127.0.0.0/8]}
YAML
    [ -f "$var/sandbox.yaml" ] || cat >"$var/sandbox.yaml" <<'YAML'
# The sandbox carrier of `make run`. Every key is in docs/sandbox.md.
smpp: 127.0.0.1:2775
http: 127.0.0.1:2780
YAML
}

# The demo user is made once; its token is in var/demo.json only.
demo_user() {
    local answer
    token=$(sed -n 's/.*"token": *"\([^"]*\)".*/\1/p' "$var/demo.json" 2>/dev/null)
    [ -z "$token" ] || return 0
    answer=$("$pombo" user add --config "$config" --username demo --email demo@example.com --role regular --json 2>/dev/null) ||
        answer=$("$pombo" user token demo --config "$config" --json) || die "the demo user cannot be made"
    token=$(sed -n 's/.*"token": *"\([^"]*\)".*/\1/p' <<<"$answer")
    [ -n "$token" ] || die "the demo user has no token"
    printf '{"username": "demo", "token": "%s"}\n' "$token" >"$var/demo.json"
}

banner() {
    local api=http://127.0.0.1:$api_port handset=http://127.0.0.1:$handset_port
    local headers="-H 'username: demo' -H 'authenticationtoken: $token' -H 'content-type: application/json'"
    local command
    command="$(short "$pombo")"
    cat <<BANNER

pombo runs.

  API      $api
  handset  $handset/
  user     demo
  token    $token   (kept in $(short "$var/demo.json"))

Lines to paste into another terminal

  a message:
A=\$(curl -s -X POST $api/v1/send-sms $headers -d '{"destination": "5511900000001", "messageText": "Ola!"}'); echo "\$A"; ID=\${A#*'"id":"'}; ID=\${ID%%'"'*}

  its status, and all that happened to it:
curl -s -X POST $api/v1/sms/status/search $headers -d "{\"ids\": [\"\$ID\"]}"
$command message show "\$ID" --config $(short "$config")

  a reply from the handset:
curl -s -X POST $handset/reply -H 'content-type: application/json' -d '{"number": "5511900000001", "shortCode": "27182", "text": "Sim"}'

The gateway's log is $(short "$gateway_log"). This terminal is the telephone; Ctrl-C ends everything.

BANNER
}

# start NAME LOG COMMAND...: runs it with its output in a pipe, the pipe's reading end on descriptor `out`. Sets pid.
start() {
    local name=$1 log=$2
    shift 2
    rm -f "$var/.$name-out"
    mkfifo "$var/.$name-out" || die "no pipe in $var"
    # In a process group of its own, so that Ctrl-C reaches this script alone, which ends things in order.
    set -m
    "$@" >"$var/.$name-out" 2>>"$log" </dev/null &
    pid=$!
    set +m
    exec {out}<"$var/.$name-out"
    rm -f "$var/.$name-out"
}

# ready NAME LOG: waits for the line that begins with "ready"; at its end without one the program has said why in its log.
ready() {
    local line=
    read -r -t 60 line <&"$out" || true
    case $line in
    ready*) return 0 ;;
    esac
    tail -n 5 "$2" >&2
    die "the $1 did not start"
}

[ -x "$pombo" ] || die "$pombo is missing; make build"
mkdir -p "$var" || die "cannot make $var"
write_config
if "$pombo" connection list --config "$config" >/dev/null 2>&1; then
    die "it runs already on $var"
fi
settle "the API" "listen: " "$config"
api_port=$port
settle "the sandbox" "smpp: " "$var/sandbox.yaml"
smpp_port=$port
sed -i "s/\(smpp:\/\/127\.0\.0\.1:\)[0-9]*/\1$smpp_port/" "$config"
settle "the handset" "http: " "$var/sandbox.yaml"
handset_port=$port

trap cleanup EXIT
trap 'exit 0' INT TERM HUP

: >"$var/sandbox.log"
start sandbox "$var/sandbox.log" "$pombo" sandbox --config "$var/sandbox.yaml" --telephone
sandbox_pid=$pid
telephone=$out
ready sandbox "$var/sandbox.log"

: >"$gateway_log"
start gateway "$gateway_log" "$pombo" serve --config "$config"
gateway_pid=$pid
ready gateway "$gateway_log"
exec {out}<&-

demo_user
banner
cat <&"$telephone" &
printer_pid=$!
exec {telephone}<&-

# Either ending by itself is a failure. `wait` returns at a signal, whose trap then ends this script.
wait -n "$sandbox_pid" "$gateway_pid"
tail -n 5 "$gateway_log" "$var/sandbox.log" >&2
die "something ended by itself"
