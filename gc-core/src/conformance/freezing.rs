//! Rules of `freeze`, `freeze_immortal` and immortal objects.

use super::fixture::{Fixture, labelled, ring};
use crate::config::HeapConfig;
use crate::control::{Control, Counts3, Generation};
use crate::heap::{Heap, Mutator};

/// test_gc 35: everything tracked, and the counters, and back.
pub fn freeze_moves_everything_and_unfreeze_moves_it_to_the_oldest<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let old = labelled(&mutator, fixture.node, 0);
    mutator.collect(Generation::MIDDLE);
    let middle = labelled(&mutator, fixture.node, 1);
    mutator.collect(Generation::YOUNG);
    let young = labelled(&mutator, fixture.node, 2);
    mutator.freeze();
    assert_eq!(mutator.get_freeze_count(), 3);
    assert_eq!(mutator.get_count(), Counts3([0, 0, 0]));
    assert!(mutator.get_objects(None).is_empty());
    assert!(mutator.is_tracked(&young), "a frozen object is tracked");
    let later = labelled(&mutator, fixture.node, 3);
    mutator.unfreeze();
    assert_eq!(mutator.get_freeze_count(), 0);
    assert_eq!(mutator.get_count(), Counts3([1, 0, 0]), "unfreezing counts nothing");
    assert_eq!(mutator.get_objects(Some(Generation::OLD)).len(), 3);
    assert_eq!(mutator.get_objects(Some(Generation::YOUNG)), std::slice::from_ref(&later));
    drop((old, middle, young, later));
}

/// Frozen is not immortal: counting goes on.
pub fn a_frozen_object_dies_by_count<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let [gone, kept] = [0, 1].map(|n| labelled(&mutator, fixture.logged(), n));
    mutator.freeze();
    drop(gone);
    assert_eq!(fixture.log.take(), ["f0"]);
    assert_eq!(mutator.get_freeze_count(), u64::from(H::ABILITIES.collects_cycles));
    drop(kept);
    assert_eq!((fixture.live(), mutator.get_freeze_count()), (0, 0));
}

/// Frozen garbage waits until it is unfrozen.
pub fn frozen_garbage_is_not_collected<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let cycle = ring(&mutator, fixture.node, 3);
    mutator.freeze();
    drop(cycle);
    drop(ring(&mutator, fixture.node, 2));
    assert_eq!(mutator.collect(Generation::OLD), 2);
    mutator.unfreeze();
    assert_eq!(mutator.collect(Generation::MIDDLE), 0, "it is in the oldest generation now");
    assert_eq!(mutator.collect(Generation::OLD), 3);
    assert_eq!(fixture.live(), 0);
}

/// A reference from a frozen object, garbage or not, is a root.
pub fn references_from_frozen_objects_are_roots<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let frozen = ring(&mutator, fixture.node, 1);
    mutator.freeze();
    frozen.put(1, Some(ring(&mutator, fixture.node, 2)));
    drop(frozen);
    assert_eq!(mutator.collect(Generation::OLD), 0);
    assert_eq!(fixture.live(), 3);
    if !H::ABILITIES.collects_cycles {
        return;
    }
    // Whether little or most is frozen.
    for others in [1, 2, 3, 20] {
        let kept: Vec<_> = (0..others).map(|_| ring(&mutator, fixture.node, 1)).collect();
        drop(ring(&mutator, fixture.node, 5));
        assert_eq!(mutator.collect(Generation::OLD), 5, "beside {others} that are not frozen");
        assert_eq!(fixture.live(), 3 + others, "beside {others} that are not frozen");
        drop(kept);
        assert_eq!(mutator.collect(Generation::OLD), others);
        assert_eq!(mutator.get_freeze_count(), 1);
    }
}

/// An immortal object's count is neither written nor reported, and it never dies.
pub fn an_immortal_object_never_dies<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = labelled(&mutator, fixture.logged(), 0);
    let child = labelled(&mutator, fixture.logged(), 1);
    object.store(0, Some(&child));
    let weak = mutator.weak_reference(&object, None).unwrap();
    mutator.make_immortal(&object);
    assert_eq!(mutator.retain_count(&object), None);
    (0..5).for_each(|_| drop(object.clone()));
    drop(object);
    for _ in 0..3 {
        let object = mutator.upgrade(&weak).expect("it never dies");
        object.store(1, Some(&object));
        object.store(1, None);
        drop(object);
        mutator.collect(Generation::OLD);
    }
    drop(child);
    mutator.collect(Generation::OLD);
    assert_eq!(fixture.log.take(), [""; 0], "nor does what it holds");
    assert_eq!(fixture.live(), 3);
    let object = mutator.upgrade(&weak).unwrap();
    object.store(0, None);
    assert_eq!(fixture.log.take(), ["f1"], "its slots count as those of any other");
}

/// A dead cycle with an immortal member stays; one that an immortal object does not hold goes.
pub fn an_immortal_member_keeps_its_cycle<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let cycle = ring(&mutator, fixture.node, 4);
    mutator.make_immortal(&cycle);
    drop(cycle);
    drop(ring(&mutator, fixture.node, 5));
    assert_eq!(mutator.collect(Generation::OLD), 5);
    assert_eq!(mutator.collect(Generation::OLD), 0);
    assert_eq!(fixture.live(), 4);
}

/// After `freeze_immortal` no count of any object there was is written: nothing of it dies, by count or otherwise, and
/// new objects live and die as ever.
pub fn freeze_immortal_stops_counting<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let logged = fixture.logged();
    let root = labelled(&mutator, logged, 0);
    root.put(0, Some(labelled(&mutator, logged, 1)));
    let cycle = ring(&mutator, logged, 2);
    let weak = mutator.weak_reference(&cycle, None).unwrap();
    drop(cycle);
    mutator.freeze_immortal();
    assert_eq!(mutator.retain_count(&root), None);
    let child = root.load(0).expect("it reads as before");
    assert_eq!(mutator.retain_count(&child), None);
    drop((root, child));
    assert_eq!(mutator.collect(Generation::OLD), 0);
    mutator.unfreeze();
    assert_eq!(mutator.collect(Generation::OLD), 0, "one way");
    assert_eq!((fixture.log.take().len(), fixture.live()), (0, 5));
    let cycle = mutator.upgrade(&weak).expect("never dies");
    let young = labelled(&mutator, logged, 7);
    young.store(0, Some(&cycle));
    cycle.put(1, Some(young));
    cycle.store(1, None);
    assert_eq!(fixture.log.take(), ["f7"]);
    drop(ring(&mutator, fixture.node, 3));
    assert_eq!(mutator.collect(Generation::OLD), if H::ABILITIES.collects_cycles { 3 } else { 0 });
}
