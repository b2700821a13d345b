//! The heaps of real processes on the heaps with parallel mutators: a full collection frees just what CPython's own freed,
//! and what only counts frees none of it.

use std::sync::Arc;

use bench_results::roster::{ConcurrentHeap, RefcountAtomicHeap, StopTheWorldHeap};
use gc_core::{Certify, Control, Generation, Heap, HeapConfig, NoObserver};
use workloads::graph::{HeapGraph, Verdict, embedded_django};

fn garbage_file() -> HeapGraph {
    let bytes =
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../workloads/data/django_garbage_py313.gcheap.gz"));
    HeapGraph::read(&bytes[..]).unwrap()
}

fn collect<H: Heap>(graph: &HeapGraph, config: HeapConfig) -> (Verdict, u64) {
    let heap = H::new(config, Arc::new(NoObserver)).unwrap();
    let mutator = heap.attach();
    let loaded = graph.load(&mutator).unwrap();
    assert_eq!(heap.live_objects(), graph.node_count() as u64);
    let returned = mutator.collect(Generation::OLD);
    (graph.judge(&mutator, &loaded), returned)
}

/// Whoever runs automatic collections while the graph is built, and however what they suspect is certified.
fn configs() -> [HeapConfig; 3] {
    let default = HeapConfig::default();
    [
        default,
        HeapConfig { automatic: gc_core::Automatic::AtTrigger, release_budget: None, ..default },
        HeapConfig { certify: Certify::Stopped, ..default },
    ]
}

#[track_caller]
fn finds_the_flagged_garbage<H: Heap>() {
    let graph = garbage_file();
    for config in configs() {
        let (verdict, returned) = collect::<H>(&graph, config);
        assert_eq!((verdict.flagged, verdict.found), (12_888, 12_888), "{config:?}");
        assert!(verdict.missing.is_empty() && verdict.extra.is_empty(), "{config:?}: {verdict:?}");
        assert_eq!(returned, 12_888, "{config:?}");
    }
}

#[test]
fn stop_the_world_finds_the_flagged_garbage_and_nothing_else() {
    finds_the_flagged_garbage::<StopTheWorldHeap>();
}

#[test]
fn concurrent_finds_the_flagged_garbage_and_nothing_else() {
    finds_the_flagged_garbage::<ConcurrentHeap>();
}

#[test]
fn a_live_heap_has_no_garbage() {
    for config in configs() {
        for (verdict, returned) in [
            collect::<StopTheWorldHeap>(&embedded_django(), config),
            collect::<ConcurrentHeap>(&embedded_django(), config),
        ] {
            assert_eq!((verdict.flagged, verdict.found, returned), (0, 0, 0), "{config:?}");
        }
    }
}

#[test]
fn counting_alone_finds_none_of_it() {
    let (verdict, returned) = collect::<RefcountAtomicHeap>(&garbage_file(), HeapConfig::default());
    assert_eq!((verdict.found, verdict.missing.len(), returned), (0, 12_888, 0));
}
