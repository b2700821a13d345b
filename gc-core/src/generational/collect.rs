//! One collection, from its trigger to its figures (`gc_collect_main`).
//!
//! The order of the steps is observable, and is CPython's.

use std::time::Instant;

use crate::callback::{CollectionInfo, Phase};
use crate::config::WeakOrder;
use crate::control::Generation;
use crate::event::{Cause, Collection};
use crate::plain::{PlainMutator, Reason};
use crate::space::header::{self, flag};
use crate::sync::Ordering::Relaxed;
use crate::sync::add_exclusive;

use super::finalization::Finalization;
use super::lists::{Lists, head};
use super::state::{Generational, with_lists};
use super::trial_deletion::deduce_unreachable;
use crate::object::Kind;

// Orderings in this file are relaxed: the thread that has the turn is alone (T1 of `turn`).

type Mutator = PlainMutator<Generational>;

/// Collects the generation that is due, if one is (`gc_collect_generations`).
pub(super) fn collect_due(mutator: &Mutator) {
    if let Some(generation) = mutator.shared().tracking.due_generation() {
        collect(mutator, generation, Reason::Threshold);
    }
}

/// Collects `generation`; returns unreachable objects found, those left for a legacy finalizer included. Does nothing
/// and returns 0 while a collection is under way.
pub(super) fn collect(mutator: &Mutator, generation: Generation, reason: Reason) -> u64 {
    let shared = mutator.shared();
    let tracking = &shared.tracking;
    if !tracking.begin() {
        return 0;
    }
    shared.observer.interruption_begins(Cause::Stop);
    let begin = Instant::now();
    let report = |phase, collected, uncollectable| {
        let info = CollectionInfo { generation, collected, uncollectable };
        shared.callbacks.call_collection(mutator, phase, &info, &*shared.observer);
    };
    report(Phase::Start, 0, 0);
    let freed_before = shared.freed_by_collector.load(Relaxed);
    let found = with_lists!(&shared.space, lists => collect_generation(mutator, lists, generation));
    let mut duration = begin.elapsed();
    {
        let mut stats = tracking.stats.lock();
        let stats = &mut stats[generation.index()];
        stats.collections += 1;
        stats.collected += found.collected;
        stats.uncollectable += found.uncollectable;
        stats.examined += found.examined;
        stats.nanoseconds += duration.as_nanos() as u64;
    }
    report(Phase::Stop, found.collected, found.uncollectable);
    tracking.end();
    duration = duration.max(begin.elapsed());
    shared.observer.interruption_ends(Cause::Stop, duration);
    shared.observer.collection(&Collection {
        generation,
        automatic: reason == Reason::Threshold,
        examined: found.examined,
        collected: found.collected,
        uncollectable: found.uncollectable,
        freed: shared.freed_by_collector.load(Relaxed) - freed_before,
        duration,
    });
    found.collected + found.uncollectable
}

/// What a collection found.
#[derive(Default)]
struct Found {
    examined: u64,
    collected: u64,
    uncollectable: u64,
}

fn collect_generation<const SIDE: bool>(mutator: &Mutator, lists: Lists<'_, SIDE>, generation: Generation) -> Found {
    let shared = mutator.shared();
    let tracking = &shared.tracking;
    tracking.restart_counts(generation);

    let young = head::GENERATIONS[generation.index()];
    for younger in &head::GENERATIONS[..generation.index()] {
        lists.merge(*younger, young);
    }
    let old = generation.older().map_or(young, |older| head::GENERATIONS[older.index()]);

    let examined = deduce_unreachable(lists, young, head::UNREACHABLE);
    #[cfg(feature = "faults")]
    if crate::faults::is_set(crate::faults::Fault::LeaksCycle) {
        lists.iter(head::UNREACHABLE).for_each(|object| lists.clear_candidate(object.bits()));
        lists.merge(head::UNREACHABLE, young);
    }

    if shared.config.untrack_tuples {
        untrack_tuples(mutator, lists, generation);
    }
    match generation {
        Generation::OLD => {
            tracking.pending.store(0, Relaxed);
            tracking.total.store(lists.iter(young).count() as u64, Relaxed);
        }
        Generation::MIDDLE => add_exclusive(&tracking.pending, lists.iter(young).count() as u64),
        _ => {}
    }
    if generation != Generation::OLD {
        // Survivors are promoted before any finalizer or callback runs.
        lists.merge(young, old);
    }

    let finalization = Finalization::new(mutator, lists, old);
    let mut collected = 0;
    if examined.special {
        finalization.set_legacy_aside();
        collected += finalization.clear_weak_references();
        finalization.run_finalizers();
        finalization.keep_resurrected();
        if shared.config.weak_order == WeakOrder::PlainAfterFinalizers {
            finalization.clear_remaining_weak_references();
        }
        finalization.clear_weak_references_of_final();
        collected += lists.iter(head::FINAL).count() as u64;
    } else {
        // No code of the program would run: the steps above would leave the same list in the same order.
        lists.merge(head::UNREACHABLE, head::FINAL);
        collected += examined.unreachable;
    }
    finalization.tear_down();
    let uncollectable = finalization.keep_legacy();

    if generation == Generation::OLD {
        tracking.clear_free_lists();
    }
    Found { examined: examined.objects, collected, uncollectable }
}

/// Untracks the surviving tuples that can be on no cycle: all slots hold atomic objects or untracked tuples
/// (`untrack_tuples`, `_PyTuple_MaybeUntrack`).
fn untrack_tuples<const SIDE: bool>(mutator: &Mutator, lists: Lists<'_, SIDE>, generation: Generation) {
    let shared = mutator.shared();
    let kind = |index: u32| header::kind(shared.space.shape_word(index).load(Relaxed));
    let may_be_tracked = |target: u32| match kind(target) {
        Kind::Atomic => false,
        Kind::Tuple => shared.space.shape_word(target).load(Relaxed) & flag::TRACKED != 0,
        _ => true,
    };
    for object in lists.iter(head::GENERATIONS[generation.index()]) {
        if kind(object.bits()) != Kind::Tuple {
            continue;
        }
        let slots = shared.space.shape_of(object).slots;
        let filled = lists.targets(object.bits()).count() == slots as usize;
        if filled && !lists.targets(object.bits()).any(may_be_tracked) {
            lists.remove(object.bits());
            mutator.clear_flag(object, flag::TRACKED);
        }
    }
}
