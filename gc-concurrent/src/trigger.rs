//! The trigger and the figures of collections: when which generation is due.
//!
//! Thresholds mean what they mean on the baseline, with two differences. Each mutator counts its own net allocations, and
//! a collection is due when one of them exceeds its share of the first threshold: with one mutator that is the baseline's
//! rule to the letter. And deaths lower the count of the mutator that saw them, not of the one that allocated.
//!
//! Source: CPython 3.12, `Modules/gcmodule.c` (`gc_collect_generations`).

use gc_core::control::{Generation, GenerationStats, Thresholds};
use gc_core::object::ObjectRef;
use gc_core::sync::Ordering::Relaxed;
use gc_core::sync::{AtomicBool, AtomicU32, AtomicU64, Mutex};

// Orderings in this file are relaxed: figures and settings, each read for itself; what must hold together is under a lock.

/// A count cannot exceed this.
const NEVER: u32 = u32::MAX;

/// See the [module](self).
pub(crate) struct Trigger {
    thresholds: [AtomicU32; 3],
    enabled: AtomicBool,
    /// Mutators that share the first threshold.
    sharers: AtomicU32,
    /// Collections of generation 0 since the last of 1, and of 1 since the last of 2.
    counts: [AtomicU32; 2],
    /// A mutator whose count exceeds it takes the slow path.
    limit: AtomicU32,
    /// Held while the limit is derived, so that the last to change a setting is the last to write it.
    deriving: Mutex<()>,
    /// A collection was asked for and has not begun.
    requested: AtomicBool,
    pending: AtomicU64,
    total: AtomicU64,
    pub(crate) stats: Mutex<[GenerationStats; 3]>,
    pub(crate) garbage: Mutex<Vec<ObjectRef>>,
}

impl Trigger {
    pub(crate) fn new(thresholds: Thresholds) -> Self {
        let this = Self {
            thresholds: thresholds.0.map(AtomicU32::new),
            enabled: AtomicBool::new(true),
            sharers: AtomicU32::new(1),
            counts: Default::default(),
            limit: AtomicU32::new(NEVER),
            deriving: Mutex::default(),
            requested: AtomicBool::new(false),
            pending: AtomicU64::new(0),
            total: AtomicU64::new(0),
            stats: Mutex::default(),
            garbage: Mutex::default(),
        };
        this.derive_limit();
        this
    }

    fn derive_limit(&self) {
        let _deriving = self.deriving.lock();
        let threshold = self.thresholds[0].load(Relaxed);
        let limit = if !self.enabled.load(Relaxed) || threshold == 0 {
            NEVER
        } else {
            let share = threshold / self.sharers.load(Relaxed).max(1);
            if self.requested.load(Relaxed) { share.saturating_mul(LAG) } else { share }
        };
        self.limit.store(limit, Relaxed);
    }

    /// Whether a mutator's own count makes it look closer.
    #[inline(always)]
    pub(crate) fn exceeds(&self, count: u32) -> bool {
        count > self.limit.load(Relaxed)
    }

    /// Whether a mutator's own count is so far above its share that it waits for the collector.
    pub(crate) fn is_far_exceeded_by(&self, count: u32) -> bool {
        let share = self.thresholds[0].load(Relaxed) / self.sharers.load(Relaxed).max(1);
        count > share.max(1).saturating_mul(LAG).saturating_mul(LAG)
    }

    /// Notes that a collection was asked for; the limit becomes [`LAG`] times as high. False if it was before.
    pub(crate) fn request(&self) -> bool {
        let new = !self.requested.swap(true, Relaxed);
        self.derive_limit();
        new
    }

    /// Whether a collection was asked for and has not begun.
    pub(crate) fn is_requested(&self) -> bool {
        self.requested.load(Relaxed)
    }

