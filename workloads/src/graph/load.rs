//! A heap graph built on a heap: the same objects, references, counts and tracking.

use gc_core::{Heap, HeapFull, Kind, Mutator, ObjectRef, Root, Shape, TypeId, TypeSpec};

use super::HeapGraph;

/// Bytes of an object that are its header and links, in the runtime's files and (with inline links) in ours.
const HEADER_BYTES: u64 = 24;

/// Roots beside the first of each object that a graph may ask for, over all its objects. The recorded heaps ask for fewer than
/// one.
const SPARE_ROOTS_PER_NODE: u64 = 16;

/// A graph on a heap.
pub struct LoadedGraph<'m, M: Mutator> {
    /// The object of each node, by index. Identities, not holds.
    pub objects: Vec<ObjectRef>,
    /// The references that the collector cannot see (stack, C globals), as many of each object as the file tells (within
    /// a limit that no recorded heap comes near).
    pub outside: Vec<Root<'m, M>>,
    /// Nodes that are held from outside, in index order, each once.
    pub held_nodes: Vec<u32>,
}

impl HeapGraph {
    /// Builds the graph with the collector off, and leaves it as it was.
    ///
    /// Each node becomes an object with a slot for each edge and payload for the rest of its size; the payload's first word,
    /// where there is one, is the node's index. Untracked nodes are untracked; immortal ones immortal. An object whose
    /// count its edges explain is held by them alone: cyclic garbage in the file is garbage on the heap.
    ///
    /// # Errors
    /// [`HeapFull`] if the heap is too small for it.
    pub fn load<'m, M: Mutator>(&self, mutator: &'m M) -> Result<LoadedGraph<'m, M>, HeapFull> {
        self.load_and(mutator, |_| Ok(())).map(|(loaded, ())| loaded)
    }

    /// The same; `look` sees a root of each node, by index, before those go that nothing outside the heap holds.
    ///
    /// # Errors
    /// As [`HeapGraph::load`], and as `look`.
    pub fn load_and<'m, M: Mutator, R>(
        &self,
        mutator: &'m M,
        look: impl FnOnce(&[Root<'m, M>]) -> Result<R, HeapFull>,
    ) -> Result<(LoadedGraph<'m, M>, R), HeapFull> {
        let enabled = mutator.is_enabled();
        mutator.disable();
        let loaded = self.load_uncollected(mutator, look);
        if enabled {
            mutator.enable();
        }
        loaded
    }

    fn load_uncollected<'m, M: Mutator, R>(
        &self,
        mutator: &'m M,
        look: impl FnOnce(&[Root<'m, M>]) -> Result<R, HeapFull>,
    ) -> Result<(LoadedGraph<'m, M>, R), HeapFull> {
        let types = self.register_types(mutator.heap());
        let mut roots = Vec::with_capacity(self.node_count());
        for node in self.nodes() {
            let slots = self.targets(node).len() as u32;
            let payload = self.size(node).saturating_sub(HEADER_BYTES + 4 * u64::from(slots));
            let shape = Shape::new(slots, payload.min(u64::from(Shape::MAX_PAYLOAD)) as u32);
            let type_id = types[self.columns().types[node as usize] as usize];
            let object = mutator.allocate(type_id, shape)?;
            if shape.payload >= 4 {
                mutator.write_payload(&object, 0, &node.to_le_bytes());
            }
            if !self.flags(node).is_tracked() {
                mutator.untrack(&object);
            }
            roots.push(object);
        }
        let mut in_edges = vec![0u64; self.node_count()];
        for node in self.nodes() {
            for (slot, &target) in self.targets(node).iter().enumerate() {
                roots[node as usize].store(slot as u32, Some(&roots[target as usize]));
                in_edges[target as usize] += 1;
            }
        }
        let seen = look(&roots)?;
        let objects = roots.iter().map(Root::object).collect();
        let mut outside = Vec::new();
        let mut held_nodes = Vec::new();
        // A file may claim any count. Further roots of an object that is held change no answer, so they are limited.
        let mut spare = SPARE_ROOTS_PER_NODE * self.node_count() as u64;
        for (node, root) in self.nodes().zip(roots) {
            if self.flags(node).is_immortal() {
                mutator.make_immortal(&root);
                held_nodes.push(node);
                continue;
            }
            let unseen = self.count(node).saturating_sub(in_edges[node as usize]);
            if unseen > 0 {
                held_nodes.push(node);
                let more = (unseen - 1).min(spare);
                spare -= more;
                outside.extend((0..more).map(|_| root.clone()));
                outside.push(root);
            }
        }
        Ok((LoadedGraph { objects, outside, held_nodes }, seen))
    }

    /// Every type of the file as a container: what is not tracked in the file is untracked after its allocation.
    fn register_types<H: Heap>(&self, heap: &H) -> Vec<TypeId> {
        let mut fallback = None;
        let records = self.header().types.iter();
        records
            .map(|record| {
                let kind = match record.name.as_str() {
                    "list" | "builtins.list" => Kind::List,
                    "dict" | "builtins.dict" => Kind::Dict,
                    "tuple" | "builtins.tuple" => Kind::Tuple,
                    _ => Kind::Instance,
                };
                // A heap names 16,384 types; those beyond share one, which changes their name and nothing else.
                let registered = heap.register_type(TypeSpec::new(record.name.clone(), kind)).ok();
                fallback = registered.or(fallback);
                fallback.expect("a heap has room for at least one type")
            })
            .collect()
    }
}

/// What a full collection of a loaded graph found, beside what the file flags.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Nodes with the garbage flag.
    pub flagged: usize,
    /// Tracked nodes that the collection freed.
    pub found: usize,
    /// Flagged, and not freed.
    pub missing: Vec<u32>,
    /// Tracked, freed, and not flagged.
    pub extra: Vec<u32>,
}

impl HeapGraph {
    /// Compares what is left of a loaded graph with the garbage flags. Nothing may have been allocated since it was loaded.
    pub fn judge<M: Mutator>(&self, mutator: &M, loaded: &LoadedGraph<'_, M>) -> Verdict {
        let mut alive = rustc_hash::FxHashSet::default();
        mutator.walk(&mut |object, _| {
            alive.insert(object);
        });
        let freed = |node: u32| !alive.contains(&loaded.objects[node as usize]);
        let tracked = || self.nodes().filter(|&node| self.flags(node).is_tracked());
        Verdict {
            flagged: self.nodes().filter(|&node| self.flags(node).is_garbage()).count(),
            found: tracked().filter(|&node| freed(node)).count(),
            missing: self.nodes().filter(|&node| self.flags(node).is_garbage() && !freed(node)).collect(),
            extra: tracked().filter(|&node| freed(node) && !self.flags(node).is_garbage()).collect(),
        }
    }
}
