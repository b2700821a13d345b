//! Full collections of the heap with streaming detection: trial deletion without walking the list.
//!
//! Only full collections stream. Younger generations keep the list algorithm: their lists are short, a few thousand
//! objects at most by default, while the blocks that hold them are any blocks of the heap. So does the resurrection check,
//! whose list is what was found, and a full collection of a heap that is frozen for the most part: the blocks are full of
//! objects that it would have to pass over, and the list has what is left.

use super::lists::{CANDIDATE, Lists, head};
use super::trial_deletion::Examined;
use crate::object::{Kind, ObjectRef};
use crate::space::header::{self, IMMORTAL, flag};
use crate::space::{Sentinel, Space};
use crate::streaming::{Detector, Fetch};
use crate::sync::Ordering::Relaxed;

// Orderings in this file are relaxed: the thread that has the turn is alone (T1 of `turn`).

/// Frozen objects for each other one from which on the list is the shorter way.
const FROZEN: usize = 2;

/// What is frozen; `None` where most of what is tracked is. Walks no list further than it must to tell.
pub(super) fn frozen_unless_most<const SIDE: bool>(lists: Lists<'_, SIDE>, generation: Sentinel) -> Option<Members> {
    let mut members = Members::default();
    if lists.is_empty(head::PERMANENT) {
        return Some(members);
    }
    let mut frozen = lists.iter(head::PERMANENT);
    for _ in lists.iter(generation) {
        for _ in 0..FROZEN {
            let Some(object) = frozen.next() else { return Some(members) };
            members.insert(object.bits());
        }
    }
    None
}

/// Some objects, a bit for each.
#[derive(Default)]
pub(super) struct Members(Vec<u64>);

impl Members {
    /// Cells are no smaller than four granules.
    const SHIFT: u32 = 2;

    fn insert(&mut self, index: u32) {
        let bit = index >> Self::SHIFT;
        let word = (bit / 64) as usize;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (bit % 64);
    }

    #[inline(always)]
    fn has(&self, index: u32) -> bool {
        let bit = index >> Self::SHIFT;
        self.0.get((bit / 64) as usize).is_some_and(|word| word >> (bit % 64) & 1 != 0)
    }
}

/// Moves the objects of the oldest generation that only it refers to, directly or not, to `unreachable`, which must be
/// empty, in order of addresses. Every younger generation must have been merged into it. What `deduce_unreachable` says
/// of lists and marks holds here too. All that is tracked is on its list or is `frozen` (G3). Returns the surviving tuples besides, if they are asked for.
pub(super) fn stream_unreachable<const SIDE: bool>(
    space: &Space,
    detector: &mut Detector,
    lists: Lists<'_, SIDE>,
    frozen: &Members,
    unreachable: Sentinel,
    wants_tuples: bool,
) -> (Examined, Vec<ObjectRef>) {
    let view = lists.view;
    let mut immortal = Vec::new();
    let mut tuples = Vec::new();
    let is_candidate = |_: &_, _, index| {
        let word = view.shape_word(index).load(Relaxed);
        if word & flag::TRACKED == 0 || frozen.has(index) {
            return false;
        }
        if view.count_word(index).load(Relaxed) & IMMORTAL != 0 {
            immortal.push(index);
            return false;
        }
        if wants_tuples && header::kind(word) == Kind::Tuple {
            tuples.extend(ObjectRef::from_bits(index));
        }
        true
    };
    let blocks = space.blocks();
    let examined = detector.detect(space, &blocks, Fetch::Ahead, || (), is_candidate);
    // As CPython 3.12 does.
    immortal.into_iter().for_each(|index| lists.move_to(index, head::PERMANENT));
    let mut flags = 0;
    for suspect in detector.suspects() {
        let index = suspect.bits();
        flags |= view.shape_word(index).load(Relaxed);
        lists.set_raw_prev(index, lists.raw_prev(index) | CANDIDATE);
        lists.move_to(index, unreachable);
    }
    tuples.retain(|tuple| !lists.is_candidate(tuple.bits()));
    let special = flags & (flag::HOOKED | flag::REFERENCED_WEAKLY) != 0;
    (Examined { objects: examined.objects, unreachable: examined.suspects, special }, tuples)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::{HeapConfig, Place};
    use crate::control::{Control, Generation};
    use crate::generational::state::with_lists;
    use crate::heap::{Heap, Mutator};
    use crate::object::{Shape, TypeSpec};
    use crate::{GenerationalStreamingHeap, NoObserver};

    #[test]
    fn members_are_those_that_were_put_in() {
        let mut members = Members::default();
        let all = [4, 8, 256, 260, 4096, u32::MAX - 3];
        assert!(!all.iter().any(|&index| members.has(index)));
        all[..5].iter().for_each(|&index| members.insert(index));
        assert!(all[..5].iter().all(|&index| members.has(index)) && !members.has(all[5]) && !members.has(12));
    }

    #[test]
    fn the_list_is_taken_where_two_of_three_objects_are_frozen() {
        for place in [Place::Inline, Place::Side] {
            for (frozen, others, expected) in [
                (0, 0, false),
                (0, 3, false),
                (1, 0, true),
                (5, 3, false),
                (6, 3, true),
                (100, 50, true),
                (99, 50, false),
            ] {
                let heap =
                    GenerationalStreamingHeap::new(HeapConfig { place, ..HeapConfig::default() }, Arc::new(NoObserver))
                        .unwrap();
                let node = heap.register_type(TypeSpec::new("Node", Kind::Instance)).unwrap();
                let mutator = heap.attach();
                let new = |_| mutator.allocate(node, Shape::new(1, 0)).unwrap();
                let mut kept: Vec<_> = (0..frozen).map(new).collect();
                mutator.freeze();
                kept.extend((0..others).map(new));
                mutator.collect(Generation::OLD);
                let found =
                    with_lists!(&mutator.shared().space, lists => frozen_unless_most(lists, head::GENERATIONS[2]));
                assert_eq!(found.is_none(), expected, "{frozen} frozen beside {others}, {place:?}");
            }
        }
    }
}
