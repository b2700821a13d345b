//! Random operations of several mutators on the heaps with parallel mutators, for half a minute in all, and forks under load.
//!
//! `GCLAB_STRESS_SEED` repeats a run's choices, if not its interleaving; `examples/stress.rs` runs for as long as it is told.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gc_concurrent::{ConcurrentHeap, RefcountAtomicHeap, StopTheWorldHeap};
use gc_core::{Ages, Automatic, Certify, Heap, HeapConfig, Propose, Thresholds, Trigger, WeakOrder};

#[path = "stress/mod.rs"]
mod engine;

use engine::narrow::Narrow;
use engine::{Outcome, Plan, run};

/// One at a time: each is to have the machine for itself.
static ALONE: Mutex<()> = Mutex::new(());

fn seed() -> u64 {
    let given = std::env::var("GCLAB_STRESS_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| std::time::UNIX_EPOCH.elapsed().map_or(1, |time| time.as_nanos() as u64))
}

fn stress<H: Heap>(mutators: u32, milliseconds: u64, config: HeapConfig) -> Outcome {
    let plan = Plan {
        config,
        mutators,
        time: Duration::from_millis(milliseconds),
        seed: seed(),
        most_objects: 5000,
        forks: 0,
    };
    go::<H>(plan)
}

fn go<H: Heap>(plan: Plan) -> Outcome {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    println!("{} with {} mutators, GCLAB_STRESS_SEED={}", H::NAME, plan.mutators, plan.seed);
    let outcome = run::<H>(plan);
    println!("{outcome}");
    outcome
}

/// Collections come often.
fn often() -> HeapConfig {
    HeapConfig { reservation: 1 << 32, thresholds: Thresholds([50, 3, 3]), duty: 100, ..HeapConfig::default() }
}

#[test]
fn refcount_atomic_loses_nothing_and_keeps_nothing() {
    stress::<RefcountAtomicHeap>(1, 300, often());
    stress::<RefcountAtomicHeap>(2, 500, often());
    stress::<RefcountAtomicHeap>(4, 1000, often());
}

#[test]
fn stop_the_world_loses_nothing_and_keeps_nothing() {
    stress::<StopTheWorldHeap>(1, 500, often());
    stress::<StopTheWorldHeap>(2, 1000, often());
    let outcome = stress::<StopTheWorldHeap>(4, 1500, HeapConfig { trigger: Trigger::Inside, ..often() });
    assert!(outcome.collections != 0);
}

#[test]
fn concurrent_loses_nothing_and_keeps_nothing_with_a_collector_in_the_background() {
    stress::<ConcurrentHeap>(1, 1000, often());
    stress::<ConcurrentHeap>(2, 2000, often());
    let outcome = stress::<ConcurrentHeap>(4, 3000, often());
    assert!(outcome.collections != 0);
}

#[test]
fn concurrent_loses_nothing_and_keeps_nothing_where_mutators_collect() {
    let config = HeapConfig { automatic: Automatic::AtTrigger, ..often() };
    stress::<ConcurrentHeap>(2, 1000, config);
    stress::<ConcurrentHeap>(4, 1500, HeapConfig { trigger: Trigger::Inside, ..config });
}

#[test]
fn concurrent_loses_nothing_and_keeps_nothing_where_certification_stops_mutators() {
    let config = HeapConfig { certify: Certify::Stopped, ..often() };
    stress::<ConcurrentHeap>(2, 1000, config);
    stress::<ConcurrentHeap>(4, 1500, config);
}

#[test]
fn concurrent_loses_nothing_and_keeps_nothing_with_plain_weak_references_after_finalizers() {
    let config = HeapConfig { weak_order: WeakOrder::PlainAfterFinalizers, ..often() };
    stress::<ConcurrentHeap>(2, 1000, config);
    stress::<ConcurrentHeap>(4, 1000, config);
}

#[test]
fn concurrent_loses_nothing_and_keeps_nothing_where_it_proposes_from_candidate_roots() {
    let config = HeapConfig { propose: Propose::CandidateRoots, ages: Ages::Inline, ..often() };
    stress::<ConcurrentHeap>(4, 1500, config);
    stress::<StopTheWorldHeap>(3, 800, config);
}

#[test]
fn a_heap_at_its_limit_loses_nothing_and_keeps_nothing() {
    let config = HeapConfig { limit: Some(8 << 20), full_every: Some(20), release_budget: Some(16), ..often() };
    stress::<ConcurrentHeap>(2, 1000, config);
    stress::<StopTheWorldHeap>(2, 1000, config);
}

#[test]
fn children_forked_while_others_mutate_and_collect_are_whole() {
    let plan =
        Plan { config: often(), mutators: 3, time: Duration::ZERO, seed: seed(), most_objects: 5000, forks: 100 };
    assert_eq!(go::<ConcurrentHeap>(plan).forks, 100);
}

/// A narrow stress on a heap that collects only when it is told, which is all the time.
fn narrow<H: Heap>(slots: u32, stress: impl Fn(&Narrow<H>, Duration, u64) -> u64) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let seed = seed();
    println!("{}, GCLAB_STRESS_SEED={seed}", H::NAME);
    let config = HeapConfig { thresholds: Thresholds([0, 0, 0]), ..often() };
    println!("{} steps", stress(&Narrow::new(config, slots), Duration::from_millis(1500), seed));
}

#[test]
fn a_chain_walked_to_and_fro_is_never_garbage() {
    narrow::<ConcurrentHeap>(4, |narrow, time, seed| narrow.walk_chains(time, seed, 1, 4, true));
    narrow::<ConcurrentHeap>(4, |narrow, time, seed| narrow.walk_chains(time, seed, 2, 40, true));
    // As long as a collection takes from one node to the next, the walker makes a step.
    narrow::<ConcurrentHeap>(300, |narrow, time, seed| narrow.walk_chains(time, seed, 1, 10, false));
}

#[test]
fn a_load_gives_only_what_the_slot_held() {
    narrow::<ConcurrentHeap>(4, Narrow::load_beside_replacement);
    narrow::<RefcountAtomicHeap>(4, Narrow::load_beside_replacement);
}

#[test]
fn an_upgrade_finds_a_ring_whole_or_gone() {
    narrow::<ConcurrentHeap>(4, Narrow::upgrade_beside_collections);
}
