//! Monitors, schedules and pools on a living heap.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gc_core::event::{Cause, Collection, Observer};
use gc_core::upkeep::{
    BetweenRequests, ByInterval, Collected, Every, NotPooled, ObjectPool, Observers, PauseLog, SectionLimits,
    SectionMonitor, SlowCollections,
};
use gc_core::{
    Control, Generation, GenerationalHeap, Heap, HeapConfig, Kind, Mutator, NoObserver, Root, Shape, Thresholds,
    TypeId, TypeSpec,
};

/// A heap that collects only when asked.
fn heap(observer: Arc<dyn Observer>) -> (GenerationalHeap, TypeId) {
    let config = HeapConfig { thresholds: Thresholds([0, 10, 10]), ..HeapConfig::default() };
    let heap = GenerationalHeap::new(config, observer).unwrap();
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    (heap, node)
}

fn new<M: Mutator>(mutator: &M, type_id: TypeId) -> Root<'_, M> {
    mutator.allocate(type_id, Shape::new(1, 8)).unwrap()
}

fn drop_a_cycle<M: Mutator>(mutator: &M, type_id: TypeId) {
    let object = new(mutator, type_id);
    object.put(0, Some(object.clone()));
}

#[test]
fn a_section_is_reported_when_it_reaches_a_limit() {
    let log = Arc::new(PauseLog::default());
    let (heap, node) = heap(log.clone());
    let mutator = heap.attach();
    let reported: Arc<Mutex<Vec<String>>> = Arc::default();
    let names = Arc::clone(&reported);
    let limits = SectionLimits { full_collections: Some(2), allocated: Some(100), ..SectionLimits::default() };
    let monitor = SectionMonitor::new(log, limits, move |report| names.lock().unwrap().push(report.name.clone()));

    let (result, report) = monitor.watch(&mutator, "quiet", || {
        drop_a_cycle(&mutator, node);
        mutator.collect(Generation::OLD)
    });
    assert_eq!((result, report.collections, report.allocated, report.freed), (1, [0, 0, 1], 1, 1));
    assert_eq!(report.pauses.len(), 1, "a collection on the mutator's thread is one pause, whatever is within it");
    assert_eq!(report.longest_pause(), Some(report.paused()));

    let ((), report) = monitor.watch(&mutator, "collects", || {
        let (_, inner) = monitor.watch(&mutator, "inner", || mutator.collect(Generation::YOUNG));
        assert_eq!((inner.collections, inner.pauses.len()), ([1, 0, 0], 1));
        assert_eq!([(); 2].map(|()| mutator.collect(Generation::OLD)), [0, 0]);
    });
    assert_eq!((report.collections, report.pauses.len()), ([1, 0, 2], 3));
    monitor.watch(&mutator, "allocates", || (0..100).for_each(|_| drop(new(&mutator, node))));
    assert_eq!(*reported.lock().unwrap(), ["collects", "allocates"]);
}

#[test]
fn a_pause_of_the_limit_is_reported_and_one_within_another_is_not_counted() {
    let log = Arc::new(PauseLog::default());
    let (heap, _) = heap(log.clone());
    let mutator = heap.attach();
    let limits = SectionLimits { pause: Some(Duration::from_millis(5)), ..SectionLimits::default() };
    let count = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&count);
    let monitor = SectionMonitor::new(log.clone(), limits, move |_| *counted.lock().unwrap() += 1);
    let pause = |ms| {
        log.interruption_begins(Cause::Stop);
        log.interruption_begins(Cause::Lock);
        log.interruption_ends(Cause::Lock, Duration::from_millis(100));
        log.interruption_ends(Cause::Stop, Duration::from_millis(ms));
    };
    let ((), report) = monitor.watch(&mutator, "short", || (0..3).for_each(|_| pause(4)));
    assert_eq!((report.paused(), *count.lock().unwrap()), (Duration::from_millis(12), 0));
    let ((), report) = monitor.watch(&mutator, "long", || pause(5));
    assert_eq!((report.longest_pause(), *count.lock().unwrap()), (Some(Duration::from_millis(5)), 1));
    // Outside sections nothing is kept.
    pause(50);
    let ((), report) = monitor.watch(&mutator, "none", || ());
    assert_eq!((report.pauses.len(), report.longest_pause()), (0, None));
}

