//! Random heap graphs: written and read back, and their oracles compared with slow, obvious ones.

use proptest::prelude::*;
use serde_json::json;
use workloads::graph::oracle::garbage;
use workloads::graph::shape::{Percentiles, Shape};
use workloads::graph::{Columns, Flags, GcState, GenerationStats, Header, HeapGraph, TypeRecord};
use workloads::oracle::reachable;

/// What a random node is: type, flags, size, references from outside, and edges by a number to be reduced to an index.
type Draft = (u8, u8, u64, u64, Vec<u32>);

fn header() -> Header {
    let record = |name: &str, supports_gc| TypeRecord { name: name.into(), basic_size: 16, item_size: 8, supports_gc };
    let stats = GenerationStats { collections: 3, collected: 2, uncollectable: 1, ..GenerationStats::default() };
    let gc = GcState { threshold: vec![700, 10, 10], count: vec![1, 2, 3], stats: vec![stats], ..GcState::default() };
    Header {
        source: Some("cpython".into()),
        gc: Some(gc),
        meta: json!({"app": "ünïcode \"quoted\"", "nested": [1, {"deep": null}]}),
        types: vec![record("builtins.dict", true), record("builtins.int", false), record("a.B", true)],
        other: json!({"gil": false}).as_object().unwrap().clone(),
        ..Header::default()
    }
}

/// A sound graph: counts are what tracked nodes hold, plus the references from outside.
fn graph(drafts: &[Draft]) -> HeapGraph {
    let nodes = drafts.len();
    let mut columns = Columns { offsets: vec![0], ..Columns::default() };
    for (kind, flags, size, outside, edges) in drafts {
        columns.types.push(u32::from(*kind % 3));
        columns.flags.push(Flags(*flags));
        columns.sizes.push(*size);
        columns.counts.push(*outside);
        columns.targets.extend(edges.iter().map(|edge| edge % nodes as u32));
        columns.offsets.push(columns.targets.len() as u32);
    }
    for (node, (_, flags, ..)) in drafts.iter().enumerate() {
        if Flags(*flags).is_tracked() {
            for edge in columns.offsets[node]..columns.offsets[node + 1] {
                columns.counts[columns.targets[edge as usize] as usize] += 1;
            }
        }
    }
    for (count, flags) in columns.counts.iter_mut().zip(&columns.flags) {
        if flags.is_immortal() {
            *count = 0;
        }
    }
    HeapGraph::from_columns(header(), columns).unwrap()
}

/// Flags of which half are tracked, an eighth immortal; the counts from outside mostly 0, so that garbage is common.
fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    let flags = prop_oneof![4 => Just(0x43_u8), 2 => Just(0xd1), 1 => Just(0x45), 3 => any::<u8>()];
    let outside = prop_oneof![6 => Just(0_u64), 1 => 1..200_u64, 1 => Just(1 << 40)];
    let size = prop_oneof![5 => 16..1_000_u64, 1 => 0..1_u64 << 50];
    let edges = prop::collection::vec(any::<u32>(), 0..4);
    prop::collection::vec((any::<u8>(), flags, size, outside, edges), 0..24)
}

