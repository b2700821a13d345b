//! What refusing a file costs: memory for the bytes that are there, not for the bytes that are claimed.
//!
//! A test program of its own, with one test, because it reads the peak memory of the whole process.
#![cfg(target_os = "linux")]

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use workloads::graph::{GraphError, HeapGraph, Limits};

/// A figure of this process in `/proc/self/status`, in KiB.
fn status_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Peak address space and peak resident memory. A reservation that nothing is written to shows in the first only.
fn peaks_kib() -> [u64; 2] {
    ["VmPeak", "VmHWM"].map(status_kib)
}

/// A file that claims `nodes` nodes and `edges` edges in sections of as many bytes, then has `zeros` zero bytes.
fn claims(nodes: u64, edges: u64, zeros: u64) -> Vec<u8> {
    let header = format!(
        r#"{{"nodes":{nodes},"edges":{edges},"types":[["t",16,0,1]],"sections":[["type","uv",{nodes}],["flags","u8",{nodes}],["size","uv",{nodes}],["rc","uv",{nodes}],["deg","uv",{nodes}],["dst","zz",{edges}]]}}"#
    );
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"GCHEAP1\n").unwrap();
    gzip.write_all(&(header.len() as u32).to_le_bytes()).unwrap();
    gzip.write_all(header.as_bytes()).unwrap();
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), zeros), &mut gzip).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn claims_without_bytes_cost_no_memory() {
    let limits = Limits::default();
    let (nodes, edges) = (u64::from(limits.nodes), u64::from(limits.edges));
    let before = peaks_kib();

    // The largest claims the limits let pass, with hardly a byte behind them: 1.7 GB of arrays if believed.
    let error = HeapGraph::read(claims(nodes, edges, 1_000).as_slice()).unwrap_err();
    assert!(matches!(error, GraphError::Truncated { .. }), "{error}");

    // A bomb: 256 MB of zeros, 1 MB compressed, behind claims beyond the limits or for a graph of nothing.
    for (nodes, refused) in [(nodes + 1, "TooMany"), (0, "Trailing")] {
        let error = HeapGraph::read(claims(nodes, 0, 256 << 20).as_slice()).unwrap_err();
        assert!(format!("{error:?}").starts_with(refused), "{error}");
    }

    // A header that claims the whole limit and stops at once.
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"GCHEAP1\n").unwrap();
    gzip.write_all(&limits.header_bytes.to_le_bytes()).unwrap();
    let error = HeapGraph::read(gzip.finish().unwrap().as_slice()).unwrap_err();
    assert!(matches!(error, GraphError::Truncated { .. }), "{error}");

    let after = peaks_kib();
    let [reserved, resident] = std::array::from_fn(|peak| after[peak] - before[peak]);
    assert!(reserved < 64 * 1024, "refusing reserved {reserved} KiB");
    assert!(resident < 16 * 1024, "refusing took {resident} KiB");
}
