//! What broke under stress, and what could have, reduced to the threads and steps that it takes.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

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
    let count = Arc::clone(&ran);
    let finalizer = heap.register_callback(Arc::new(move |mutator: &H::Mutator, _| {
        drop(node(mutator, type_id));
        mutator.safepoint();
        // Another thread gets through.
        let heap = mutator.heap().clone();
        mutator.safe_region(|| {
            std::thread::scope(|scope| scope.spawn(|| drop(node(&heap.attach(), type_id))).join().unwrap());
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

/// Runs `rounds` of `first` beside `second`, which runs again and again until they have ended, each with a mutator of its own.
fn beside<H: Heap>(heap: &H, rounds: u32, first: impl Fn(&H::Mutator) + Sync, second: impl Fn(&H::Mutator) + Sync) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            let mutator = heap.attach();
            (0..rounds).for_each(|_| first(&mutator));
        });
        let second = scope.spawn(|| {
            let mutator = heap.attach();
            while !over.load(Ordering::Relaxed) {
                second(&mutator);
                mutator.safepoint();
            }
        });
        let first = first.join();
        over.store(true, Ordering::Relaxed);
        second.join().and(first).unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// Asking for all objects makes references out of none: not to objects that a collection is taking apart.
#[test]
fn get_objects_never_shows_an_object_that_is_taken_apart() {
    let (heap, type_id) = heap_of::<ConcurrentHeap>(HeapConfig::default());
    let make_and_collect = |mutator: &<ConcurrentHeap as Heap>::Mutator| {
        for _ in 0..50 {
            let ring = ring(mutator, type_id, None);
            mutator.write_word(&ring, 0, 1);
        }
        mutator.collect(Generation::OLD);
    };
    let look = |mutator: &<ConcurrentHeap as Heap>::Mutator| {
        let mut objects = mutator.get_objects(None);
        if let Some(first) = objects.first().cloned() {
            objects.extend(mutator.get_referrers(&[&first]));
        }
        for object in objects {
            // Complete before it is marked so.
            if mutator.read_word(&object, 0) == 1 {
                assert!(object.load(0).is_some(), "{object:?} was taken apart");
            }
        }
    };
    beside(&heap, 3000, make_and_collect, look);
    let mutator = heap.attach();
    mutator.collect(Generation::OLD);
    assert_eq!(heap.live_objects(), 0);
}

/// A weak reference that is garbage itself can be asked for, as long as its referent is alive.
#[test]
fn a_weak_reference_given_for_a_live_object_is_alive() {
    let (heap, type_id) = heap_of::<ConcurrentHeap>(HeapConfig::default());
    let keeper = heap.attach();
    let referent = node(&keeper, type_id);
    let shared = [referent.share(), referent.share()].map(|shared| Mutex::new(Some(shared)));
    let referent_for = |mutator: &<ConcurrentHeap as Heap>::Mutator, n: usize| {
        let mut place = shared[n].lock().unwrap();
        let held = place.take().unwrap();
        *place = Some(mutator.clone_shared(&held));
        let root = mutator.adopt(held);
        root.share()
    };
    let make_and_collect = |mutator: &<ConcurrentHeap as Heap>::Mutator| {
        let referent = mutator.adopt(referent_for(mutator, 0));
        let weak = mutator.weak_reference(&referent, None).unwrap();
        drop(ring(mutator, type_id, Some(&weak)));
        drop(weak);
        mutator.collect(Generation::OLD);
    };
    let ask = |mutator: &<ConcurrentHeap as Heap>::Mutator| {
        let referent = mutator.adopt(referent_for(mutator, 1));
        let weak = mutator.weak_reference(&referent, None).unwrap();
        assert_eq!(mutator.upgrade(&weak), Some(referent.clone()), "the referent is alive");
        for weak in mutator.get_weak_references(&referent) {
            assert_eq!(mutator.upgrade(&weak), Some(referent.clone()), "the referent is alive");
        }
    };
    keeper.safe_region(|| beside(&heap, 20_000, make_and_collect, ask));
}

/// The weak reference without a callback is one, also if two threads ask for the first at the same time.
#[test]
fn two_threads_get_the_same_plain_weak_reference() {
    let (heap, type_id) = heap_of::<ConcurrentHeap>(HeapConfig::default());
    for _ in 0..500 {
        let mutator = heap.attach();
        let referent = node(&mutator, type_id);
        let shared = [referent.share(), referent.share()];
        let ready = AtomicU32::new(0);
        let ask = |shared| {
            let mutator = heap.attach();
            let referent = mutator.adopt(shared);
            ready.fetch_add(1, Ordering::Relaxed);
            while ready.load(Ordering::Relaxed) != 2 {
                std::thread::yield_now();
            }
            mutator.weak_reference(&referent, None).unwrap().share()
        };
        let found = mutator.safe_region(|| {
            std::thread::scope(|scope| shared.map(|s| scope.spawn(|| ask(s))).map(|thread| thread.join().unwrap()))
        });
        let [first, second] = found.map(|shared| mutator.adopt(shared));
        assert_eq!(first, second, "one weak reference is shared by all who ask");
    }
}

/// Making everything immortal waits for the collection that is taking garbage apart, also while a callback of that lets others
/// run: a place freed as immortal would stay so for whoever comes there next.
#[test]
fn freezing_for_ever_leaves_no_immortal_place_behind() {
    let (heap, type_id) = heap_of::<ConcurrentHeap>(HeapConfig::default());
    let turn = Arc::new(AtomicU32::new(0));
    let in_teardown = Arc::clone(&turn);
    let finalizer = heap.register_callback(Arc::new(move |mutator: &<ConcurrentHeap as Heap>::Mutator, _| {
        in_teardown.store(1, Ordering::Relaxed);
        mutator.safe_region(|| std::thread::sleep(Duration::from_millis(50)));
    }));
    let guarded = heap.register_type(TypeSpec::new("guarded", Kind::Atomic).with_finalizer(finalizer)).unwrap();
    let collect = |mutator: &<ConcurrentHeap as Heap>::Mutator| {
        let hanging = mutator.allocate(guarded, Shape::new(0, 16)).unwrap();
        drop(ring(mutator, type_id, Some(&hanging)));
        drop(hanging);
        mutator.collect(Generation::OLD);
    };
    beside(&heap, 1, collect, |mutator| {
        if turn.swap(0, Ordering::Relaxed) == 1 {
            mutator.freeze_immortal();
        }
    });
    let mutator = heap.attach();
    let frozen = heap.live_objects();
    (0..10_000).for_each(|_| drop(node(&mutator, type_id)));
    assert_eq!(heap.live_objects(), frozen, "a new object dies");
}

/// A shared root that a callback drops while its mutator detaches does not wait for the next one.
#[test]
fn a_shared_root_dropped_by_a_callback_of_detaching_is_released() {
    let (heap, type_id) = heap_of::<ConcurrentHeap>(HeapConfig::default());
    let captured = Arc::new(Mutex::new(None));
    let place = Arc::clone(&captured);
    let finalizer = heap.register_callback(Arc::new(move |_: &<ConcurrentHeap as Heap>::Mutator, _| {
        drop(place.lock().unwrap().take());
    }));
    let guarded = heap.register_type(TypeSpec::new("guarded", Kind::Instance).with_finalizer(finalizer)).unwrap();
    let mutator = heap.attach();
    *captured.lock().unwrap() = Some(node(&mutator, type_id).share());
    drop(node(&mutator, guarded).share());
    drop(mutator);
    assert_eq!(heap.live_objects(), 0);
}