#[test]
fn slow_collections_are_reported_and_the_last_are_kept() {
    let found: Arc<Mutex<Vec<u64>>> = Arc::default();
    let reported = Arc::clone(&found);
    let slow = Arc::new(SlowCollections::new(Duration::from_millis(10), 2, move |collection| {
        reported.lock().unwrap().push(collection.collected);
    }));
    let collection = |ms, collected| Collection {
        generation: Generation::OLD,
        automatic: true,
        examined: 0,
        collected,
        uncollectable: 0,
        freed: 0,
        duration: Duration::from_millis(ms),
    };
    for (ms, collected) in [(10, 1), (9, 2), (30, 3), (11, 4)] {
        slow.collection(&collection(ms, collected));
    }
    assert_eq!(*found.lock().unwrap(), [1, 3, 4]);
    assert_eq!(slow.last().iter().map(|collection| collection.collected).collect::<Vec<_>>(), [3, 4]);
    // On a heap, beside another observer: with a threshold of nothing every collection is slow.
    let all = Arc::new(SlowCollections::new(Duration::ZERO, 8, |_| ()));
    let (heap, node) = heap(Arc::new(Observers(vec![Arc::new(NoObserver), all.clone()])));
    let mutator = heap.attach();
    drop_a_cycle(&mutator, node);
    mutator.collect(Generation::YOUNG);
    assert_eq!(all.last().iter().map(|c| (c.generation, c.collected)).collect::<Vec<_>>(), [(Generation::YOUNG, 1)]);
}

#[test]
fn collections_run_between_requests_by_number() {
    let (heap, node) = heap(Arc::new(NoObserver));
    let mutator = heap.attach();
    let schedule = BetweenRequests::new(Every::Requests(3), 2);
    let ran: Vec<_> = (0..12)
        .map(|_| {
            drop_a_cycle(&mutator, node);
            schedule.after_request(&mutator).map(|collected| (collected.generation.index(), collected.found))
        })
        .collect();
    let (young, full) = (Some((0, 3)), Some((2, 3)));
    assert_eq!(ran, [None, None, young, None, None, full, None, None, young, None, None, full]);
    let never_full = BetweenRequests::new(Every::Requests(1), 0);
    let all_young =
        (0..5).all(|_| never_full.after_request(&mutator).is_some_and(|c| c.generation == Generation::YOUNG));
    assert!(all_young);
}

#[test]
fn collections_run_between_requests_by_net_allocations() {
    let (heap, node) = heap(Arc::new(NoObserver));
    let mutator = heap.attach();
    let schedule = BetweenRequests::new(Every::NetAllocations(10), 1);
    assert_eq!(schedule.after_request(&mutator), None);
    // What dies by count is no net allocation.
    (0..100).for_each(|_| drop(new(&mutator, node)));
    assert_eq!(schedule.after_request(&mutator), None);
    (0..9).for_each(|_| drop_a_cycle(&mutator, node));
    assert_eq!(schedule.after_request(&mutator), None);
    drop_a_cycle(&mutator, node);
    assert_eq!(schedule.after_request(&mutator).map(|collected| collected.found), Some(10));
    // A collection that frees nothing does not run again and again.
    let held: Vec<_> = (0..10).map(|_| new(&mutator, node)).collect();
    assert!(schedule.after_request(&mutator).is_some_and(|collected| collected.found == 0));
    assert_eq!(schedule.after_request(&mutator), None);
    drop(held);
}

#[test]
fn collections_run_by_the_counter_of_the_heap() {
    let (heap, node) = heap(Arc::new(NoObserver));
    let mutator = heap.attach();
    let schedule = BetweenRequests::new(Every::Counter(5), 0);
    (0..5).for_each(|_| drop_a_cycle(&mutator, node));
    assert_eq!((mutator.get_count().0[0], schedule.after_request(&mutator)), (5, None), "it has to be above");
    drop_a_cycle(&mutator, node);
    assert_eq!(schedule.after_request(&mutator), Some(Collected { generation: Generation::YOUNG, found: 6 }));
    assert_eq!(schedule.after_request(&mutator), None, "the collection set it to 0");
    // A collection of somebody else's sets it to 0 as well.
    (0..6).for_each(|_| drop_a_cycle(&mutator, node));
    mutator.collect(Generation::YOUNG);
    assert_eq!(schedule.after_request(&mutator), None);
}

