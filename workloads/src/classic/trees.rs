//! Full binary trees, built from above or from below, with links to parents or without: what `gcbench` and `binary-trees`
//! are made of.

use gc_core::{Heap, HeapFull, Kind, Mutator, Root, Shape, TypeId};

use super::register;
use crate::workload::{Dial, Range};

/// How trees are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trees {
    node: TypeId,
    parents: bool,
}

/// Slots of a node.
const LEFT: u32 = 0;
const RIGHT: u32 = 1;
const PARENT: u32 = 2;

/// The dial that both programs have.
pub(super) const PARENTS: Dial = Dial {
    name: "parents",
    meaning: "whether a node refers to its parent: then a tree dies by collection and not by count",
    default: "off",
    range: Range::Word(&["on", "off"]),
};

/// Nodes of a full tree: depth 0 is one node.
pub(super) fn nodes_of(depth: u32) -> u64 {
    (1 << (depth + 1)) - 1
}

impl Trees {
    pub(super) fn new<H: Heap>(heap: &H, parents: bool) -> Self {
        Self { node: register(heap, "Node", Kind::Instance), parents }
    }

    /// A node whose payload says how far its leaves are.
    fn node<'m, M: Mutator>(&self, mutator: &'m M, depth: u32) -> Result<Root<'m, M>, HeapFull> {
        let node = mutator.allocate(self.node, Shape::new(if self.parents { 3 } else { 2 }, 8))?;
        mutator.write_word(&node, 0, u64::from(depth));
        Ok(node)
    }

    fn adopt<M: Mutator>(&self, parent: &Root<'_, M>, slot: u32, child: &Root<'_, M>) {
        parent.store(slot, Some(child));
        if self.parents {
            child.store(PARENT, Some(parent));
        }
    }

    /// Children first, then the node that holds them.
    pub(super) fn bottom_up<'m, M: Mutator>(&self, mutator: &'m M, depth: u32) -> Result<Root<'m, M>, HeapFull> {
        if depth == 0 {
            return self.node(mutator, 0);
        }
        let left = self.bottom_up(mutator, depth - 1)?;
        let right = self.bottom_up(mutator, depth - 1)?;
        let node = self.node(mutator, depth)?;
        self.adopt(&node, LEFT, &left);
        self.adopt(&node, RIGHT, &right);
        Ok(node)
    }

    /// A node first, then its children.
    pub(super) fn top_down<'m, M: Mutator>(&self, mutator: &'m M, depth: u32) -> Result<Root<'m, M>, HeapFull> {
        let node = self.node(mutator, depth)?;
        self.populate(&node, depth)?;
        Ok(node)
    }

    fn populate<M: Mutator>(&self, node: &Root<'_, M>, depth: u32) -> Result<(), HeapFull> {
        if depth == 0 {
            return Ok(());
        }
        let mutator = node.mutator();
        let (left, right) = (self.node(mutator, depth - 1)?, self.node(mutator, depth - 1)?);
        self.adopt(node, LEFT, &left);
        self.adopt(node, RIGHT, &right);
        self.populate(&left, depth - 1)?;
        self.populate(&right, depth - 1)
    }

    /// Nodes that a walk meets.
    pub(super) fn count<M: Mutator>(&self, node: &Root<'_, M>) -> u64 {
        let below = |slot| node.load(slot).map_or(0, |child| self.count(&child));
        1 + below(LEFT) + below(RIGHT)
    }

    /// What a reader sees along the leftmost path: the sum of its nodes' words.
    pub(super) fn read_path<M: Mutator>(&self, root: &Root<'_, M>) -> u64 {
        let mutator = root.mutator();
        let mut node = root.clone();
        let mut seen = mutator.read_word(&node, 0);
        while let Some(next) = node.load(LEFT) {
            node = next;
            seen += mutator.read_word(&node, 0);
        }
        seen
    }
}
