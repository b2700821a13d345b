//! Large structures of one form, held by one list: what a full collection has to walk, or to take apart.
//!
//! All nodes are allocated first, then linked, then the list is made that holds one node of each structure, as the Python
//! programs do by which pauses of CPython were measured. So neighbours lie side by side in memory, or anywhere
//! ([`Plan::shuffled`]).

use gc_core::{Heap, HeapFull, Kind, Mutator, Root, Shape, TypeId, TypeSpec};

use crate::draws::SplitMix64;

/// What the structures are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Nodes with two slots; each refers to the next one, the last to the first.
    Ring,
    /// The same, doubly linked, from end to end.
    List,
    /// 4-ary: nodes with a parent and, where they have children, a list of them.
    Tree,
    /// List *n* of a structure is *n* references to the list before; the last one refers to itself as well.
    Nested,
    /// Pairs of a dict and the list in it. They are on no cycle and die by count.
    Records,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ring, Self::List, Self::Tree, Self::Nested, Self::Records];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Form::Ring => "ring",
            Form::List => "dll",
            Form::Tree => "tree",
            Form::Nested => "nested",
            Form::Records => "rec",
        }
    }

    /// Objects that a collection examines in a structure of so many nodes.
    fn tracked(self, nodes: u64) -> u64 {
        match self {
            Form::Tree => nodes + nodes.saturating_sub(1).div_ceil(4),
            _ => nodes,
        }
    }
}

/// What is built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The form.
    pub form: Form,
    /// Nodes in all.
    pub nodes: u32,
    /// Nodes of one structure; the last one may have fewer. Records are structures of 2 whatever this says.
    pub size: u32,
    /// Neighbours lie anywhere in memory.
    pub shuffled: bool,
    /// Of the shuffle.
    pub seed: u64,
}

/// Structures that live until they are let go.
pub struct Structures<'m, M: Mutator> {
    holder: Root<'m, M>,
    form: Form,
    nodes: u32,
    size: u32,
}

/// Slots of rings, lists and trees.
const NEXT: u32 = 0;
const PREVIOUS: u32 = 1;
const CHILDREN: u32 = 0;
const PARENT: u32 = 1;
/// Children of a node of a tree.
const ARITY: usize = 4;

impl<'m, M: Mutator> Structures<'m, M> {
    /// Builds them.
    ///
    /// # Errors
    /// The heap is full.
    pub fn build(mutator: &'m M, plan: &Plan) -> Result<Self, HeapFull> {
        let register = |name: &str, kind| {
            mutator.heap().register_type(TypeSpec::new(name, kind)).expect("a new heap has few types")
        };
        let (node, list, dict) =
            (register("Node", Kind::Instance), register("list", Kind::List), register("dict", Kind::Dict));
        let size = if plan.form == Form::Records { 2 } else { plan.size.clamp(1, plan.nodes.max(1)) };
        let roots = match plan.form {
            Form::Nested => nested(mutator, list, plan.nodes, size)?,
            Form::Records => records(mutator, dict, list, plan.nodes)?,
            Form::Ring | Form::List | Form::Tree => linked(mutator, (node, list), plan, size as usize)?,
        };
        let holder = mutator.allocate(list, Shape::new(roots.len() as u32, 0))?;
        for (slot, root) in (0..).zip(roots) {
            holder.put(slot, Some(root));
        }
        Ok(Self { holder, form: plan.form, nodes: plan.nodes, size })
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.nodes.div_ceil(self.size)
    }

    /// Objects of theirs that a collection examines.
    pub fn tracked(&self) -> u64 {
        (0..self.count()).map(|place| self.tracked_of(place)).sum()
    }

    /// Lets go of those whose place this holds for: their tracked objects.
    pub fn let_go(&self, goes: impl Fn(u32) -> bool) -> u64 {
        let places = (0..self.count()).filter(|&place| goes(place));
        places
            .map(|place| {
                drop(self.holder.take(place));
                self.tracked_of(place)
            })
            .sum()
    }

    fn tracked_of(&self, place: u32) -> u64 {
        self.form.tracked(u64::from(self.size.min(self.nodes - place * self.size)))
    }
}

