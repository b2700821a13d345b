//! Faults to put into a heap on purpose, so that what is meant to catch a broken heap can be seen to catch one.
//!
//! Compiled under the feature `faults` only, and for the whole process: one fault at a time.

use std::time::{Duration, Instant};

use crate::event::{Cause, Observer};
use crate::sync::Ordering::Relaxed;
use crate::sync::{AtomicU32, AtomicU64};

/// A way in which heaps with plain counts are to be broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Fault {
    /// One store in [`PERIOD`] writes null in place of its value.
    LosesObject = 1,
    /// One release in [`PERIOD`] that leaves an object alive releases it once more.
    FreesLive = 2,
    /// Each collection leaves the garbage it found where it is, as if it were reachable.
    LeaksCycle = 3,
    /// One retain in [`PERIOD`] is forgotten.
    Miscounts = 4,
    /// One release in [`DELAY_PERIOD`] waits for [`DELAY`], as if for another mutator: reported as an interruption, and no
    /// answer is wrong.
    Delays = 5,
}

impl Fault {
    /// Every fault that makes answers wrong.
    pub const WRONG: [Fault; 4] = [Self::LosesObject, Self::FreesLive, Self::LeaksCycle, Self::Miscounts];
    /// Every fault.
    pub const ALL: [Fault; 5] = [Self::LosesObject, Self::FreesLive, Self::LeaksCycle, Self::Miscounts, Self::Delays];
}

/// How many operations it takes for one to go wrong.
pub const PERIOD: u64 = 100;

/// How many releases it takes for one to be delayed.
pub const DELAY_PERIOD: u64 = 10_000;

/// By how much at least.
pub const DELAY: Duration = Duration::from_millis(20);

static CHOSEN: AtomicU32 = AtomicU32::new(0);
static OPERATIONS: AtomicU64 = AtomicU64::new(0);

/// Breaks every heap of the process from here on; `None` mends them.
pub fn set(fault: Option<Fault>) {
    // Relaxed, here and below: a switch for single-threaded tests, which publishes nothing.
    CHOSEN.store(fault.map_or(0, |fault| fault as u32), Relaxed);
    OPERATIONS.store(0, Relaxed);
}

/// Whether `fault` is the chosen one.
pub(crate) fn is_set(fault: Fault) -> bool {
    CHOSEN.load(Relaxed) == fault as u32
}

/// Counts an operation that `fault` could hit. True if it does.
#[inline]
pub(crate) fn strikes(fault: Fault) -> bool {
    is_set(fault) && OPERATIONS.fetch_add(1, Relaxed) % PERIOD == PERIOD - 1
}

/// Counts a release that [`Fault::Delays`] could hit, and delays it if it is its turn.
#[inline]
pub(crate) fn delay(observer: &dyn Observer) {
    if is_set(Fault::Delays) && OPERATIONS.fetch_add(1, Relaxed) % DELAY_PERIOD == DELAY_PERIOD - 1 {
        observer.interruption_begins(Cause::Lock);
        let begin = Instant::now();
        std::thread::sleep(DELAY);
        observer.interruption_ends(Cause::Lock, begin.elapsed());
    }
}
