#!/usr/bin/env bash
# Builds the targets with libFuzzer's coverage, without cargo-fuzz: it sets the same flags.
set -euo pipefail
cd "$(dirname "$0")"
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
cargo +nightly build --release --target x86_64-unknown-linux-gnu "$@"
