//! What a collection does to survivors beside counting them: only those of its generations are sorted out.

use std::sync::Arc;

use gc_concurrent::{ConcurrentHeap, StopTheWorldHeap};
use gc_core::{Control, Generation, Heap, HeapConfig, Kind, Mutator, NoObserver, Shape, TypeSpec};

fn new_heap<H: Heap>() -> H {
    H::new(HeapConfig { reservation: 1 << 26, ..HeapConfig::default() }, Arc::new(NoObserver)).unwrap()
}

fn an_old_immortal_object_stays_where_it_is<H: Heap>() {
    let heap = new_heap::<H>();
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let mutator = heap.attach();
    let old = mutator.allocate(node, Shape::new(1, 0)).unwrap();
    mutator.collect(Generation::OLD);
    mutator.make_immortal(&old);
    let _beside_it = mutator.allocate(node, Shape::new(1, 0)).unwrap();
    for generation in [Generation::YOUNG, Generation::MIDDLE] {
        mutator.collect(generation);
        assert_eq!(mutator.get_freeze_count(), 0, "{generation:?}");
    }
    mutator.collect(Generation::OLD);
    assert_eq!(mutator.get_freeze_count(), 1);
}

fn an_old_tuple_stays_tracked<H: Heap>() {
    let heap = new_heap::<H>();
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let number = heap.register_type(TypeSpec::new("number", Kind::Atomic)).unwrap();
    let tuple = heap.register_type(TypeSpec::new("tuple", Kind::Tuple)).unwrap();
    let mutator = heap.attach();
    let of_one = |value| {
        let tuple = mutator.allocate(tuple, Shape::new(1, 0)).unwrap();
        tuple.put(0, Some(value));
        tuple
    };
    let old = of_one(mutator.allocate(node, Shape::new(1, 0)).unwrap());
    mutator.collect(Generation::OLD);
    old.put(0, Some(mutator.allocate(number, Shape::new(0, 8)).unwrap()));
    let young = of_one(mutator.allocate(number, Shape::new(0, 8)).unwrap());
    mutator.collect(Generation::MIDDLE);
    assert_eq!([&young, &old].map(|tuple| mutator.is_tracked(tuple)), [false, true]);
    mutator.collect(Generation::OLD);
    assert!(!mutator.is_tracked(&old));
}

#[test]
fn a_younger_collection_moves_no_old_immortal_object() {
    an_old_immortal_object_stays_where_it_is::<StopTheWorldHeap>();
    an_old_immortal_object_stays_where_it_is::<ConcurrentHeap>();
}

#[test]
fn a_younger_collection_untracks_no_old_tuple() {
    an_old_tuple_stays_tracked::<StopTheWorldHeap>();
    an_old_tuple_stays_tracked::<ConcurrentHeap>();
}
