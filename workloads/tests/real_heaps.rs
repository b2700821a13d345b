//! The heaps of real processes: a full collection frees just what CPython's own freed.

use std::sync::Arc;

use gc_core::{
    Control, Generation, GenerationalHeap, GenerationalStreamingHeap, Heap, HeapConfig, NoObserver, Place, RefcountHeap,
};
use workloads::graph::{HeapGraph, Verdict, embedded_django};

fn garbage_file() -> HeapGraph {
    HeapGraph::read(&include_bytes!("../data/django_garbage_py313.gcheap.gz")[..]).unwrap()
}

fn collect<H: Heap>(graph: &HeapGraph, place: Place) -> (Verdict, u64) {
    let heap = H::new(HeapConfig { place, ..HeapConfig::default() }, Arc::new(NoObserver)).unwrap();
    let mutator = heap.attach();
    let loaded = graph.load(&mutator).unwrap();
    assert_eq!(heap.live_objects(), graph.node_count() as u64);
    let returned = mutator.collect(Generation::OLD);
    (graph.judge(&mutator, &loaded), returned)
}

#[test]
fn the_flagged_garbage_is_found_and_nothing_else() {
    for place in [Place::Inline, Place::Side] {
        let collected = [
            collect::<GenerationalHeap>(&garbage_file(), place),
            collect::<GenerationalStreamingHeap>(&garbage_file(), place),
        ];
        for (verdict, returned) in collected {
            assert_eq!((verdict.flagged, verdict.found), (12_888, 12_888), "{place:?}");
            assert!(verdict.missing.is_empty() && verdict.extra.is_empty(), "{place:?}: {verdict:?}");
            assert_eq!(returned, 12_888, "{place:?}");
        }
    }
}

#[test]
fn a_live_heap_has_no_garbage() {
    for place in [Place::Inline, Place::Side] {
        let collected = [
            collect::<GenerationalHeap>(&embedded_django(), place),
            collect::<GenerationalStreamingHeap>(&embedded_django(), place),
        ];
        for (verdict, returned) in collected {
            assert_eq!((verdict.flagged, verdict.found, returned), (0, 0, 0), "{place:?}");
        }
    }
}

#[test]
fn counting_alone_finds_none_of_it() {
    let (verdict, _) = collect::<RefcountHeap>(&garbage_file(), Place::Inline);
    assert_eq!((verdict.found, verdict.missing.len()), (0, 12_888));
}

#[test]
fn a_count_without_bounds_asks_for_no_memory_without_bounds() {
    let graph = garbage_file();
    for claim in [u64::MAX >> 1, 1 << 40, 100_000] {
        let mut columns = graph.columns().clone();
        columns.counts.iter_mut().for_each(|count| *count = claim);
        let claimed = HeapGraph::from_columns(graph.header().clone(), columns).unwrap();
        let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
        let mutator = heap.attach();
        let loaded = claimed.load(&mutator).unwrap();
        assert!(loaded.outside.len() < 20 * graph.node_count(), "{} roots", loaded.outside.len());
        assert_eq!(mutator.collect(Generation::OLD), 0, "everything is held from outside");
    }
}
