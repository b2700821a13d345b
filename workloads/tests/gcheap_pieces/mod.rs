//! Small GCHEAP files put together by hand, right or wrong, for the tests of the reader.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its own part of this")]

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::Write;
use workloads::graph::{GraphError, HeapGraph, Section};

/// A GCHEAP file in pieces, to be put together wrong.
#[derive(Clone)]
pub struct Pieces {
    pub header: Value,
    /// The bytes of the six sections.
    pub sections: [Vec<u8>; 6],
}

/// Four nodes: a tracked ring 0 ⇄ 1, of which 0 is held from outside; 2 untracked, held by 0 twice; 3 immortal.
pub fn sound() -> Pieces {
    Pieces {
        header: json!({
            "nodes": 4, "edges": 5, "tracked": 2, "source": "cpython", "runtime": "CPython 3.13.0",
            "gc": {"threshold": [2000, 10, 10], "count": [4, 0, 0], "stats": []}, "meta": {"app": "four objects"},
            "types": [["builtins.dict", 48, 0, 1], ["builtins.int", 24, 4, 0]],
        }),
        sections: [
            vec![0, 0, 1, 1],
            vec![0x41, 0x41, 0, 4],
            vec![64, 0x80, 0x02, 24, 24],
            vec![2, 1, 0xac, 0x02, 0],
            vec![3, 1, 0, 1],
            // 0 → 1, 2, 2; 1 → 0; 3 → 3.
            vec![2, 2, 0, 1, 0],
        ],
    }
}

impl Pieces {
    pub fn with(mut self, section: Section, bytes: &[u8]) -> Self {
        self.sections[section as usize] = bytes.to_vec();
        self
    }

    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.header[name] = value;
        self
    }

    /// The list of sections, true to the bytes.
    pub fn list(&self) -> Value {
        let row = |(section, bytes): (Section, &Vec<u8>)| json!([section.name(), section.encoding(), bytes.len()]);
        Section::ALL.into_iter().zip(&self.sections).map(row).collect()
    }

    /// The decompressed file; the list of sections is the true one unless a field says otherwise.
    pub fn plain(&self) -> Vec<u8> {
        let mut header = self.header.clone();
        if header.get("sections").is_none() {
            header["sections"] = self.list();
        }
        let json = header.to_string();
        let mut bytes = b"GCHEAP1\n".to_vec();
        bytes.extend((json.len() as u32).to_le_bytes());
        bytes.extend(json.as_bytes());
        bytes.extend(self.sections.concat());
        bytes
    }

    pub fn refusal(&self) -> GraphError {
        read(&self.plain()).unwrap_err()
    }
}

pub fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

pub fn read(plain: &[u8]) -> Result<HeapGraph, GraphError> {
    HeapGraph::read(gzip(plain).as_slice())
}

/// Asserts the pattern, and that the message goes on after the cause: the remedy follows a semicolon. Gives the message.
#[macro_export]
macro_rules! refused {
    ($error:expr, $pattern:pat $(if $guard:expr)?) => {{
        let error = $error;
        assert!(matches!(&error, $pattern $(if $guard)?), "{error:?}");
        assert!(error.to_string().contains("; "), "no remedy in {error}");
        error.to_string()
    }};
}
