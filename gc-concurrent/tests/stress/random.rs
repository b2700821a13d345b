//! Random numbers of each thread, also of threads that only run callbacks.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

static THREADS: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static TAG: u64 = THREADS.fetch_add(1, Ordering::Relaxed);
    static STATE: Cell<u64> = Cell::new(mix(TAG.with(|tag| *tag)));
    static SERIAL: Cell<u64> = const { Cell::new(0) };
}

/// Scatters the bits of a number.
pub(crate) fn mix(mut n: u64) -> u64 {
    n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// Begins the calling thread's numbers anew.
pub(crate) fn seed(seed: u64) {
    STATE.with(|state| state.set(mix(seed)));
}

/// A number below `n`.
pub(crate) fn below(n: u32) -> u32 {
    let next = STATE.with(|state| {
        state.set(state.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        mix(state.get())
    });
    (((next >> 32) * u64::from(n)) >> 32) as u32
}

/// True once in `n` times.
pub(crate) fn one_in(n: u32) -> bool {
    below(n) == 0
}

/// A number that no other object of the process has; never 0.
pub(crate) fn serial() -> u64 {
    SERIAL.with(|serial| serial.set(serial.get() + 1));
    SERIAL.with(Cell::get) << 20 | TAG.with(|tag| *tag & 0xf_ffff)
}
