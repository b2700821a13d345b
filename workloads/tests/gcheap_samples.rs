//! The recorded heaps, number by number: what the format's table says of them, and CPython's own verdict on garbage.

use workloads::graph::oracle::{flagged, garbage};
use workloads::graph::shape::{ComponentSize, Percentiles, Shape};
use workloads::graph::{EMBEDDED_DJANGO, HeapGraph, embedded_django};

const DJANGO_GARBAGE: &[u8] = include_bytes!("../data/django_garbage_py313.gcheap.gz");

fn django_garbage() -> HeapGraph {
    HeapGraph::read(DJANGO_GARBAGE).unwrap()
}

fn percentiles(p50: u64, p90: u64, p99: u64, max: u64) -> Option<Percentiles> {
    Some(Percentiles { p50, p90, p99, max })
}

#[test]
fn the_live_django_heap_has_the_recorded_shape() {
    let shape = Shape::of(&embedded_django());
    assert_eq!((shape.nodes, shape.edges, shape.tracked), (156_131, 385_122, 68_922));
    assert_eq!((shape.on_cycles, shape.largest_component), (55_126, 53_458));
    assert_eq!(format!("{:.3}", shape.on_cycles_share().unwrap()), "0.800");
    assert_eq!((shape.immortal, shape.weakly_referenced, shape.with_finalizer), (26_979, 3_207, 17));
    assert_eq!(shape.out_degree, percentiles(4, 9, 31, 1_640));
    assert_eq!(shape.reference_count, percentiles(1, 2, 19, 18_800));
    assert_eq!(shape.tracked_size, percentiles(80, 272, 1_712, 36_952));
    assert_eq!((shape.flagged.objects, shape.flagged.bytes, shape.flagged.component_size), (0, 0, None));
    assert_eq!(shape.component_sizes.iter().map(|row| row.components).sum::<u32>(), 469);
    assert_eq!(shape.component_sizes.last(), Some(&ComponentSize { objects: 53_458, components: 1 }));
}

#[test]
fn the_garbage_django_heap_has_the_recorded_shape() {
    let shape = Shape::of(&django_garbage());
    assert_eq!((shape.nodes, shape.edges, shape.tracked), (180_598, 453_777, 83_187));
    assert_eq!((shape.on_cycles, shape.largest_component), (57_046, 53_458));
    assert_eq!(format!("{:.3}", shape.on_cycles_share().unwrap()), "0.686");
    assert_eq!((shape.flagged.objects, shape.flagged.bytes, shape.flagged.on_cycles), (12_888, 1_352_672, 1_920));
    assert_eq!(shape.flagged.component_size, percentiles(4, 14, 26, 26));
}

#[test]
fn trial_deletion_finds_cpythons_garbage_object_for_object() {
    let graph = django_garbage();
    let found = garbage(&graph);
    assert_eq!(found.len(), 12_888);
    assert_eq!(found, flagged(&graph));
}

#[test]
fn trial_deletion_finds_nothing_in_the_live_heap() {
    assert!(garbage(&embedded_django()).is_empty());
}

#[test]
fn the_header_tells_runtime_application_and_collector() {
    let graph = embedded_django();
    let header = graph.header();
    assert_eq!((header.source.as_deref(), header.runtime.as_deref()), (Some("cpython"), Some("CPython 3.13.0")));
    assert_eq!(header.meta["app"], "django 6.1 admin+sqlite");
    assert_eq!(header.types.len(), 533);
    let gc = header.gc.as_ref().unwrap();
    assert_eq!((gc.threshold.as_slice(), gc.frozen), ([2_000, 10, 10].as_slice(), Some(0)));
    assert_eq!(gc.stats.iter().map(|row| row.collected).collect::<Vec<_>>(), [27_329, 16_818, 7_400]);
    assert_eq!(header.other["gil"], true);
}

#[test]
fn nodes_stand_in_the_order_of_their_generations_and_untracked_last() {
    let graph = django_garbage();
    let rank = |node| graph.flags(node).generation().unwrap_or(u8::MAX);
    assert!(graph.nodes().is_sorted_by_key(rank));
    assert!(graph.nodes().all(|node| graph.flags(node).is_tracked() == graph.flags(node).generation().is_some()));
}

#[test]
fn writing_a_sample_gives_its_own_sections_back() {
    use std::io::Read;
    let inflate = |bytes: &[u8]| {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
        let header = u32::from_le_bytes(plain[8..12].try_into().unwrap()) as usize;
        plain.split_off(12 + header)
    };
    for sample in [EMBEDDED_DJANGO, DJANGO_GARBAGE] {
        let graph = HeapGraph::read(sample).unwrap();
        let mut written = Vec::new();
        graph.write_to(&mut written).unwrap();
        assert_eq!(inflate(sample), inflate(&written));
        assert_eq!(HeapGraph::read(written.as_slice()).unwrap(), graph);
    }
}

#[test]
fn no_untracked_object_is_on_a_cycle() {
    // So the share of objects on cycles has the same numerator over tracked objects and over all.
    let graph = embedded_django();
    let components = graph.components();
    let untracked = graph.nodes().filter(|&node| !graph.flags(node).is_tracked());
    assert_eq!(untracked.filter(|&node| components.is_on_cycle(node)).count(), 0);
}

#[test]
fn the_printed_shape_names_every_figure_once() {
    let text = Shape::of(&django_garbage()).to_string();
    for line in [
        "nodes                               180,598",
        "on cycles, of tracked                68.6 %",
        "flagged garbage                      12,888",
        "flagged garbage bytes             1,352,672",
        "out-degree                            4          9         28      1,640",
        "32,769 to 65,536                      1",
    ] {
        assert_eq!(text.matches(line).count(), 1, "{line:?} in\n{text}");
    }
}
