//! What must hold of the readers for any bytes: no panic, no hang, and what is read fits into a limited heap or is refused by it.
//!
//! Shared by the targets of the fuzzer (`fuzz/`) and the bounded run of their corpus (`fuzz_corpus.rs`).
#![allow(dead_code, reason = "each target uses one")]

use std::cell::RefCell;
use std::sync::Arc;

use flate2::Crc;
use gc_core::{Control, Generation, GenerationalHeap, Heap, HeapConfig, NoObserver};
use workloads::graph::{HeapGraph, Limits};
use workloads::oplog::{Baseline, Log, ReplayError, compare, parse_baseline, parse_lines, replay};

/// The largest graph that is accepted here.
const LIMITS: Limits = Limits { header_bytes: 1 << 16, nodes: 1 << 14, edges: 1 << 16 };

/// Most bytes of objects on the heap that a graph is loaded into or a log runs on.
const HEAP_LIMIT: u64 = 1 << 20;

/// Most bytes that a reader, its result and what is done with it may take beside that heap.
pub(crate) const MOST_ALLOCATED: usize = 24 << 20;

fn small_heap() -> HeapConfig {
    HeapConfig { reservation: 1 << 24, limit: Some(HEAP_LIMIT), ..HeapConfig::default() }
}

/// The decompressed bytes of a GCHEAP file.
pub(crate) fn gcheap_plain(bytes: &[u8]) {
    gcheap_gz(&stored(bytes));
}

/// A gzip member that holds the bytes as they are: a compressor would take most of the time of a target.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    for block in bytes.chunks(usize::from(u16::MAX)) {
        let length = block.len() as u16;
        member.push(0);
        member.extend(length.to_le_bytes());
        member.extend((!length).to_le_bytes());
        member.extend(block);
    }
    // The last block, and empty.
    member.extend([1, 0, 0, 0xff, 0xff]);
    let mut sum = Crc::new();
    sum.update(bytes);
    member.extend(sum.sum().to_le_bytes());
    member.extend(sum.amount().to_le_bytes());
    member
}

/// A GCHEAP file as it is.
pub(crate) fn gcheap_gz(bytes: &[u8]) {
    let Ok(graph) = HeapGraph::read_within(bytes, &LIMITS) else { return };
    // Writing is slow: one length in sixteen.
    if bytes.len().is_multiple_of(16) {
        let mut written = Vec::new();
        graph.write_to(&mut written).unwrap();
        assert_eq!(HeapGraph::read_within(written.as_slice(), &Limits::default()).unwrap(), graph);
    }
    HEAP.with_borrow_mut(|(heap, loads)| {
        *loads += 1;
        if *loads > MOST_LOADS || heap.live_objects() > 0 {
            (*heap, *loads) = (empty_heap(), 1);
        }
        load(&graph, heap);
    });
}

/// Loads of graphs into one heap: each registers its types anew.
const MOST_LOADS: u32 = 1_000;

thread_local! {
    /// A heap without objects, unless a graph left immortal ones, and the loads that it has seen. Making one takes most of the
    /// time of a target.
    static HEAP: RefCell<(GenerationalHeap, u32)> = RefCell::new((empty_heap(), 0));
}

fn empty_heap() -> GenerationalHeap {
    GenerationalHeap::new(small_heap(), Arc::new(NoObserver)).unwrap()
}

/// Full or loaded, the limit holds, and a loaded graph can be collected.
fn load(graph: &HeapGraph, heap: &GenerationalHeap) {
    let mutator = heap.attach();
    if let Ok(loaded) = graph.load(&mutator) {
        mutator.collect(Generation::OLD);
        let verdict = graph.judge(&mutator, &loaded);
        assert!(verdict.found <= graph.node_count());
    }
    assert!(heap.statistics().held_bytes <= HEAP_LIMIT, "{:?}", heap.statistics());
    mutator.collect(Generation::OLD);
    // No collection sees untracked objects that hold each other, or frees immortal ones.
    let collectable = |node| graph.flags(node).is_tracked() && !graph.flags(node).is_immortal();
    assert!(heap.live_objects() == 0 || !graph.nodes().all(collectable), "{:?}", heap.statistics());
}

/// The six sections of a GCHEAP file behind a header that fits them: the first two bytes are the number of nodes, less than 256,
/// and of edges; then each section has a length byte before it.
pub(crate) fn gcheap_sections(bytes: &[u8]) {
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
pub(crate) fn oplog_log(bytes: &[u8]) {
    let Ok(log) = std::str::from_utf8(bytes).map_err(drop).and_then(|text| Log::parse(text).map_err(drop)) else {
        return;
    };
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
pub(crate) fn oplog_outcome(bytes: &[u8]) {
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
