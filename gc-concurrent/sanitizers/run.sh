#!/usr/bin/env bash
# What thread.sh and address.sh share: builds with a sanitizer on a nightly toolchain and runs stress, forks and tests.
#
# With the component rust-src the standard library is built with the sanitizer as well. Without it the library's own code is
# not watched, and what its locks order would look like races: see gc-core/src/traced.rs, which is then compiled in.
#
# Suppressions: none. What is reported is to be looked at.
set -euo pipefail
sanitizer=$1
seconds=$2
cd "$(dirname "$0")/../.."
toolchain=${GCLAB_NIGHTLY:-nightly-x86_64-unknown-linux-gnu}
target=x86_64-unknown-linux-gnu

if ! rustc "+$toolchain" --version >/dev/null 2>&1; then
    echo "sanitizers need a nightly toolchain, and $toolchain is not installed." >&2
    echo "Install one (rustup toolchain install nightly), or name another in GCLAB_NIGHTLY." >&2
    exit 3
fi

build_std=()
if [ -d "$(rustc "+$toolchain" --print sysroot)/lib/rustlib/src/rust/library" ]; then
    build_std=(-Zbuild-std)
    flags="-Zsanitizer=$sanitizer"
else
    echo "rust-src is not installed: the standard library is used as it is, without the sanitizer."
    # The order that its locks make is told to the sanitizer by locks of our own (gc-core/src/traced.rs).
    flags="-Zsanitizer=$sanitizer -Cunsafe-allow-abi-mismatch=sanitizer --cfg=traced_locks"
fi
export RUSTFLAGS="$flags -Cdebug-assertions=on"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/sanitizer-$sanitizer"
# Leaks are looked for by the stress itself, object by object; the process's own are the other tests' business.
export TSAN_OPTIONS="second_deadlock_stack=1 ${TSAN_OPTIONS:-}"
export ASAN_OPTIONS="detect_leaks=1 ${ASAN_OPTIONS:-}"

cargo=(cargo "+$toolchain")
common=(--release --target "$target" "${build_std[@]}" -p gc-concurrent)
stress() {
    echo "== stress $*"
    "${cargo[@]}" run --quiet "${common[@]}" --example stress -- --reservation $((1 << 28)) --objects 5000 "$@"
}

"${cargo[@]}" build "${common[@]}" --example stress
for heap in refcount-atomic stop-the-world concurrent; do
    stress --heap "$heap" --mutators 4 --seconds "$seconds" --threshold 100
done
for setting in at-trigger stopped plain-after; do
    stress --heap concurrent --mutators 3 --seconds "$seconds" --threshold 100 --setting "$setting"
done
echo "== unit tests and interleavings"
"${cargo[@]}" test --quiet "${common[@]}" --lib --test interleavings
echo "== nothing found by the $sanitizer sanitizer"
