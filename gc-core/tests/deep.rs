//! Ten million objects in a row, on a stack of 64 KiB.

use std::sync::Arc;
use std::thread;

use gc_core::{Control, Generation, GenerationalHeap, Heap, HeapConfig, Kind, Mutator, NoObserver, Shape, TypeSpec};

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
