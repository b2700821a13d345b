//! Death by count: what happens between the last release and the return of the cell.
//!
//! Source: CPython 3.12, `Objects/typeobject.c` (`subtype_dealloc`), `Objects/object.c` (the trashcan).
//!
//! # Invariants
//! - **D1** The stack stays bounded: deaths nest at most [`NestedDeaths::depth`] deep (and [`NestedDeaths::STACK`]); further ones wait in `deferred`, newest
//!   first, until the outermost has ended.
//! - **D2** The finalizer runs before weak references are cleared; all of them are cleared before any callback runs.
//! - **D3** A slot is null before its target is released, so nothing that runs meanwhile sees a dead target.

use std::time::Instant;

use crate::callback::Place;
use crate::config::NestedDeaths;
use crate::event::Cascade;
use crate::object::{Kind, ObjectRef, TypeId, TypeSpec};
use crate::root::Root;
use crate::space::View;
use crate::space::header::{self, COUNT_MASK, IMMORTAL, flag};
use crate::sync::Ordering::Relaxed;
use crate::sync::add_exclusive;
use crate::tape::Unrepeatable;
use crate::weak;

use super::mutator::PlainMutator;
use super::tracking::Tracking;

// Orderings in this file are relaxed: the thread that has the turn is alone (T1 of `turn`).

/// How deep deaths nest whatever the setting.
const MAX_NESTING: u32 = NestedDeaths::CPython312.depth();

impl<T: Tracking> PlainMutator<T> {
    /// Ends the life of an object whose count has become 0.
    #[inline(never)]
    pub(super) fn die(&self, object: ObjectRef) {
        let shared = self.shared();
        let shape_word = shared.space.shape_word(object.bits());
        let mut word = shape_word.load(Relaxed);
        if word & flag::TRACKED != 0 {
            shared.tracking.unlink(&shared.space, object);
            word &= !flag::TRACKED;
            shape_word.store(word, Relaxed);
        }
        let depth = self.nesting.get();
        if depth == 0 {
            self.cascade_left.set(Cascade::THRESHOLD as i64 - 1);
        } else if depth >= MAX_NESTING && header::type_id(word) != TypeId::WEAK_REFERENCE && self.is_too_deep(depth) {
            // D1. A weak reference has nothing to release, and must leave its referent's list at once.
            return self.defer(object);
        }
        if depth != 0 {
            self.count_cascade();
        }
        self.nesting.set(depth + 1);
        self.take_apart(object, word);
        self.nesting.set(depth);
        if depth == 0 && self.outermost_has_more.get() {
            self.end_cascade();
        }
    }

    /// Whether a death, at least [`MAX_NESTING`] deep, has to wait. (D1)
    #[cold]
    #[inline(never)]
    fn is_too_deep(&self, depth: u32) -> bool {
        let here = (&raw const depth).addr();
        if depth == MAX_NESTING {
            self.stack_when_deep.set(here);
        }
        let stack = self.stack_when_deep.get().abs_diff(here);
        depth >= self.shared().config.nested_deaths.depth() || stack > NestedDeaths::STACK
    }

    #[cold]
    #[inline(never)]
    fn defer(&self, object: ObjectRef) {
        self.deferred.borrow_mut().push(object);
        self.outermost_has_more.set(true);
    }

    #[cold]
    #[inline(never)]
    fn begin_cascade(&self) {
        self.cascade_began.set(Some(Instant::now()));
        self.outermost_has_more.set(true);
    }

    /// Tears down what was deferred, then reports the cascade.
    #[cold]
    #[inline(never)]
    fn end_cascade(&self) {
        let shared = self.shared();
        self.outermost_has_more.set(false);
        loop {
            let Some(object) = self.deferred.borrow_mut().pop() else { break };
            self.nesting.set(1);
            self.die(object);
        }
        self.nesting.set(0);
        self.outermost_has_more.set(false);
        if let Some(began) = self.cascade_began.take()
            && !shared.tracking.is_collecting()
        {
            let objects = (Cascade::THRESHOLD as i64 - self.cascade_left.get()) as u64;
            shared.observer.cascade(&Cascade { objects, duration: began.elapsed() });
        }
    }

