//! The GCHEAP reader: checks every claim of the file before it relies on it.
//!
//! No array is reserved from a claimed number. A section is decoded as its bytes arrive and its array grows with them,
//! so a short file that claims 2^26 nodes costs a chunk of memory, not 2^26 entries.

use super::error::{GraphError, Part, Section};
use super::header::FileHeader;
use super::stream::Stream;
use super::{Columns, Flags, HeapGraph};
use std::io::Read;

/// The first 8 bytes of a decompressed file.
pub(super) const MAGIC: [u8; 8] = *b"GCHEAP1\n";

/// Entries that an array has room for before any byte of its section was seen.
const FIRST_ENTRIES: usize = 16 * 1024;

/// The largest LEB128 form of a 64-bit number, in bytes.
const LONGEST_NUMBER: u64 = 10;

/// How large a graph a reader accepts: the bound on its memory, whatever the file says.
///
/// A node takes 25 bytes and an edge 4 in the finished graph; arrays that grow may take twice that for a moment. The
/// defaults therefore bound a reader to about 5 GiB, and to what the file's bytes really hold if that is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of JSON. Parsed JSON takes up to about 50 times its text.
    pub header_bytes: u32,
    /// Number of nodes.
    pub nodes: u32,
    /// Number of edges.
    pub edges: u32,
}

impl Default for Limits {
    /// 16 MiB of header (the samples have 25 kB), 2^26 nodes, 2^28 edges.
    fn default() -> Self {
        Self { header_bytes: 16 << 20, nodes: 1 << 26, edges: 1 << 28 }
    }
}

/// Reads one graph and the end of its file.
pub(super) fn read<R: Read>(input: R, limits: &Limits) -> Result<HeapGraph, GraphError> {
    let mut stream = Stream::new(input);
    let file = read_header(&mut stream, limits)?;
    let size = Size::of(&file, limits)?;
    let lengths = file.section_lengths()?;
    for (section, bytes) in Section::ALL.into_iter().zip(lengths) {
        size.check_length(section, bytes)?;
    }

    let [type_bytes, flag_bytes, size_bytes, count_bytes, degree_bytes, target_bytes] = lengths;
    let columns = Columns {
        types: section(&mut stream, Section::Type, type_bytes, |s| types(s, size, file.type_count()))?,
        flags: section(&mut stream, Section::Flags, flag_bytes, |s| {
            per_node(s, size, |s, v| s.byte(Some(v)).map(Flags))
        })?,
        sizes: section(&mut stream, Section::Size, size_bytes, |s| per_node(s, size, |s, v| s.number(v, 64)))?,
        counts: section(&mut stream, Section::Rc, count_bytes, |s| per_node(s, size, |s, v| s.number(v, 64)))?,
        offsets: section(&mut stream, Section::Deg, degree_bytes, |s| offsets(s, size))?,
        targets: Vec::new(),
    };
    let targets = section(&mut stream, Section::Dst, target_bytes, |s| targets(s, size, &columns.offsets))?;
    stream.finish()?;

    let stated = file.tracked;
    let graph = HeapGraph::from_checked_indices(file.into_header(), Columns { targets, ..columns })?;
    let found = graph.columns.flags.iter().filter(|flags| flags.is_tracked()).count() as u64;
    match stated {
        Some(stated) if stated != found => Err(GraphError::Tracked { stated, found }),
        _ => Ok(graph),
    }
}

fn read_header<R: Read>(stream: &mut Stream<R>, limits: &Limits) -> Result<FileHeader, GraphError> {
    stream.enter(Part::Magic, 8);
    let found = stream.array()?;
    if found != MAGIC {
        return Err(GraphError::Magic { found });
    }
    stream.enter(Part::HeaderLength, 4);
    let length = u32::from_le_bytes(stream.array()?);
    if length > limits.header_bytes {
        return Err(GraphError::HeaderLength { length, limit: limits.header_bytes });
    }
    stream.enter(Part::Header, u64::from(length));
    let json = stream.rest()?;
    let file: FileHeader = serde_json::from_slice(&json).map_err(|cause| GraphError::Header { cause })?;
    match file.foreign_version() {
        Some(found) => Err(GraphError::Version { found }),
        None => Ok(file),
    }
}

/// The numbers of nodes and edges that the header claims, within the limits.
#[derive(Clone, Copy)]
struct Size {
    nodes: u32,
    edges: u32,
}

