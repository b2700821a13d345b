//! The last question of every run: is what lives in the heap just what ought to?

use gc_core::{Generation, Heap, Mutator, ObjectRef};
use rustc_hash::FxHashMap;

use crate::oracle::reachable;
use crate::workload::RunError;

/// Objects in the heap after a full collection, and those that ought to be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Audit {
    /// In the heap.
    pub live_after: u64,
    /// Reachable from what the program still holds.
    pub live_expected: u64,
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
    Ok(Audit { live_after, live_expected })
}
