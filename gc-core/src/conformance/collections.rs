//! Rules of collections: what they find, what they leave, what they report. After CPython's `test_gc.py`.

use super::fixture::{Fixture, NODE, label, labelled, ring};
use crate::callback::Phase;
use crate::config::HeapConfig;
use crate::control::{Control, Generation};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape};
use crate::sync::Arc;

/// A cycle that a root reaches is left alone.
pub fn rooted_cycle_survives<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let first = ring(&mutator, fixture.node, 3);
    for generation in Generation::ALL {
        assert_eq!(mutator.collect(generation), 0);
    }
    let mut node = first.clone();
    for n in 0..4 {
        assert_eq!(label(&node), n % 3);
        assert_eq!(mutator.retain_count(&node), Some(if node == first { 3 } else { 2 }));
        node = node.load(0).expect("the ring is whole");
    }
    assert_eq!(fixture.live(), 3);
    first.store(0, None);
}

fn collected<H: Heap>(config: HeapConfig, build: impl FnOnce(&Fixture<H>, &H::Mutator)) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    build(&fixture, &mutator);
    let garbage = fixture.live();
    if H::ABILITIES.collects_cycles {
        assert_eq!(mutator.collect(Generation::OLD), garbage);
        assert_eq!(fixture.live(), 0);
        assert_eq!(fixture.heap.statistics().freed_by_collector, garbage);
        assert_eq!(mutator.collect(Generation::OLD), 0, "once");
    } else {
        assert_eq!(mutator.collect(Generation::OLD), 0);
        assert_eq!(fixture.live(), garbage, "a heap that does not collect cycles leaks them, and frees nothing else");
    }
}

/// test_gc 1–3, 6: self loops of every kind of container.
pub fn a_self_loop_is_collected<H: Heap>(config: HeapConfig) {
    for kind in [Kind::Instance, Kind::List, Kind::Dict, Kind::Tuple] {
        collected::<H>(config, |fixture, mutator| drop(ring(mutator, fixture.of_kind(kind), 1)));
    }
}

/// test_gc 3, 8, 11: a cycle of two, of unlike kinds, with references twice over.
pub fn a_cycle_of_two_is_collected<H: Heap>(config: HeapConfig) {
    collected::<H>(config, |fixture, mutator| {
        let tuple = mutator.allocate(fixture.of_kind(Kind::Tuple), Shape::new(1, 0)).unwrap();
        let list = mutator.allocate(fixture.of_kind(Kind::List), Shape::new(9, 0)).unwrap();
        tuple.store(0, Some(&list));
        (0..9).for_each(|slot| list.store(slot, Some(&tuple)));
    });
}

/// Rings of any length.
pub fn a_ring_is_collected<H: Heap>(config: HeapConfig) {
    for length in [2, 3, 64, 5000] {
        collected::<H>(config, |fixture, mutator| drop(ring(mutator, fixture.node, length)));
    }
}

/// A doubly linked list is a chain of cycles.
pub fn a_doubly_linked_list_is_collected<H: Heap>(config: HeapConfig) {
    collected::<H>(config, |fixture, mutator| {
        let mut last = labelled(mutator, fixture.node, 0);
        for n in 1..300 {
            let next = labelled(mutator, fixture.node, n);
            next.store(1, Some(&last));
            last.store(0, Some(&next));
            last = next;
        }
    });
}

/// A clique: every object holds every other.
pub fn a_clique_is_collected<H: Heap>(config: HeapConfig) {
    collected::<H>(config, |fixture, mutator| {
        let members: Vec<_> =
            (0..40).map(|_| mutator.allocate(fixture.node, Shape::new(40, 0)).expect("room")).collect();
        for member in &members {
            (0..).zip(&members).for_each(|(slot, other)| member.store(slot, Some(other)));
        }
    });
}

/// What hangs off a dead cycle dies with it, containers as unreachable, atomic objects by count.
pub fn tails_die_with_their_cycle<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let cycle = ring(&mutator, fixture.node, 2);
    let mut tail = labelled(&mutator, fixture.node, 10);
    for n in 11..20 {
        let next = labelled(&mutator, fixture.node, n);
        next.put(0, Some(tail));
        tail = next;
    }
    cycle.put(3, Some(tail));
    cycle.put(4, Some(mutator.allocate(fixture.of_kind(Kind::Atomic), Shape::new(0, 3)).unwrap()));
    drop(cycle);
    let found = mutator.collect(Generation::OLD);
    if H::ABILITIES.collects_cycles {
        assert_eq!(found, 12, "the atomic object is none of the collector's");
        assert_eq!(fixture.heap.statistics().freed_by_collector, 13, "but its teardown freed it");
        assert_eq!(fixture.live(), 0);
    }
}

/// Objects that garbage refers to and something else holds live on with the right count; so do those that refer to it
/// from outside.
pub fn only_the_unreachable_part_is_collected<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let kept = labelled(&mutator, fixture.node, 1);
    let (reached, garbage) = (ring(&mutator, fixture.node, 2), ring(&mutator, fixture.node, 4));
    garbage.store(1, Some(&kept));
    garbage.store(2, Some(&kept));
    garbage.store(3, Some(&reached));
    kept.put(0, Some(reached));
    drop(garbage);
    let found = mutator.collect(Generation::OLD);
    if H::ABILITIES.collects_cycles {
        assert_eq!((found, fixture.live()), (4, 3));
        assert_eq!(mutator.retain_count(&kept), Some(1));
        assert_eq!(mutator.retain_count(&kept.load(0).unwrap()), Some(3), "its ring, its holder, and the root here");
    }
}

