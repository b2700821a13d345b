//! The graph of a living heap, through the contract.

use std::mem::ManuallyDrop;

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

/// The objects of a heap, whether tracked or not, but for what `sites` itself keeps there, and for references to that.
///
/// All of it is of one moment: other mutators stand still meanwhile, and no collection is under way, unless this is
/// called from one of its callbacks. Collects nothing and changes nothing. Garbage that no collection has freed is among
/// the objects; what is being freed is not. An object is held if its count is above the references to it from objects, or is
/// not kept.
///
/// # Panics
/// If the heap has more than 4,294,967,295 references.
pub fn capture<M: Mutator>(mutator: &M, names: &TypeNames, sites: Option<&AllocationSites<M>>) -> ObjectGraph {
    let parts = mutator.at_standstill(|| look_around(mutator, names, sites));
    ObjectGraph::new(parts).expect("every array was filled for each object, and targets without a number are left out")
}

/// The arrays of the graph. The caller sees to it that nothing changes meanwhile.
fn look_around<M: Mutator>(mutator: &M, names: &TypeNames, sites: Option<&AllocationSites<M>>) -> GraphParts {
    let marks = sites.map(|sites| sites.marks(mutator)).unwrap_or_default();
    let mut objects = Vec::new();
    // Where the references of each begin in `targets`, and how many there are.
    let mut rows = Vec::new();
    let mut targets = Vec::new();
    mutator.walk(&mut |object, slots| {
        if !marks.own.contains(&object) {
            objects.push(object);
            rows.push(targets.len()..targets.len() + slots.len());
            targets.extend_from_slice(slots);
        }
    });
    let mut parts = GraphParts { offsets: vec![0], ..GraphParts::default() };
    let mut numbers = FxHashMap::default();
    let mut counts = Vec::new();
    let mut kept = Vec::new();
    let mut types = FxHashMap::default();
    for (object, row) in objects.into_iter().zip(rows) {
        let seen = look(mutator, object);
        // It died already: another mutator is in the middle of taking it apart.
        if seen.count == Some(0) {
            continue;
        }
        numbers.insert(object, kept.len() as u32);
        kept.push(row);
        counts.push(seen.count);
        let index = *types.entry(seen.type_id).or_insert_with(|| {
            parts.type_names.push(names.of(seen.type_id));
            parts.type_names.len() as u32 - 1
        });
        parts.types.push(index);
        parts.sizes.push(bytes_of(seen.shape));
        parts.tracked.push(seen.tracked);
        parts.sites.push(marks.site_of.get(&object).map_or(0, |site| site + 1));
    }
    let mut inside = vec![0_u32; counts.len()];
    for row in kept {
        // A program can get at the sites' own weak references, and keep them: they have no number.
        for &number in targets[row].iter().filter_map(|target| numbers.get(target)) {
            parts.targets.push(number);
            inside[number as usize] += 1;
        }
        parts.offsets.push(u32::try_from(parts.targets.len()).expect("fewer references than 2^32"));
    }
    parts.held =
        counts.into_iter().zip(inside).map(|(count, inside)| count.is_none_or(|count| count > inside)).collect();
    parts.site_names = marks.names;
    parts
}

struct Seen {
    type_id: TypeId,
    shape: Shape,
    tracked: bool,
    /// References that are counted; `None` where they are not.
    count: Option<u32>,
}

fn look<M: Mutator>(mutator: &M, object: ObjectRef) -> Seen {
    // The walk gives no roots. This one is lent: it counts no reference, and never releases one.
    let root = ManuallyDrop::new(Root::adopt(mutator, object));
    Seen {
        type_id: mutator.type_of(&root),
        shape: mutator.shape(&root),
        tracked: mutator.is_tracked(&root),
        count: mutator.retain_count(&root),
    }
}

/// Header, slots, payload; no rounding to cells.
fn bytes_of(shape: Shape) -> u64 {
    HEADER_BYTES + (4 * u64::from(shape.slots)).next_multiple_of(8) + u64::from(shape.payload)
}
