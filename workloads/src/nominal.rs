//! Nominal statistics: what each workload is like, in a row of numbers, so that a reader can tell how far a result carries.
//!
//! A row comes from a run with the workload's small dials, one mutator and no automatic collection: what is dead and on a
//! cycle waits for the collections that the workload itself asks for, the last of which every run ends with. At both ends of
//! each the heap is walked. So the row tells of the program and not of when a collector runs, and it repeats exactly.
//!
//! # Prior work
//!
//! The DaCapo benchmarks publish such rows (Blackburn et al., "Rethinking Java performance analysis", ASPLOS 2025).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gc_core::{Control, CreateError, Heap, HeapConfig, HeapStatistics, NoObserver, Thresholds};

use crate::catalogue::{self, Entry, StartError};
use crate::census::Census;
use crate::lifetimes::died_by_count_share;
use crate::workload::{Pace, Plan, SettingError, Stages};

/// The seed of a row.
const SEED: u64 = 1;

/// What a workload is like. Where a figure is `None`, there is none: nothing died, or the heap does not collect cycles.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// The workload.
    pub workload: &'static str,
    /// What an operation is, in one word.
    pub operation: &'static str,
    /// Timed operations with the small dials.
    pub operations: u64,
    /// Objects allocated in the timed part, an operation.
    pub allocated_per_operation: f64,
    /// Mean size, header, slots and payload.
    pub bytes_per_object: Option<f64>,
    /// Mean number of references that are not null.
    pub references_per_object: Option<f64>,
    /// Share of the deaths that were by count.
    pub died_by_count_share: Option<f64>,
    /// Share of what died that was on a cycle.
    pub on_cycles_share: Option<f64>,
    /// Alive at the end.
    pub live_objects: u64,
    /// Objects of the largest strongly connected component that died; `None` where none did.
    pub largest_cycle: Option<u64>,
}

/// A figure of a row, explained.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Above it in a table.
    pub heading: &'static str,
    /// The field of [`Row`] that it is.
    pub field: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// The figures of a row after its workload's name, in order.
pub const COLUMNS: &[Column] = &[
    Column { heading: "operations", field: "operations", meaning: "timed operations of the run, and what one is" },
    Column {
        heading: "allocated/op",
        field: "allocated_per_operation",
        meaning: "objects allocated in the timed part, for each operation",
    },
    Column {
        heading: "bytes/object",
        field: "bytes_per_object",
        meaning: "mean size of what is in the heap when a collection begins (the live objects, and the dead ones that \
                  counting does not free): a header of 24 bytes, slots of 4, payload",
    },
    Column {
        heading: "refs/object",
        field: "references_per_object",
        meaning: "mean number of references that each of these holds",
    },
    Column {
        heading: "by count",
        field: "died_by_count_share",
        meaning: "of the objects that died in the timed part or were found dead after it: those whose count fell to zero",
    },
    Column {
        heading: "on cycles",
        field: "on_cycles_share",
        meaning: "of the same: those that were on a cycle themselves; what is missing to the whole hung off one",
    },
    Column { heading: "live", field: "live_objects", meaning: "objects alive at the end" },
    Column {
        heading: "largest cycle",
        field: "largest_cycle",
        meaning: "objects of the largest strongly connected component that died",
    },
];

/// A row could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NominalError {
    /// The heap could not be made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The small dials are wrong, which is a mistake of the workload's author.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The run failed.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The heap cannot be walked while it runs.
    #[error("nominal statistics need a heap on which one mutator runs at a time; {heap} runs several")]
    Parallel {
        /// Its name.
        heap: &'static str,
    },
}

/// Runs a workload once on a fresh heap, and says what it is like.
///
/// # Errors
/// [`NominalError::Parallel`] for a heap whose mutators run in parallel, and whatever the run fails with.
pub fn row<H: Heap>(entry: &Entry) -> Result<Row, NominalError> {
    if H::ABILITIES.parallel_mutators {
        return Err(NominalError::Parallel { heap: H::NAME });
    }
    // A first threshold of 0: never automatically.
    let config = HeapConfig { thresholds: Thresholds([0, 10, 10]), ..HeapConfig::default() };
    let heap = H::new(config, Arc::new(NoObserver))?;
    let taken = Arc::new(Taken::default());
    let mutator = heap.attach();
    let of_callback = Arc::clone(&taken);
    mutator.on_collection(Arc::new(move |mutator: &H::Mutator, phase, _| {
        let mut taken = of_callback.lock();
        if taken.timed_part.is_some() {
            taken.census.take(mutator, phase);
        }
    }));
    drop(mutator);

    let stages = TimedPart { heap: &heap, taken: &taken };
    let plan = Plan { seed: SEED, threads: 1, pace: Pace::Closed, stages: &stages };
    let settings = catalogue::settings(entry.name, entry.small)?;
    let outcome = catalogue::run(entry.name, &settings, &heap, &plan)?;

    let State { timed_part, census } = std::mem::take(&mut *taken.lock());
    let [before, after] = timed_part.unwrap_or_default();
    let mean = |sum: u64| (census.objects > 0).then(|| sum as f64 / census.objects as f64);
    let died = census.statistics.map(|last| freed(&last).saturating_sub(freed(&before))).filter(|&died| died > 0);
    Ok(Row {
        workload: entry.name,
        operation: outcome.operation,
        operations: outcome.operations,
        allocated_per_operation: (after.allocated - before.allocated) as f64 / outcome.operations.max(1) as f64,
        bytes_per_object: mean(census.bytes),
        references_per_object: mean(census.references),
        died_by_count_share: census.statistics.and_then(|last| died_by_count_share(&before, &last)),
        on_cycles_share: died.map(|died| census.on_cycles as f64 / died as f64),
        live_objects: outcome.live_expected,
        largest_cycle: (census.largest_cycle > 0).then_some(census.largest_cycle),
    })
}

