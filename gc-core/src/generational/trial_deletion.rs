//! Trial deletion: which objects of a list does nothing outside the list refer to?
//!
//! Three passes over the list, exactly in CPython's order, because the order of what they leave is observable:
//! copy every count (`update_refs`), subtract the references from inside the list (`subtract_refs`), then keep what has
//! a reference left and all that it reaches (`move_unreachable`). Roots are never enumerated: a count that inside
//! references do not explain is the root test.
//!
//! Prefetching changes no order: subtraction commutes, so it may lag behind by a few targets; the third pass looks a few
//! objects ahead on the list and touches what they will visit.

use super::lists::{CANDIDATE, Lists, UNREACHABLE, head};
use crate::space::Sentinel;
use crate::space::header::{COUNT_MASK, IMMORTAL, flag};
use crate::sync::Ordering::Relaxed;

// Orderings in this file are relaxed: the thread that has the turn is alone (T1 of `turn`).

/// Fewer objects than these are in the cache anyway: a young collection would only pay for the prefetches.
const PREFETCH_FROM: u64 = 16_384;
/// How many subtractions lag behind their prefetch.
const LAG: usize = 16;
/// How many objects the third pass looks ahead.
const AHEAD: usize = 8;

/// One copied count, as `prev` holds it.
const ONE: u32 = 2;

/// Moves the objects of `base` that only `base` refers to, directly or not, to `unreachable`, which must be empty.
///
/// Both lists are whole afterwards; the unreachable ones carry the candidate mark, the others do not.
/// (`deduce_unreachable`)
pub(super) fn deduce_unreachable<const SIDE: bool>(
    lists: Lists<'_, SIDE>,
    base: Sentinel,
    unreachable: Sentinel,
) -> Examined {
    let examined = copy_counts(lists, base);
    if examined < PREFETCH_FROM {
        subtract_inside_references::<SIDE, false>(lists, base);
        move_unreachable::<SIDE, false>(lists, base, unreachable);
    } else {
        subtract_inside_references::<SIDE, true>(lists, base);
        move_unreachable::<SIDE, true>(lists, base, unreachable);
    }
    let (found, special) = unmark_unreachable(lists, unreachable);
    Examined { objects: examined, unreachable: found, special }
}

/// What a trial deletion looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Examined {
    /// Objects under examination.
    pub(super) objects: u64,
    /// Those of them that were found unreachable.
    pub(super) unreachable: u64,
    /// Whether any unreachable object has weak references or is one, or has a finalizer of either sort.
    pub(super) special: bool,
}

/// Clears the marks in the links of the unreachable list (`clear_unreachable_mask`), and looks at the flags on the way.
/// Returns how many there are, and whether any is special.
fn unmark_unreachable<const SIDE: bool>(lists: Lists<'_, SIDE>, unreachable: Sentinel) -> (u64, bool) {
    let mut objects = 0;
    let mut flags = 0;
    let mut at = unreachable.0;
    loop {
        let next = lists.next(at);
        lists.set_raw_next(at, next);
        if next == unreachable.0 {
            return (objects, flags & (flag::HOOKED | flag::REFERENCED_WEAKLY) != 0);
        }
        objects += 1;
        flags |= lists.view.shape_word(next).load(Relaxed);
        at = next;
    }
}

/// From here on the list is linked forwards only. (`update_refs`)
fn copy_counts<const SIDE: bool>(lists: Lists<'_, SIDE>, base: Sentinel) -> u64 {
    let mut examined = 0;
    let mut object = lists.next(base.0);
    while object != base.0 {
        let next = lists.next(object);
        let word = lists.view.count_word(object).load(Relaxed);
        if word & IMMORTAL == 0 {
            lists.set_raw_prev(object, (((word & COUNT_MASK) as u32) << 1) | CANDIDATE);
            examined += 1;
        } else {
            // As CPython 3.12 does. `remove` needs the object's own `prev`, which is not overwritten yet.
            lists.remove(object);
            lists.append(object, head::PERMANENT);
        }
        object = next;
    }
    examined
}