    /// One more object dies of the outermost one's death.
    #[inline(always)]
    fn count_cascade(&self) {
        let left = self.cascade_left.get() - 1;
        self.cascade_left.set(left);
        if left == 0 {
            self.begin_cascade();
        }
    }

    #[inline(always)]
    fn take_apart(&self, object: ObjectRef, word: u64) {
        let shared = self.shared();
        let index = object.bits();
        if word & (flag::HOOKED | flag::OBSERVED | flag::REFERENCED_WEAKLY) != 0 && !self.last_rites(object) {
            return;
        }
        let (slots, kind) = (header::slots(word), header::kind(word));
        self.release_slots(index, slots, kind);
        if word & flag::OBSERVED != 0 {
            self.end_teardown(object);
        }
        if T::TRACKS && kind.is_container() {
            shared.tracking.count_death(kind, slots);
        }
        shared.tracking.buried(object, word);
        shared.space.free(object);
        add_exclusive(&shared.freed, 1);
    }

    /// Frees the object at a place, dead as another run has it: no counts, no callbacks.
    #[inline(always)]
    pub(crate) fn bury(&self, view: View<'_>, place: u32) {
        let Some(object) = ObjectRef::from_bits(place) else { return };
        let word = view.shape_word(place).load(Relaxed);
        if word & (flag::HOOKED | flag::REFERENCED_WEAKLY) != 0 {
            self.part_from_weak_references(object);
        }
        // A free cell has only null slots.
        view.slots(place, header::slots(word)).iter().for_each(|slot| slot.store(0, Relaxed));
        self.shared().space.free(object);
    }

    #[cold]
    #[inline(never)]
    fn part_from_weak_references(&self, object: ObjectRef) {
        let shared = self.shared();
        if weak::is_weak(&shared.space, object) {
            return shared.weak.unlink(&shared.space, object);
        }
        for weak in shared.weak.of(&shared.space, object) {
            shared.weak.unlink(&shared.space, weak);
        }
    }

    /// Empties the slots of an object: first to last, of lists and tuples last to first, as CPython does. (D3)
    #[inline(always)]
    pub(crate) fn release_slots(&self, index: u32, slots: u32, kind: Kind) {
        if matches!(kind, Kind::List | Kind::Tuple) {
            return self.release_slots_backwards(index, slots);
        }
        let view = self.view();
        for slot in 0..slots {
            self.release_slot(view, index, slot);
        }
    }

    #[inline(never)]
    fn release_slots_backwards(&self, index: u32, slots: u32) {
        let view = self.view();
        for slot in (0..slots).rev() {
            self.release_slot(view, index, slot);
        }
    }

    #[inline(always)]
    fn release_slot(&self, view: View<'_>, index: u32, slot: u32) {
        let place = view.slot(index, slot);
        if let Some(target) = ObjectRef::from_bits(place.load(Relaxed)) {
            place.store(0, Relaxed);
            self.release_in(view, target);
        }
    }

    /// Finalizer, weak references, legacy finalizer. False if one of them brought the object back to life.
    #[cold]
    #[inline(never)]
    fn last_rites(&self, object: ObjectRef) -> bool {
        let shared = self.shared();
        if weak::is_weak(&shared.space, object) {
            shared.weak.unlink(&shared.space, object);
            return true;
        }
        let spec = shared.types.spec(shared.space.type_of(object));
        if spec.finalizer.is_some() || spec.legacy_finalizer.is_some() {
            shared.tracking.unrepeatable(Unrepeatable::Finalizer);
        }
        if let Some(finalizer) = spec.finalizer
            && !self.has_flag(object, flag::FINALIZED)
        {
            let resurrected = self.with_last_reference(object, &spec, |root| {
                shared.callbacks.call(finalizer, self, root, Place::Finalizer, &*shared.observer);
                // After the call, and for containers only: an atomic object's finalizer runs at each death.
                if spec.kind != Kind::Atomic {
                    self.set_flag(object, flag::FINALIZED);
                }
            });
            if resurrected {
                return false;
            }
        }
        self.clear_weak_references(object);
        if let Some(finalizer) = spec.legacy_finalizer {
            let resurrected = self.with_last_reference(object, &spec, |root| {
                shared.callbacks.call(finalizer, self, root, Place::LegacyFinalizer, &*shared.observer);
            });
            if resurrected {
                return false;
            }
            // Those that it made die without a word.
            for weak in shared.weak.of(&shared.space, object) {
                shared.weak.unlink(&shared.space, weak);
            }
        }
        self.begin_teardown(object);
        true
    }

