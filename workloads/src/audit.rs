//! The last question of every run: is what lives in the heap just what ought to?

use gc_core::{Generation, Heap, Mutator, ObjectRef, Root, Shape};
use rustc_hash::FxHashMap;

use crate::oracle::reachable;
use crate::workload::{Outcome, RunError};

/// Objects in the heap after a full collection, and those that ought to be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Audit {
    /// In the heap.
    pub live_after: u64,
    /// Reachable from what the program still holds.
    pub live_expected: u64,
    /// Bytes of what is in the heap; see [`object_bytes`].
    pub live_bytes: u64,
    /// Bytes that the heap holds from the system for it.
    pub held_bytes: u64,
}

impl Audit {
    /// Writes it into what a run returns.
    pub(crate) fn enter(&self, outcome: &mut Outcome) {
        outcome.live_after = self.live_after;
        outcome.live_expected = self.live_expected;
        outcome.live_bytes_after = Some(self.live_bytes);
        outcome.held_bytes_after = Some(self.held_bytes);
    }
}

/// Bytes of an object's header where links are inline; see `gc_core`.
const HEADER_BYTES: u64 = 24;

/// Bytes of an object of this shape: header, slots, payload; no rounding to cells.
pub fn object_bytes(shape: Shape) -> u64 {
    HEADER_BYTES + (4 * u64::from(shape.slots)).next_multiple_of(8) + u64::from(shape.payload)
}

/// The same of an object in the heap, which a walk has given.
pub(crate) fn bytes_of<M: Mutator>(mutator: &M, object: ObjectRef) -> u64 {
    // The walk gives no roots. The count goes up and, with the root, down again: it is balanced.
    mutator.retain(object);
    object_bytes(mutator.shape(&Root::adopt(mutator, object)))
}

/// Collects fully, walks the heap plainly from `held`, and compares with `model`, the number of objects that the program
/// itself knows to be alive.
///
/// A heap with live objects missing fails here: a slot that refers to a place without an object, or fewer objects than
/// the model's. More than that is for the caller to judge: a heap that does not collect cycles has them.
///
/// # Errors
/// [`RunError::Wrong`] if the heap lost something, or the program's own model is wrong.
pub fn audit<M: Mutator>(mutator: &M, held: &[ObjectRef], model: u64) -> Result<Audit, RunError> {
    mutator.collect(Generation::OLD);
    let live_after = mutator.heap().live_objects();
    let mut edges: FxHashMap<ObjectRef, Vec<ObjectRef>> = FxHashMap::default();
    edges.reserve(live_after as usize);
    mutator.walk(&mut |object, targets| {
        edges.insert(object, targets.to_vec());
    });
    if edges.len() as u64 != live_after {
        let walked = edges.len();
        return Err(RunError::Wrong(format!("the heap counts {live_after} live objects and holds {walked}")));
    }
    for (object, targets) in &edges {
        if let Some(lost) = targets.iter().find(|target| !edges.contains_key(target)) {
            return Err(RunError::Wrong(format!("{object:?} refers to {lost:?}, which is no object any more")));
        }
    }
    if let Some(lost) = held.iter().find(|object| !edges.contains_key(object)) {
        return Err(RunError::Wrong(format!("the program holds {lost:?}, which is no object any more")));
    }
    let live = reachable(held.iter().copied(), |object| edges[&object].iter().copied());
    let live_expected = live.len() as u64;
    if live_expected != model {
        let cause = format!("{live_expected} objects are reachable; the program made and kept {model}");
        return Err(RunError::Wrong(cause));
    }
    let held_bytes = mutator.heap().statistics().held_bytes;
    let live_bytes = edges.keys().map(|&object| bytes_of(mutator, object)).sum();
    Ok(Audit { live_after, live_expected, live_bytes, held_bytes })
}
