//! What broke under stress, and what could have, reduced to the threads and steps that it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use gc_concurrent::{ConcurrentHeap, StopTheWorldHeap};
use gc_core::{
    Control, Generation, Heap, HeapConfig, Kind, Mutator, NoObserver, Root, Shape, Thresholds, TypeId, TypeSpec,
};

const NODE: Shape = Shape::new(4, 16);

/// A heap that collects when asked, and a type of nodes.
fn heap_of<H: Heap>(config: HeapConfig) -> (H, TypeId) {
    let config = HeapConfig { reservation: 1 << 32, thresholds: Thresholds([0, 10, 10]), ..config };
    let heap = H::new(config, Arc::new(NoObserver)).unwrap();
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    (heap, node)
}

fn node<'m, M: Mutator>(mutator: &'m M, type_id: TypeId) -> Root<'m, M> {
    mutator.allocate(type_id, NODE).unwrap()
}

/// An object that refers to itself, and to `held`.
fn ring<'m, M: Mutator>(mutator: &'m M, type_id: TypeId, held: Option<&Root<'m, M>>) -> Root<'m, M> {
    let ring = node(mutator, type_id);
    ring.store(0, Some(&ring));
    ring.store(1, held);
    ring
}

/// What hangs off garbage without being a candidate dies by count while the others stand still. Its finalizer may do what any
/// callback may, and must not find the world stopped by its own thread.
fn callbacks_of_deaths_in_a_teardown_run_beside_others<H: Heap>() {
    let (heap, type_id) = heap_of::<H>(HeapConfig::default());
    let ran = Arc::new(AtomicU32::new(0));
    let (count, other) = (Arc::clone(&ran), heap.clone());
    let finalizer = heap.register_callback(Arc::new(move |mutator: &H::Mutator, _| {
        drop(node(mutator, type_id));
        mutator.safepoint();
        // Another thread gets through.
        mutator.safe_region(|| {
            std::thread::scope(|scope| scope.spawn(|| drop(node(&other.attach(), type_id))).join().unwrap());
        });
        count.fetch_add(1, Ordering::Relaxed);
    }));
    let guarded = heap.register_type(TypeSpec::new("guarded", Kind::Atomic).with_finalizer(finalizer)).unwrap();
    let mutator = heap.attach();
    let hanging = mutator.allocate(guarded, Shape::new(0, 16)).unwrap();
    let ring = ring(&mutator, type_id, Some(&hanging));
    let weak = mutator.weak_reference(&hanging, Some(finalizer)).unwrap();
    drop((hanging, ring));
    assert_eq!(mutator.collect(Generation::OLD), 1);
    assert_eq!(ran.load(Ordering::Relaxed), 2, "a finalizer and a callback of a weak reference");
    drop(weak);
    assert_eq!(heap.live_objects(), 0);
}

#[test]
fn callbacks_of_deaths_in_a_teardown_run_beside_others_on_stop_the_world() {
    callbacks_of_deaths_in_a_teardown_run_beside_others::<StopTheWorldHeap>();
}

#[test]
fn callbacks_of_deaths_in_a_teardown_run_beside_others_on_concurrent() {
    callbacks_of_deaths_in_a_teardown_run_beside_others::<ConcurrentHeap>();
}
