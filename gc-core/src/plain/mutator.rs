//! The mutator of heaps with plain counts.
//!
//! Counts are updated by a relaxed load and a relaxed store, which compile to one plain instruction. That is exact
//! because one mutator runs at a time (T1 of [`turn`](crate::turn)).

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::ops::Range;
use std::time::Instant;

use crate::callback::CallbackId;
use crate::config::Trigger;
use crate::control::Generation;
use crate::event::Cause;
#[cfg(feature = "faults")]
use crate::faults::{self, Fault};
use crate::heap::{HeapFull, Mutator};
use crate::object::{Kind, ObjectRef, Shape, TypeId};
use crate::process::{ForkError, Forked, fork_process};
use crate::root::{Counts, Mailbox, Root, SharedRoot};
use crate::space::header::{self, COUNT_LIMIT, COUNT_MASK, IMMORTAL, flag};
use crate::space::{Allocator, NoRoom, Recipe, View};
use crate::sync::Ordering::Relaxed;
use crate::sync::add_exclusive;
use crate::sync::{Arc, AtomicU64};
use crate::weak;

use super::tracking::{Reason, Tracking};
use super::{PlainHeap, Shared};

// Orderings in this file are relaxed: the thread that has the turn is alone, and the turn's lock orders turns (T1).

/// [`PlainMutator::running`] for the operations that programs spend their time in: written out twice, so that the usual
/// one is inlined without a closure, and the other stays out of its way.
macro_rules! running {
    ($mutator:ident, $operation:expr) => {
        if $mutator.in_region.get() { $mutator.re_entered(move || $operation) } else { $operation }
    };
}

/// A thread attached to a heap with plain counts, on which it alone runs.
pub struct PlainMutator<T: Tracking> {
    pub(super) heap: PlainHeap<T>,
    pub(super) allocator: Allocator,
    /// Inside a safe region, without the turn.
    in_region: Cell<bool>,
    /// Deaths by count under way, one inside the other.
    pub(super) nesting: Cell<u32>,
    /// Dead objects whose teardown waits for the outermost one to end (CPython's trashcan).
    pub(super) deferred: RefCell<Vec<ObjectRef>>,
    /// The outermost death has more to do at its end: deferred objects, or a cascade to report.
    pub(super) outermost_has_more: Cell<bool>,
    /// [`Cascade::THRESHOLD`](crate::event::Cascade::THRESHOLD) − objects freed since the outermost death began.
    pub(super) cascade_left: Cell<i64>,
    /// When that fell to 0.
    pub(super) cascade_began: Cell<Option<Instant>>,
    /// Neither `Send` nor `Sync`: a mutator is its thread.
    thread_bound: PhantomData<*const ()>,
}

impl<T: Tracking> PlainMutator<T> {
    pub(super) fn attach(heap: &PlainHeap<T>) -> Self {
        heap.0.turn.take(&heap.0.mailbox, &*heap.0.observer);
        heap.0.mutators.store(heap.0.mutators.load(Relaxed) + 1, Relaxed);
        Self {
            heap: heap.clone(),
            allocator: Allocator::default(),
            in_region: Cell::new(false),
            nesting: Cell::new(0),
            deferred: RefCell::default(),
            outermost_has_more: Cell::new(false),
            cascade_left: Cell::new(0),
            cascade_began: Cell::new(None),
            thread_bound: PhantomData,
        }
    }

    #[inline(always)]
    pub(crate) fn shared(&self) -> &Shared<T> {
        &self.heap.0
    }

    /// Runs a heap operation, with the turn: one that finds itself inside a safe region takes it for its duration.
    pub(super) fn running<R>(&self, operation: impl FnOnce() -> R) -> R {
        if self.in_region.get() { self.re_entered(operation) } else { operation() }
    }

