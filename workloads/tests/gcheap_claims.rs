//! Dishonest GCHEAP files: what the header and the sections claim is checked, and refused by section, byte and node.

mod gcheap_pieces;

use gcheap_pieces::{gzip, read, sound};
use serde_json::{Value, json};
use workloads::graph::{Columns, Flags, GraphError, Header, HeapGraph, LebProblem, Limits, Part, Section, TypeRecord};

#[test]
fn a_header_that_lies_about_its_length_is_refused() {
    let with_length = |length: u32| {
        let mut plain = sound().plain();
        plain[8..12].copy_from_slice(&length.to_le_bytes());
        read(&plain).unwrap_err()
    };
    refused!(with_length(u32::MAX), GraphError::HeaderLength { length: u32::MAX, .. });
    refused!(with_length(16 << 20), GraphError::Truncated { place } if place.part == Part::Header);
    refused!(with_length(20), GraphError::Header { .. });
    refused!(with_length(0), GraphError::Header { .. });
}

#[test]
fn a_header_of_another_kind_is_refused_by_field() {
    for (field, value) in [
        ("nodes", json!(-1)),
        ("nodes", json!("4")),
        ("edges", json!(1.5)),
        ("types", json!([["name", 1, 1]])),
        ("types", json!([["name", -1, 0, 1]])),
        ("types", json!(null)),
        ("sections", json!({})),
        ("gc", json!([])),
    ] {
        refused!(sound().field(field, value).refusal(), GraphError::Header { .. });
    }
    let mut without = sound();
    without.header.as_object_mut().unwrap().remove("edges");
    let message = refused!(without.refusal(), GraphError::Header { .. });
    assert!(message.contains("edges"), "{message}");
    let mut plain = sound().plain();
    plain[20] = 0xff;
    refused!(read(&plain).unwrap_err(), GraphError::Header { .. });
}

