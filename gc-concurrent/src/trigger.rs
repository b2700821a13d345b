//! The trigger and the figures of collections: when which generation is due.
//!
//! Thresholds mean what they mean on the baseline, with two differences. Each mutator counts its own net allocations, and
//! a collection is due when one of them exceeds its share of the first threshold: with one mutator that is the baseline's
//! rule to the letter. And deaths lower the count of the mutator that saw them, not of the one that allocated.
//!
//! Source: CPython 3.12, `Modules/gcmodule.c` (`gc_collect_generations`).

use gc_core::control::{Generation, GenerationStats, Thresholds};
use gc_core::object::ObjectRef;
use gc_core::switch::Switch;
use gc_core::sync::Ordering::Relaxed;
use gc_core::sync::{AtomicBool, AtomicU32, AtomicU64, Mutex};

// Orderings in this file are relaxed: figures and settings, each read for itself; what must hold together is under a lock.

/// No full collection is under way.
const NO_FULL: u64 = u64::MAX;

/// A count cannot exceed this.
const NEVER: u32 = u32::MAX;

/// See the [module](self).
pub(crate) struct Trigger {
    thresholds: [AtomicU32; 3],
    enabled: Switch,
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
    /// Objects in the heap when the full collection that is under way began, or [`NO_FULL`].
    objects_at_begin: AtomicU64,
    pub(crate) stats: Mutex<[GenerationStats; 3]>,
    pub(crate) garbage: Mutex<Vec<ObjectRef>>,
}

impl Trigger {
    pub(crate) fn new(thresholds: Thresholds) -> Self {
        let this = Self {
            thresholds: thresholds.0.map(AtomicU32::new),
            enabled: Switch::default(),
            sharers: AtomicU32::new(1),
            counts: Default::default(),
            limit: AtomicU32::new(NEVER),
            deriving: Mutex::default(),
            requested: AtomicBool::new(false),
            pending: AtomicU64::new(0),
            total: AtomicU64::new(0),
            objects_at_begin: AtomicU64::new(NO_FULL),
            stats: Mutex::default(),
            garbage: Mutex::default(),
        };
        this.derive_limit();
        this
    }

    fn derive_limit(&self) {
        let _deriving = self.deriving.lock();
        let threshold = self.thresholds[0].load(Relaxed);
        let limit = if !self.enabled.is_on() || threshold == 0 {
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

    /// Whether a mutator's own count is so far above its share that it waits for the collector: by [`FAR`] times, and by more
    /// than a quarter of what survived the last full collection, which is what the quarter rule lets a heap grow by.
    pub(crate) fn is_far_exceeded_by(&self, count: u32) -> bool {
        let quarter = self.total.load(Relaxed) / 4 / u64::from(self.sharers.load(Relaxed).max(1));
        count > self.far() && u64::from(count) > quarter
    }

    /// How far a mutator may be ahead of the collector.
    pub(crate) fn far(&self) -> u32 {
        let share = self.thresholds[0].load(Relaxed) / self.sharers.load(Relaxed).max(1);
        share.max(1).saturating_mul(FAR)
    }

    /// Whether a heap of so many objects has grown too much while a full collection is under way: by more than a quarter of
    /// what survived the last one, beyond what a mutator may run ahead of young ones.
    ///
    /// What dies old meanwhile floats, counts as having survived, makes the next full collection longer and later, and so
    /// more floats: without a bound a mutator that allocates faster than the collector looks lets the heap grow to many
    /// times its size.
    pub(crate) fn is_outgrown_by(&self, objects: u64) -> bool {
        let ahead = u64::from(self.thresholds[0].load(Relaxed).saturating_mul(FAR));
        let began = self.objects_at_begin.load(Relaxed);
        began != NO_FULL && objects > began.saturating_add(self.total.load(Relaxed) / 4).saturating_add(ahead)
    }

    /// A full collection begins on a heap of so many objects.
    pub(crate) fn begin_full(&self, objects: u64) {
        self.objects_at_begin.store(objects, Relaxed);
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
    ///
    /// `late` is the sum of their counts where the collection could come late, by a thread of its own: then it counts as
    /// often as it would have been due, so that the older generations become due after as many allocations as otherwise.
    pub(crate) fn begin(&self, generation: Generation, late: Option<u32>) {
        let worth = |count: u32, threshold: &AtomicU32| (count / threshold.load(Relaxed).saturating_add(1)).max(1);
        match generation {
            Generation::YOUNG => {
                let worth = late.map_or(1, |count| worth(count, &self.thresholds[0]));
                self.counts[0].fetch_add(worth, Relaxed);
            }
            Generation::MIDDLE => {
                let worth = late.map_or(1, |_| worth(self.counts[0].load(Relaxed), &self.thresholds[1]));
                self.counts[1].fetch_add(worth, Relaxed);
            }
            _ => {}
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
                self.objects_at_begin.store(NO_FULL, Relaxed);
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
        self.enabled.set(enabled);
        self.derive_limit();
    }

    pub(crate) fn suspend(&self) {
        self.enabled.suspend();
        self.derive_limit();
    }

    pub(crate) fn resume(&self) {
        self.enabled.resume();
        self.derive_limit();
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled.is_on()
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
/// How many times its share a mutator may allocate while others collect, before it waits for them.
const FAR: u32 = 4 * LAG;

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

    #[test]
    fn a_late_collection_counts_as_often_as_it_would_have_been_due() {
        let trigger = Trigger::new(Thresholds([700, 10, 10]));
        trigger.begin(Generation::YOUNG, None);
        assert_eq!(trigger.older_counts(), [1, 0]);
        trigger.begin(Generation::YOUNG, Some(300));
        trigger.begin(Generation::YOUNG, Some(70_100));
        assert_eq!(trigger.older_counts(), [102, 0]);
        trigger.begin(Generation::MIDDLE, Some(701));
        assert_eq!(trigger.older_counts(), [0, 9]);
    }

    #[test]
    fn a_heap_is_outgrown_by_a_quarter_during_a_full_collection_only() {
        let trigger = Trigger::new(Thresholds([10, 10, 10]));
        trigger.survived(Generation::OLD, 400_000);
        assert!(!trigger.is_outgrown_by(10_000_000));
        trigger.begin_full(500_000);
        let most = 500_000 + 100_000 + 10 * u64::from(FAR);
        assert!(!trigger.is_outgrown_by(most) && trigger.is_outgrown_by(most + 1));
        trigger.survived(Generation::OLD, 400_000);
        assert!(!trigger.is_outgrown_by(10_000_000));
    }
}