/// (`subtract_refs`)
fn subtract_inside_references<const SIDE: bool, const PREFETCH: bool>(lists: Lists<'_, SIDE>, base: Sentinel) {
    let mut waiting = [base.0; LAG];
    let mut at = 0;
    let subtract = |target: u32| {
        let refs = lists.raw_prev(target);
        // The list's head, which fills the ring at first, carries no mark.
        if refs & CANDIDATE != 0 {
            debug_assert!(refs >= ONE, "count is too small: an object has more references than were counted");
            lists.set_raw_prev(target, refs - ONE);
        }
    };
    let mut object = lists.next(base.0);
    while object != base.0 {
        for target in lists.targets(object) {
            if PREFETCH {
                lists.prefetch(target);
                subtract(std::mem::replace(&mut waiting[at], target));
                at = (at + 1) % LAG;
            } else {
                subtract(target);
            }
        }
        object = lists.next(object);
    }
    if PREFETCH {
        waiting.into_iter().for_each(subtract);
    }
}

/// Links the list backwards again on its way. (`move_unreachable`)
fn move_unreachable<const SIDE: bool, const PREFETCH: bool>(
    lists: Lists<'_, SIDE>,
    base: Sentinel,
    unreachable: Sentinel,
) {
    debug_assert!(lists.is_empty(unreachable));
    // The reachable objects seen last; their `prev` is a link again.
    let mut last_reachable = base.0;
    let mut object = lists.next(base.0);
    let mut ahead = Lookahead::new(base);
    while object != base.0 {
        if PREFETCH {
            ahead.advance(lists, object);
        }
        let refs = lists.raw_prev(object);
        debug_assert!(refs & CANDIDATE != 0);
        if refs > CANDIDATE {
            for target in lists.targets(object) {
                reach(lists, target, base);
            }
            // Reachable: no longer a candidate.
            lists.set_raw_prev(object, last_reachable);
            last_reachable = object;
        } else {
            // Perhaps unreachable; an object further on may still reach it.
            lists.set_raw_next(last_reachable, lists.raw_next(object));
            let last = lists.prev(unreachable.0);
            lists.set_raw_next(last, object | UNREACHABLE);
            lists.set_raw_prev(object, last | CANDIDATE);
            lists.set_raw_next(object, unreachable.0 | UNREACHABLE);
            lists.set_raw_prev(unreachable.0, object);
        }
        object = lists.next(last_reachable);
    }
    lists.set_raw_prev(base.0, last_reachable);
}

/// A reachable object refers to `target`. (`visit_reachable`)
#[inline(always)]
fn reach<const SIDE: bool>(lists: Lists<'_, SIDE>, target: u32, base: Sentinel) {
    let refs = lists.raw_prev(target);
    if refs & CANDIDATE == 0 {
        // Of another generation, or seen already.
        return;
    }
    let next = lists.raw_next(target);
    if next & UNREACHABLE != 0 {
        // Moved too early: back to the tail of the list, to be looked at again.
        let prev = lists.prev(target);
        let next = next & !UNREACHABLE;
        lists.set_raw_next(prev, next | UNREACHABLE);
        lists.set_prev(next, prev);
        let tail = lists.prev(base.0);
        lists.set_raw_next(tail, target);
        lists.set_raw_next(target, base.0);
        lists.set_raw_prev(base.0, target);
        lists.set_raw_prev(target, ONE | CANDIDATE);
    } else if refs == CANDIDATE {
        lists.set_raw_prev(target, ONE | CANDIDATE);
    }
}

/// A cursor some objects ahead of the third pass. Where it stands has no effect but on what is in the cache.
struct Lookahead {
    base: Sentinel,
    cursor: u32,
    /// Objects between the pass and the cursor.
    distance: usize,
}

impl Lookahead {
    fn new(base: Sentinel) -> Self {
        Self { base, cursor: base.0, distance: 0 }
    }

    /// The pass is about to look at `object`. Steps at most twice, so that a list that keeps growing at its end costs no
    /// more than twice the work.
    #[inline(always)]
    fn advance<const SIDE: bool>(&mut self, lists: Lists<'_, SIDE>, object: u32) {
        if self.distance == 0 {
            self.cursor = object;
        } else {
            self.distance -= 1;
        }
        for _ in 0..2 {
            if self.distance >= AHEAD || self.cursor == self.base.0 {
                return;
            }
            for target in lists.targets(self.cursor) {
                lists.prefetch(target);
            }
            self.cursor = lists.next(self.cursor);
            self.distance += 1;
        }
    }
}
