//! What a review found broken, each as the claim that it broke.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use gc_concurrent::{ConcurrentHeap, RefcountAtomicHeap, StopTheWorldHeap};
use gc_core::{Control, Generation, Heap, HeapConfig, Kind, Mutator, NoObserver, Shape, Thresholds, TypeSpec};

fn memory_of_the_dead_is_used_again<H: Heap>() {
    let heap = H::new(HeapConfig::default(), Arc::new(NoObserver)).expect("addresses");
    let atom = heap.register_type(TypeSpec::new("atom", Kind::Atomic)).expect("few types");
    let mutator = heap.attach();
    let mut held = Vec::new();
    for _ in 0..5 {
        let objects: Vec<_> = (0..300_000).map(|_| mutator.allocate(atom, Shape::new(0, 40)).expect("room")).collect();
        held.push(heap.statistics().held_bytes);
        drop(objects);
        assert_eq!(heap.live_objects(), 0);
    }
    let (first, last) = (held[0], held[held.len() - 1]);
    assert!(last <= first + first / 4, "{}: {held:?} bytes were held for the same objects", H::NAME);
}

#[test]
fn memory_of_the_dead_is_used_again_on_every_heap() {
    memory_of_the_dead_is_used_again::<RefcountAtomicHeap>();
    memory_of_the_dead_is_used_again::<StopTheWorldHeap>();
    memory_of_the_dead_is_used_again::<ConcurrentHeap>();
}

/// A weak reference that a legacy finalizer keeps alive is called for its dead referent, in whatever order of addresses.
fn a_kept_weak_reference_is_called<H: Heap>(referent_first: bool) {
    let config = HeapConfig { thresholds: Thresholds([0, 10, 10]), ..HeapConfig::default() };
    let heap = H::new(config, Arc::new(NoObserver)).expect("addresses");
    let called = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&called);
    let callback = heap.register_callback(Arc::new(move |_: &H::Mutator, _| {
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    let nothing = heap.register_callback(Arc::new(|_: &H::Mutator, _| {}));
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).expect("few types");
    let legacy = TypeSpec::new("legacy", Kind::Instance).with_legacy_finalizer(nothing);
    let legacy = heap.register_type(legacy).expect("few types");
    let mutator = heap.attach();
    let new = |type_id| mutator.allocate(type_id, Shape::new(4, 0)).expect("room");
    let plain = {
        let first = new(node);
        let second = new(node);
        let (referent, other) = if referent_first { (first, second) } else { (second, first) };
        referent.store(0, Some(&referent));
        let keeper = new(legacy);
        other.store(0, Some(&other));
        other.store(1, Some(&keeper));
        keeper.store(0, Some(&other));
        let weak = mutator.weak_reference(&referent, Some(callback)).expect("room");
        keeper.store(1, Some(&weak));
        mutator.weak_reference(&other, None).expect("room")
    };
    mutator.collect(Generation::OLD);
    assert_eq!(called.load(Ordering::Relaxed), 1, "{}, referent first: {referent_first}", H::NAME);
    drop(plain);
}

#[test]
fn a_kept_weak_reference_is_called_wherever_it_lies() {
    for referent_first in [true, false] {
        a_kept_weak_reference_is_called::<StopTheWorldHeap>(referent_first);
        a_kept_weak_reference_is_called::<ConcurrentHeap>(referent_first);
    }
}
