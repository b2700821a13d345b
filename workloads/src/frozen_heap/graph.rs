//! The heap of a real process, so often side by side as is asked for.
//!
//! What a request finds through the index are the tracked objects that are no garbage, in the order of the file. The file's
//! cyclic garbage is garbage here too.

use gc_core::{HeapFull, Mutator, Root};

use super::{Content, FrozenHeap, build_index, first_word, register};
use crate::draws::mix;
use crate::graph::HeapGraph;

/// Most referents that a reader of an object looks at: nobody reads a whole module to find one name.
const MOST_REFERENTS: u32 = 4;

/// What a reader of an object sees: its number in the file, and those of the first objects it refers to.
pub(super) fn read<M: Mutator>(mutator: &M, object: &Root<'_, M>) -> u64 {
    let shape = mutator.shape(object);
    let mut seen = first_word(mutator, object);
    for slot in 0..shape.slots.min(MOST_REFERENTS) {
        let word = object.load(slot).map_or(0, |target| first_word(mutator, &target));
        seen = seen.rotate_left(16) ^ word;
    }
    mix(seen)
}

impl<'m, M: Mutator> FrozenHeap<'m, M> {
    /// Builds `copies` copies of a graph, with one list that holds what requests read.
    ///
    /// # Errors
    /// The heap is full.
    pub fn of_graph(mutator: &'m M, graph: &HeapGraph, copies: u32) -> Result<Self, HeapFull> {
        let types = register(mutator.heap());
        let read: Vec<u32> =
            graph.nodes().filter(|&node| graph.flags(node).is_tracked() && !graph.flags(node).is_garbage()).collect();
        let places = read.len() as u32 * copies;
        let index = build_index(mutator, &types, places)?;
        let mut outside = Vec::new();
        for copy in 0..copies {
            let first = copy * read.len() as u32;
            let fill = |roots: &[Root<'m, M>]| {
                for (place, &node) in (first..).zip(&read) {
                    index.store(place, Some(&roots[node as usize]));
                }
                Ok(())
            };
            let (loaded, ()) = graph.load_and(mutator, fill)?;
            outside.extend(loaded.outside);
        }
        Ok(Self { mutator, types, index, places, content: Content::Graph { _outside: outside } })
    }
}
