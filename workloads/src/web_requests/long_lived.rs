//! What lives as long as a run of `web-requests`: the cache, the ballast and the graph of a real process.

use gc_core::{Heap, HeapFull, Kind, Mutator, ObjectRef, Root, Shape, TypeSpec};

use super::dials::Dials;
use crate::graph::{HeapGraph, LoadedGraph};
use crate::oracle::reachable_indices;
use crate::request_tree::RequestTypes;

/// It, on one heap.
pub(super) struct LongLived<'g, 'm, M: Mutator> {
    graph: Option<(&'g HeapGraph, LoadedGraph<'m, M>)>,
    pub(super) cache: Root<'m, M>,
    entries: u32,
    ballast: Vec<Root<'m, M>>,
}

impl<'g, 'm, M: Mutator> LongLived<'g, 'm, M> {
    /// Builds it: the graph, the cache, the ballast.
    pub(super) fn build(
        mutator: &'m M,
        types: &RequestTypes,
        graph: Option<&'g HeapGraph>,
        dials: &Dials,
    ) -> Result<Self, HeapFull> {
        let graph = graph.map(|graph| graph.load(mutator).map(|loaded| (graph, loaded))).transpose()?;
        let entries = dials.entries();
        let cache = mutator.allocate(types.list, Shape::new(entries, 16))?;
        for key in 0..entries {
            cache.put(key, Some(types.build_entry(mutator, key)?));
        }
        let spec = TypeSpec::new("ballast", Kind::Instance);
        let type_id = mutator.heap().register_type(spec).expect("a heap has room for a few types");
        let ballast =
            (0..dials.ballast).map(|_| mutator.allocate(type_id, Shape::new(2, 0))).collect::<Result<_, _>>()?;
        Ok(Self { graph, cache, entries, ballast })
    }

    /// The roots of the graph, one for each reference from outside.
    pub(super) fn outside(&self) -> &[Root<'m, M>] {
        self.graph.as_ref().map_or(&[], |(_, loaded)| &loaded.outside)
    }

    /// The objects held.
    pub(super) fn held_objects(&self) -> Vec<ObjectRef> {
        let mut objects = vec![self.cache.object()];
        objects.extend(self.ballast.iter().map(Root::object));
        if let Some((_, loaded)) = &self.graph {
            objects.extend(loaded.held_nodes.iter().map(|&node| loaded.objects[node as usize]));
        }
        objects
    }

    /// Objects that the program knows to be alive: the cache, the ballast, and of the graph what its file says.
    pub(super) fn model(&self) -> u64 {
        let cache = 1 + 2 * u64::from(self.entries);
        let graph = self.graph.as_ref().map_or(0, |(graph, loaded)| {
            let targets = |node| graph.targets(node).iter().copied();
            let reached = reachable_indices(graph.node_count(), loaded.held_nodes.iter().copied(), targets);
            reached.into_iter().filter(|&reached| reached).count() as u64
        });
        cache + self.ballast.len() as u64 + graph
    }
}