#[test]
fn deeply_nested_json_is_refused_without_recursion_to_the_end_of_the_stack() {
    let mut plain = b"GCHEAP1\n".to_vec();
    plain.extend(1_000_000_u32.to_le_bytes());
    plain.extend(br#"{"meta":"#);
    plain.resize(12 + 1_000_000, b'[');
    refused!(read(&plain).unwrap_err(), GraphError::Header { .. });
}

#[test]
fn a_list_of_sections_that_is_not_the_formats_is_refused() {
    let change = |edit: &dyn Fn(&mut Vec<Value>)| {
        let mut list = sound().list().as_array().unwrap().clone();
        edit(&mut list);
        sound().field("sections", list.into()).refusal()
    };
    refused!(change(&|list| list.swap(1, 2)), GraphError::SectionList { position: 1, .. });
    refused!(change(&|list| list[0][0] = json!("kind")), GraphError::SectionList { position: 0, .. });
    refused!(change(&|list| list[5][1] = json!("uv")), GraphError::SectionList { position: 5, .. });
    refused!(change(&|list| list.push(json!(["extra", "u8", 0]))), GraphError::SectionList { position: 6, .. });
    refused!(change(&|list| drop(list.pop())), GraphError::SectionList { position: 5, .. });
    refused!(change(&|list| list.clear()), GraphError::SectionList { position: 0, .. });
    refused!(change(&|list| list[3] = json!(["rc", "uv"])), GraphError::Header { .. });
    let message = change(&|list| list[0][0] = json!("x".repeat(1 << 20))).to_string();
    assert!(message.len() < 300, "a message of {} bytes", message.len());
}

#[test]
fn section_lengths_that_cannot_hold_their_values_are_refused_before_any_section_is_read() {
    for (position, section) in Section::ALL.into_iter().enumerate() {
        for length in [0, 1 << 60, u64::MAX, 51] {
            let mut list = sound().list();
            list[position][2] = json!(length);
            let error = sound().field("sections", list).refusal();
            refused!(error, GraphError::SectionLength { section: found, bytes, .. } if *found == section && *bytes == length);
        }
    }
}

#[test]
fn section_lengths_that_are_off_by_one_are_refused() {
    for position in 0..6 {
        for off in [-1, 1] {
            let mut list = sound().list();
            list[position][2] = json!(list[position][2].as_i64().unwrap() + off);
            assert!(read(&sound().field("sections", list).plain()).is_err(), "section {position} {off}");
        }
    }
    let longer = sound().with(Section::Size, &[64, 0x80, 0x02, 24, 24, 7]);
    refused!(longer.refusal(), GraphError::SectionLeft { place, left: 1 } if place.part == Part::Section(Section::Size));
    let shorter = sound().with(Section::Rc, &[2, 1, 0xac, 0x02]);
    refused!(shorter.refusal(), GraphError::SectionEnds { place } if place.node == Some(3) && place.byte == Some(4));
}

#[test]
fn counts_beyond_the_limits_are_refused() {
    let limits = Limits::default();
    let nodes = sound().field("nodes", json!(u64::from(limits.nodes) + 1));
    refused!(nodes.refusal(), GraphError::TooMany { what: "nodes", .. });
    refused!(sound().field("nodes", json!(u64::MAX)).refusal(), GraphError::TooMany { what: "nodes", .. });
    refused!(sound().field("edges", json!(1_u64 << 32)).refusal(), GraphError::TooMany { what: "edges", .. });
    let file = gzip(&sound().plain());
    let within = |limits| HeapGraph::read_within(file.as_slice(), &limits);
    assert!(within(Limits { nodes: 4, edges: 5, header_bytes: 1_000 }).is_ok());
    refused!(within(Limits { nodes: 3, ..limits }).unwrap_err(), GraphError::TooMany { count: 4, limit: 3, .. });
    refused!(within(Limits { edges: 4, ..limits }).unwrap_err(), GraphError::TooMany { count: 5, limit: 4, .. });
    refused!(within(Limits { header_bytes: 9, ..limits }).unwrap_err(), GraphError::HeaderLength { limit: 9, .. });
}

#[test]
fn malformed_numbers_are_refused_where_they_begin() {
    let problem = |section, bytes: &[u8]| match sound().with(section, bytes).refusal() {
        GraphError::Leb { place, problem } => (place.byte.unwrap(), place.node.unwrap(), problem),
        other => panic!("{other}"),
    };
    assert_eq!(problem(Section::Size, &[64, 0x80, 0x00, 24, 24]), (1, 1, LebProblem::Overlong));
    let eleven = [&[0xff; 10][..], &[1, 24, 24, 24]].concat();
    assert_eq!(problem(Section::Size, &eleven), (0, 0, LebProblem::Overflow { bits: 64 }));
    let over_64 = [&[2, 1][..], &[0xff; 9], &[2, 0]].concat();
    assert_eq!(problem(Section::Rc, &over_64), (2, 2, LebProblem::Overflow { bits: 64 }));
    let over_32 = [0x80, 0x80, 0x80, 0x80, 0x10, 1, 0, 1];
    assert_eq!(problem(Section::Deg, &over_32), (0, 0, LebProblem::Overflow { bits: 32 }));
    assert_eq!(problem(Section::Type, &over_32), (0, 0, LebProblem::Overflow { bits: 32 }));
}

#[test]
fn the_largest_count_is_read_exactly() {
    let largest = [&[2, 1][..], &[0xff; 9], &[1, 0]].concat();
    assert_eq!(read(&sound().with(Section::Rc, &largest).plain()).unwrap().count(2), u64::MAX);
}

#[test]
fn sizes_that_add_up_beyond_64_bits_are_refused() {
    let sizes = [&[64][..], &[0xff; 9], &[1, 24, 24]].concat();
    refused!(sound().with(Section::Size, &sizes).refusal(), GraphError::SizeSum { place } if place.node == Some(1));
}

#[test]
fn a_type_index_beyond_the_table_is_refused_by_node() {
    let message = refused!(
        sound().with(Section::Type, &[0, 0, 2, 1]).refusal(),
        GraphError::TypeIndex { place, index: 2, types: 2 } if place.node == Some(2) && place.byte == Some(2)
    );
    assert!(message.starts_with("section `type`, byte 2, node 2: type index 2"), "{message}");
}

#[test]
fn out_degrees_that_do_not_add_up_to_the_edges_are_refused() {
    refused!(sound().with(Section::Deg, &[3, 1, 0, 0]).refusal(), GraphError::DegreeSum { sum: 4, edges: 5, .. });
    let too_many = sound().with(Section::Deg, &[3, 3, 0, 1]).refusal();
    refused!(too_many, GraphError::DegreeSum { place, sum: 6, edges: 5 } if place.node == Some(1));
}

#[test]
fn a_target_outside_the_graph_is_refused_by_node_and_byte() {
    let targets = |bytes: &[u8]| sound().with(Section::Dst, bytes).refusal();
    let message = refused!(targets(&[2, 2, 0, 1, 2]), GraphError::Target { target: 4, nodes: 4, .. });
    assert!(message.starts_with("section `dst`, byte 4, node 3: target 4 is outside 0..4"), "{message}");
    refused!(targets(&[1, 2, 0, 1, 0]), GraphError::Target { place, target: -1, .. } if place.node == Some(0));
    let farthest = [&[2, 2, 0, 1][..], &[0xff; 9], &[1]].concat();
    refused!(targets(&farthest), GraphError::Target { target, .. } if *target == i128::from(i64::MIN) + 3);
}

#[test]
fn a_count_below_the_references_of_tracked_nodes_is_refused_by_node() {
    let counts = |bytes: &[u8]| sound().with(Section::Rc, bytes);
    let message =
        refused!(counts(&[0, 1, 0xac, 0x02, 0]).refusal(), GraphError::NegativeExternal { count: 0, in_edges: 1, .. });
    assert!(message.starts_with("section `rc`, node 0: reference count 0, but tracked nodes hold 1"), "{message}");
    // Untracked and immortal nodes are not examined: the format promises nothing of their counts.
    assert!(read(&counts(&[2, 1, 0, 0]).plain()).is_ok());
}

#[test]
fn a_wrong_number_of_tracked_nodes_is_refused() {
    refused!(sound().field("tracked", json!(3)).refusal(), GraphError::Tracked { stated: 3, found: 2 });
}

#[test]
fn unknown_fields_of_the_header_are_kept() {
    let file = sound()
        .field("meta", json!({"app": "x", "unheard": {"of": [1, 2.5]}}))
        .field("gc", json!({"threshold": [1], "count": [0], "stats": [], "pauses": "long"}))
        .field("novel", json!({"a": 1}));
    let graph = read(&file.plain()).unwrap();
    let mut written = Vec::new();
    graph.write_to(&mut written).unwrap();
    let again = HeapGraph::read(written.as_slice()).unwrap();
    assert_eq!(again, graph);
    assert_eq!(again.header().meta["unheard"]["of"][1], 2.5);
    assert_eq!(again.header().gc.as_ref().unwrap().other["pauses"], "long");
    assert_eq!(again.header().other["novel"]["a"], 1);
}

#[test]
fn columns_that_do_not_fit_each_other_are_refused_by_name() {
    let header = || Header {
        types: vec![TypeRecord { name: "t".into(), basic_size: 16, item_size: 0, supports_gc: true }],
        ..Header::default()
    };
    let good = Columns {
        types: vec![0; 2],
        flags: vec![Flags(0x41); 2],
        sizes: vec![16; 2],
        counts: vec![1; 2],
        offsets: vec![0, 1, 2],
        targets: vec![1, 0],
    };
    assert!(HeapGraph::from_columns(header(), good.clone()).is_ok());
    let refusal = |edit: fn(&mut Columns)| {
        let mut columns = good.clone();
        edit(&mut columns);
        HeapGraph::from_columns(header(), columns).unwrap_err()
    };
    refused!(refusal(|c| c.types.truncate(1)), GraphError::Columns { column: "types", .. });
    refused!(refusal(|c| c.sizes.push(1)), GraphError::Columns { column: "sizes", .. });
    refused!(refusal(|c| c.counts.clear()), GraphError::Columns { column: "counts", .. });
    refused!(refusal(|c| c.offsets.clear()), GraphError::Columns { column: "offsets", .. });
    refused!(refusal(|c| c.offsets = vec![0, 3, 2]), GraphError::Columns { column: "offsets", .. });
    refused!(refusal(|c| c.offsets[0] = 1), GraphError::Columns { column: "offsets", .. });
    refused!(refusal(|c| c.targets.push(0)), GraphError::Columns { column: "offsets", .. });
    refused!(refusal(|c| c.targets[0] = 2), GraphError::Target { place, target: 2, .. } if place.node == Some(0));
    refused!(refusal(|c| c.types[1] = 1), GraphError::TypeIndex { place, index: 1, .. } if place.node == Some(1));
    refused!(refusal(|c| c.counts[1] = 0), GraphError::NegativeExternal { .. });
}
