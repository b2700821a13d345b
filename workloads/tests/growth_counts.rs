//! A heap that only grows is collected as often as CPython 3.12.1 and 3.13.0 collect it, generation by generation.

use std::sync::Arc;

use gc_core::{Control, GenerationalHeap, Heap, HeapConfig, Kind, Mutator, NoObserver, Shape, Thresholds, TypeSpec};

/// Collections of each generation while `objects` are allocated and kept, beside `initial` that were there before.
fn counts(thresholds: [u32; 3], initial: u32, objects: u32) -> [u64; 3] {
    let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let mutator = heap.attach();
    mutator.disable();
    let allocate = |n| (0..n).map(|_| mutator.allocate(node, Shape::new(2, 0)).unwrap()).collect::<Vec<_>>();
    let before = allocate(initial);
    mutator.set_threshold(Thresholds(thresholds));
    mutator.enable();
    mutator.collect(gc_core::Generation::OLD);
    let begin = mutator.get_stats().map(|stats| stats.collections);
    let kept = allocate(objects);
    let end = mutator.get_stats().map(|stats| stats.collections);
    drop((before, kept));
    std::array::from_fn(|generation| end[generation] - begin[generation])
}

#[test]
fn a_million_kept_objects_are_collected_as_often_as_on_cpython() {
    for initial in [5000, 6500, 8000] {
        assert_eq!(
            counts([700, 10, 10], initial, 1_000_000),
            [1300, 118, 8],
            "CPython 3.12.1, {initial} initial objects"
        );
        assert_eq!(
            counts([2000, 10, 10], initial, 1_000_000),
            [455, 41, 3],
            "CPython 3.13.0, {initial} initial objects"
        );
    }
}

#[test]
fn four_hundred_thousand_short_lived_objects_cause_no_full_collection() {
    // Pairs that refer to each other, dropped at once, beside what an interpreter has: recorded on CPython 3.12.1.
    let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let mutator = heap.attach();
    let new = || mutator.allocate(node, Shape::new(2, 0)).unwrap();
    mutator.disable();
    let interpreter: Vec<_> = (0..6500).map(|_| new()).collect();
    mutator.collect(gc_core::Generation::OLD);
    mutator.enable();
    let begin = mutator.get_stats().map(|stats| stats.collections);
    for _ in 0..200_000 {
        let (one, other) = (new(), new());
        one.put(0, Some(other.clone()));
        other.put(0, Some(one.clone()));
    }
    let end = mutator.get_stats().map(|stats| stats.collections);
    drop(interpreter);
    assert_eq!([0, 1, 2].map(|generation| end[generation] - begin[generation]), [523, 47, 0]);
}

#[test]
fn a_third_threshold_of_0_means_always_due() {
    // Four full collections by default, twelve with 0: the quarter rule alone decides then.
    assert_eq!(counts([700, 10, 10], 6500, 400_000)[2], 4);
    assert_eq!(counts([700, 10, 0], 6500, 400_000)[2], 12);
}
