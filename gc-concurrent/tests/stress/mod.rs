//! A stress test of heaps with parallel mutators: random operations, checked at every load and accounted for at the end.
//!
//! Every object carries a canary: word 0 of its payload is its serial number, word 1 a mix of that with its type and shape.
//! An instance also keeps in slot 0, which never changes, an atomic object whose serial is word 2; a tuple keeps the sum of
//! its slots' serials there. So an object that was freed, reused or taken apart while something referred to it shows at the
//! next load.
//!
//! On a heap that does not collect cycles none are made: references lead from greater serials to smaller ones.

mod actions;
mod callbacks;
mod forks;
pub(crate) mod narrow;
mod objects;
mod random;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use gc_core::event::Panicked;
use gc_core::sync::{Arc, Mutex};
use gc_core::{Control, Generation, Heap, HeapConfig, HeapStatistics, Mutator, Observer, Shape, SharedRoot};

use callbacks::DELIBERATE;
use objects::Types;

/// Slots of the table that all mutators share.
const TABLE: u32 = 64;
/// No operation for so long is a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// One run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) config: HeapConfig,
    pub(crate) mutators: u32,
    pub(crate) time: Duration,
    pub(crate) seed: u64,
    /// Objects beyond which mutators let go of what they hold.
    pub(crate) most_objects: u64,
    /// How often the first mutator forks; the run then lasts until it has.
    pub(crate) forks: u32,
}

/// What a run did.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) operations: u64,
    pub(crate) checks: u64,
    pub(crate) finalized: u64,
    pub(crate) resurrected: u64,
    pub(crate) weak_callbacks: u64,
    pub(crate) collections: u64,
    pub(crate) forks: u64,
    pub(crate) seconds: f64,
    pub(crate) statistics: HeapStatistics,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            operations,
            checks,
            finalized,
            resurrected,
            weak_callbacks,
            collections,
            forks,
            seconds,
            statistics,
        } = self;
        writeln!(f, "{operations} operations in {seconds:.1} s, {checks} objects checked, {collections} collections")?;
        writeln!(
            f,
            "{finalized} finalized, {resurrected} kept by callbacks, {weak_callbacks} weak callbacks, {forks} forks"
        )?;
        let HeapStatistics { allocated, freed_by_count, freed_by_collector, .. } = statistics;
        write!(
            f,
            "{allocated} allocated = {freed_by_count} freed by count + {freed_by_collector} freed by the collector"
        )
    }
}

/// What all threads and callbacks of a run share. Counters are relaxed: they are read when all have ended.
#[derive(Default)]
pub(crate) struct Stage {
    table: Mutex<Option<SharedRoot>>,
    inbox: Mutex<Vec<SharedRoot>>,
    failures: Mutex<Vec<String>>,
    /// Mutators are to end.
    ended: AtomicBool,
    /// Callbacks keep nothing any more.
    closing: AtomicBool,
    acyclic: bool,
    most_objects: u64,
    operations: AtomicU64,
    checks: AtomicU64,
    forks: AtomicU64,
    collections: AtomicU64,
    finalizable: AtomicU64,
    finalized: AtomicU64,
    resurrected: AtomicU64,
    weak_callbacks: AtomicU64,
    observed: AtomicU64,
    teardowns_begun: AtomicU64,
    teardowns_ended: AtomicU64,
}

impl Stage {
    fn fail(&self, failure: String) {
        self.ended.store(true, Ordering::Relaxed);
        eprintln!("stress: {failure}");
        self.failures.lock().push(failure);
    }

    fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Observer for Stage {
    fn panicked(&self, panicked: &Panicked) {
        if panicked.message != DELIBERATE {
            self.fail(format!("in a {:?} callback: {}", panicked.place, panicked.message));
        }
    }
    fn collection(&self, _: &gc_core::event::Collection) {
        Self::count(&self.collections);
    }
    fn teardown(&self, _: gc_core::ObjectRef, begins: bool) {
        Self::count(if begins { &self.teardowns_begun } else { &self.teardowns_ended });
    }
}

/// Runs a plan on a heap.
///
/// # Panics
/// If anything is wrong, with the plan in the message.
pub(crate) fn run<H: Heap>(plan: Plan) -> Outcome {
    callbacks::silence_deliberate_panics();
    let stage =
        Arc::new(Stage { acyclic: !H::ABILITIES.collects_cycles, most_objects: plan.most_objects, ..Stage::default() });
    let heap = H::new(plan.config, stage.clone()).expect("the plan's configuration is possible");
    let types = Types::register(&heap, &stage);
    {
        let mutator = heap.attach();
        let table = objects::new_table(&mutator, &types, TABLE);
        *stage.table.lock() = Some(table.share());
    }
    let begin = Instant::now();
    let over = Arc::new(AtomicBool::new(false));
    watch(&stage, &over, format!("{} {plan:?}", H::NAME));
    thread::scope(|scope| {
        let threads: Vec<_> = (0..plan.mutators)
            .map(|number| {
                let (heap, stage, types) = (&heap, &stage, &types);
                scope.spawn(move || actions::mutate(heap, stage, types, plan, number))
            })
            .collect();
        while !stage.ended.load(Ordering::Relaxed)
            && (begin.elapsed() < plan.time || stage.forks.load(Ordering::Relaxed) < u64::from(plan.forks))
        {
            thread::sleep(Duration::from_millis(5));
        }
        stage.ended.store(true, Ordering::Relaxed);
        for (number, thread) in threads.into_iter().enumerate() {
            if let Err(panic) = thread.join() {
                stage.fail(format!("thread {number}: {}", callbacks::message_of(&*panic)));
            }
        }
    });
    let seconds = begin.elapsed().as_secs_f64();
    close(&heap, &stage, plan);
    over.store(true, Ordering::Relaxed);
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    Outcome {
        operations: count(&stage.operations),
        checks: count(&stage.checks),
        finalized: count(&stage.finalized),
        resurrected: count(&stage.resurrected),
        weak_callbacks: count(&stage.weak_callbacks),
        collections: count(&stage.collections),
        forks: count(&stage.forks),
        seconds,
        statistics: heap.statistics(),
    }
}

/// Drops all that is held, collects until nothing changes, and holds the figures against one another.
fn close<H: Heap>(heap: &H, stage: &Arc<Stage>, plan: Plan) {
    let failed = |failures: &[String]| {
        assert!(failures.is_empty(), "{} {plan:?}:\n{}", H::NAME, failures.join("\n"));
    };
    failed(&stage.failures.lock());
    stage.closing.store(true, Ordering::Relaxed);
    let mutator = heap.attach();
    mutator.unfreeze();
    drop(std::mem::take(&mut *stage.inbox.lock()));
    drop(stage.table.lock().take());
    mutator.safepoint();
    let mut quiet = 0;
    for _ in 0..100 {
        let before = heap.live_objects();
        for kept in mutator.garbage() {
            let Shape { slots, .. } = mutator.shape(&kept);
            (0..slots).for_each(|slot| kept.put(slot, None));
        }
        mutator.clear_garbage();
        mutator.collect(Generation::OLD);
        mutator.safepoint();
        quiet = if heap.live_objects() == before { quiet + 1 } else { 0 };
        if quiet == 3 {
            break;
        }
    }
    // The collector's own thread may be about to detach, with figures and deaths of its own.
    let patience = Instant::now();
    while heap.live_objects() != 0 && patience.elapsed() < Duration::from_secs(2) {
        mutator.safe_region(|| thread::sleep(Duration::from_millis(10)));
        mutator.collect(Generation::OLD);
    }
    let mut left = Vec::new();
    if heap.live_objects() != 0 {
        mutator.walk(&mut |object, targets| {
            if left.len() < 20 {
                left.push(format!("{object:?} -> {targets:?}"));
            }
        });
    }
    failed(&stage.failures.lock());
    drop(mutator);
    let statistics = heap.statistics();
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let context = format!("{} {plan:?}: {statistics:?}", H::NAME);
    assert_eq!(statistics.live(), 0, "{context}: objects are left: {left:?}");
    assert_eq!(
        statistics.allocated,
        statistics.freed_by_count + statistics.freed_by_collector,
        "{context}: every object is freed once"
    );
    assert_eq!(count(&stage.finalized), count(&stage.finalizable), "{context}: every finalizer runs once");
    assert_eq!(count(&stage.teardowns_begun), count(&stage.observed), "{context}: every teardown is reported once");
    assert_eq!(count(&stage.teardowns_ended), count(&stage.observed), "{context}: every teardown ends once");
}

/// Ends the process if no operation ends for too long, until the run is over.
fn watch(stage: &Arc<Stage>, over: &Arc<AtomicBool>, context: String) {
    let (stage, over) = (Arc::clone(stage), Arc::clone(over));
    thread::spawn(move || {
        let mut last = (u64::MAX, Instant::now());
        while !over.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(100));
            let now = stage.operations.load(Ordering::Relaxed) + stage.collections.load(Ordering::Relaxed);
            if now != last.0 {
                last = (now, Instant::now());
            } else if last.1.elapsed() > PATIENCE {
                eprintln!("stress: nothing moves any more: {context}");
                std::process::abort();
            }
        }
    });
}