impl Size {
    fn of(file: &FileHeader, limits: &Limits) -> Result<Self, GraphError> {
        let within = |what, count: u64, limit: u32| match u32::try_from(count) {
            Ok(count) if count <= limit => Ok(count),
            _ => Err(GraphError::TooMany { what, count, limit }),
        };
        Ok(Self {
            // The number after the last node's index must be a u32 too: offsets have one entry more than nodes.
            nodes: within("nodes", file.nodes, limits.nodes.min(u32::MAX - 1))?,
            edges: within("edges", file.edges, limits.edges)?,
        })
    }

    /// Checks that `bytes` can hold the section's values: each takes one byte at least and ten at most.
    fn check_length(self, section: Section, bytes: u64) -> Result<(), GraphError> {
        let values = u64::from(if section == Section::Dst { self.edges } else { self.nodes });
        let (least, most) = (values, if section == Section::Flags { values } else { values * LONGEST_NUMBER });
        if (least..=most).contains(&bytes) {
            Ok(())
        } else {
            Err(GraphError::SectionLength { section, values, bytes, least, most })
        }
    }
}

/// Decodes one section and checks that its values fill its stated length.
fn section<R: Read, T>(
    stream: &mut Stream<R>,
    section: Section,
    bytes: u64,
    decode: impl FnOnce(&mut Stream<R>) -> Result<Vec<T>, GraphError>,
) -> Result<Vec<T>, GraphError> {
    stream.enter(Part::Section(section), bytes);
    let mut values = decode(stream)?;
    match stream.left() {
        0 => {
            values.shrink_to_fit();
            Ok(values)
        }
        left => Err(GraphError::SectionLeft { place: stream.place(None), left }),
    }
}

/// An array for `values` entries that has room for the first of them.
fn growing<T>(values: u32) -> Vec<T> {
    Vec::with_capacity((values as usize).min(FIRST_ENTRIES))
}

/// One value a node.
fn per_node<R: Read, T>(
    stream: &mut Stream<R>,
    size: Size,
    mut value: impl FnMut(&mut Stream<R>, u32) -> Result<T, GraphError>,
) -> Result<Vec<T>, GraphError> {
    let mut values = growing(size.nodes);
    for node in 0..size.nodes {
        values.push(value(stream, node)?);
    }
    Ok(values)
}

/// A type index a node, each in the type table (invariant 1).
fn types<R: Read>(stream: &mut Stream<R>, size: Size, types: usize) -> Result<Vec<u32>, GraphError> {
    per_node(stream, size, |stream, node| {
        let start = stream.taken();
        let index = stream.number(node, 32)? as u32;
        if index as usize >= types {
            return Err(GraphError::TypeIndex { place: stream.number_place(start, node), index, types });
        }
        Ok(index)
    })
}

/// The running sum of the out-degrees, from 0 to the number of edges.
fn offsets<R: Read>(stream: &mut Stream<R>, size: Size) -> Result<Vec<u32>, GraphError> {
    let mut sum = 0_u64;
    let mut offsets = growing(size.nodes + 1);
    offsets.push(0);
    for node in 0..size.nodes {
        let start = stream.taken();
        // Two 32-bit numbers at most: no overflow before the test.
        sum += stream.number(node, 32)?;
        if sum > u64::from(size.edges) {
            let place = stream.number_place(start, node);
            return Err(GraphError::DegreeSum { place, sum, edges: size.edges });
        }
        offsets.push(sum as u32);
    }
    if sum == u64::from(size.edges) {
        Ok(offsets)
    } else {
        Err(GraphError::DegreeSum { place: stream.place(None), sum, edges: size.edges })
    }
}

/// The targets of all edges, each a node (invariant 1).
fn targets<R: Read>(stream: &mut Stream<R>, size: Size, offsets: &[u32]) -> Result<Vec<u32>, GraphError> {
    let mut targets = growing(size.edges);
    for (node, row) in (0..size.nodes).zip(offsets.windows(2)) {
        let mut target = i64::from(node);
        for _ in row[0]..row[1] {
            let start = stream.taken();
            let zigzag = stream.number(node, 64)?;
            let step = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
            match target.checked_add(step) {
                Some(next) if (0..i64::from(size.nodes)).contains(&next) => {
                    target = next;
                    targets.push(next as u32);
                }
                _ => {
                    let place = stream.number_place(start, node);
                    let target = i128::from(target) + i128::from(step);
                    return Err(GraphError::Target { place, target, nodes: size.nodes });
                }
            }
        }
    }
    Ok(targets)
}