    /// How many mutators share the first threshold: what `mutators` says, asked again until it stays so. Whoever was late to
    /// store an outdated number corrects it.
    pub(crate) fn share(&self, mutators: impl Fn() -> u32) {
        loop {
            let now = mutators();
            self.sharers.store(now, Relaxed);
            if mutators() == now {
                break;
            }
        }
        self.derive_limit();
    }

    /// A collection of `generation` begins: counts start anew. The mutators' own are for the caller to clear.
    pub(crate) fn begin(&self, generation: Generation) {
        if generation != Generation::OLD {
            self.counts[generation.index()].fetch_add(1, Relaxed);
        }
        self.counts[..generation.index()].iter().for_each(|count| count.store(0, Relaxed));
        self.requested.store(false, Relaxed);
        self.derive_limit();
    }

    /// A request came to nothing.
    pub(crate) fn withdraw(&self) {
        self.requested.store(false, Relaxed);
        self.derive_limit();
    }

    /// Survivors of a collection, for the quarter rule.
    pub(crate) fn survived(&self, generation: Generation, survivors: u64) {
        match generation {
            Generation::OLD => {
                self.pending.store(0, Relaxed);
                self.total.store(survivors, Relaxed);
            }
            Generation::MIDDLE => {
                self.pending.fetch_add(survivors, Relaxed);
            }
            _ => {}
        }
    }

    /// The generation that is due, oldest first; `count` is the sum of the mutators' own counts, one of which exceeded its
    /// share. Full collections are left out where `full` is false.
    pub(crate) fn due(&self, count: u32, full: bool) -> Option<Generation> {
        let share = self.thresholds[0].load(Relaxed) / self.sharers.load(Relaxed).max(1);
        let counts = [count, self.counts[0].load(Relaxed), self.counts[1].load(Relaxed)];
        Generation::ALL.into_iter().rev().find(|generation| {
            let i = generation.index();
            let exceeded = counts[i] > if i == 0 { share } else { self.thresholds[i].load(Relaxed) };
            // The quarter rule keeps the work of full collections linear in the growth of the heap.
            let grown = || full && self.pending.load(Relaxed) >= self.total.load(Relaxed) / 4;
            exceeded && (*generation != Generation::OLD || grown())
        })
    }

    pub(crate) fn older_counts(&self) -> [u32; 2] {
        [self.counts[0].load(Relaxed), self.counts[1].load(Relaxed)]
    }

    /// As freezing does.
    pub(crate) fn clear_older_counts(&self) {
        self.counts.iter().for_each(|count| count.store(0, Relaxed));
    }

    pub(crate) fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Relaxed);
        self.derive_limit();
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled.load(Relaxed)
    }

    pub(crate) fn set_thresholds(&self, thresholds: Thresholds) {
        self.thresholds.iter().zip(thresholds.0).for_each(|(place, value)| place.store(value, Relaxed));
        self.derive_limit();
    }

    pub(crate) fn thresholds(&self) -> Thresholds {
        Thresholds(std::array::from_fn(|i| self.thresholds[i].load(Relaxed)))
    }
}

/// How many times its share of the first threshold a mutator may allocate while the collection that it asked for has not
/// begun. Then it collects by itself: back-pressure without waiting for anybody.
pub(crate) const LAG: u32 = 64;

impl Trigger {
    /// Holds the locks over `f`, in which the process forks.
    pub(crate) fn hold<R>(&self, f: impl FnOnce() -> R) -> R {
        let _locks = (self.stats.lock(), self.garbage.lock(), self.deriving.lock());
        f()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_changed_by_two_threads_leave_the_limit_of_the_last() {
        for _ in 0..2000 {
            let trigger = Trigger::new(Thresholds([700, 10, 10]));
            trigger.set_enabled(false);
            std::thread::scope(|scope| {
                scope.spawn(|| trigger.share(|| 1));
                scope.spawn(|| trigger.set_enabled(true));
            });
            assert!(trigger.exceeds(701), "collections are enabled");
        }
    }
}