fn freed(statistics: &HeapStatistics) -> u64 {
    statistics.freed_by_count + statistics.freed_by_collector
}

#[derive(Default)]
struct State {
    /// The heap's counters when the timed part began and when it ended.
    timed_part: Option<[HeapStatistics; 2]>,
    census: Census,
}

#[derive(Default)]
struct Taken(Mutex<State>);

impl Taken {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct TimedPart<'t, H> {
    heap: &'t H,
    taken: &'t Taken,
}

impl<H: Heap> Stages for TimedPart<'_, H> {
    fn timed_part_begins(&self) {
        let now = self.heap.statistics();
        self.taken.lock().timed_part = Some([now; 2]);
    }

    fn timed_part_ends(&self) {
        let now = self.heap.statistics();
        if let Some([_, end]) = &mut self.taken.lock().timed_part {
            *end = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use gc_core::{GenerationalHeap, RefcountHeap};

    use super::*;

    fn of<H: Heap>(name: &str) -> Row {
        row::<H>(catalogue::find(name).unwrap()).unwrap()
    }

    #[test]
    fn rings_are_all_that_dies_in_ring_churn() {
        let row = of::<GenerationalHeap>("ring-churn");
        // 5,000 rings of ten, beside a table, a shelf and 1,000 pairs.
        assert_eq!((row.operations, row.operation, row.live_objects), (5_000, "request", 2_002));
        assert_eq!(row.allocated_per_operation, 10.0);
        assert_eq!((row.died_by_count_share, row.on_cycles_share), (Some(0.0), Some(1.0)));
        assert_eq!(row.largest_cycle, Some(10));
        // Each node holds two references, and the pairs are held once more from their shelf: of the pairs, 2,000.
        let references = (2.0 * 50_000.0 + 2.0 * 2_000.0 + 1_000.0 + 1.0) / (50_000.0 + 2_002.0);
        assert_eq!(row.references_per_object, Some(references));
        // Two slots and 16 bytes; the table has one slot and the shelf 1,000, and both 16 bytes.
        let bytes = (48.0 * 52_000.0 + 48.0 + 4_040.0) / 52_002.0;
        assert_eq!(row.bytes_per_object, Some(bytes));
    }

    #[test]
    fn web_requests_die_by_count_but_for_the_tenth_that_is_cyclic() {
        let row = of::<GenerationalHeap>("web-requests");
        assert_eq!(row.operations, 1_500);
        assert_eq!(row.allocated_per_operation, 205.0);
        let (by_count, on_cycles) = (row.died_by_count_share.unwrap(), row.on_cycles_share.unwrap());
        assert!((0.88..0.92).contains(&by_count), "{by_count}");
        // Nodes and their lists of children are on the cycles, but for leaves' lists: 50 + 13 objects of 200.
        let cyclic = (1.0 - by_count) / 200.0 * 63.0;
        assert!((on_cycles - cyclic).abs() < 1e-9, "{on_cycles}, not {cyclic}");
        assert_eq!(row.largest_cycle, Some(63));
        assert_eq!(row, of::<GenerationalHeap>("web-requests"), "a row repeats");
    }

    #[test]
    fn what_a_heap_cannot_tell_stays_unknown() {
        let row = of::<RefcountHeap>("ring-churn");
        assert_eq!((row.died_by_count_share, row.on_cycles_share, row.largest_cycle), (None, None, None));
        assert_eq!((row.bytes_per_object, row.references_per_object), (None, None));
        assert_eq!(row.allocated_per_operation, 10.0);
    }

    #[test]
    fn nothing_that_dies_has_no_share() {
        let row = of::<GenerationalHeap>("growth");
        assert_eq!((row.died_by_count_share, row.on_cycles_share), (None, None));
        assert_eq!(row.live_objects, 56_500);
    }
}
