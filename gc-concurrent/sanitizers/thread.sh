#!/usr/bin/env bash
# Runs a short stress and the unit tests of the heaps with parallel mutators under the thread sanitizer.
# Usage: gc-concurrent/sanitizers/thread.sh [SECONDS a run]
exec "$(dirname "$0")/run.sh" thread "${1:-10}"
