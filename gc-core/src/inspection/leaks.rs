//! What a piece of work leaves behind each time it is done.

use super::live::{TypeNames, capture};
use super::snapshot::Snapshot;
use crate::control::Generation;
use crate::heap::{Heap, Mutator};

/// How often to run the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeakPlan {
    /// Runs first, whose leavings do not count: caches fill, tables are made.
    pub warm_up: u32,
    /// Runs that count; at least 2, or nothing can be told from a cache that fills.
    pub runs: u32,
}

impl Default for LeakPlan {
    fn default() -> Self {
        Self { warm_up: 3, runs: 5 }
    }
}

/// A type of which each run left something behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The type's name.
    pub name: String,
    /// Objects that each run left behind, in order.
    pub objects: Vec<u64>,
    /// Bytes that all of them left behind.
    pub bytes: u64,
}

impl Leak {
    /// Objects a run: the middle one of the runs' figures, rounded down.
    pub fn a_run(&self) -> u64 {
        let mut objects = self.objects.clone();
        objects.sort_unstable();
        objects[(objects.len() - 1) / 2]
    }
}

/// Runs `work` again and again, collects fully after each run, and tells of which types *every* counted run left objects
/// behind; what leaves most first. Other mutators must be at rest. On a heap that collects no cycles dead cycles are
/// leaks, as they are there.
///
/// A cache that fills, a table that doubles now and then, and one late initialisation grow in some runs only, so they are
/// not named. Cost: a capture of the heap a run.
pub fn find_leaks<M: Mutator>(mutator: &M, names: &TypeNames, plan: LeakPlan, mut work: impl FnMut(&M)) -> Vec<Leak> {
    (0..plan.warm_up).for_each(|_| work(mutator));
    let snapshot = || {
        settle(mutator);
        Snapshot::of(&capture(mutator, names, None))
    };
    let mut snapshots = vec![snapshot()];
    for _ in 0..plan.runs {
        work(mutator);
        snapshots.push(snapshot());
    }
    let (Some(first), Some(last)) = (snapshots.first(), snapshots.last()) else { return Vec::new() };
    let mut leaks: Vec<Leak> = last
        .by_type
        .iter()
        .filter_map(|(name, total)| {
            let of = |snapshot: &Snapshot| snapshot.by_type.get(name).map_or(0, |total| total.objects);
            let steps =
                snapshots.windows(2).map(|pair| of(&pair[1]).checked_sub(of(&pair[0])).filter(|&more| more > 0));
            let objects = steps.collect::<Option<Vec<u64>>>().filter(|steps| steps.len() >= 2)?;
            let before = first.by_type.get(name).map_or(0, |total| total.bytes);
            Some(Leak { name: name.clone(), objects, bytes: total.bytes.saturating_sub(before) })
        })
        .collect();
    leaks.sort_by(|a, b| (b.a_run(), b.bytes, &a.name).cmp(&(a.a_run(), a.bytes, &b.name)));
    leaks
}

/// Collects, until what finalizers let go and what was queued for a safepoint is gone as well.
fn settle<M: Mutator>(mutator: &M) {
    let mut live = u64::MAX;
    loop {
        mutator.safepoint();
        mutator.collect(Generation::OLD);
        mutator.safepoint();
        let now = mutator.heap().live_objects();
        if now >= live {
            return;
        }
        live = now;
    }
}
