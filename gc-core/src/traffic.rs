//! Count traffic: how often counts are raised and lowered, and how often that had to be tried again.
//!
//! Compiled under the feature `traffic` only, for the whole process and all of its heaps. Each operation on a count then adds
//! to a counter that all threads share: a build with it is for counting, never for timing.

use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;

/// Operations on counts so far. What leaves a count alone, because the object is immortal, is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// Count + 1.
    pub retains: u64,
    /// Count − 1.
    pub releases: u64,
    /// Attempts that another thread's change of the same count made void.
    pub contended: u64,
}

static RETAINS: AtomicU64 = AtomicU64::new(0);
static RELEASES: AtomicU64 = AtomicU64::new(0);
static CONTENDED: AtomicU64 = AtomicU64::new(0);

// Relaxed, all: counters that stand for themselves, read when the threads that counted are joined.

/// A count was raised.
#[inline]
pub fn retained() {
    RETAINS.fetch_add(1, Relaxed);
}

/// A count was lowered.
#[inline]
pub fn released() {
    RELEASES.fetch_add(1, Relaxed);
}

/// A count changed under the hands of somebody who was about to change it.
#[inline]
pub fn contended() {
    CONTENDED.fetch_add(1, Relaxed);
}

/// Operations of this process so far.
pub fn now() -> Traffic {
    let [retains, releases, contended] = [&RETAINS, &RELEASES, &CONTENDED].map(|counter| counter.load(Relaxed));
    Traffic { retains, releases, contended }
}
