//! What safe programs may do to a heap, however unkindly, leaves it right: each test is named after what it once broke.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gc_core::event::Panicked;
use gc_core::{
    Control, Generation, GenerationalHeap, Heap, HeapConfig, Kind, Mutator, NoObserver, Observer, Shape, Thresholds,
    TypeId, TypeSpec,
};

fn config() -> HeapConfig {
    HeapConfig { reservation: 1 << 30, thresholds: Thresholds([0, 10, 10]), ..HeapConfig::default() }
}

fn heap() -> GenerationalHeap {
    GenerationalHeap::new(config(), Arc::new(NoObserver)).unwrap()
}

fn node(heap: &GenerationalHeap) -> TypeId {
    heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap()
}

fn refused(operation: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(operation)).is_err()
}

#[test]
fn a_finalizer_that_allocates_does_not_change_what_a_full_heap_returns() {
    let config = HeapConfig { limit: Some(4 << 20), ..config() };
    let heap = GenerationalHeap::new(config, Arc::new(NoObserver)).unwrap();
    let node = node(&heap);
    // The shape shares its place among the mutator's recipes with the one that the program asks for.
    let ran = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ran);
    let finalizer = heap.register_callback(Arc::new(move |mutator, _| {
        let allocated = mutator.allocate(node, Shape::new(66, 0)).is_ok();
        flag.fetch_or(allocated, Ordering::Relaxed);
    }));
    let finalized = TypeSpec::new("finalized", Kind::Instance).with_finalizer(finalizer);
    let finalized = heap.register_type(finalized).unwrap();
    let mutator = heap.attach();
    // Its block stays the mutator's own, with room for what the finalizers allocate when the heap is full.
    drop(mutator.allocate(node, Shape::new(66, 0)));
    for _ in 0..500 {
        let garbage = mutator.allocate(finalized, Shape::new(2, 3000)).unwrap();
        garbage.store(0, Some(&garbage));
    }
    let mut kept = Vec::new();
    while let Ok(object) = mutator.allocate(node, Shape::new(2, 0)) {
        assert_eq!(mutator.shape(&object), Shape::new(2, 0), "object {}", kept.len());
        assert_eq!(mutator.type_of(&object), node);
        kept.push(object);
    }
    assert!(ran.load(Ordering::Relaxed), "a finalizer allocated during the collection of the full heap");
}

#[test]
fn an_untracked_weak_reference_with_a_callback_leaves_the_lists_whole() {
    let heap = heap();
    let node = node(&heap);
    let callback = heap.register_callback(Arc::new(|_, _| {}));
    let mutator = heap.attach();
    let garbage = mutator.allocate(node, Shape::new(2, 0)).unwrap();
    garbage.store(0, Some(&garbage));
    let before = mutator.allocate(node, Shape::new(2, 0)).unwrap();
    let weak = mutator.weak_reference(&garbage, Some(callback)).unwrap();
    let after = mutator.allocate(node, Shape::new(2, 0)).unwrap();
    mutator.untrack(&weak);
    drop(garbage);
    assert_eq!(mutator.collect(Generation::YOUNG), 1);
    drop((before, after));
    mutator.collect(Generation::OLD);
    drop(weak);
    assert_eq!((mutator.get_objects(None).len(), heap.live_objects()), (0, 0));
}

#[test]
fn a_weak_references_own_words_cannot_be_written() {
    let heap = heap();
    let node = node(&heap);
    let mutator = heap.attach();
    let object = mutator.allocate(node, Shape::new(2, 0)).unwrap();
    let weak = mutator.weak_reference(&object, None).unwrap();
    assert_eq!(mutator.shape(&weak), Shape::new(0, 0));
    assert!(refused(|| mutator.write_word(&weak, 0, 0)));
    assert!(refused(|| mutator.write_payload(&weak, 0, &[0; 4])));
    assert!(refused(|| weak.store(0, Some(&object))));
    assert_eq!(mutator.upgrade(&weak).as_ref(), Some(&object));
    drop((weak, object));
    assert_eq!(heap.live_objects(), 0);
}

#[test]
fn weak_references_cannot_be_allocated_with_another_shape() {
    let heap = heap();
    let mutator = heap.attach();
    assert!(refused(|| drop(mutator.allocate(TypeId::WEAK_REFERENCE, Shape::new(2, 0)))));
    assert!(refused(|| drop(mutator.allocate(TypeId::WEAK_REFERENCE, Shape::new(0, 0)))));
    assert_eq!(heap.live_objects(), 0);
}

#[test]
fn a_shape_written_by_hand_is_checked() {
    let heap = heap();
    let node = node(&heap);
    let mutator = heap.attach();
    assert!(refused(|| drop(mutator.allocate(node, Shape { slots: u32::MAX, payload: 0 }))));
    assert!(refused(|| drop(mutator.allocate(node, Shape { slots: 0, payload: u32::MAX }))));
    let object = mutator.allocate(node, Shape::new(2, 0)).unwrap();
    assert_eq!(mutator.shape(&object), Shape::new(2, 0));
}

#[test]
fn live_objects_read_by_another_thread_are_never_fewer_than_none() {
    let heap = heap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let node = node(&heap);
            let mutator = heap.attach();
            while !stop.load(Ordering::Relaxed) {
                drop(mutator.allocate(node, Shape::new(2, 0)).unwrap());
            }
        });
        let worst = (0..1_000_000).map(|_| heap.live_objects().max(heap.statistics().live())).max();
        stop.store(true, Ordering::Relaxed);
        assert!(worst < Some(1_000_000), "{worst:?}");
    });
}

/// Panics once more when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// Panics when it is told of a panic.
struct Nervous;

impl Observer for Nervous {
    fn panicked(&self, _: &Panicked) {
        panic!("told");
    }
}

#[test]
fn a_panic_in_reporting_a_panic_does_not_stop_collections() {
    for observer in [Arc::new(NoObserver) as Arc<dyn Observer>, Arc::new(Nervous)] {
        let heap = GenerationalHeap::new(config(), observer).unwrap();
        let finalizer = heap.register_callback(Arc::new(|_, _| panic_any(Bomb)));
        let finalized = TypeSpec::new("finalized", Kind::Instance).with_finalizer(finalizer);
        let finalized = heap.register_type(finalized).unwrap();
        let mutator = heap.attach();
        for _ in 0..2 {
            let garbage = mutator.allocate(finalized, Shape::new(2, 0)).unwrap();
            garbage.store(0, Some(&garbage));
            drop(garbage);
            assert_eq!(mutator.collect(Generation::OLD), 1);
            assert_eq!(heap.live_objects(), 0);
        }
    }
}
