//! What must hold of the readers for any bytes: no panic, no hang, and what is read fits into a limited heap or is refused by it.
//!
//! Shared by the targets of the fuzzer (`fuzz/`) and the bounded run of their corpus (`fuzz_corpus.rs`).
#![allow(dead_code, reason = "each target uses one")]

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use gc_core::{Control, Generation, GenerationalHeap, Heap, HeapConfig, NoObserver};
use workloads::graph::{HeapGraph, Limits};
use workloads::oplog::{Baseline, Log, ReplayError, compare, parse_baseline, parse_lines, replay};

/// The largest graph that is accepted here.
const LIMITS: Limits = Limits { header_bytes: 1 << 16, nodes: 1 << 14, edges: 1 << 16 };

/// Most bytes of objects on the heap that a graph is loaded into or a log runs on.
const HEAP_LIMIT: u64 = 1 << 20;

/// Most bytes that a reader, its result and what is done with it may take beside that heap.
pub const MOST_ALLOCATED: usize = 24 << 20;

fn small_heap() -> HeapConfig {
    HeapConfig { reservation: 1 << 24, limit: Some(HEAP_LIMIT), ..HeapConfig::default() }
}

/// The decompressed bytes of a GCHEAP file.
pub fn gcheap_plain(bytes: &[u8]) {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(bytes).unwrap();
    gcheap_gz(&gzip.finish().unwrap());
}

/// A GCHEAP file as it is.
pub fn gcheap_gz(bytes: &[u8]) {
    let Ok(graph) = HeapGraph::read_within(bytes, &LIMITS) else { return };
    let mut written = Vec::new();
    graph.write_to(&mut written).unwrap();
    assert_eq!(HeapGraph::read_within(written.as_slice(), &Limits::default()).unwrap(), graph);
    let heap = GenerationalHeap::new(small_heap(), Arc::new(NoObserver)).unwrap();
    let mutator = heap.attach();
    // Full or loaded, the limit holds, and a loaded graph can be collected.
    if let Ok(loaded) = graph.load(&mutator) {
        mutator.collect(Generation::OLD);
        let verdict = graph.judge(&mutator, &loaded);
        assert!(verdict.found <= graph.node_count());
    }
    assert!(heap.statistics().held_bytes <= HEAP_LIMIT, "{:?}", heap.statistics());
}

/// The six sections of a GCHEAP file behind a header that fits them: the first two bytes are the number of nodes, less than 256,
/// and of edges; then each section has a length byte before it.
pub fn gcheap_sections(bytes: &[u8]) {
    let [nodes, edges, rest @ ..] = bytes else { return };
    let mut rest = rest;
    let sections: Vec<&[u8]> = (0..6)
        .map(|_| {
            let Some((&length, after)) = rest.split_first() else { return &[][..] };
            let (section, after) = after.split_at(after.len().min(usize::from(length)));
            rest = after;
            section
        })
        .collect();
    let names = [("type", "uv"), ("flags", "u8"), ("size", "uv"), ("rc", "uv"), ("deg", "uv"), ("dst", "zz")];
    let list: Vec<String> = names
        .iter()
        .zip(&sections)
        .map(|((name, encoding), section)| format!(r#"["{name}","{encoding}",{}]"#, section.len()))
        .collect();
    let header = format!(
        r#"{{"nodes":{nodes},"edges":{edges},"types":[["list",16,0,1],["t",16,0,1],["int",16,0,0]],"sections":[{}]}}"#,
        list.join(",")
    );
    let mut plain = b"GCHEAP1\n".to_vec();
    plain.extend((header.len() as u32).to_le_bytes());
    plain.extend(header.as_bytes());
    plain.extend(sections.concat());
    gcheap_plain(&plain);
}

/// An operation log: read, printed, and executed on a small heap.
pub fn oplog_log(bytes: &[u8]) {
    let Ok(log) = std::str::from_utf8(bytes).map_err(drop).and_then(|text| Log::parse(text).map_err(drop)) else { return };
    assert_eq!(Log::parse(&log.print()).as_ref(), Ok(&log));
    let mut lines = 0;
    match replay::<GenerationalHeap>(&log, &small_heap(), Baseline::default(), |line| {
        assert_eq!(line.i, lines);
        lines += 1;
    }) {
        Ok(()) => assert_eq!(lines, log.operations.len()),
        Err(ReplayError::Full(_)) => assert!(lines < log.operations.len()),
        Err(error) => panic!("{error}"),
    }
}

/// A recorded outcome: read, and compared with itself and with nothing.
pub fn oplog_outcome(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let baseline = text.lines().next().and_then(parse_baseline);
    let nothing = compare(&[], text, true);
    let Ok(lines) = parse_lines(text) else { return };
    assert_eq!(nothing.unwrap().is_none(), lines.is_empty());
    for ordered in [true, false] {
        assert_eq!(compare(&lines, text, ordered), Ok(None));
    }
    let printed: String = lines.iter().map(|line| line.print() + "\n").collect();
    assert_eq!(parse_lines(&printed).as_ref(), Ok(&lines));
    // A line that is a baseline is no line of the outcome.
    assert!(baseline.is_none() || lines.len() < text.lines().count());
}
