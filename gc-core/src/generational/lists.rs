//! Generations as doubly linked lists, threaded through headers or side tables.
//!
//! A link is a granule index; its bit 0 is a mark, because objects begin at even granules:
//!
//! - of `next`: the object is on the unreachable list of a trial deletion in progress;
//! - of `prev`: the object is a candidate. During trial deletion the other bits of `prev` are then its copied count.

use crate::object::ObjectRef;
use crate::space::{Sentinel, Space, View};
use crate::sync::AtomicU32;
use crate::sync::Ordering::Relaxed;

// Orderings in this file are relaxed: the thread that has the turn is alone (T1 of `turn`).

/// The lists' heads.
pub(super) mod head {
    use crate::space::Sentinel;

    /// Generations 0, 1 and 2.
    pub(in crate::generational) const GENERATIONS: [Sentinel; 3] =
        [Sentinel::number(0), Sentinel::number(1), Sentinel::number(2)];
    /// What `freeze` fills.
    pub(in crate::generational) const PERMANENT: Sentinel = Sentinel::number(3);
    /// Found by the first trial deletion.
    pub(in crate::generational) const UNREACHABLE: Sentinel = Sentinel::number(4);
    /// Unreachable, with a legacy finalizer or reachable from one that has.
    pub(in crate::generational) const LEGACY: Sentinel = Sentinel::number(5);
    /// Weak references whose callbacks are to be called.
    pub(in crate::generational) const CALLBACKS: Sentinel = Sentinel::number(6);
    /// Unreachable objects whose finalizers were seen to.
    pub(in crate::generational) const SEEN: Sentinel = Sentinel::number(7);
    /// Still unreachable after finalizers.
    pub(in crate::generational) const FINAL: Sentinel = Sentinel::number(8);
    /// How many heads there are.
    pub(in crate::generational) const COUNT: u32 = 9;
}

/// Mark in `next`.
pub(super) const UNREACHABLE: u32 = 1;
/// Mark in `prev`.
pub(super) const CANDIDATE: u32 = 1;

/// The lists of one space, with links in the headers or in side tables.
#[derive(Clone, Copy)]
pub(super) struct Lists<'s, const SIDE: bool> {
    pub(super) view: View<'s>,
}

impl<'s, const SIDE: bool> Lists<'s, SIDE> {
    pub(super) fn new(space: &'s Space) -> Self {
        debug_assert_eq!(space.is_side(), SIDE);
        Self { view: space.view() }
    }

    #[inline(always)]
    fn next_word(self, index: u32) -> &'s AtomicU32 {
        if SIDE { self.view.side_link(index, 0) } else { self.view.inline_next(index) }
    }

    #[inline(always)]
    fn prev_word(self, index: u32) -> &'s AtomicU32 {
        if SIDE { self.view.side_link(index, 1) } else { self.view.inline_prev(index) }
    }

    /// The next object or head, with its mark.
    #[inline(always)]
    pub(super) fn raw_next(self, index: u32) -> u32 {
        self.next_word(index).load(Relaxed)
    }

    #[inline(always)]
    pub(super) fn set_raw_next(self, index: u32, next: u32) {
        self.next_word(index).store(next, Relaxed);
    }

    /// The previous object or head, or the copied count, with the mark.
    #[inline(always)]
    pub(super) fn raw_prev(self, index: u32) -> u32 {
        self.prev_word(index).load(Relaxed)
    }

    #[inline(always)]
    pub(super) fn set_raw_prev(self, index: u32, prev: u32) {
        self.prev_word(index).store(prev, Relaxed);
    }

    /// The next object or head.
    #[inline(always)]
    pub(super) fn next(self, index: u32) -> u32 {
        self.raw_next(index) & !UNREACHABLE
    }

    /// The previous object or head.
    #[inline(always)]
    pub(super) fn prev(self, index: u32) -> u32 {
        self.raw_prev(index) & !CANDIDATE
    }

    /// Changes `prev` and keeps the mark.
    #[inline(always)]
    pub(super) fn set_prev(self, index: u32, prev: u32) {
        self.set_raw_prev(index, prev | (self.raw_prev(index) & CANDIDATE));
    }

    #[inline(always)]
    pub(super) fn is_candidate(self, index: u32) -> bool {
        self.raw_prev(index) & CANDIDATE != 0
    }

    #[inline(always)]
    pub(super) fn clear_candidate(self, index: u32) {
        self.set_raw_prev(index, self.prev(index));
    }

    pub(super) fn init(self, list: Sentinel) {
        self.set_raw_next(list.0, list.0);
        self.set_raw_prev(list.0, list.0);
    }

    pub(super) fn is_empty(self, list: Sentinel) -> bool {
        self.next(list.0) == list.0
    }

    /// The first object.
    pub(super) fn first(self, list: Sentinel) -> Option<ObjectRef> {
        let first = self.next(list.0);
        if first == list.0 { None } else { ObjectRef::from_bits(first) }
    }

    /// Puts an object that is on no list at the tail. Its mark stays.
    #[inline(always)]
    pub(super) fn append(self, index: u32, list: Sentinel) {
        let last = self.prev(list.0);
        self.set_raw_next(last, index);
        self.set_prev(index, last);
        self.set_raw_next(index, list.0);
        self.set_raw_prev(list.0, index);
    }

    /// Puts a new object, whose links are whatever its cell held before, at the tail.
    #[inline(always)]
    pub(super) fn append_new(self, index: u32, list: Sentinel) {
        let last = self.prev(list.0);
        self.set_raw_next(last, index);
        self.set_raw_prev(index, last);
        self.set_raw_next(index, list.0);
        self.set_raw_prev(list.0, index);
    }

    /// Takes an object from its list. Its neighbours keep their marks.
    #[inline(always)]
    pub(super) fn remove(self, index: u32) {
        let prev = self.prev(index);
        let next = self.next(index);
        self.set_raw_next(prev, next);
        self.set_prev(next, prev);
    }

    /// Moves an object to the tail of another list. Its mark stays.
    pub(super) fn move_to(self, index: u32, list: Sentinel) {
        self.remove(index);
        self.append(index, list);
    }

    /// Moves all of `from` to the tail of `to` (`gc_list_merge`).
    pub(super) fn merge(self, from: Sentinel, to: Sentinel) {
        if self.is_empty(from) {
            return;
        }
        let (first, last) = (self.next(from.0), self.prev(from.0));
        let tail = self.prev(to.0);
        self.set_raw_next(tail, first);
        self.set_prev(first, tail);
        self.set_raw_next(last, to.0);
        self.set_raw_prev(to.0, last);
        self.init(from);
    }

    /// The objects in list order. The list may not change meanwhile, but for the object last returned.
    pub(super) fn iter(self, list: Sentinel) -> impl Iterator<Item = ObjectRef> + 's
    where
        Self: 's,
    {
        let mut next = self.next(list.0);
        std::iter::from_fn(move || {
            if next == list.0 {
                return None;
            }
            let object = ObjectRef::from_bits(next);
            next = self.next(next);
            object
        })
    }

    /// The targets of an object's slots, in order.
    #[inline(always)]
    pub(super) fn targets(self, index: u32) -> impl Iterator<Item = u32> + 's {
        let view = self.view;
        let slots = crate::space::header::slots(view.shape_word(index).load(Relaxed));
        (0..slots).map(move |slot| view.slot(index, slot).load(Relaxed)).filter(|&target| target != 0)
    }

    /// Asks for the line with the object's marks.
    #[inline(always)]
    pub(super) fn prefetch(self, index: u32) {
        if !SIDE {
            self.view.prefetch(index);
        }
    }
}
