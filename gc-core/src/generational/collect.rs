//! One collection, from its trigger to its figures (`gc_collect_main`).
//!
//! The order of the steps is observable, and is CPython's.

use std::time::Instant;

use crate::callback::{CollectionInfo, Phase};
use crate::config::WeakOrder;
use crate::control::Generation;
use crate::debug::DebugFlags;
use crate::event::{Cause, Collection};
use crate::messages;
use crate::plain::{PlainMutator, Reason};
use crate::space::header::{self, flag};
use crate::sync::Ordering::Relaxed;
use crate::sync::add_exclusive;

use super::finalization::Finalization;
use super::lists::{Lists, head};
use super::state::{Generational, with_lists};
use super::streaming_detection::{frozen_unless_most, stream_unreachable};
use super::trial_deletion::deduce_unreachable;
use crate::object::{Kind, ObjectRef};

// Orderings in this file are relaxed: the thread that has the turn is alone (T1 of `turn`).

type Mutator<const STREAMING: bool> = PlainMutator<Generational<STREAMING>>;

/// Collects the generation that is due, if one is (`gc_collect_generations`).
pub(super) fn collect_due<const STREAMING: bool>(mutator: &Mutator<STREAMING>) {
    if let Some(generation) = mutator.shared().tracking.due_generation() {
        collect(mutator, generation, Reason::Threshold);
    }
}

/// Collects `generation`; returns unreachable objects found, those left for a legacy finalizer included. Does nothing
/// and returns 0 while a collection is under way.
pub(super) fn collect<const STREAMING: bool>(
    mutator: &Mutator<STREAMING>,
    generation: Generation,
    reason: Reason,
) -> u64 {
    let shared = mutator.shared();
    let tracking = &shared.tracking;
    if !tracking.begin() {
        return 0;
    }
    shared.observer.interruption_begins(Cause::Stop);
    let begin = Instant::now();
    let report = |phase, info| shared.callbacks.call_collection(mutator, phase, &info, &*shared.observer);
    report(Phase::Start, CollectionInfo::start(generation));
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
    let Found { examined: candidates, collected, uncollectable } = found;
    report(Phase::Stop, CollectionInfo { generation, collected, uncollectable, candidates, duration });
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

fn collect_generation<const SIDE: bool, const STREAMING: bool>(
    mutator: &Mutator<STREAMING>,
    lists: Lists<'_, SIDE>,
    generation: Generation,
) -> Found {
    let shared = mutator.shared();
    let tracking = &shared.tracking;
    let stats_begin = shared.messages.has(DebugFlags::STATS).then(|| {
        let size = |list| lists.iter(list).count() as u64;
        let text = messages::start(generation, head::GENERATIONS.map(size), size(head::PERMANENT));
        shared.messages.write(&text, &*shared.observer);
        Instant::now()
    });
    tracking.restart_counts(generation);

    let young = head::GENERATIONS[generation.index()];
    for younger in &head::GENERATIONS[..generation.index()] {
        lists.merge(*younger, young);
    }
    let old = generation.older().map_or(young, |older| head::GENERATIONS[older.index()]);

    let frozen = if STREAMING && generation == Generation::OLD { frozen_unless_most(lists, young) } else { None };
    let streams = frozen.is_some();
    let (examined, tuples) = if let Some(frozen) = frozen {
        let mut detector = tracking.detector.lock();
        let wants_tuples = shared.config.untrack_tuples;
        let found = stream_unreachable(&shared.space, &mut detector, lists, &frozen, head::UNREACHABLE, wants_tuples);
        tracking.detector_bytes.store(detector.side_bytes(), Relaxed);
        found
    } else {
        (deduce_unreachable(lists, young, head::UNREACHABLE), Vec::new())
    };
    #[cfg(feature = "faults")]
    if crate::faults::is_set(crate::faults::Fault::LeaksCycle) {
        lists.iter(head::UNREACHABLE).for_each(|object| lists.clear_candidate(object.bits()));
        lists.merge(head::UNREACHABLE, young);
    }

    let untracked = match shared.config.untrack_tuples {
        true if streams => untrack_tuples(mutator, lists, tuples.into_iter()),
        true => untrack_tuples(mutator, lists, lists.iter(young)),
        false => 0,
    };
    let survivors = || match streams {
        // Known without a walk along the list, which would cost more than the detection.
        true => examined.objects - examined.unreachable - untracked,
        false => lists.iter(young).count() as u64,
    };
    match generation {
        Generation::OLD => {
            tracking.pending.store(0, Relaxed);
            tracking.total.store(survivors(), Relaxed);
        }
        Generation::MIDDLE => add_exclusive(&tracking.pending, survivors()),
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
        finalization.name(DebugFlags::COLLECTABLE, head::UNREACHABLE, messages::collectable);
        collected += finalization.clear_weak_references();
        finalization.run_finalizers();
        finalization.keep_resurrected();
        if shared.config.weak_order == WeakOrder::PlainAfterFinalizers {
            finalization.clear_remaining_weak_references();
        }
        finalization.clear_weak_references_of_final();
        collected += lists.iter(head::FINAL).count() as u64;
    } else {
        finalization.name(DebugFlags::COLLECTABLE, head::UNREACHABLE, messages::collectable);
        // No code of the program would run: the steps above would leave the same list in the same order.
        lists.merge(head::UNREACHABLE, head::FINAL);
        collected += examined.unreachable;
    }
    finalization.tear_down();
    let uncollectable = finalization.uncollectable();
    finalization.name(DebugFlags::UNCOLLECTABLE, head::LEGACY, messages::uncollectable);
    if let Some(begin) = stats_begin
        && shared.messages.has(DebugFlags::STATS)
    {
        let text = messages::done(collected + uncollectable, uncollectable, begin.elapsed());
        shared.messages.write(&text, &*shared.observer);
    }
    finalization.keep_legacy();

    if generation == Generation::OLD {
        tracking.clear_free_lists();
    }
    Found { examined: examined.objects, collected, uncollectable }
}

/// Untracks the surviving tuples that can be on no cycle: all slots hold atomic objects or untracked tuples
/// (`untrack_tuples`, `_PyTuple_MaybeUntrack`). Returns how many.
fn untrack_tuples<const SIDE: bool, const STREAMING: bool>(
    mutator: &Mutator<STREAMING>,
    lists: Lists<'_, SIDE>,
    survivors: impl Iterator<Item = ObjectRef>,
) -> u64 {
    let shared = mutator.shared();
    let kind = |index: u32| header::kind(shared.space.shape_word(index).load(Relaxed));
    let may_be_tracked = |target: u32| match kind(target) {
        Kind::Atomic => false,
        Kind::Tuple => shared.space.shape_word(target).load(Relaxed) & flag::TRACKED != 0,
        _ => true,
    };
    let mut untracked = 0;
    for object in survivors {
        if kind(object.bits()) != Kind::Tuple {
            continue;
        }
        let slots = shared.space.shape_of(object).slots;
        let filled = lists.targets(object.bits()).count() == slots as usize;
        if filled && !lists.targets(object.bits()).any(may_be_tracked) {
            lists.remove(object.bits());
            mutator.clear_flag(object, flag::TRACKED);
            untracked += 1;
        }
    }
    untracked
}
