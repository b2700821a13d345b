//! Trial deletion on a heap graph: which nodes a faithful full collection must find, object for object.
//!
//! Written against the graph alone, with no heap, so that it can judge every heap. The argument, for a tracked node that
//! is not immortal (a node under examination):
//!
//! - `count − in-edges from tracked nodes` is the number of references the collector cannot account for: stacks, C
//!   globals, and untracked objects. An untracked object may hold a reference to a tracked one (a `dict` untracked when
//!   it was filled, say); the collector does not traverse it, so that reference is never subtracted and keeps its
//!   target alive, as any other from outside.
//! - An immortal node is never under examination: it is live, and what it references is live. Whether its edges are
//!   subtracted makes no difference to the answer, since its targets are reached from it in any case.
//! - Liveness spreads over tracked nodes only, since the collector traverses only those. An untracked node needs no
//!   spreading: its references were never subtracted (first point), so they count as outside references at once.
//!
//! # Prior work
//!
//! CPython's `deduce_unreachable` (`Python/gc.c`, 3.13); Lins, "Cyclic reference counting with lazy mark-scan" (1992).

use super::HeapGraph;
use crate::oracle::reachable_indices;

/// The cyclic garbage of `graph`, by node index, ascending: the nodes that a full collection finds unreachable.
///
/// In a file recorded with garbage kept, exactly the nodes flagged [`Flags::GARBAGE`](super::Flags::GARBAGE).
pub fn garbage(graph: &HeapGraph) -> Vec<u32> {
    let in_edges = graph.in_edges_from_tracked();
    let is_tracked = |node: u32| graph.flags(node).is_tracked();
    let roots = graph.nodes().filter(|&node| {
        is_tracked(node) && (graph.flags(node).is_immortal() || graph.count(node) > u64::from(in_edges[node as usize]))
    });
    let live = reachable_indices(graph.node_count(), roots, |node| {
        graph.targets(node).iter().copied().filter(|&target| is_tracked(target))
    });
    graph.nodes().filter(|&node| graph.is_examined(node) && !live[node as usize]).collect()
}

/// The nodes flagged as cyclic garbage by the program that was recorded, ascending.
pub fn flagged(graph: &HeapGraph) -> Vec<u32> {
    graph.nodes().filter(|&node| graph.flags(node).is_garbage()).collect()
}
