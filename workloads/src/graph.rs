//! GCHEAP1: the graph of one program's heap, as its cycle collector sees it, read from and written to a file.
//!
//! # Layout
//!
//! The whole file is gzip-compressed. Inside: the 8 bytes `GCHEAP1\n`; the header's length (u32, little endian); the
//! header (UTF-8 JSON); then six sections back to back, their byte lengths stated in the header.
//!
//! | section | encoding | values | meaning |
//! |---|---|---|---|
//! | `type` | `uv` | nodes | index into the header's type table |
//! | `flags` | `u8` | nodes | see [`Flags`] |
//! | `size` | `uv` | nodes | bytes, the collector's own header included |
//! | `rc` | `uv` | nodes | reference count; 0 when immortal |
//! | `deg` | `uv` | nodes | out-degree |
//! | `dst` | `zz` | edges | per node, in the order the runtime visits them: target minus the target before; the first is relative to the node's own index |
//!
//! `u8` is one byte a value, `uv` unsigned LEB128, `zz` zigzag LEB128. Edges are exactly what the runtime's traverse
//! function visits, duplicates kept; so a count minus the in-edges from tracked nodes is the number of references the
//! collector cannot see.
//!
//! A header field `names`, a list of `[node, name]`, may say what the program calls some objects (a module's name, say). No
//! reader needs it; [`HeapGraph::inspected`] passes it on.
//!
//! # Invariants
//!
//! What [`HeapGraph`] promises, whether read or built:
//!
//! 1. every type index lies in the type table, every target in `0..nodes`;
//! 2. the sizes of all nodes add up to a u64;
//! 3. a tracked node that is not immortal counts at least its in-edges from tracked nodes.

mod error;
mod flags;
mod header;
mod inspected;
mod load;
pub mod oracle;
mod read;
pub mod shape;
mod stream;
mod write;

pub use error::{GraphError, LebProblem, Part, Place, Section};
pub use flags::Flags;
pub use header::{GcState, GenerationStats, Header, TypeRecord};
pub use load::{LoadedGraph, Verdict};
pub use read::Limits;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use gc_core::inspection::components::Components;

/// A compressed GCHEAP file of a Django site (admin on SQLite, after 104 requests, CPython 3.13), built into the crate.
pub const EMBEDDED_DJANGO: &[u8] = include_bytes!("../data/django_live_py313.gcheap.gz");

/// The heap graph of [`EMBEDDED_DJANGO`]: 156,131 nodes, 385,122 edges.
pub fn embedded_django() -> HeapGraph {
    HeapGraph::read(EMBEDDED_DJANGO).expect("the embedded file is part of the crate and read by its tests")
}

/// The arrays of a heap graph: one entry a node, and the edges as compressed sparse rows.
///
/// Given to [`HeapGraph::from_columns`], which checks them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Index into [`Header::types`] of each node.
    pub types: Vec<u32>,
    /// Flags of each node.
    pub flags: Vec<Flags>,
    /// Size of each node in bytes, the collector's header included.
    pub sizes: Vec<u64>,
    /// Reference count of each node; 0 when immortal.
    pub counts: Vec<u64>,
    /// Where each node's edges begin in `targets`, and at the end the number of edges: one entry more than nodes.
    pub offsets: Vec<u32>,
    /// Target of each edge, by source node, in traverse order, duplicates kept.
    pub targets: Vec<u32>,
}

/// A heap graph whose invariants (see the [module](self)) hold.
#[derive(Clone, Debug, PartialEq)]
pub struct HeapGraph {
    header: Header,
    columns: Columns,
}

impl HeapGraph {
    /// Reads a compressed graph under the default [`Limits`], to the end of `input`.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the bytes, by part, byte and node: see [`GraphError`]. Never panics on any input.
    pub fn read(input: impl Read) -> Result<Self, GraphError> {
        Self::read_within(input, &Limits::default())
    }

    /// Reads a compressed graph, refusing one that is larger than `limits` before memory is spent on it.
    ///
    /// # Errors
    ///
    /// As [`HeapGraph::read`].
    pub fn read_within(input: impl Read, limits: &Limits) -> Result<Self, GraphError> {
        read::read(input, limits)
    }