    /// Lends a dead object to `f`, tracked and with a root. True if something else holds it afterwards.
    fn with_last_reference(&self, object: ObjectRef, spec: &TypeSpec, f: impl FnOnce(Root<'_, Self>)) -> bool {
        let shared = self.shared();
        let tracked = T::TRACKS && spec.kind.is_container();
        if tracked {
            self.set_flag(object, flag::TRACKED);
            shared.tracking.link(&shared.space, object);
        }
        // One reference for the root, one that keeps the object from dying anew when the root is dropped.
        let count = shared.space.count_word(object.bits());
        count.store(count.load(Relaxed) + 2, Relaxed);
        f(Root::adopt(self, object));
        let word = count.load(Relaxed);
        if word & IMMORTAL != 0 {
            return true;
        }
        count.store(word - 1, Relaxed);
        if word & COUNT_MASK != 1 {
            return true;
        }
        if tracked && self.has_flag(object, flag::TRACKED) {
            shared.tracking.unlink(&shared.space, object);
            self.clear_flag(object, flag::TRACKED);
        }
        false
    }

    /// Clears all weak references to a dying object, then calls the callbacks of those that are alive, newest first.
    fn clear_weak_references(&self, object: ObjectRef) {
        let shared = self.shared();
        let weak_references = shared.weak.of(&shared.space, object);
        let mut to_call = Vec::new();
        for weak in weak_references {
            shared.weak.unlink(&shared.space, weak);
            let alive = shared.space.count_word(weak.bits()).load(Relaxed) & (COUNT_MASK | IMMORTAL) != 0;
            if let Some(callback) = weak::callback_of(&shared.space, weak)
                && alive
            {
                self.retain_running(weak);
                to_call.push((callback, Root::adopt(self, weak)));
            }
        }
        if !to_call.is_empty() {
            shared.tracking.unrepeatable(Unrepeatable::Callback);
        }
        for (callback, weak) in to_call {
            weak::forget_callback(&shared.space, weak.object());
            shared.callbacks.call(callback, self, weak, Place::WeakReference, &*shared.observer);
        }
    }

    /// Reports that the slots of an object are about to be released, if its type asks for it.
    pub(crate) fn begin_teardown(&self, object: ObjectRef) {
        if self.has_flag(object, flag::OBSERVED) {
            self.shared().observer.teardown(object, true);
        }
    }

    /// Reports that they have been.
    pub(crate) fn end_teardown(&self, object: ObjectRef) {
        if self.has_flag(object, flag::OBSERVED) {
            self.clear_flag(object, flag::OBSERVED);
            self.shared().observer.teardown(object, false);
        }
    }

    pub(crate) fn has_flag(&self, object: ObjectRef, flag: u64) -> bool {
        self.shared().space.shape_word(object.bits()).load(Relaxed) & flag != 0
    }

    pub(crate) fn set_flag(&self, object: ObjectRef, flag: u64) {
        let word = self.shared().space.shape_word(object.bits());
        word.store(word.load(Relaxed) | flag, Relaxed);
    }

    pub(crate) fn clear_flag(&self, object: ObjectRef, flag: u64) {
        let word = self.shared().space.shape_word(object.bits());
        word.store(word.load(Relaxed) & !flag, Relaxed);
    }
}
