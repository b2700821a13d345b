//! The GCHEAP writer: the same graph gives the same bytes.

use super::HeapGraph;
use super::header::FileHeader;
use super::read::MAGIC;
use flate2::{Compression, GzBuilder};
use std::io::{self, Write};

impl HeapGraph {
    /// Writes the graph, compressed, in its shortest encoding and without a time stamp.
    ///
    /// # Errors
    ///
    /// What `output` answers; and `InvalidInput` when the header's JSON has 2^32 bytes or more.
    pub fn write_to(&self, output: impl Write) -> io::Result<()> {
        let columns = &self.columns;
        let sections = [
            numbers(columns.types.iter().map(|&index| u64::from(index))),
            columns.flags.iter().map(|flags| flags.0).collect(),
            numbers(columns.sizes.iter().copied()),
            numbers(columns.counts.iter().copied()),
            numbers(columns.offsets.windows(2).map(|row| u64::from(row[1] - row[0]))),
            self.target_bytes(),
        ];
        let tracked = columns.flags.iter().filter(|flags| flags.is_tracked()).count();
        let lengths = std::array::from_fn(|section| sections[section].len() as u64);
        let (nodes, edges) = (self.node_count() as u64, self.edge_count() as u64);
        let json = serde_json::to_vec(&FileHeader::new(&self.header, nodes, edges, tracked as u64, lengths))?;
        let length = u32::try_from(json.len()).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidInput, "header too long; shorten its `meta` or type names")
        })?;

        let mut gzip = GzBuilder::new().mtime(0).write(output, Compression::best());
        gzip.write_all(&MAGIC)?;
        gzip.write_all(&length.to_le_bytes())?;
        gzip.write_all(&json)?;
        for section in &sections {
            gzip.write_all(section)?;
        }
        gzip.finish()?.flush()
    }

    /// The `dst` section.
    fn target_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for node in self.nodes() {
            let mut previous = i64::from(node);
            for &target in self.targets(node) {
                let step = i64::from(target) - previous;
                // Zigzag: the sign goes to the lowest bit, so small steps either way are short.
                push_number(&mut bytes, ((step << 1) ^ (step >> 63)) as u64);
                previous = i64::from(target);
            }
        }
        bytes
    }
}

fn numbers(values: impl Iterator<Item = u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in values {
        push_number(&mut bytes, value);
    }
    bytes
}

/// Appends `value` in unsigned LEB128, shortest form.
fn push_number(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
