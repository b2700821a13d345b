//! What can be wrong with a GCHEAP file, and where in it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// One of the six sections, in file order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// Type indices.
    Type,
    /// Flags.
    Flags,
    /// Sizes in bytes.
    Size,
    /// Reference counts.
    Rc,
    /// Out-degrees.
    Deg,
    /// Edge targets.
    Dst,
}

impl Section {
    /// All sections, in file order.
    pub const ALL: [Self; 6] = [Self::Type, Self::Flags, Self::Size, Self::Rc, Self::Deg, Self::Dst];

    /// The section's name in the header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Flags => "flags",
            Self::Size => "size",
            Self::Rc => "rc",
            Self::Deg => "deg",
            Self::Dst => "dst",
        }
    }

    /// The section's encoding in the header.
    pub fn encoding(self) -> &'static str {
        match self {
            Self::Flags => "u8",
            Self::Type | Self::Size | Self::Rc | Self::Deg => "uv",
            Self::Dst => "zz",
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A part of the decompressed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The first 8 bytes.
    Magic,
    /// The u32 after them.
    HeaderLength,
    /// The JSON.
    Header,
    /// One of the sections.
    Section(Section),
    /// What follows the last section: nothing but the gzip trailer.
    End,
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => out.write_str("magic"),
            Self::HeaderLength => out.write_str("header length"),
            Self::Header => out.write_str("header"),
            Self::Section(section) => write!(out, "section `{section}`"),
            Self::End => out.write_str("after the last section"),
        }
    }
}

/// A position in the decompressed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The part of the file.
    pub part: Part,
    /// Byte offset within the part; `None` when the fault is not in one byte, or the graph came from no file.
    pub byte: Option<u64>,
    /// Index of the node concerned, where there is one.
    pub node: Option<u32>,
}

impl Place {
    /// A node's value in a section.
    pub(super) fn node(section: Section, node: u32) -> Self {
        Self { part: Part::Section(section), byte: None, node: Some(node) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.part)?;
        if let Some(byte) = self.byte {
            write!(out, ", byte {byte}")?;
        }
        if let Some(node) = self.node {
            write!(out, ", node {node}")?;
        }
        Ok(())
    }
}

/// How a LEB128 number is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LebProblem {
    /// It ends in a zero byte that adds nothing.
    Overlong,
    /// It needs more than this number of bits.
    Overflow {
        /// Bits that the value may have.
        bits: u32,
    },
}

impl fmt::Display for LebProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overlong => out.write_str("is longer than its value needs"),
            Self::Overflow { bits } => write!(out, "needs more than {bits} bits"),
        }
    }
}

/// The remedy for a file whose bytes are not what its writer wrote.
const FETCH: &str = "fetch the file again, or dump the heap again";
/// The remedy for a file that its writer got wrong.
const REPORT: &str = "the file is corrupt or its writer is wrong: dump the heap again";

/// Why a heap graph was refused: the cause, the place, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are named in the message above each variant")]
pub enum GraphError {
    /// The file cannot be opened.
    #[error("cannot open {}: {cause}; give the path of a readable GCHEAP file", path.display())]
    Open { path: PathBuf, cause: io::Error },
    /// The reader beneath failed.
    #[error("{place}: reading failed: {cause}; check the disk or pipe that the file comes from")]
    Read { place: Place, cause: io::Error },
    /// The bytes are no gzip stream, or a damaged one.
    #[error("{place}: not a sound gzip stream: {cause}; a GCHEAP file is compressed with gzip as a whole: {FETCH}")]
    Gzip { place: Place, cause: io::Error },
    /// The file ends inside a part.
    #[error("{place}: the file ends too early; {FETCH}")]
    Truncated { place: Place },
    /// The first 8 bytes are others.
    #[error("magic: found {:?}, not \"GCHEAP1\\n\"; give a GCHEAP file of version 1", String::from_utf8_lossy(found))]
    Magic { found: [u8; 8] },
    /// The header is longer than the limit.
    #[error("header length: {length} bytes, more than the limit of {limit}; {FETCH}, or raise the limit")]
    HeaderLength { length: u32, limit: u32 },
    /// The header is not JSON, or lacks a field, or has one of another kind.
    #[error("header: {cause}; {REPORT}")]
    Header { cause: serde_json::Error },
    /// The header names another version.
    #[error("header: version {found}; this program reads version 1: convert the file")]
    Version { found: u64 },
    /// The list of sections is not the one of the format.
    #[error("header: entry {position} of `sections`: expected {expected}, found {found}; {REPORT}")]
    SectionList { position: usize, expected: String, found: String },
    /// More nodes or edges than the limit.
    #[error("header: {count} {what}, more than the limit of {limit}; {FETCH}, or raise the limit")]
    TooMany { what: &'static str, count: u64, limit: u32 },
    /// The section cannot hold its values in its length.
    #[error("header: section `{section}`: {values} values take {least} to {most} bytes, not {bytes}; {REPORT}")]
    SectionLength { section: Section, values: u64, bytes: u64, least: u64, most: u64 },
    /// The section's stated length ends before its last value does.
    #[error("{place}: the section ends before its last value; {REPORT}")]
    SectionEnds { place: Place },
    /// The section's stated length goes on after its last value.
    #[error("{place}: {left} bytes left after the last value; {REPORT}")]
    SectionLeft { place: Place, left: u64 },
    /// A number is not well formed.
    #[error("{place}: the number {problem}; {REPORT}")]
    Leb { place: Place, problem: LebProblem },
    /// A type index beyond the type table.
    #[error("{place}: type index {index}, but the header has {types} types; {REPORT}")]
    TypeIndex { place: Place, index: u32, types: usize },
    /// The sizes add up to 2^64 bytes or more.
    #[error("{place}: up to this node the sizes add up to 2^64 bytes or more; {REPORT}")]
    SizeSum { place: Place },
    /// The out-degrees do not add up to the number of edges.
    #[error("{place}: the out-degrees up to here add up to {sum}, but the header has {edges} edges; {REPORT}")]
    DegreeSum { place: Place, sum: u64, edges: u32 },
    /// An edge to no node.
    #[error("{place}: target {target} is outside 0..{nodes}; {REPORT}")]
    Target { place: Place, target: i128, nodes: u32 },
    /// A tracked, mortal node with fewer references than tracked nodes hold.
    #[error("{place}: reference count {count}, but tracked nodes hold {in_edges} references; {REPORT}")]
    NegativeExternal { place: Place, count: u64, in_edges: u32 },
    /// The header counts tracked nodes differently from the flags.
    #[error("header: {stated} tracked nodes, but section `flags` has {found}; {REPORT}")]
    Tracked { stated: u64, found: u64 },
    /// Bytes after the last section.
    #[error("{place}: more bytes follow; {REPORT}")]
    Trailing { place: Place },
    /// Arrays given to [`HeapGraph::from_columns`](super::HeapGraph::from_columns) do not fit each other.
    #[error("column `{column}` {cause}; give one entry a node, and offsets that rise from 0 to the number of edges")]
    Columns { column: &'static str, cause: String },
}