fn written(graph: &HeapGraph) -> Vec<u8> {
    let mut bytes = Vec::new();
    graph.write_to(&mut bytes).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_graph_read_back_is_the_graph_written(drafts in drafts()) {
        let graph = graph(&drafts);
        let bytes = written(&graph);
        let read = HeapGraph::read(bytes.as_slice()).unwrap();
        prop_assert_eq!(&read, &graph);
        prop_assert_eq!(written(&read), bytes, "the same graph gives the same bytes");
    }

    #[test]
    fn garbage_is_what_no_outside_reference_leads_to(drafts in drafts()) {
        let graph = graph(&drafts);
        // Not by counts: the references from outside are what the draft says, or come from untracked or immortal nodes.
        let tracked = |node: &u32| graph.flags(*node).is_tracked();
        let roots = graph.nodes().filter(|&node| drafts[node as usize].3 > 0 || graph.flags(node).is_immortal());
        let live = reachable(roots.filter(tracked), |node| graph.targets(node).iter().copied().filter(tracked));
        let dead: Vec<u32> = graph.nodes().filter(|node| tracked(node) && !live.contains(node)).collect();
        prop_assert_eq!(garbage(&graph), dead);
    }

    #[test]
    fn components_are_the_classes_of_mutual_reachability(drafts in drafts()) {
        let graph = graph(&drafts);
        let tracked = |node: &u32| graph.flags(*node).is_tracked();
        let successors = |node: u32| graph.targets(node).iter().copied().filter(tracked).collect::<Vec<_>>();
        let beyond: Vec<_> = graph.nodes().map(|node| reachable(successors(node), successors)).collect();
        let components = graph.components();
        for a in graph.nodes().filter(tracked) {
            prop_assert_eq!(components.is_on_cycle(a), beyond[a as usize].contains(&a));
            for b in graph.nodes().filter(tracked) {
                let mutual = a == b || (beyond[a as usize].contains(&b) && beyond[b as usize].contains(&a));
                prop_assert_eq!(components.of_node(a) == components.of_node(b), mutual);
            }
        }
        let untracked = graph.nodes().filter(|node| !tracked(node));
        prop_assert!(untracked.into_iter().all(|node| components.of_node(node).is_none()));
        prop_assert_eq!(components.sizes().iter().sum::<u32>() as usize, graph.nodes().filter(tracked).count());
    }
}

/// One untracked node that holds a tracked ring of two: `references` is how many references to node 0 exist in all.
fn ring_held_by_an_untracked_node(references: u64) -> HeapGraph {
    let columns = Columns {
        types: vec![0; 3],
        flags: [0x41, 0x41, 0x02].map(Flags).to_vec(),
        sizes: vec![64; 3],
        counts: vec![references, 1, 1],
        offsets: vec![0, 1, 2, 3],
        targets: vec![1, 0, 0],
    };
    HeapGraph::from_columns(header(), columns).unwrap()
}

#[test]
fn a_reference_from_an_untracked_object_keeps_a_ring_alive() {
    assert!(garbage(&ring_held_by_an_untracked_node(2)).is_empty());
    // Without it in the count the ring is garbage, whatever edge the untracked object shows.
    assert_eq!(garbage(&ring_held_by_an_untracked_node(1)), [0, 1]);
}

#[test]
fn an_immortal_object_keeps_what_it_references_alive() {
    let columns = |flags: u8| Columns {
        types: vec![0; 2],
        flags: vec![Flags(flags), Flags(0x41)],
        sizes: vec![64; 2],
        counts: vec![u64::from(flags & Flags::IMMORTAL == 0), 2],
        offsets: vec![0, 1, 3],
        targets: vec![1, 1, 0],
    };
    let graph = |flags| HeapGraph::from_columns(header(), columns(flags)).unwrap();
    assert!(garbage(&graph(0x41 | Flags::IMMORTAL)).is_empty());
    assert_eq!(garbage(&graph(0x41)), [0, 1]);
}

#[test]
fn a_list_of_a_million_objects_does_not_exhaust_the_stack() {
    let nodes = 1_000_000_u32;
    let columns = Columns {
        types: vec![0; nodes as usize],
        flags: vec![Flags(0x41); nodes as usize],
        sizes: vec![64; nodes as usize],
        counts: vec![1; nodes as usize],
        offsets: (0..=nodes).collect(),
        targets: (1..nodes).chain([0]).collect(),
    };
    let graph = HeapGraph::from_columns(header(), columns).unwrap();
    assert_eq!(garbage(&graph).len(), nodes as usize);
    assert_eq!(graph.components().sizes(), [nodes]);
}

#[test]
fn an_empty_graph_has_no_percentiles_and_round_trips() {
    let empty = graph(&[]);
    let shape = Shape::of(&empty);
    assert_eq!((shape.nodes, shape.out_degree, shape.on_cycles_share()), (0, None::<Percentiles>, None));
    assert!(!shape.to_string().is_empty());
    assert_eq!(HeapGraph::read(written(&empty).as_slice()).unwrap(), empty);
}
