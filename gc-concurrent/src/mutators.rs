//! The attached mutators, as the heap sees them: a record each, written by its owner, read by anybody.

use gc_core::sync::Ordering::{Acquire, Relaxed, Release};
use gc_core::sync::{Arc, AtomicBool, AtomicU32, AtomicU64, Mutex};

/// What a mutator tells the heap. On lines of its own, so that no two mutators write to the same.
#[repr(align(128))]
pub(crate) struct Record {
    /// Names its allocator.
    pub(crate) number: u32,
    /// Whether it is the heap's own, for the collector's thread.
    pub(crate) collector: bool,
    /// Objects it allocated.
    allocated: AtomicU64,
    /// Objects it freed.
    freed: AtomicU64,
    /// Those of them that it freed as a collection's garbage.
    freed_by_collector: AtomicU64,
    /// Its net allocations of containers since the last collection.
    count: AtomicU32,
    /// Safepoints it passed.
    passed: AtomicU64,
    /// In a safe region.
    safe: AtomicBool,
}

impl Record {
    /// Adds to a counter that only the owner writes.
    #[inline(always)]
    fn add(counter: &AtomicU64, n: u64) {
        // Release: whoever sees the new figure (`ticks`) sees that the operation before it has ended. The load is of the
        // owner's own figure.
        counter.store(counter.load(Relaxed).wrapping_add(n), Release);
    }

    #[inline(always)]
    pub(crate) fn allocate(&self) {
        Self::add(&self.allocated, 1);
    }

    #[inline(always)]
    pub(crate) fn free(&self) {
        Self::add(&self.freed, 1);
    }

    pub(crate) fn free_by_collector(&self, objects: u64) {
        Self::add(&self.freed_by_collector, objects);
    }

    /// Objects it allocated so far.
    pub(crate) fn allocated(&self) -> u64 {
        // Relaxed: the owner's own figure.
        self.allocated.load(Relaxed)
    }

    /// Objects it freed so far.
    pub(crate) fn freed(&self) -> u64 {
        // Relaxed: a figure.
        self.freed.load(Relaxed)
    }

    #[inline(always)]
    pub(crate) fn pass(&self) {
        Self::add(&self.passed, 1);
    }

    /// Counts a container; returns the count.
    #[inline(always)]
    pub(crate) fn count_up(&self) -> u32 {
        // Relaxed: the owner's own. A collection that clears it at the same moment may be overwritten: then the next one
        // comes early.
        let count = self.count.load(Relaxed).saturating_add(1);
        self.count.store(count, Relaxed);
        count
    }

    #[inline(always)]
    pub(crate) fn count_down(&self) {
        // Relaxed: as above.
        self.count.store(self.count.load(Relaxed).saturating_sub(1), Relaxed);
    }

    pub(crate) fn set_safe(&self, safe: bool) {
        // Release: as in `add`.
        self.safe.store(safe, Release);
    }

    /// Changes whenever the owner has ended an operation and begun to allocate or passed a safepoint.
    fn ticks(&self) -> u64 {
        // Acquire: pairs with the stores of `add`.
        self.allocated.load(Acquire).wrapping_add(self.passed.load(Acquire))
    }
}

/// Sums over mutators.
#[derive(Clone, Copy, Default)]
pub(crate) struct Totals {
    pub(crate) allocated: u64,
    pub(crate) freed: u64,
    pub(crate) freed_by_collector: u64,
    pub(crate) count: u32,
}

#[derive(Default)]
struct State {
    records: Vec<Arc<Record>>,
    /// What detached mutators had.
    gone: Totals,
    last_number: u32,
}

/// The mutators of one heap.
#[derive(Default)]
pub(crate) struct Mutators(Mutex<State>);

/// Where each mutator was at one moment.
pub(crate) struct Moment(Vec<(u32, u64)>);

impl Mutators {
    pub(crate) fn attach(&self, collector: bool) -> Arc<Record> {
        let mut state = self.0.lock();
        // Numbers of allocators alive at the same time differ; 0 is nobody.
        state.last_number = state.last_number.wrapping_add(1).max(1);
        let record = Arc::new(Record {
            number: state.last_number,
            collector,
            allocated: AtomicU64::new(0),
            freed: AtomicU64::new(0),
            freed_by_collector: AtomicU64::new(0),
            count: AtomicU32::new(0),
            passed: AtomicU64::new(0),
            safe: AtomicBool::new(false),
        });
        state.records.push(Arc::clone(&record));
        record
    }

    pub(crate) fn detach(&self, record: &Arc<Record>) {
        let mut state = self.0.lock();
        state.records.retain(|other| !Arc::ptr_eq(other, record));
        state.gone.add(record);
    }

    /// How many there are of the program's own.
    pub(crate) fn len(&self) -> u32 {
        self.0.lock().records.iter().filter(|record| !record.collector).count() as u32
    }

    pub(crate) fn totals(&self) -> Totals {
        let state = self.0.lock();
        let mut totals = state.gone;
        state.records.iter().for_each(|record| totals.add(record));
        totals
    }

    /// Clears the counts of net allocations.
    pub(crate) fn clear_counts(&self) {
        let mut state = self.0.lock();
        state.gone.count = 0;
        // Relaxed: see `Record::count_up`.
        state.records.iter().for_each(|record| record.count.store(0, Relaxed));
    }

    pub(crate) fn now(&self) -> Moment {
        Moment(self.0.lock().records.iter().map(|record| (record.number, record.ticks())).collect())
    }

    /// Whether each mutator has ended the operation that it was in at that moment. `own` is the caller's, between two
    /// operations.
    pub(crate) fn all_moved_on(&self, moment: &Moment, own: u32) -> bool {
        let state = self.0.lock();
        moment.0.iter().all(|&(number, ticks)| {
            number == own
                || !state.records.iter().any(|record| {
                    // Acquire: pairs with `set_safe`.
                    record.number == number && record.ticks() == ticks && !record.safe.load(Acquire)
                })
        })
    }

    /// In a forked child: only the caller's is left. Returns how many of the program's own are gone.
    pub(crate) fn alone_after_fork(&self, record: &Arc<Record>) -> u32 {
        let mut state = self.0.lock();
        let (own, lost): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.records).into_iter().partition(|other| Arc::ptr_eq(other, record));
        state.records = own;
        lost.iter().for_each(|record| state.gone.add(record));
        lost.iter().filter(|record| !record.collector).count() as u32
    }

    /// Holds the lock over `f`, in which the process forks.
    pub(crate) fn hold<R>(&self, f: impl FnOnce() -> R) -> R {
        let _state = self.0.lock();
        f()
    }
}

impl Totals {
    /// Objects in the heap.
    pub(crate) fn objects(&self) -> u64 {
        self.allocated.saturating_sub(self.freed)
    }

    fn add(&mut self, record: &Record) {
        // Relaxed, all: figures of a moment ago, one by one, unless the mutators are at rest.
        self.freed += record.freed.load(Relaxed);
        self.freed_by_collector += record.freed_by_collector.load(Relaxed);
        self.allocated += record.allocated.load(Relaxed);
        self.count = self.count.saturating_add(record.count.load(Relaxed));
    }
}