fn linked<'m, M: Mutator>(
    mutator: &'m M,
    (node, list): (TypeId, TypeId),
    plan: &Plan,
    size: usize,
) -> Result<Vec<Root<'m, M>>, HeapFull> {
    let new = |_| mutator.allocate(node, Shape::new(2, 0));
    let mut nodes = (0..plan.nodes).map(new).collect::<Result<Vec<_>, HeapFull>>()?;
    if plan.shuffled {
        // Fisher and Yates.
        let mut draws = SplitMix64::new(plan.seed);
        for n in (1..nodes.len()).rev() {
            nodes.swap(n, draws.below(n as u32 + 1) as usize);
        }
    }
    for structure in nodes.chunks(size) {
        match plan.form {
            Form::Tree => link_tree(mutator, list, structure)?,
            Form::List => structure.windows(2).for_each(|pair| {
                pair[0].store(NEXT, Some(&pair[1]));
                pair[1].store(PREVIOUS, Some(&pair[0]));
            }),
            _ => (0..structure.len())
                .for_each(|n| structure[n].store(NEXT, Some(structure.get(n + 1).unwrap_or(&structure[0])))),
        }
    }
    Ok(nodes.into_iter().step_by(size).collect())
}

/// In heap order: the children of node *n* are 4*n* + 1 to 4*n* + 4.
fn link_tree<M: Mutator>(mutator: &M, list: TypeId, nodes: &[Root<'_, M>]) -> Result<(), HeapFull> {
    for (parent, children) in nodes.iter().zip(nodes.get(1..).unwrap_or_default().chunks(ARITY)) {
        let list = mutator.allocate(list, Shape::new(ARITY as u32, 0))?;
        for (slot, child) in (0..).zip(children) {
            list.store(slot, Some(child));
            child.store(PARENT, Some(parent));
        }
        parent.put(CHILDREN, Some(list));
    }
    Ok(())
}

fn nested<'m, M: Mutator>(mutator: &'m M, list: TypeId, nodes: u32, size: u32) -> Result<Vec<Root<'m, M>>, HeapFull> {
    let mut roots = Vec::new();
    for begin in (0..nodes).step_by(size as usize) {
        let levels = size.min(nodes - begin);
        let mut level = mutator.allocate(list, Shape::new(1, 0))?;
        for n in 1..levels {
            let next = mutator.allocate(list, Shape::new(n + 1, 0))?;
            (0..n).for_each(|slot| next.store(slot, Some(&level)));
            level = next;
        }
        let itself = level.clone();
        level.put(levels - 1, Some(itself));
        roots.push(level);
    }
    Ok(roots)
}

fn records<'m, M: Mutator>(
    mutator: &'m M,
    dict: TypeId,
    list: TypeId,
    nodes: u32,
) -> Result<Vec<Root<'m, M>>, HeapFull> {
    let mut roots = Vec::new();
    for begin in (0..nodes).step_by(2) {
        // Bytes beside header and slots that make up CPython's sizes: a dict of two keys 184, a list of four 88.
        let record = mutator.allocate(dict, Shape::new(2, 160))?;
        if begin + 1 < nodes {
            record.put(0, Some(mutator.allocate(list, Shape::new(4, 56))?));
        }
        roots.push(record);
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gc_core::{Control, Generation, GenerationalHeap, HeapConfig, NoObserver};

    use super::*;

    #[test]
    fn as_many_objects_are_found_dead_as_were_let_go() {
        for form in Form::ALL {
            for (size, shuffled) in [(1, false), (10, false), (10, true), (7, true), (1_000_000, false)] {
                let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
                let mutator = heap.attach();
                mutator.disable();
                let plan = Plan { form, nodes: 1_000, size, shuffled, seed: 7 };
                let built = Structures::build(&mutator, &plan).unwrap();
                assert_eq!(mutator.collect(Generation::OLD), 0, "{plan:?}");
                assert_eq!(heap.live_objects(), built.tracked() + 1, "{plan:?}");
                let before = heap.live_objects();
                let expected = built.let_go(|place| place % 2 == 0);
                mutator.collect(Generation::OLD);
                assert_eq!(before - heap.live_objects(), expected, "{plan:?}");
                built.let_go(|_| true);
                mutator.collect(Generation::OLD);
                assert_eq!(heap.live_objects(), 1, "{plan:?}");
            }
        }
    }

    #[test]
    fn a_tree_has_a_list_for_each_node_with_children() {
        assert_eq!([1, 2, 5, 6, 1_000_000].map(|nodes| Form::Tree.tracked(nodes)), [1, 3, 6, 8, 1_250_000]);
    }
}
