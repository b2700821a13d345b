//! What heap operations do, with the turn: counting, access to slots and payload, allocation.
//!
//! Counts are updated by a relaxed load and a relaxed store, which compile to one plain instruction. That is exact
//! because one mutator runs at a time (T1 of [`turn`](crate::turn)).

use std::ops::Range;
use std::time::Instant;

use crate::callback::CallbackId;
use crate::config::Trigger;
use crate::control::Generation;
use crate::event::Cause;
#[cfg(feature = "faults")]
use crate::faults::{self, Fault};
use crate::heap::{HeapFull, Shortage};
use crate::object::{Kind, ObjectRef, Shape, TypeId};
use crate::root::{Mailbox, Root};
use crate::space::header::{self, COUNT_LIMIT, COUNT_MASK, IMMORTAL, flag};
use crate::space::{NoRoom, Recipe, View};
use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;
use crate::sync::add_exclusive;
use crate::weak;

use super::mutator::PlainMutator;
use super::tracking::{Reason, Tracking};

// Orderings in this file are relaxed: the thread that has the turn is alone, and the turn's lock orders turns (T1).

impl<T: Tracking> PlainMutator<T> {
    /// The addresses of the space. An operation takes them once: each store to the heap would make the compiler read
    /// them anew.
    #[inline(always)]
    pub(super) fn view(&self) -> View<'_> {
        self.shared().space.view()
    }

    #[inline(always)]
    pub(super) fn check_owner(&self, root: &Root<'_, Self>) -> u32 {
        if !std::ptr::eq(root.mutator(), self) {
            foreign_root();
        }
        root.object().bits()
    }

    /// Checks the slot number, and names the object's index.
    #[inline(always)]
    pub(super) fn check_slot(&self, view: View<'_>, root: &Root<'_, Self>, slot: u32) -> u32 {
        let index = self.check_owner(root);
        let slots = header::slots(view.shape_word(index).load(Relaxed));
        if slot >= slots {
            no_such_slot(slot, slots);
        }
        index
    }

    /// Count + 1, with the turn.
    #[inline(always)]
    pub(crate) fn retain_running(&self, object: ObjectRef) {
        self.retain_in(self.view(), object);
    }

    /// Count − 1, with the turn; at 0 the object dies.
    #[inline(always)]
    pub(crate) fn release_running(&self, object: ObjectRef) {
        self.release_in(self.view(), object);
    }

    #[inline(always)]
    pub(super) fn retain_in(&self, view: View<'_>, object: ObjectRef) {
        if !T::COUNTS {
            return;
        }
        #[cfg(feature = "faults")]
        if faults::strikes(Fault::Miscounts) {
            return;
        }
        let count = view.count_word(object.bits());
        let word = count.load(Relaxed);
        #[cfg(feature = "traffic")]
        if word & IMMORTAL == 0 {
            crate::traffic::retained();
        }
        if (word as u32) < COUNT_LIMIT {
            count.store(word + 1, Relaxed);
        } else if word & IMMORTAL == 0 {
            // A count at its limit becomes immortal rather than wrap. What is immortal is not written: its page may be
            // shared with a forked process. Not a function of its own: a call here would spill every register.
            count.store(word | IMMORTAL, Relaxed);
        }
    }

    #[inline(always)]
    pub(super) fn release_in(&self, view: View<'_>, object: ObjectRef) {
        if !T::COUNTS {
            return;
        }
        #[cfg(feature = "faults")]
        faults::delay(&*self.shared().observer);
        let count = view.count_word(object.bits());
        let word = count.load(Relaxed);
        #[cfg(feature = "traffic")]
        if word & IMMORTAL == 0 {
            crate::traffic::released();
        }
        if word as u32 == 1 {
            count.store(word - 1, Relaxed);
            self.die(object);
        } else if word & IMMORTAL == 0 {
            debug_assert!(word & COUNT_MASK != 0, "{object:?} is released more often than retained");
            count.store(word - 1, Relaxed);
            #[cfg(feature = "faults")]
            if faults::strikes(Fault::FreesLive) {
                self.release_running(object);
            }
        }
    }

    #[inline(always)]
    pub(super) fn load_running(&self, object: &Root<'_, Self>, slot: u32) -> Option<Root<'_, Self>> {
        let view = self.view();
        let index = self.check_slot(view, object, slot);
        let target = ObjectRef::from_bits(view.slot(index, slot).load(Relaxed))?;
        self.retain_in(view, target);
        Some(Root::adopt(self, target))
    }

    #[inline(always)]
    pub(super) fn store_running(&self, object: &Root<'_, Self>, slot: u32, value: Option<&Root<'_, Self>>) {
        let view = self.view();
        let index = self.check_slot(view, object, slot);
        let mut bits = 0;
        if let Some(value) = value {
            bits = self.check_owner(value);
            self.retain_in(view, value.object());
        }
        let place = view.slot(index, slot);
        let old = place.load(Relaxed);
        place.store(bits, Relaxed);
        if let Some(old) = ObjectRef::from_bits(old) {
            self.release_in(view, old);
        }
    }

    /// Moves a value in; what comes out is the caller's.
    #[inline(always)]
    pub(super) fn swap_running(
        &self,
        object: &Root<'_, Self>,
        slot: u32,
        value: Option<Root<'_, Self>>,
    ) -> Option<ObjectRef> {
        let view = self.view();
        let index = self.check_slot(view, object, slot);
        let bits = match &value {
            Some(value) => self.check_owner(value),
            None => 0,
        };
        // The root's counted reference is the slot's now.
        std::mem::forget(value);
        let place = view.slot(index, slot);
        let old = place.load(Relaxed);
        place.store(bits, Relaxed);
        ObjectRef::from_bits(old)
    }

    #[inline(always)]
    pub(super) fn allocate_running(&self, type_id: TypeId, shape: Shape) -> Result<Root<'_, Self>, HeapFull> {
        T::tick(self);
        let shared = self.shared();
        let mut recipe = self.recipe(type_id, shape);
        let object = match self.allocator.allocate(&shared.space, recipe) {
            Ok(object) => object,
            Err(full) => {
                let object = self.allocate_when_full(full, type_id, shape)?;
                // Callbacks ran: what they allocated may have taken the recipe's place.
                recipe = self.recipe(type_id, shape);
                object
            }
        };
        add_exclusive(&shared.allocated, 1);
        if T::TRACKS && recipe.word() & flag::TRACKED != 0 {
            let due = shared.tracking.count_allocation(header::kind(recipe.word()), shape.slots);
            if due {
                self.link_when_due(object, header::kind(recipe.word()));
            } else {
                shared.tracking.link(&shared.space, object);
            }
        }
        Ok(Root::adopt(self, object))
    }

    #[inline(always)]
    fn recipe(&self, type_id: TypeId, shape: Shape) -> &Recipe {
        let flags = || self.shared().types.flags_of_new(type_id, shape, T::TRACKS);
        self.allocator.recipe(&self.shared().space, type_id, shape, flags)
    }

    /// Begins to track a new object whose allocation made a collection due. The object is held by the caller.
    #[cold]
    #[inline(never)]
    fn link_when_due(&self, object: ObjectRef, kind: Kind) {
        let shared = self.shared();
        match shared.config.trigger {
            Trigger::Inside => {
                // It is on no list yet. (G3 of `generational`)
                self.clear_flag(object, flag::TRACKED);
                T::due(self, true);
                self.set_flag(object, flag::TRACKED);
                shared.tracking.link(&shared.space, object);
            }
            Trigger::After => {
                shared.tracking.link(&shared.space, object);
                T::due(self, kind == Kind::Instance);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn allocate_when_full(&self, full: NoRoom, type_id: TypeId, shape: Shape) -> Result<ObjectRef, HeapFull> {
        let shared = self.shared();
        let NoRoom { requested, limit, .. } = full;
        let refuse = |held| HeapFull::new(Shortage { requested, in_use: held, limit });
        if requested > limit || shared.tracking.is_collecting() {
            return Err(refuse(full.held));
        }
        shared.observer.interruption_begins(Cause::Stall);
        let begin = Instant::now();
        self.release_dropped();
        T::tick(self);
        T::collect(self, Generation::OLD, Reason::Memory);
        shared.observer.interruption_ends(Cause::Stall, begin.elapsed());
        self.allocator.allocate(&shared.space, self.recipe(type_id, shape)).map_err(|full| refuse(full.held))
    }

    /// Releases what shared roots held that were dropped without a mutator.
    pub(super) fn release_dropped(&self) {
        let shared = self.shared();
        if shared.mailbox.attention() & Mailbox::DROPPED != 0 {
            for object in shared.mailbox.take_dropped() {
                self.release_running(object);
            }
        }
    }

    #[cold]
    pub(super) fn attend(&self, attention: u32) {
        let shared = self.shared();
        self.release_dropped();
        if attention & Mailbox::COLLECT != 0 {
            T::due(self, true);
        }
        if attention & Mailbox::TURN != 0 {
            shared.turn.hand_over(&shared.mailbox, &*shared.observer);
        }
    }

    pub(super) fn weak_running(
        &self,
        referent: ObjectRef,
        callback: Option<CallbackId>,
    ) -> Result<Root<'_, Self>, HeapFull> {
        T::tick(self);
        let shared = self.shared();
        if callback.is_none()
            && let Some(plain) = shared.weak.plain(&shared.space, referent)
        {
            self.retain_running(plain);
            return Ok(Root::adopt(self, plain));
        }
        // Its allocation may collect, but not free the referent, which the caller holds.
        let weak = self.allocate_running(TypeId::WEAK_REFERENCE, weak::SHAPE)?;
        if callback.is_none()
            && let Some(plain) = shared.weak.plain(&shared.space, referent)
        {
            // A callback of that collection made it meanwhile.
            self.retain_running(plain);
            return Ok(Root::adopt(self, plain));
        }
        shared.weak.link(&shared.space, weak.object(), referent, callback);
        Ok(weak)
    }

    pub(super) fn move_slots_running(&self, index: u32, from: Range<u32>, to: u32) {
        let space = &self.shared().space;
        let length = from.end - from.start;
        let moved: Vec<u32> = from.clone().map(|slot| space.slot(index, slot).swap(0, Relaxed)).collect();
        let mut overwritten = Vec::new();
        for (slot, &value) in (to..to + length).zip(&moved) {
            overwritten.extend(ObjectRef::from_bits(space.slot(index, slot).swap(value, Relaxed)));
        }
        overwritten.into_iter().for_each(|object| self.release_running(object));
    }

    /// A whole word of a payload, checked.
    #[inline(always)]
    pub(super) fn payload_word(&self, object: &Root<'_, Self>, word: u32) -> &AtomicU64 {
        self.check_owner(object);
        self.shared().space.checked_payload_word(object.object(), word)
    }
}

// The refusals stand apart and take their figures by value, so that nothing is spilt for them on the way that is taken.

#[cold]
#[inline(never)]
fn foreign_root() -> ! {
    panic!("the root belongs to another mutator");
}

#[cold]
#[inline(never)]
fn no_such_slot(slot: u32, slots: u32) -> ! {
    panic!("there is no slot {slot} in an object with {slots} slots");
}
