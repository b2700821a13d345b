//! The objects of one web request: a 4-ary tree of nodes, each an instance with a list of children, a dict and a list.
//!
//! The shape, the order of allocations and the places of checks are those of the Python program that CPython's published
//! counts come from (`web-v1`), because the trigger sees every one of them: a node is allocated before its lists, the
//! dict's list before the dict, and a check for a due collection stands behind each node.

use gc_core::{CallbackId, Heap, HeapFull, Kind, Mutator, Root, Shape, TypeId, TypeSpec};

use crate::allocate::Allocate;

/// The types of a request's objects, and of cache entries.
#[derive(Clone, Copy, Debug)]
pub struct RequestTypes {
    /// Slots: children, dict, parent; in the order in which CPython releases them (alphabetical).
    pub node: TypeId,
    /// `list`.
    pub list: TypeId,
    /// `dict`.
    pub dict: TypeId,
    /// A cache entry: one slot for its list, its key in the payload.
    pub entry: TypeId,
}

/// How a node of a tree refers to its parent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParentLink {
    /// Not at all: the tree dies by count.
    None,
    /// By a counted reference: parent and child are on a cycle.
    Strong,
    /// By a weak reference object, one a parent, shared by its children: the tree dies by count.
    Weak,
}

/// Slots of a node.
const CHILDREN: u32 = 0;
const DATA: u32 = 1;
const PARENT: u32 = 2;

impl RequestTypes {
    /// Registers them.
    pub fn register<H: Heap>(heap: &H) -> Self {
        Self::register_with(heap, None)
    }

    /// Registers them with a finalizer each, or without.
    pub fn register_with<H: Heap>(heap: &H, finalizer: Option<CallbackId>) -> Self {
        let register = |name: &str, kind| {
            let spec = TypeSpec { finalizer, ..TypeSpec::new(name, kind) };
            heap.register_type(spec).expect("a new heap has few types")
        };
        Self {
            node: register("Node", Kind::Instance),
            list: register("list", Kind::List),
            dict: register("dict", Kind::Dict),
            entry: register("Entry", Kind::Instance),
        }
    }

    /// Another type of nodes, whose teardown the heap reports.
    pub(crate) fn register_observed_node<H: Heap>(&self, heap: &H) -> TypeId {
        let spec = TypeSpec::new("Node", Kind::Instance).with_observed_teardown();
        heap.register_type(spec).expect("a new heap has few types")
    }

    /// A tree of `nodes` nodes, held by a list, which is returned.
    ///
    /// # Errors
    /// The heap is full.
    pub fn build<'m, A: Allocate<'m>>(
        &self,
        source: A,
        nodes: u32,
        parent_link: ParentLink,
    ) -> Result<Root<'m, A::Mutator>, HeapFull> {
        self.build_with_first(source, nodes, parent_link, self.node)
    }

    /// The same with a first node of type `first`.
    pub(crate) fn build_with_first<'m, A: Allocate<'m>>(
        &self,
        source: A,
        nodes: u32,
        parent_link: ParentLink,
        first: TypeId,
    ) -> Result<Root<'m, A::Mutator>, HeapFull> {
        let mutator = source.mutator();
        let list = source.allocate(self.list, Shape::new(nodes, 16))?;
        for j in 0..nodes {
            let node = source.allocate(if j == 0 { first } else { self.node }, Shape::new(3, 0))?;
            // Parent j has the children 4j + 1 ... 4j + 4.
            let children =
                (4 * u64::from(j) + 1..=4 * u64::from(j) + 4).filter(|&child| child < u64::from(nodes)).count();
            node.put(CHILDREN, Some(source.allocate(self.list, Shape::new(children as u32, 16))?));
            let tags = source.allocate(self.list, Shape::new(0, 32))?;
            let data = source.allocate(self.dict, Shape::new(1, 48))?;
            data.put(0, Some(tags));
            node.put(DATA, Some(data));
            if j > 0 {
                let parent = list.load((j - 1) / 4).expect("parents come before their children");
                match parent_link {
                    ParentLink::None => {}
                    ParentLink::Strong => node.store(PARENT, Some(&parent)),
                    ParentLink::Weak => node.put(PARENT, Some(mutator.weak_reference(&parent, None)?)),
                }
                let siblings = parent.load(CHILDREN).expect("made with the node");
                siblings.store((j - 1) % 4, Some(&node));
            }
            list.put(j, Some(node));
            mutator.safepoint();
        }
        Ok(list)
    }

    /// An empty list for `places` objects.
    ///
    /// # Errors
    /// The heap is full.
    pub fn build_list<'m, A: Allocate<'m>>(&self, source: A, places: u32) -> Result<Root<'m, A::Mutator>, HeapFull> {
        source.allocate(self.list, Shape::new(places, 16))
    }

    /// Makes the first node of a tree, which has no parent, hold `object` in that place: it dies with the nodes.
    pub fn hang<'m, M: Mutator>(tree: &Root<'m, M>, object: Root<'m, M>) {
        tree.load(0).expect("a tree has a first node").put(PARENT, Some(object));
    }

    /// Breaks the parent links of a tree of `nodes` nodes.
    pub fn clear_parents<M: Mutator>(tree: &Root<'_, M>, nodes: u32) {
        for j in 1..nodes {
            tree.load(j).expect("the list holds every node").store(PARENT, None);
        }
    }

    /// Nodes of a tree that are a parent: as many weak references a tree with weak parent links has.
    pub fn parents_of(nodes: u32) -> u64 {
        u64::from(nodes.saturating_sub(1).div_ceil(4))
    }

    /// Objects of a tree with its list.
    pub fn objects_of(nodes: u32) -> u64 {
        4 * u64::from(nodes) + 1
    }

    /// A cache entry with its list of four numbers: two objects.
    ///
    /// # Errors
    /// The heap is full.
    pub fn build_entry<'m, A: Allocate<'m>>(&self, source: A, key: u32) -> Result<Root<'m, A::Mutator>, HeapFull> {
        let mutator = source.mutator();
        let numbers = source.allocate(self.list, Shape::new(0, 32))?;
        for n in 0..4u32 {
            let number = u64::from(key) + u64::from(n);
            mutator.write_word(&numbers, n, number);
        }
        let entry = source.allocate(self.entry, Shape::new(1, 8))?;
        mutator.write_word(&entry, 0, u64::from(key));
        entry.put(0, Some(numbers));
        Ok(entry)
    }

    /// What a reader of an entry sees: its key and the first number of its list.
    pub fn read_entry<M: Mutator>(mutator: &M, entry: &Root<'_, M>) -> u64 {
        let key = mutator.read_word(entry, 0);
        let first = entry.load(0).map_or(0, |numbers| mutator.read_word(&numbers, 0));
        crate::draws::mix(key ^ first.rotate_left(32))
    }
}
