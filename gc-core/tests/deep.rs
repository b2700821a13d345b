//! Ten million objects in a row, on a stack of 64 KiB; and how deep deaths nest.

use std::sync::Arc;
use std::thread;

use gc_core::{
    Control, Generation, GenerationalHeap, Heap, HeapConfig, Kind, Mutator, NestedDeaths, NoObserver, ObjectRef,
    Observer, Shape, TypeSpec,
};

const LENGTH: u64 = 10_000_000;

#[test]
fn a_list_of_ten_million_dies_by_count_and_by_collection() {
    let work = || {
        let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
        let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
        let mutator = heap.attach();
        mutator.disable();
        for cyclic in [false, true] {
            let last = mutator.allocate(node, Shape::new(1, 0)).unwrap();
            let mut head = last.clone();
            for _ in 1..LENGTH {
                let next = mutator.allocate(node, Shape::new(1, 0)).unwrap();
                next.put(0, Some(head));
                head = next;
            }
            if cyclic {
                last.store(0, Some(&head));
            }
            drop(last);
            drop(head);
            assert_eq!(heap.statistics().live(), if cyclic { LENGTH } else { 0 });
        }
        assert_eq!(mutator.collect(Generation::OLD), LENGTH);
        assert_eq!(heap.statistics().live(), 0);
    };
    thread::Builder::new().stack_size(64 << 10).spawn(work).unwrap().join().unwrap();
}

/// What the observer saw, as (object, begin).
#[derive(Default)]
struct Teardowns(gc_core::sync::Mutex<Vec<(ObjectRef, bool)>>);

impl Observer for Teardowns {
    fn teardown(&self, object: ObjectRef, begins: bool) {
        self.0.lock().push((object, begins));
    }
}

/// How deep the teardown of a chain nests; the chain is of one kind of object and dies by count.
fn deepest_teardown(nested_deaths: NestedDeaths, length: u32, kind: Kind) -> usize {
    let teardowns = Arc::new(Teardowns::default());
    let config = HeapConfig { nested_deaths, ..HeapConfig::default() };
    let heap = GenerationalHeap::new(config, Arc::clone(&teardowns) as Arc<dyn Observer>).unwrap();
    let node = heap.register_type(TypeSpec::new("node", kind).with_observed_teardown()).unwrap();
    let mutator = heap.attach();
    mutator.disable();
    let mut head = mutator.allocate(node, Shape::new(1, 0)).unwrap();
    for _ in 1..length {
        let next = mutator.allocate(node, Shape::new(1, 0)).unwrap();
        next.put(0, Some(head));
        head = next;
    }
    drop(head);
    assert_eq!(heap.statistics().live(), 0);
    let teardowns = teardowns.0.lock();
    assert_eq!(teardowns.len(), 2 * length as usize);
    let mut open = 0;
    let depths = teardowns.iter().map(|&(_, begins)| {
        open = if begins { open + 1 } else { open - 1 };
        open
    });
    depths.max().unwrap()
}

#[test]
fn deaths_nest_as_deep_as_the_setting_says() {
    assert_eq!(deepest_teardown(NestedDeaths::CPython312, 49, Kind::Instance), 49);
    assert_eq!(deepest_teardown(NestedDeaths::CPython312, 30_000, Kind::Instance), 50);
    assert_eq!(deepest_teardown(NestedDeaths::CPython313, 1_000, Kind::Instance), 1_000);
    // On a test's thread, whose stack is what Rust gives each: 2 MiB.
    for kind in [Kind::Instance, Kind::List] {
        let deepest = deepest_teardown(NestedDeaths::CPython313, 30_000, kind);
        println!("{kind:?}: {deepest} deep");
        assert!((1_000..=9_950).contains(&deepest), "{deepest}");
    }
}