#[test]
fn collections_run_by_bytes_held() {
    let (heap, node) = heap(Arc::new(NoObserver));
    let mutator = heap.attach();
    let schedule = BetweenRequests::new(Every::HeldBytes(1 << 20), 1);
    assert_eq!(schedule.after_request(&mutator), None);
    let garbage = |objects| {
        for _ in 0..objects {
            let object = mutator.allocate(node, Shape::new(1, 4096)).unwrap();
            object.put(0, Some(object.clone()));
        }
    };
    garbage(128);
    assert_eq!(schedule.after_request(&mutator), None, "half of it");
    garbage(256);
    assert_eq!(schedule.after_request(&mutator), Some(Collected { generation: Generation::OLD, found: 384 }));
    garbage(128);
    assert_eq!(schedule.after_request(&mutator), None, "counted from what the collection left");
}

#[test]
fn collections_run_by_interval_on_the_clock_that_is_passed_in() {
    let (heap, _) = heap(Arc::new(NoObserver));
    let mutator = heap.attach();
    let schedule = ByInterval::new(Duration::from_secs(10), 2);
    let at =
        |seconds| schedule.tick(&mutator, Duration::from_secs(seconds)).map(|collected| collected.generation.index());
    assert_eq!(
        [100, 105, 109, 110, 119, 121, 130, 131].map(at),
        [None, None, None, Some(0), None, Some(2), None, Some(0)]
    );
}

#[test]
fn a_pool_gives_objects_out_again_as_new() {
    let (heap, node) = heap(Arc::new(NoObserver));
    let mutator = heap.attach();
    let shape = Shape::new(2, 300);
    let pool = ObjectPool::new(node, shape, 2);
    let object = pool.acquire(&mutator).unwrap();
    let identity = object.object();
    let target = new(&mutator, node);
    object.store(0, Some(&target));
    object.put(1, Some(object.clone()));
    mutator.write_payload(&object, 0, &[7; 300]);
    pool.release(object).unwrap();
    assert_eq!((pool.len(), mutator.retain_count(&target)), (1, Some(1)));
    let again = pool.acquire(&mutator).unwrap();
    let mut payload = [1; 300];
    mutator.read_payload(&again, 0, &mut payload);
    assert_eq!((again.object(), pool.len(), payload), (identity, 0, [0; 300]));
    assert!(again.load(0).is_none() && again.load(1).is_none());
    // What somebody else still uses, or is of another shape, or is one too many, is not kept.
    let other = again.clone();
    assert_eq!(pool.release(again), Err(NotPooled::InUse));
    assert_eq!(pool.release(other), Ok(()));
    assert_eq!(pool.release(new(&mutator, node)), Err(NotPooled::Foreign));
    let [second, third] = [(); 2].map(|()| mutator.allocate(node, shape).unwrap());
    assert_eq!((pool.release(second), pool.release(third)), (Ok(()), Err(NotPooled::Full)));
    drop((pool, target));
    mutator.safepoint();
    assert_eq!(heap.live_objects(), 0);
}

#[test]
fn an_object_that_is_in_use_is_refused_whole() {
    let (heap, node) = heap(Arc::new(NoObserver));
    let mutator = heap.attach();
    let pool = ObjectPool::new(node, Shape::new(3, 8), 2);
    let object = pool.acquire(&mutator).unwrap();
    object.put(0, Some(new(&mutator, node)));
    [1, 2].into_iter().for_each(|slot| object.put(slot, Some(object.clone())));
    mutator.write_word(&object, 0, 7);
    let other = object.clone();
    assert_eq!(pool.release(object), Err(NotPooled::InUse));
    assert!((0..3).all(|slot| other.load(slot).is_some()), "its slots are as they were");
    assert_eq!(mutator.read_word(&other, 0), 7);
    assert_eq!((pool.release(other), pool.len(), heap.live_objects()), (Ok(()), 1, 1));
}
