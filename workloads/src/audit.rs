//! The last question of every run: is what lives in the heap just what ought to?

use gc_core::{Generation, Heap, Mutator, ObjectRef, Root, Shape};

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
    let walked = Walked::of(mutator, live_after as usize);
    if walked.objects.len() as u64 != live_after {
        let walked = walked.objects.len();
        return Err(RunError::Wrong(format!("the heap counts {live_after} live objects and holds {walked}")));
    }
    if let Some((object, lost)) = walked.lost_target() {
        return Err(RunError::Wrong(format!("{object:?} refers to {lost:?}, which is no object any more")));
    }
    if let Some(lost) = held.iter().find(|object| !walked.holds(**object)) {
        return Err(RunError::Wrong(format!("the program holds {lost:?}, which is no object any more")));
    }
    let live = reachable(held.iter().copied(), |object| walked.targets_of(object).iter().copied());
    let live_expected = live.len() as u64;
    if live_expected != model {
        let cause = format!("{live_expected} objects are reachable; the program made and kept {model}");
        return Err(RunError::Wrong(cause));
    }
    let held_bytes = mutator.heap().statistics().held_bytes;
    let live_bytes = walked.objects.iter().map(|at| bytes_of(mutator, at.object)).sum();
    Ok(Audit { live_after, live_expected, live_bytes, held_bytes })
}

/// The heap as one walk found it. A heap that collects no cycles holds millions of dead objects at its end, so that this is
/// flat: with a map of lists, the audit of such a heap took ten times as long as what was measured.
struct Walked {
    /// In order of place.
    objects: Vec<At>,
    /// The targets of all of them, one object's in a row.
    targets: Vec<ObjectRef>,
    /// A bit for each place: whether an object is there.
    there: Vec<u64>,
}

/// An object, and where its targets are.
struct At {
    object: ObjectRef,
    targets: u32,
    first: usize,
}

impl Walked {
    fn of<M: Mutator>(mutator: &M, expected: usize) -> Self {
        let mut walked = Self { objects: Vec::with_capacity(expected), targets: Vec::new(), there: Vec::new() };
        mutator.walk(&mut |object, targets| walked.add(object, targets));
        walked.in_order()
    }

    fn add(&mut self, object: ObjectRef, targets: &[ObjectRef]) {
        self.objects.push(At { object, targets: targets.len() as u32, first: self.targets.len() });
        self.targets.extend_from_slice(targets);
    }

    fn in_order(mut self) -> Self {
        self.objects.sort_unstable_by_key(|at| at.object);
        self.objects.dedup_by_key(|at| at.object);
        let places = self.objects.last().map_or(0, |at| at.object.bits() as usize + 1);
        self.there = vec![0; places.div_ceil(64)];
        for at in &self.objects {
            let place = at.object.bits() as usize;
            self.there[place / 64] |= 1 << (place % 64);
        }
        self
    }

    fn holds(&self, object: ObjectRef) -> bool {
        let place = object.bits() as usize;
        self.there.get(place / 64).is_some_and(|word| word & (1 << (place % 64)) != 0)
    }

    fn targets_at(&self, at: &At) -> &[ObjectRef] {
        &self.targets[at.first..at.first + at.targets as usize]
    }

    /// An object and a target of it that is none.
    fn lost_target(&self) -> Option<(ObjectRef, ObjectRef)> {
        self.objects.iter().find_map(|at| {
            let lost = self.targets_at(at).iter().find(|target| !self.holds(**target))?;
            Some((at.object, *lost))
        })
    }

    /// None, for what is no object.
    fn targets_of(&self, object: ObjectRef) -> &[ObjectRef] {
        let at = self.objects.binary_search_by_key(&object, |at| at.object);
        at.map_or(&[], |at| self.targets_at(&self.objects[at]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_knows_its_objects_and_what_is_none() {
        let at = |place: u32| ObjectRef::from_bits(place).unwrap();
        let mut walked = Walked { objects: Vec::new(), targets: Vec::new(), there: Vec::new() };
        walked.add(at(130), &[at(3)]);
        walked.add(at(3), &[at(130), at(130)]);
        walked.add(at(64), &[]);
        walked.add(at(64), &[]);
        let mut walked = walked.in_order();
        assert_eq!(walked.objects.len(), 3, "one object twice is one object");
        assert!([3, 64, 130].into_iter().all(|place| walked.holds(at(place))));
        assert!([1, 63, 65, 131, 4_000_000].into_iter().all(|place| !walked.holds(at(place))));
        assert_eq!((walked.targets_of(at(3)), walked.targets_of(at(130))), (&[at(130); 2][..], &[at(3)][..]));
        assert_eq!(walked.lost_target(), None);
        walked.add(at(7), &[at(64), at(200)]);
        assert_eq!(walked.in_order().lost_target(), Some((at(7), at(200))));
    }
}
