//! Files that the scripts in `python/` wrote of real processes: a planted leak in CPython, and a heap of V8.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use gc_core::{Control, Generation, GenerationalHeap, Heap, HeapConfig, NoObserver};
use workloads::graph::HeapGraph;
use workloads::graph::oracle::{flagged, garbage};
use workloads::oracle::reachable_indices;

fn graph(name: &str) -> HeapGraph {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gcheap_dumped").join(name);
    HeapGraph::read(File::open(path).unwrap()).unwrap()
}

fn of_type<'g>(graph: &'g HeapGraph, name: &'g str) -> impl Iterator<Item = u32> + 'g {
    graph.nodes().filter(move |&node| graph.type_of(node).name == name)
}

#[test]
fn the_dumper_flags_what_trial_deletion_finds() {
    let graph = graph("planted_leak.gcheap.gz");
    // 200 trees of four nodes, each with a list of its children.
    assert_eq!(flagged(&graph).len(), 1_600);
    assert_eq!(garbage(&graph), flagged(&graph));
    let mut types: BTreeMap<&str, usize> = BTreeMap::new();
    flagged(&graph).iter().for_each(|&node| *types.entry(&graph.type_of(node).name).or_default() += 1);
    assert_eq!(types, BTreeMap::from([("__main__.Node", 800), ("builtins.list", 800)]));
}

#[test]
fn the_dumped_garbage_is_found_on_a_heap() {
    let graph = graph("planted_leak.gcheap.gz");
    let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
    let mutator = heap.attach();
    let loaded = graph.load(&mutator).unwrap();
    mutator.collect(Generation::OLD);
    let verdict = graph.judge(&mutator, &loaded);
    assert_eq!((verdict.flagged, verdict.found), (1_600, 1_600));
    assert!(verdict.missing.is_empty() && verdict.extra.is_empty(), "{verdict:?}");
}

#[test]
fn the_planted_leaks_are_in_the_file_with_their_containers() {
    let graph = graph("planted_leak.gcheap.gz");
    assert_eq!(of_type(&graph, "__main__.LeakyObject").count(), 200);
    assert_eq!(of_type(&graph, "__main__.Request").count(), 400);
    let lists_of = |name: &str| {
        let all_are = |list: u32| graph.targets(list).iter().all(|&target| graph.type_of(target).name == name);
        of_type(&graph, "builtins.list").filter(|&list| graph.targets(list).len() == 200 && all_are(list)).count()
    };
    assert_eq!((lists_of("__main__.LeakyObject"), lists_of("__main__.Request")), (1, 1));
}

#[test]
fn the_dumper_is_not_in_its_file() {
    let graph = graph("planted_leak.gcheap.gz");
    assert!(graph.header().types.iter().all(|kind| !kind.name.contains("gclab")));
    // Only the root set of the process is without a reference that the file shows: nothing hangs off the dumper's own.
    assert!(graph.nodes().filter(|&node| graph.is_examined(node)).all(|node| graph.count(node) > 0));
}

#[test]
fn everything_in_a_heap_of_v8_is_reached_from_its_root() {
    let graph = graph("leaky_node20.gcheap.gz");
    assert_eq!(graph.header().source.as_deref(), Some("v8-heapsnapshot"));
    let live = reachable_indices(graph.node_count(), [0_u32], |node| graph.targets(node).iter().copied());
    assert!(live.iter().all(|&live| live));
    assert!(garbage(&graph).is_empty() && flagged(&graph).is_empty());
    assert_eq!(of_type(&graph, "(object) LeakyObject").count(), 20);
}
