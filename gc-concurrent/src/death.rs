//! Death by count where mutators run in parallel: what happens between the last release and the return of the cell.
//!
//! Source: CPython 3.12, `Objects/typeobject.c` (`subtype_dealloc`), `Objects/object.c` (the trashcan).
//!
//! # Invariants
//! - **M1** The stack stays bounded: deaths nest at most [`MAX_NESTING`] deep; further ones wait in `deferred`, newest
//!   first, until the outermost has ended.
//! - **M2** The time stays bounded: what one operation frees beyond the budget waits there as well, for later operations.
//! - **M3** The finalizer runs before weak references are cleared; all of them are cleared before any callback runs.
//! - **M4** An object whose count is 0 belongs to the thread that brought it there: loads and upgrades turn away from it,
//!   and a collection rejects it.
//! - **M5** Where others stand still for the collection in whose teardown an object dies, they go on while callbacks run.

use std::time::Instant;

use gc_core::callback::Place;
use gc_core::event::Cascade;
use gc_core::space::header::{self, COUNT_MASK, IMMORTAL, flag};
use gc_core::sync::Ordering::{Acquire, Relaxed, Release};
use gc_core::{Kind, ObjectRef, Root, TypeId, TypeSpec, weak};

use crate::age;
use crate::count;
use crate::heap::Rung;
use crate::mutator::ParallelMutator;
use crate::protocol::{ONE, Protocol};

/// How deep deaths nest before they are deferred (CPython's `PyTrash_UNWIND_LEVEL`).
const MAX_NESTING: u32 = 50;