/// Cycles through slots beyond the first, in objects of every size.
pub fn wide_and_large_objects_are_followed<H: Heap>(config: HeapConfig) {
    collected::<H>(config, |fixture, mutator| {
        let mut last = mutator.allocate(fixture.node, Shape::new(70_000, 12)).unwrap();
        let first = last.clone();
        for slots in [17, 300, 4096, 20_000] {
            let next = mutator.allocate(fixture.node, Shape::new(slots, 70_000)).unwrap();
            let slot = mutator.shape(&last).slots - 1;
            last.put(slot, Some(next.clone()));
            last = next;
        }
        let slot = mutator.shape(&last).slots - 1;
        last.put(slot, Some(first));
    });
}

/// A shared root is a root.
pub fn a_shared_root_keeps_a_cycle<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let shared = ring(&mutator, fixture.node, 2).share();
    assert_eq!(mutator.collect(Generation::OLD), 0);
    let root = mutator.adopt(shared);
    assert_eq!((label(&root), mutator.retain_count(&root)), (0, Some(2)));
    root.store(0, None);
    drop(root);
    assert_eq!(fixture.live(), 0);
}

/// test_gc 34: a collection counts for the generation it was asked for; what it examined is what was there.
pub fn statistics_are_kept_by_generation<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    for (generation, times) in Generation::ALL.into_iter().zip(1..) {
        for _ in 0..times {
            drop(ring(&mutator, fixture.node, 2));
            mutator.collect(generation);
        }
    }
    let stats = mutator.get_stats();
    assert_eq!(stats.map(|generation| generation.collections), [1, 2, 3]);
    assert_eq!(stats.map(|generation| generation.collected), [2, 4, 6]);
    assert_eq!(stats.map(|generation| generation.examined), [2, 4, 6]);
    assert_eq!(stats.map(|generation| generation.uncollectable), [0; 3]);
    let seen = fixture.recorder.collections.lock();
    assert_eq!(seen.len(), 6);
    assert!(seen.iter().all(|collection| !collection.automatic && collection.collected == 2 && collection.freed == 2));
}

/// test_gc 51–53: callbacks run in order of registration around each collection, with its figures at the end.
pub fn collection_callbacks_are_called_at_both_ends<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    for name in ["a", "b"] {
        let log = fixture.log.clone();
        mutator.on_collection(Arc::new(move |_: &H::Mutator, phase, info: &crate::CollectionInfo| {
            let phase = if phase == Phase::Start { "start" } else { "stop" };
            log.push(format!("{name} {phase} {} {} {}", info.generation, info.collected, info.uncollectable));
        }));
    }
    drop(ring(&mutator, fixture.node, 2));
    assert_eq!(mutator.collect(Generation::MIDDLE), 2);
    assert_eq!(fixture.log.take(), ["a start 1 0 0", "b start 1 0 0", "a stop 1 2 0", "b stop 1 2 0"]);
}

/// Survivors in list order: those met from outside first keep their place, those reached later move behind them.
pub fn survivors_come_in_list_order<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.list_order {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    // Each holds the one before it, so only the last has a root: all others are set aside at first.
    let mut last = labelled(&mutator, fixture.node, 0);
    for n in 1..4 {
        let next = labelled(&mutator, fixture.node, n);
        next.put(0, Some(last));
        last = next;
    }
    mutator.collect(Generation::YOUNG);
    let order = |generation| mutator.get_objects(Some(generation)).iter().map(label).collect::<Vec<_>>();
    assert_eq!(order(Generation::MIDDLE), [3, 2, 1, 0]);
    mutator.collect(Generation::MIDDLE);
    assert_eq!(order(Generation::OLD), [3, 2, 1, 0], "fixed once, cheap from then on");
}

/// test_gc 45: garbage with an edge to something older, younger or frozen.
pub fn garbage_may_refer_to_any_generation<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let frozen = labelled(&mutator, fixture.node, 1);
    mutator.freeze();
    let old = labelled(&mutator, fixture.node, 2);
    mutator.collect(Generation::MIDDLE);
    let garbage = ring(&mutator, fixture.node, 2);
    garbage.store(1, Some(&frozen));
    garbage.store(2, Some(&old));
    drop(garbage);
    assert_eq!(mutator.collect(Generation::YOUNG), 2);
    assert_eq!((mutator.retain_count(&frozen), mutator.retain_count(&old)), (Some(1), Some(1)));
}

/// Tuples of atomic objects and of untracked tuples are untracked by a collection, where it is configured so; others
/// stay tracked.
pub fn tuples_that_can_be_on_no_cycle_are_untracked<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles || !config.untrack_tuples {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let (tuple, atomic) = (fixture.of_kind(Kind::Tuple), fixture.of_kind(Kind::Atomic));
    let atom = mutator.allocate(atomic, Shape::new(0, 8)).unwrap();
    let new = |slots| mutator.allocate(tuple, Shape::new(slots, 0)).unwrap();
    let (flat, outer, partly, holding) = (new(2), new(1), new(2), new(1));
    let node = mutator.allocate(fixture.node, NODE).unwrap();
    (0..2).for_each(|slot| flat.store(slot, Some(&atom)));
    outer.store(0, Some(&flat));
    partly.store(0, Some(&atom));
    holding.store(0, Some(&node));
    mutator.collect(Generation::YOUNG);
    mutator.collect(Generation::OLD);
    let tracked = [&flat, &outer, &partly, &holding, &node].map(|object| mutator.is_tracked(object));
    assert_eq!(tracked, [false, false, true, true, true]);
    drop((flat, outer, partly, holding, node, atom));
    assert_eq!(fixture.live(), 0, "an untracked object dies by count as any other");
}
