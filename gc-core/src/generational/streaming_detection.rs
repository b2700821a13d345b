//! Full collections of the heap with streaming detection: trial deletion without walking the list.
//!
//! Only full collections stream. Younger generations keep the list algorithm: their lists are short, a few thousand
//! objects at most by default, while the blocks that hold them are any blocks of the heap. So does the resurrection check,
//! whose list is what was found.

use rustc_hash::FxHashSet;

use super::lists::{CANDIDATE, Lists, head};
use super::trial_deletion::Examined;
use crate::object::{Kind, ObjectRef};
use crate::space::header::{self, IMMORTAL, flag};
use crate::space::{Sentinel, Space};
use crate::streaming::{Detector, Fetch};
use crate::sync::Ordering::Relaxed;

// Orderings in this file are relaxed: the thread that has the turn is alone (T1 of `turn`).

/// Moves the objects of the oldest generation that only it refers to, directly or not, to `unreachable`, which must be
/// empty, in order of addresses. Every younger generation must have been merged into it. What `deduce_unreachable` says
/// of lists and marks holds here too. Returns the surviving tuples besides, if they are asked for.
pub(super) fn stream_unreachable<const SIDE: bool>(
    space: &Space,
    detector: &mut Detector,
    lists: Lists<'_, SIDE>,
    unreachable: Sentinel,
    wants_tuples: bool,
) -> (Examined, Vec<ObjectRef>) {
    let view = lists.view;
    // All that is tracked is on this list or on that of the oldest generation. (G3)
    let permanent: FxHashSet<u32> = lists.iter(head::PERMANENT).map(ObjectRef::bits).collect();
    let mut immortal = Vec::new();
    let mut tuples = Vec::new();
    let is_candidate = |_: &_, _, index| {
        let word = view.shape_word(index).load(Relaxed);
        if word & flag::TRACKED == 0 || (!permanent.is_empty() && permanent.contains(&index)) {
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
