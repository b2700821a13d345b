//! The graph of a living heap, through the contract.

use rustc_hash::FxHashMap;

use super::graph::{GraphParts, ObjectGraph};
use super::sites::AllocationSites;
use crate::heap::{Heap, Mutator};
use crate::object::{ObjectRef, Shape, TypeError, TypeId, TypeSpec};
use crate::root::Root;
use crate::sync::Mutex;

/// Bytes of an object's header where links are inline; see the crate's page.
const HEADER_BYTES: u64 = 24;

/// The names of the types of one heap: a program that registers its types here can be told of them by name.
#[derive(Debug, Default)]
pub struct TypeNames(Mutex<FxHashMap<TypeId, String>>);

impl TypeNames {
    /// Registers a type with `heap` and remembers its name.
    ///
    /// # Errors
    /// As [`Heap::register_type`].
    pub fn register<H: Heap>(&self, heap: &H, spec: TypeSpec) -> Result<TypeId, TypeError> {
        let name = spec.name.clone();
        let id = heap.register_type(spec)?;
        self.name(id, name);
        Ok(id)
    }

    /// Remembers the name of a type that was registered elsewhere.
    pub fn name(&self, id: TypeId, name: impl Into<String>) {
        self.0.lock().insert(id, name.into());
    }

    /// The name of a type; of one that is not known here, `type` and its number.
    pub fn of(&self, id: TypeId) -> String {
        let known = self.0.lock().get(&id).cloned();
        known.unwrap_or_else(|| match id {
            TypeId::WEAK_REFERENCE => "weakref".to_owned(),
            other => format!("type {}", other.index()),
        })
    }
}

/// The objects of a heap, whether tracked or not, but for what `sites` itself keeps there. Other mutators must be at rest.
///
/// Collects nothing and changes nothing. An object is held if its count is above the references to it from objects, or
/// is not kept.
///
/// # Panics
/// If the heap has more than 4,294,967,295 references.
pub fn capture<M: Mutator>(mutator: &M, names: &TypeNames, sites: Option<&AllocationSites<M>>) -> ObjectGraph {
    let marks = sites.map(|sites| sites.marks(mutator)).unwrap_or_default();
    let mut objects = Vec::new();
    let mut numbers = FxHashMap::default();
    let mut parts = GraphParts { offsets: vec![0], ..GraphParts::default() };
    let mut targets = Vec::new();
    mutator.walk(&mut |object, slots| {
        if marks.own.contains(&object) {
            return;
        }
        numbers.insert(object, objects.len() as u32);
        objects.push(object);
        targets.extend_from_slice(slots);
        parts.offsets.push(u32::try_from(targets.len()).expect("fewer references than 2^32"));
    });
    parts.targets = targets.iter().map(|target| numbers[target]).collect();
    let mut inside = vec![0_u32; objects.len()];
    parts.targets.iter().for_each(|&target| inside[target as usize] += 1);
    let mut types = FxHashMap::default();
    for (&object, inside) in objects.iter().zip(inside) {
        let seen = look(mutator, object);
        let index = *types.entry(seen.type_id).or_insert_with(|| {
            parts.type_names.push(names.of(seen.type_id));
            parts.type_names.len() as u32 - 1
        });
        parts.types.push(index);
        parts.sizes.push(bytes_of(seen.shape));
        parts.tracked.push(seen.tracked);
        parts.held.push(seen.count.is_none_or(|count| count > inside));
        parts.sites.push(marks.site_of.get(&object).map_or(0, |site| site + 1));
    }
    parts.site_names = marks.names;
    ObjectGraph::new(parts)
        .expect("every array was filled for each object, and a walk gives no target that it does not visit")
}

struct Seen {
    type_id: TypeId,
    shape: Shape,
    tracked: bool,
    /// References that are counted; `None` where they are not.
    count: Option<u32>,
}

fn look<M: Mutator>(mutator: &M, object: ObjectRef) -> Seen {
    // The walk gives no roots. The count goes up and, with the root, down again: it is balanced.
    mutator.retain(object);
    let root = Root::adopt(mutator, object);
    Seen {
        type_id: mutator.type_of(&root),
        shape: mutator.shape(&root),
        tracked: mutator.is_tracked(&root),
        count: mutator.retain_count(&root).map(|count| count - 1),
    }
}

/// Header, slots, payload; no rounding to cells.
fn bytes_of(shape: Shape) -> u64 {
    HEADER_BYTES + (4 * u64::from(shape.slots)).next_multiple_of(8) + u64::from(shape.payload)
}
