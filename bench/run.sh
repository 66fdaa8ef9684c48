#!/bin/sh
# The measurements: see bench/run.py --help.
exec python3 "$(dirname "$0")/run.py" "$@"
