//! Captures of heaps that live on: other mutators work, and the collector's own thread frees what a capture is about to
//! look at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use gc_concurrent::{ConcurrentHeap, RefcountAtomicHeap, StopTheWorldHeap};
use gc_core::inspection::{AllocationSites, TypeNames, capture};
use gc_core::{Control, Generation, Heap, HeapConfig, Kind, Mutator, NoObserver, Shape, Thresholds, TypeId, TypeSpec};

/// Cycles that die between two captures.
const DEAD: u32 = 5_000;
const CAPTURES: u32 = 20;
/// Where no collector frees them they stay: fewer are enough.
const CAPTURES_OF_LEAKS: u32 = 3;
const NODE: Shape = Shape::new(2, 8);
const KEPT: u32 = 100;

fn drop_a_cycle<M: Mutator>(mutator: &M, node: TypeId) {
    let [one, other] = [(); 2].map(|()| mutator.allocate(node, NODE).unwrap());
    one.store(0, Some(&other));
    other.store(0, Some(&one));
}

/// Captures beside dying cycles; with `second`, beside another mutator that makes more of them and drops lists by count.
fn captures_see_one_moment<H: Heap>(second: bool) {
    let config = HeapConfig { thresholds: Thresholds([500, 5, 5]), ..HeapConfig::default() };
    let heap = H::new(config, Arc::new(NoObserver)).unwrap();
    let names = TypeNames::default();
    let node = names.register(&heap, TypeSpec::new("node", Kind::Instance)).unwrap();
    let kept = names.register(&heap, TypeSpec::new("kept", Kind::Instance)).unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        if second {
            scope.spawn(|| {
                let mutator = heap.attach();
                let mut rounds = 0;
                while !is_over.load(SeqCst) && (H::ABILITIES.collects_cycles || rounds < DEAD) {
                    drop_a_cycle(&mutator, node);
                    let head = mutator.allocate(node, NODE).unwrap();
                    head.put(1, Some(mutator.allocate(node, NODE).unwrap()));
                    mutator.safepoint();
                    rounds += 1;
                }
            });
        }
        // However this thread ends, the other one does too.
        let _over = Over(&is_over);
        let mutator = heap.attach();
        let sites = AllocationSites::new(&heap);
        let here = sites.site("here");
        // A table whose first slots hold objects that refer back to it.
        let table = mutator.allocate(kept, Shape::new(KEPT, 0)).unwrap();
        for slot in 0..KEPT {
            let object = here.allocate(&mutator, kept, NODE).unwrap();
            object.store(0, Some(&table));
            table.put(slot, Some(object));
        }
        let before = mutator.retain_count(&table);
        for _ in 0..if H::ABILITIES.collects_cycles { CAPTURES } else { CAPTURES_OF_LEAKS } {
            (0..DEAD).for_each(|_| drop_a_cycle(&mutator, node));
            let graph = capture(&mutator, &names, Some(&sites));
            let seen: Vec<u32> = graph.objects().filter(|&object| graph.type_name(object) == "kept").collect();
            let (tables, others): (Vec<u32>, Vec<u32>) =
                seen.into_iter().partition(|&object| graph.targets(object).len() == KEPT as usize);
            assert_eq!((tables.len(), others.len()), (1, KEPT as usize));
            assert!(graph.is_held(tables[0]), "by a root");
            for object in others {
                assert_eq!((graph.targets(object), graph.site(object)), (&[tables[0]][..], Some("here")));
                assert!(!graph.is_held(object), "the table alone holds it");
            }
            assert!(graph.objects().all(|object| graph.type_name(object) != "weakref"), "the sites' own are left out");
            assert_eq!(mutator.retain_count(&table), before, "a capture changes no count");
        }
        drop(table);
    });
    let mutator = heap.attach();
    for _ in 0..3 {
        mutator.collect(Generation::OLD);
    }
    if H::ABILITIES.collects_cycles {
        assert_eq!(heap.live_objects(), 0);
    }
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

#[test]
fn captures_of_refcount_atomic() {
    captures_see_one_moment::<RefcountAtomicHeap>(false);
    captures_see_one_moment::<RefcountAtomicHeap>(true);
}

#[test]
fn captures_of_stop_the_world() {
    captures_see_one_moment::<StopTheWorldHeap>(false);
    captures_see_one_moment::<StopTheWorldHeap>(true);
}

#[test]
fn captures_of_concurrent() {
    captures_see_one_moment::<ConcurrentHeap>(false);
    captures_see_one_moment::<ConcurrentHeap>(true);
}

#[test]
fn a_standstill_ends_with_a_panic_and_may_lie_within_another() {
    let heap = ConcurrentHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let mutator = heap.attach();
    drop_a_cycle(&mutator, node);
    let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        mutator.at_standstill(|| mutator.safe_region(|| mutator.at_standstill(|| panic!("within"))))
    }));
    assert!(panics.is_err());
    let seen = mutator.at_standstill(|| {
        mutator.safepoint();
        let mut seen = 0;
        mutator.walk(&mut |_, _| seen += 1);
        seen
    });
    assert_eq!(seen, 2);
    // Neither the turn nor the world is held any more: another thread gets both.
    mutator.safe_region(|| {
        thread::scope(|scope| {
            let collected = scope.spawn(|| heap.attach().collect(Generation::OLD));
            assert_eq!(collected.join().unwrap(), 2);
        });
    });
}
