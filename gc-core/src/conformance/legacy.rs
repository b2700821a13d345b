//! Rules of legacy finalizers and of `garbage`: what no collection may take apart.

use super::finalizers::Limbo;
use super::fixture::{Fixture, Log, NODE, label, labelled, ring};
use crate::callback::CallbackId;
use crate::config::HeapConfig;
use crate::control::{Control, Generation};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape, TypeSpec};
use crate::sync::Arc;

/// The shape of an atomic object of a node's payload.
const ATOM: Shape = Shape::new(0, NODE.payload);

fn legacy_log<H: Heap>(fixture: &Fixture<H>, log: Log) -> CallbackId {
    fixture.callback(move |_, object| log.push(format!("legacy {}", label(&object))))
}

/// `LegacyFinalizationTest.test_legacy`: on death by count both finalizers run, weak references die between them.
pub fn a_legacy_finalizer_runs_after_weak_references_died<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let spec = TypeSpec::new("legacy", Kind::Instance)
        .with_finalizer(fixture.log_label("f"))
        .with_legacy_finalizer(legacy_log(&fixture, fixture.log.clone()));
    let object = labelled(&mutator, fixture.register(spec), 1);
    let weak = mutator.weak_reference(&object, Some(fixture.log_event("weak"))).unwrap();
    drop(object);
    assert_eq!(fixture.log.take(), ["f1", "weak", "legacy 1"]);
    drop(weak);
    assert_eq!(fixture.live(), 0);
}

/// `test_legacy_resurrect`: a legacy finalizer may resurrect, and runs at each death.
pub fn a_legacy_finalizer_runs_at_each_death<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let limbo = Limbo::default();
    let hold = Arc::clone(&limbo);
    let finalizer = fixture.callback(move |_, object| hold.lock().push(object.share()));
    let type_id = fixture.register(TypeSpec::new("legacy", Kind::Instance).with_legacy_finalizer(finalizer));
    let mut object = labelled(&mutator, type_id, 1);
    let weak = mutator.weak_reference(&object, None).unwrap();
    for round in 0..3 {
        drop(object);
        assert!(mutator.upgrade(&weak).is_none(), "dead before the legacy finalizer");
        object = mutator.adopt(limbo.lock().pop().unwrap_or_else(|| panic!("resurrected in round {round}")));
    }
}

/// Finalizers that run in the same collection change nothing for a cycle with a legacy finalizer.
pub fn a_legacy_cycle_goes_to_garbage_while_others_are_finalized<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let finalizer = legacy_log(&fixture, fixture.log.clone());
    let legacy = fixture.register(TypeSpec::new("legacy", Kind::Instance).with_legacy_finalizer(finalizer));
    drop(ring(&mutator, legacy, 2));
    drop(ring(&mutator, fixture.logged(), 1));
    assert_eq!(mutator.collect(Generation::OLD), 3);
    let stats = mutator.get_stats()[2];
    assert_eq!((stats.collected, stats.uncollectable), (1, 2));
    assert_eq!(fixture.log.take(), ["f0"]);
    let garbage = mutator.garbage();
    assert_eq!(garbage.len(), 2);
    garbage[0].store(0, None);
    drop(garbage);
    mutator.clear_garbage();
    assert_eq!(fixture.live(), 0);
}

/// `test_legacy_self_cycle`, test_gc 9 and 53: a cycle with a legacy finalizer goes to `garbage` with nothing called;
/// it counts as uncollectable, other garbage is collected; in `garbage` it is alive.
pub fn a_cycle_with_a_legacy_finalizer_goes_to_garbage<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let finalizer = legacy_log(&fixture, fixture.log.clone());
    let legacy = fixture.register(TypeSpec::new("legacy", Kind::Instance).with_legacy_finalizer(finalizer));
    let cycle = labelled(&mutator, legacy, 1);
    let partner = labelled(&mutator, fixture.logged(), 2);
    cycle.store(0, Some(&partner));
    partner.store(0, Some(&cycle));
    partner.put(1, Some(mutator.allocate(fixture.of_kind(Kind::Atomic), ATOM).unwrap()));
    let weak = mutator.weak_reference(&cycle, None).unwrap();
    drop(ring(&mutator, fixture.node, 1));
    drop((cycle, partner));
    assert_eq!(mutator.collect(Generation::OLD), 3, "one collected, two uncollectable");
    let stats = mutator.get_stats()[2];
    assert_eq!((stats.collected, stats.uncollectable), (1, 2));
    assert_eq!(fixture.log.take(), [""; 0], "nothing of it is finalized");
    let garbage = mutator.garbage();
    assert_eq!(garbage.iter().map(label).collect::<Vec<_>>(), [1], "only what has the legacy finalizer");
    assert_eq!(mutator.upgrade(&weak).as_ref(), Some(&garbage[0]));
    assert_eq!(mutator.collect(Generation::OLD), 0, "in garbage it is reachable");
    let partner = garbage[0].take(0).expect("its slots are untouched");
    partner.store(0, None);
    drop(garbage);
    mutator.clear_garbage();
    assert!(mutator.garbage().is_empty());
    assert_eq!(fixture.log.take(), ["legacy 1"], "out of garbage and off the cycle it dies by count");
    drop((weak, partner));
    assert_eq!(fixture.live(), 0);
}

/// An atomic object is no candidate, whatever object its cell held before: a legacy cycle that holds it leaves it alone.
pub fn an_atomic_object_in_a_recycled_cell_is_no_candidate<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let finalizer = legacy_log(&fixture, fixture.log.clone());
    let legacy = fixture.register(TypeSpec::new("legacy", Kind::Instance).with_legacy_finalizer(finalizer));
    let atomic = fixture.of_kind(Kind::Atomic);
    // Containers of the atomic objects' size class die as candidates, so that atomic objects get their cells.
    for _ in 0..20 {
        let garbage = ring(&mutator, fixture.node, 2);
        for slot in 1..6 {
            garbage.put(slot, Some(mutator.allocate(fixture.node, ATOM).unwrap()));
        }
    }
    assert_eq!(mutator.collect(Generation::OLD), 140);
    let keep: Vec<_> = (0..20).map(|n| labelled(&mutator, fixture.node, n)).collect();
    let cycle = labelled(&mutator, legacy, 1);
    cycle.store(0, Some(&cycle));
    for slot in 1..6 {
        cycle.put(slot, Some(mutator.allocate(atomic, ATOM).unwrap()));
    }
    drop(cycle);
    assert_eq!(mutator.collect(Generation::OLD), 1, "the legacy object alone: atomic objects are never examined");
    let tracked = mutator.get_objects(None);
    assert_eq!(tracked.len(), 21, "no atomic object is on a list");
    drop((tracked, keep));
    let garbage = mutator.garbage().pop().expect("it is there");
    garbage.store(0, None);
    mutator.clear_garbage();
    drop(garbage);
    assert_eq!(fixture.live(), 0);
}