impl<R: Rung> ParallelMutator<R> {
    /// Ends the life of an object whose count has become 0.
    #[inline(never)]
    pub(crate) fn die(&self, object: ObjectRef) {
        // Relaxed: the object is this thread's (M4).
        let word = self.shared().space.shape_word(object.bits()).load(Relaxed);
        let depth = self.nesting.get();
        if depth == 0 {
            self.cascade_left.set(Cascade::THRESHOLD as i64 - 1);
        } else if (depth >= MAX_NESTING || self.cascade_left.get() <= self.cascade_floor)
            && header::type_id(word) != TypeId::WEAK_REFERENCE
        {
            // M1, M2. A weak reference has nothing to release, and must leave its referent's list at once.
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

    /// Tears down what was deferred, as far as the budget goes, then reports the cascade.
    #[cold]
    #[inline(never)]
    fn end_cascade(&self) {
        self.outermost_has_more.set(false);
        while self.cascade_left.get() > self.cascade_floor {
            let Some(object) = self.deferred.borrow_mut().pop() else { break };
            self.nesting.set(1);
            self.die(object);
        }
        self.nesting.set(0);
        self.outermost_has_more.set(false);
        self.has_unfinished.set(!self.deferred.borrow().is_empty());
        if let Some(began) = self.cascade_began.take()
            && !self.tearing_down.get()
        {
            let objects = (Cascade::THRESHOLD as i64 - self.cascade_left.get()) as u64;
            self.shared().observer.cascade(&Cascade { objects, duration: began.elapsed() });
        }
    }

    /// Takes up deaths that earlier operations left, within the budget of one.
    pub(crate) fn continue_deaths(&self) {
        if self.has_unfinished.get() && self.nesting.get() == 0 {
            self.cascade_left.set(Cascade::THRESHOLD as i64);
            self.end_cascade();
        }
    }

    /// Takes up all of them.
    pub(crate) fn finish_deaths(&self) {
        while self.has_unfinished.get() && self.nesting.get() == 0 {
            self.continue_deaths();
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
        if word & (flag::HOOKED | flag::OBSERVED | flag::REFERENCED_WEAKLY) != 0 && !self.last_rites(object) {
            return;
        }
        let slots = header::slots(word);
        if header::dies_backwards(word) {
            self.release_slots_backwards(object.bits(), slots);
        } else {
            (0..slots).for_each(|slot| self.release_slot(object.bits(), slot));
        }
        if word & flag::OBSERVED != 0 {
            self.end_teardown(object);
        }
        if R::ABILITIES.collects_cycles && header::is_container(word) {
            self.record.count_down();
        }
        shared.space.free_shared(&self.allocator, object);
        self.record.free();
    }

    #[inline(never)]
    fn release_slots_backwards(&self, index: u32, slots: u32) {
        (0..slots).rev().for_each(|slot| self.release_slot(index, slot));
    }

    /// Nulls a slot of an object that nobody else can get at, then releases what it held.
    #[inline(always)]
    fn release_slot(&self, index: u32, slot: u32) {
        let place = self.shared().space.view().slot(index, slot);
        // Relaxed, both: the object is this thread's (M4), which acquired what its users wrote with the last reference.
        if let Some(target) = ObjectRef::from_bits(place.load(Relaxed)) {
            place.store(0, Relaxed);
            self.release_running(target);
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
        if let Some(finalizer) = spec.finalizer
            && !self.has_flag(object, flag::FINALIZED)
        {
            let resurrected = self.with_last_reference(object, &spec, |root| {
                self.with_others_running(|| {
                    shared.callbacks.call(finalizer, self, root, Place::Finalizer, &*shared.observer);
                });
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
                self.with_others_running(|| {
                    shared.callbacks.call(finalizer, self, root, Place::LegacyFinalizer, &*shared.observer);
                });
            });
            if resurrected {
                return false;
            }
            // Those that it made die without a word.
            shared.weak.clear(&shared.space, object, |_, _| true);
        }
        self.begin_teardown(object);
        true
    }

    /// Lends a dead object to `f`, tracked and with a root. True if something else holds it afterwards.
    fn with_last_reference(&self, object: ObjectRef, spec: &TypeSpec, f: impl FnOnce(Root<'_, Self>)) -> bool {
        let shared = self.shared();
        let tracked = R::ABILITIES.collects_cycles && spec.kind.is_container();
        let view = shared.space.view();
        if tracked {
            self.set_flag(object, flag::TRACKED);
            // Relaxed: a collection that misses it takes the object for untracked, hence held.
            view.age(object.bits()).store(age::YOUNG, Relaxed);
            shared.space.note_young(object);
        }
        let count = view.count_word(object.bits());
        // One reference for the root, one that keeps the object from dying anew when the root is dropped. A plain store to
        // a word of count 0, which nobody else writes; Release: as an allocation's.
        count.store(count.load(Relaxed).wrapping_add(2 * R::Protocol::RETAIN), Release);
        f(Root::adopt(self, object));
        if count.load(Relaxed) & IMMORTAL != 0 {
            return true;
        }
        // As in `count::release`.
        if count.fetch_sub(ONE, R::Protocol::RELEASE_ORDER) & (COUNT_MASK | IMMORTAL) != ONE {
            if self.notes_candidates {
                self.note_candidate(object);
            }
            return true;
        }
        // Acquire: see `Protocol::DEATH_ORDER`.
        count.load(Acquire);
        if tracked {
            self.clear_flag(object, flag::TRACKED);
            view.age(object.bits()).store(age::NONE, Relaxed);
        }
        false
    }

    /// Clears all weak references to a dying object, then calls the callbacks of those that are alive, newest first. (M3)
    fn clear_weak_references(&self, object: ObjectRef) {
        let shared = self.shared();
        let mut to_call = Vec::new();
        shared.weak.clear(&shared.space, object, |weak, callback| {
            if let Some(callback) = callback
                && self.retain_if_alive(weak)
            {
                to_call.push((callback, weak));
            }
            true
        });
        for (callback, weak) in to_call {
            let weak = Root::adopt(self, weak);
            weak::forget_callback(&shared.space, weak.object());
            self.with_others_running(|| {
                shared.callbacks.call(callback, self, weak, Place::WeakReference, &*shared.observer);
            });
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

    /// Takes away all references to garbage that was taken apart, which the certification counted, and frees its place.
    ///
    /// A stale load or an upgrade may have retained it and be about to undo that. Then it is not waited for: the undoing
    /// release is the last one, and frees the place as any last release does.
    pub(crate) fn free_garbage(&self, object: ObjectRef, count: Option<u64>) {
        let shared = self.shared();
        let word = shared.space.count_word(object.bits());
        // Relaxed: where nothing was certified the world stands still.
        let count = count.unwrap_or_else(|| word.load(Relaxed) & COUNT_MASK);
        if !count::disown(&shared.memory(), object.bits(), count) {
            return;
        }
        self.record.count_down();
        shared.space.free_shared(&self.allocator, object);
        self.record.free();
    }
}
