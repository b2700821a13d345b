//! The collector's thread: it is woken by thresholds, drains what dies young during a full collection, and ends with its
//! heap.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use gc_concurrent::ConcurrentHeap;
use gc_core::callback::Phase;
use gc_core::{Control, Generation, Heap, HeapConfig, Kind, Mutator, NoObserver, Shape, TypeId, TypeSpec};

const SHAPE: Shape = Shape::new(2, 0);
/// Nothing here takes longer on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn heap(config: HeapConfig) -> (ConcurrentHeap, TypeId) {
    let heap = ConcurrentHeap::new(config, Arc::new(NoObserver)).expect("addresses");
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).expect("a first type");
    (heap, node)
}

/// An object that refers to itself, dropped.
fn drop_a_loop(mutator: &impl Mutator, node: TypeId) {
    let object = mutator.allocate(node, SHAPE).expect("room");
    object.store(0, Some(&object));
}

#[test]
fn a_threshold_wakes_the_collector() {
    let (heap, node) = heap(HeapConfig::default());
    let mutator = heap.attach();
    let begin = Instant::now();
    while mutator.get_stats()[0].collected < 10_000 {
        drop_a_loop(&mutator, node);
        assert!(begin.elapsed() < PATIENCE, "{:?}", mutator.get_stats());
    }
    mutator.collect(Generation::OLD);
    assert_eq!(heap.live_objects(), 0);
}

#[test]
fn what_dies_young_is_freed_while_a_full_collection_proposes() {
    let (heap, node) = heap(HeapConfig { full_every: Some(1), duty: 100, ..HeapConfig::default() });
    let mutator = heap.attach();
    let phases: Arc<Mutex<Vec<(Phase, Generation)>>> = Arc::default();
    let seen = Arc::clone(&phases);
    mutator.on_collection(Arc::new(move |_, phase, info| seen.lock().unwrap().push((phase, info.generation))));
    let live: Vec<_> = (0..300_000).map(|_| mutator.allocate(node, SHAPE).expect("room")).collect();
    let begin = Instant::now();
    let within = [(Phase::Start, Generation::OLD), (Phase::Start, Generation::YOUNG), (Phase::Stop, Generation::YOUNG)];
    while !phases.lock().unwrap().windows(3).any(|three| three == within) {
        (0..1000).for_each(|_| drop_a_loop(&mutator, node));
        mutator.safepoint();
        assert!(begin.elapsed() < PATIENCE, "no young collection inside a full one");
    }
    drop(live);
    mutator.disable();
    mutator.collect(Generation::OLD);
    assert_eq!(heap.live_objects(), 0);
}

#[test]
fn the_thread_ends_with_its_heap() {
    let threads = || {
        let tasks = std::fs::read_dir("/proc/self/task").expect("Linux").flatten();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|name| name.starts_with("gclab-collector")).count()
    };
    let begin = Instant::now();
    let mut made = 0;
    while made < 20 {
        let (heap, node) = heap(HeapConfig { thresholds: gc_core::Thresholds([10, 1, 1]), ..HeapConfig::default() });
        let mutator = heap.attach();
        (0..1000).for_each(|_| drop_a_loop(&mutator, node));
        made += 1;
    }
    // Other tests of this file have at most one each.
    while threads() > 2 {
        assert!(begin.elapsed() < PATIENCE, "{} threads are left", threads());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Back-pressure cannot deadlock: the collection that a mutator waits for may be in a finalizer that waits for the mutator.
#[test]
fn a_mutator_that_a_finalizer_waits_for_goes_on() {
    let (done, finished) = mpsc::channel();
    std::thread::spawn(move || {
        let (heap, node) = heap(HeapConfig { thresholds: gc_core::Thresholds([10, 10, 10]), ..HeapConfig::default() });
        let gate = Arc::new(Mutex::new(()));
        let entered = Arc::new(AtomicBool::new(false));
        let (waits_for, enters, mutators) = (Arc::clone(&gate), Arc::clone(&entered), std::thread::current().id());
        let finalizer = heap.register_callback(Arc::new(move |_, _| {
            // A mutator that is a little ahead collects by itself, and would wait for its own lock.
            if std::thread::current().id() != mutators {
                enters.store(true, Ordering::SeqCst);
                drop(waits_for.lock());
            }
        }));
        let spec = TypeSpec::new("finalized", Kind::Instance).with_finalizer(finalizer);
        let finalized = heap.register_type(spec).expect("a second type");
        let mutator = heap.attach();
        let held = gate.lock().unwrap();
        let begin = Instant::now();
        while !entered.load(Ordering::SeqCst) {
            drop_a_loop(&mutator, finalized);
            assert!(begin.elapsed() < PATIENCE, "no collection finds the object");
        }
        // Far more than a mutator may be ahead of the collector.
        (0..20_000).for_each(|_| drop_a_loop(&mutator, node));
        drop(held);
        mutator.collect(Generation::OLD);
        assert_eq!(heap.live_objects(), 0);
        done.send(()).expect("the test waits");
    });
    finished.recv_timeout(PATIENCE).expect("the mutator waits for a collection that waits for it");
}
