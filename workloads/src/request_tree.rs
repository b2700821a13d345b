//! The objects of one web request: a 4-ary tree of nodes, each an instance with a list of children, a dict and a list.
//!
//! The shape, the order of allocations and the places of checks are those of the Python program that CPython's published
//! counts come from (`web-v1`), because the trigger sees every one of them: a node is allocated before its lists, the
//! dict's list before the dict, and a check for a due collection stands behind each node.

use gc_core::{Heap, HeapFull, Kind, Mutator, Root, Shape, TypeId, TypeSpec};

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

/// Slots of a node.
const CHILDREN: u32 = 0;
const DATA: u32 = 1;
const PARENT: u32 = 2;

impl RequestTypes {
    /// Registers them.
    pub fn register<H: Heap>(heap: &H) -> Self {
        let register =
            |name: &str, kind| heap.register_type(TypeSpec::new(name, kind)).expect("a new heap has few types");
        Self {
            node: register("Node", Kind::Instance),
            list: register("list", Kind::List),
            dict: register("dict", Kind::Dict),
            entry: register("Entry", Kind::Instance),
        }
    }

    /// A tree of `nodes` nodes, held by a list, which is returned. With `cyclic` each node refers to its parent.
    pub fn build<'m, M: Mutator>(&self, mutator: &'m M, nodes: u32, cyclic: bool) -> Result<Root<'m, M>, HeapFull> {
        let list = mutator.allocate(self.list, Shape::new(nodes, 16))?;
        for j in 0..nodes {
            let node = mutator.allocate(self.node, Shape::new(3, 0))?;
            // Parent j has the children 4j + 1 ... 4j + 4.
            let children =
                (4 * u64::from(j) + 1..=4 * u64::from(j) + 4).filter(|&child| child < u64::from(nodes)).count();
            node.put(CHILDREN, Some(mutator.allocate(self.list, Shape::new(children as u32, 16))?));
            let tags = mutator.allocate(self.list, Shape::new(0, 32))?;
            let data = mutator.allocate(self.dict, Shape::new(1, 48))?;
            data.put(0, Some(tags));
            node.put(DATA, Some(data));
            if j > 0 {
                let parent = list.load((j - 1) / 4).expect("parents come before their children");
                if cyclic {
                    node.store(PARENT, Some(&parent));
                }
                let siblings = parent.load(CHILDREN).expect("made with the node");
                siblings.store((j - 1) % 4, Some(&node));
            }
            list.put(j, Some(node));
            mutator.safepoint();
        }
        Ok(list)
    }

    /// Objects of a tree with its list.
    pub fn objects_of(nodes: u32) -> u64 {
        4 * u64::from(nodes) + 1
    }

    /// A cache entry with its list of four numbers: two objects.
    pub fn build_entry<'m, M: Mutator>(&self, mutator: &'m M, key: u32) -> Result<Root<'m, M>, HeapFull> {
        let numbers = mutator.allocate(self.list, Shape::new(0, 32))?;
        for n in 0..4u32 {
            let number = u64::from(key) + u64::from(n);
            mutator.write_payload(&numbers, 8 * n, &number.to_le_bytes());
        }
        let entry = mutator.allocate(self.entry, Shape::new(1, 8))?;
        mutator.write_payload(&entry, 0, &u64::from(key).to_le_bytes());
        entry.put(0, Some(numbers));
        Ok(entry)
    }

    /// What a reader of an entry sees: its key and the first number of its list.
    pub fn read_entry<M: Mutator>(mutator: &M, entry: &Root<'_, M>) -> u64 {
        let key = read_word(mutator, entry, 0);
        let first = entry.load(0).map_or(0, |numbers| read_word(mutator, &numbers, 0));
        crate::draws::mix(key ^ first.rotate_left(32))
    }
}

/// A word of a payload.
pub fn read_word<M: Mutator>(mutator: &M, object: &Root<'_, M>, offset: u32) -> u64 {
    let mut bytes = [0; 8];
    mutator.read_payload(object, offset, &mut bytes);
    u64::from_le_bytes(bytes)
}