    #[cold]
    #[inline(never)]
    fn re_entered<R>(&self, operation: impl FnOnce() -> R) -> R {
        let shared = self.shared();
        shared.turn.take(&shared.mailbox, &*shared.observer);
        self.in_region.set(false);
        let _leave = Restore(|| {
            self.in_region.set(true);
            shared.turn.give_up();
        });
        operation()
    }

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
    fn check_slot(&self, view: View<'_>, root: &Root<'_, Self>, slot: u32) -> u32 {
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
    fn retain_in(&self, view: View<'_>, object: ObjectRef) {
        #[cfg(feature = "faults")]
        if faults::strikes(Fault::Miscounts) {
            return;
        }
        let count = view.count_word(object.bits());
        let word = count.load(Relaxed);
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
        let count = view.count_word(object.bits());
        let word = count.load(Relaxed);
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
    fn load_running(&self, object: &Root<'_, Self>, slot: u32) -> Option<Root<'_, Self>> {
        let view = self.view();
        let index = self.check_slot(view, object, slot);
        let target = ObjectRef::from_bits(view.slot(index, slot).load(Relaxed))?;
        self.retain_in(view, target);
        Some(Root::adopt(self, target))
    }

    #[inline(always)]
    fn store_running(&self, object: &Root<'_, Self>, slot: u32, value: Option<&Root<'_, Self>>) {
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
    fn swap_running(&self, object: &Root<'_, Self>, slot: u32, value: Option<Root<'_, Self>>) -> Option<ObjectRef> {
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
    fn allocate_running(&self, type_id: TypeId, shape: Shape) -> Result<Root<'_, Self>, HeapFull> {
        let shared = self.shared();
        let recipe = self.allocator.recipe(&shared.space, type_id, shape, || self.new_flags(type_id, shape));
        let object = match self.allocator.allocate(&shared.space, recipe) {
            Ok(object) => object,
            Err(full) => self.allocate_when_full(full, recipe)?,
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

    /// The flags of a new object of this type; checks that there can be one of this shape.
    fn new_flags(&self, type_id: TypeId, shape: Shape) -> u64 {
        let word = self.shared().types.word(type_id);
        assert!(word.is_registered(), "{type_id:?} is not registered with this heap");
        assert!(word.is_container() || shape.slots == 0, "an object of an atomic type has no slots");
        if T::TRACKS { word.flags() } else { word.flags() & !flag::TRACKED }
    }

    /// Begins to track a new object whose allocation made a collection due. The object is held by the caller.
    #[cold]
    #[inline(never)]
    fn link_when_due(&self, object: ObjectRef, kind: Kind) {
        let shared = self.shared();
        match shared.config.trigger {
            Trigger::Inside => {
                T::due(self, true);
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
    fn allocate_when_full(&self, full: NoRoom, recipe: &Recipe) -> Result<ObjectRef, HeapFull> {
        let shared = self.shared();
        let NoRoom { requested, limit, .. } = full;
        let refuse = |held| HeapFull { requested, in_use: held, limit };
        if requested > limit || shared.tracking.is_collecting() {
            return Err(refuse(full.held));
        }
        shared.observer.interruption_begins(Cause::Stall);
        let begin = Instant::now();
        self.release_dropped();
        T::collect(self, Generation::OLD, Reason::Memory);
        shared.observer.interruption_ends(Cause::Stall, begin.elapsed());
        self.allocator.allocate(&shared.space, recipe).map_err(|full| refuse(full.held))
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
    fn attend(&self, attention: u32) {
        let shared = self.shared();
        self.release_dropped();
        if attention & Mailbox::COLLECT != 0 {
            T::due(self, true);
        }
        if attention & Mailbox::TURN != 0 {
            shared.turn.hand_over(&shared.mailbox, &*shared.observer);
        }
    }

    fn weak_running(&self, referent: ObjectRef, callback: Option<CallbackId>) -> Result<Root<'_, Self>, HeapFull> {
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

    fn move_slots_running(&self, index: u32, from: Range<u32>, to: u32) {
        let space = &self.shared().space;
        let length = from.end - from.start;
        let moved: Vec<u32> = from.clone().map(|slot| space.slot(index, slot).swap(0, Relaxed)).collect();
        let mut overwritten = Vec::new();
        for (slot, &value) in (to..to + length).zip(&moved) {
            overwritten.extend(ObjectRef::from_bits(space.slot(index, slot).swap(value, Relaxed)));
        }
        overwritten.into_iter().for_each(|object| self.release_running(object));
    }
}

impl<T: Tracking> Counts for PlainMutator<T> {
    #[inline]
    fn retain(&self, object: ObjectRef) {
        running!(self, self.retain_running(object));
    }

    #[inline]
    fn release(&self, object: ObjectRef) {
        running!(self, self.release_running(object));
    }
}

impl<T: Tracking> Mutator for PlainMutator<T> {
    type Heap = PlainHeap<T>;

    fn heap(&self) -> &PlainHeap<T> {
        &self.heap
    }

    #[inline]
    fn allocate(&self, type_id: TypeId, shape: Shape) -> Result<Root<'_, Self>, HeapFull> {
        running!(self, self.allocate_running(type_id, shape))
    }

    fn shape(&self, object: &Root<'_, Self>) -> Shape {
        self.check_owner(object);
        self.running(|| self.shared().space.shape_of(object.object()))
    }

    #[inline]
    fn load(&self, object: &Root<'_, Self>, slot: u32) -> Option<Root<'_, Self>> {
        running!(self, self.load_running(object, slot))
    }

    #[inline]
    fn store(&self, object: &Root<'_, Self>, slot: u32, value: Option<&Root<'_, Self>>) {
        #[cfg(feature = "faults")]
        let value = value.filter(|_| !faults::strikes(Fault::LosesObject));
        running!(self, self.store_running(object, slot, value));
    }

    #[inline]
    fn put(&self, object: &Root<'_, Self>, slot: u32, value: Option<Root<'_, Self>>) {
        running!(self, {
            if let Some(old) = self.swap_running(object, slot, value) {
                self.release_running(old);
            }
        });
    }

    #[inline]
    fn replace(&self, object: &Root<'_, Self>, slot: u32, value: Option<Root<'_, Self>>) -> Option<Root<'_, Self>> {
        running!(self, self.swap_running(object, slot, value)).map(|old| Root::adopt(self, old))
    }

    fn move_slots(&self, object: &Root<'_, Self>, from: Range<u32>, to: u32) {
        self.running(|| {
            let index = self.check_owner(object);
            let slots = self.shared().space.shape_of(object.object()).slots;
            let length = from.end.checked_sub(from.start).expect("a range of slots runs upwards");
            let end = to.checked_add(length).filter(|&end| end <= slots);
            assert!(from.end <= slots && end.is_some(), "slots {from:?} to {to} in an object with {slots} slots");
            self.move_slots_running(index, from, to);
        });
    }

    #[inline]
    fn read_word(&self, object: &Root<'_, Self>, word: u32) -> u64 {
        running!(self, self.payload_word(object, word).load(Relaxed))
    }

    #[inline]
    fn write_word(&self, object: &Root<'_, Self>, word: u32, value: u64) {
        running!(self, self.payload_word(object, word).store(value, Relaxed));
    }

    fn read_payload(&self, object: &Root<'_, Self>, offset: u32, into: &mut [u8]) {
        self.running(|| {
            let (index, slots) = self.check_payload(object, offset, into.len());
            for (n, byte) in into.iter_mut().enumerate() {
                let at = offset + n as u32;
                let word = self.shared().space.payload_word(index, slots, at / 8).load(Relaxed);
                *byte = word.to_le_bytes()[at as usize % 8];
            }
        });
    }

    fn write_payload(&self, object: &Root<'_, Self>, offset: u32, bytes: &[u8]) {
        self.running(|| {
            let (index, slots) = self.check_payload(object, offset, bytes.len());
            let mut at = offset;
            let mut rest = bytes;
            while !rest.is_empty() {
                let place = self.shared().space.payload_word(index, slots, at / 8);
                let begin = at as usize % 8;
                let (now, later) = rest.split_at(rest.len().min(8 - begin));
                let mut word = if now.len() == 8 { [0; 8] } else { place.load(Relaxed).to_le_bytes() };
                word[begin..begin + now.len()].copy_from_slice(now);
                place.store(u64::from_le_bytes(word), Relaxed);
                at += now.len() as u32;
                rest = later;
            }
        });
    }

    fn weak_reference(
        &self,
        referent: &Root<'_, Self>,
        callback: Option<CallbackId>,
    ) -> Result<Root<'_, Self>, HeapFull> {
        self.check_owner(referent);
        let is_weak = weak::is_weak(&self.shared().space, referent.object());
        assert!(!is_weak, "a weak reference cannot be referred to weakly");
        self.running(|| self.weak_running(referent.object(), callback))
    }

    fn upgrade(&self, weak: &Root<'_, Self>) -> Option<Root<'_, Self>> {
        self.check_owner(weak);
        self.running(|| {
            let space = &self.shared().space;
            if !weak::is_weak(space, weak.object()) {
                return None;
            }
            let referent = weak::referent_of(space, weak.object())?;
            // A dead object may wait for its teardown with its weak references still in place.
            if space.count_word(referent.bits()).load(Relaxed) & (COUNT_MASK | IMMORTAL) == 0 {
                return None;
            }
            self.retain_running(referent);
            Some(Root::adopt(self, referent))
        })
    }

    fn share(&self, root: &Root<'_, Self>) -> SharedRoot {
        self.check_owner(root);
        SharedRoot::adopt(root.clone().into_counted(), Arc::clone(&self.shared().mailbox))
    }

    fn clone_shared(&self, shared: &SharedRoot) -> SharedRoot {
        assert!(shared.belongs_to(&self.shared().mailbox), "the shared root belongs to another heap");
        self.running(|| self.retain_running(shared.object()));
        SharedRoot::adopt(shared.object(), Arc::clone(&self.shared().mailbox))
    }

    fn adopt(&self, shared: SharedRoot) -> Root<'_, Self> {
        assert!(shared.belongs_to(&self.shared().mailbox), "the shared root belongs to another heap");
        Root::adopt(self, shared.into_counted())
    }

    #[inline]
    fn safepoint(&self) {
        let attention = self.shared().mailbox.attention();
        if attention != 0 && !self.in_region.get() {
            self.attend(attention);
        }
    }

    fn safe_region<R>(&self, f: impl FnOnce() -> R) -> R {
        if self.in_region.get() {
            return f();
        }
        self.in_region.set(true);
        self.shared().turn.give_up();
        let _enter = Restore(|| {
            let shared = self.shared();
            shared.turn.take(&shared.mailbox, &*shared.observer);
            self.in_region.set(false);
        });
        f()
    }

    fn fork(&self) -> Result<Forked, ForkError> {
        self.running(|| {
            let shared = self.shared();
            if shared.tracking.is_collecting() {
                return Err(ForkError::Collecting);
            }
            // Every lock that a thread without the turn may hold.
            let fork = || {
                shared
                    .mailbox
                    .hold(|| shared.types.hold(|| shared.callbacks.hold(|| shared.space.hold_pool(fork_process))))
            };
            match shared.turn.hold(fork)? {
                Some(child) => Ok(Forked::Parent { child }),
                None => {
                    shared.turn.alone_after_fork(&shared.mailbox);
                    let lost_mutators = shared.mutators.load(Relaxed) - 1;
                    shared.mutators.store(1, Relaxed);
                    Ok(Forked::Child { lost_mutators })
                }
            }
        })
    }

    fn untrack(&self, object: &Root<'_, Self>) {
        self.check_owner(object);
        self.running(|| {
            if self.has_flag(object.object(), flag::TRACKED) {
                self.shared().tracking.unlink(&self.shared().space, object.object());
                self.clear_flag(object.object(), flag::TRACKED);
            }
        });
    }

    fn make_immortal(&self, object: &Root<'_, Self>) {
        let index = self.check_owner(object);
        self.running(|| {
            let count = self.shared().space.count_word(index);
            count.store(count.load(Relaxed) | IMMORTAL, Relaxed);
        });
    }

    fn walk(&self, visit: &mut dyn FnMut(ObjectRef, &[ObjectRef])) {
        self.running(|| {
            let space = &self.shared().space;
            let mut targets = Vec::new();
            space.for_each_object(|object| {
                targets.clear();
                let slots = space.shape_of(object).slots;
                targets.extend(
                    (0..slots).filter_map(|slot| ObjectRef::from_bits(space.slot(object.bits(), slot).load(Relaxed))),
                );
                visit(object, &targets);
            });
        });
    }
}

impl<T: Tracking> PlainMutator<T> {
    /// A whole word of a payload, checked.
    #[inline(always)]
    fn payload_word(&self, object: &Root<'_, Self>, word: u32) -> &AtomicU64 {
        let index = self.check_owner(object);
        let view = self.shared().space.view();
        let shape_word = view.shape_word(index).load(Relaxed);
        if u64::from(word) * 8 + 8 > header::payload(shape_word) {
            // Too long for the header, or too short for the word.
            self.check_payload(object, word.saturating_mul(8), 8);
        }
        view.payload_word(index, header::slots(shape_word), word)
    }

    #[cold]
    #[inline(never)]
    fn check_payload(&self, object: &Root<'_, Self>, offset: u32, length: usize) -> (u32, u32) {
        let index = self.check_owner(object);
        let shape = self.shared().space.shape_of(object.object());
        let end = u32::try_from(length).ok().and_then(|length| offset.checked_add(length));
        assert!(
            end.is_some_and(|end| end <= shape.payload),
            "{length} bytes at {offset} of a payload of {} bytes",
            shape.payload
        );
        (index, shape.slots)
    }
}

impl<T: Tracking> Drop for PlainMutator<T> {
    fn drop(&mut self) {
        self.running(|| {
            self.release_dropped();
            let shared = self.shared();
            self.allocator.disown_all(&shared.space);
            shared.mutators.store(shared.mutators.load(Relaxed) - 1, Relaxed);
        });
        self.shared().turn.give_up();
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

/// Runs its function when it is dropped, also by a panic.
struct Restore<F: FnMut()>(F);

impl<F: FnMut()> Drop for Restore<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