    /// Reads the file at `path` under the default [`Limits`].
    ///
    /// # Errors
    ///
    /// [`GraphError::Open`] when the file cannot be opened, else as [`HeapGraph::read`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, GraphError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|cause| GraphError::Open { path: path.to_owned(), cause })?;
        Self::read(file)
    }

    /// Makes a graph from arrays, as a converter from another format or a generator does.
    ///
    /// # Errors
    ///
    /// [`GraphError::Columns`] when the arrays do not fit each other, else the invariant that fails, by node.
    pub fn from_columns(header: Header, columns: Columns) -> Result<Self, GraphError> {
        columns.check_shape()?;
        columns.check_indices(header.types.len())?;
        Self::from_checked_indices(header, columns)
    }

    /// Checks invariants 2 and 3; the caller has established 1.
    fn from_checked_indices(header: Header, columns: Columns) -> Result<Self, GraphError> {
        let graph = Self { header, columns };
        graph.check_sizes()?;
        graph.check_counts()?;
        Ok(graph)
    }

    // I2: whoever adds sizes up need not fear an overflow.
    fn check_sizes(&self) -> Result<(), GraphError> {
        let mut total = 0_u64;
        for node in self.nodes() {
            total = total
                .checked_add(self.size(node))
                .ok_or(GraphError::SizeSum { place: Place::node(Section::Size, node) })?;
        }
        Ok(())
    }

    // I3: trial deletion subtracts without going below zero.
    fn check_counts(&self) -> Result<(), GraphError> {
        let in_edges = self.in_edges_from_tracked();
        for node in self.nodes() {
            let (count, in_edges) = (self.count(node), in_edges[node as usize]);
            if self.is_examined(node) && count < u64::from(in_edges) {
                return Err(GraphError::NegativeExternal { place: Place::node(Section::Rc, node), count, in_edges });
            }
        }
        Ok(())
    }

    /// Everything the file says beside the nodes and edges.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The arrays, for whoever walks all of them.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        self.columns.flags.len()
    }

    /// Number of edges, duplicates included.
    pub fn edge_count(&self) -> usize {
        self.columns.targets.len()
    }

    /// All node indices, in file order: generation 0, 1, 2 in list order, then untracked objects as discovered.
    pub fn nodes(&self) -> std::ops::Range<u32> {
        // `check_shape` and the reader's limits keep the number of nodes below 2^32.
        0..self.columns.flags.len() as u32
    }

    /// The type of `node`.
    pub fn type_of(&self, node: u32) -> &TypeRecord {
        &self.header.types[self.columns.types[node as usize] as usize]
    }

    /// The flags of `node`.
    pub fn flags(&self, node: u32) -> Flags {
        self.columns.flags[node as usize]
    }

    /// The size of `node` in bytes, the collector's header included.
    pub fn size(&self, node: u32) -> u64 {
        self.columns.sizes[node as usize]
    }

    /// The reference count of `node`; 0 when immortal.
    pub fn count(&self, node: u32) -> u64 {
        self.columns.counts[node as usize]
    }

    /// The targets of `node`'s references, in traverse order, duplicates kept.
    pub fn targets(&self, node: u32) -> &[u32] {
        let node = node as usize;
        &self.columns.targets[self.columns.offsets[node] as usize..self.columns.offsets[node + 1] as usize]
    }

    /// Whether the collector examines `node`: tracked and not immortal.
    pub fn is_examined(&self, node: u32) -> bool {
        self.flags(node).is_tracked() && !self.flags(node).is_immortal()
    }

    /// The strongly connected components of the tracked part.
    pub fn components(&self) -> Components {
        Components::over(self.node_count(), |node| self.targets(node), |node| self.flags(node).is_tracked())
    }

    /// For each node, the number of edges into it from tracked nodes, duplicates included: what the collector sees.
    pub fn in_edges_from_tracked(&self) -> Vec<u32> {
        let mut in_edges = vec![0_u32; self.node_count()];
        for node in self.nodes().filter(|&node| self.flags(node).is_tracked()) {
            for &target in self.targets(node) {
                in_edges[target as usize] += 1;
            }
        }
        in_edges
    }
}

impl Columns {
    /// Checks that the arrays have the lengths that belong together and that `offsets` rises from 0 to the edges.
    fn check_shape(&self) -> Result<(), GraphError> {
        let nodes = self.flags.len();
        let lengths = [("types", self.types.len()), ("sizes", self.sizes.len()), ("counts", self.counts.len())];
        for (column, length) in lengths {
            if length != nodes {
                return Err(GraphError::Columns { column, cause: format!("has {length} entries for {nodes} nodes") });
            }
        }
        let wrong_offsets = |cause: String| Err(GraphError::Columns { column: "offsets", cause });
        if self.offsets.len() != nodes + 1 || u32::try_from(nodes).is_err() {
            return wrong_offsets(format!("has {} entries for {nodes} nodes", self.offsets.len()));
        }
        if self.offsets[0] != 0 || self.offsets[nodes] as usize != self.targets.len() {
            return wrong_offsets(format!("does not span 0 to {} edges", self.targets.len()));
        }
        match self.offsets.windows(2).position(|pair| pair[0] > pair[1]) {
            Some(node) => wrong_offsets(format!("falls after node {node}")),
            None => Ok(()),
        }
    }

    // I1: every index of a type or a node may be used without a test.
    fn check_indices(&self, types: usize) -> Result<(), GraphError> {
        let nodes = self.flags.len() as u32;
        for (node, &index) in (0..nodes).zip(&self.types) {
            if index as usize >= types {
                return Err(GraphError::TypeIndex { place: Place::node(Section::Type, node), index, types });
            }
        }
        for (node, pair) in (0..nodes).zip(self.offsets.windows(2)) {
            for &target in &self.targets[pair[0] as usize..pair[1] as usize] {
                if target >= nodes {
                    let place = Place::node(Section::Dst, node);
                    return Err(GraphError::Target { place, target: i128::from(target), nodes });
                }
            }
        }
        Ok(())
    }
}
