#!/usr/bin/env bash
# Runs a short stress and the unit tests of the heaps with parallel mutators under the address sanitizer.
# Usage: gc-concurrent/sanitizers/address.sh [SECONDS a run]
exec "$(dirname "$0")/run.sh" address "${1:-10}"
