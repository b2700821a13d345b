//! The mutator of heaps with plain counts: the contract's face. What its operations do stands in
//! [`operations`](super::operations).

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::ops::Range;
use std::time::Instant;

use crate::callback::CallbackId;
#[cfg(feature = "faults")]
use crate::faults::{self, Fault};
use crate::heap::{HeapFull, Mutator};
use crate::object::{ObjectRef, Shape, TypeId};
use crate::process::{ForkError, Forked, fork_process};
use crate::root::{Counts, Root, SharedRoot};
use crate::space::Allocator;
use crate::space::header::{COUNT_MASK, IMMORTAL, flag};
use crate::sync::Arc;
use crate::sync::Ordering::Relaxed;
use crate::tape::Unrepeatable;
use crate::weak;

use super::tracking::Tracking;
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
    /// Where the stack was when as many were under way as CPython 3.12 allows.
    pub(super) stack_when_deep: Cell<usize>,
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
            stack_when_deep: Cell::new(0),
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
        self.check_owner(object);
        self.running(|| self.shared().space.read_payload(object.object(), offset, into));
    }

    fn write_payload(&self, object: &Root<'_, Self>, offset: u32, bytes: &[u8]) {
        self.check_owner(object);
        self.running(|| self.shared().space.write_payload(object.object(), offset, bytes));
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
            T::tick(self);
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
            shared.tracking.unrepeatable(Unrepeatable::Fork);
            // Every lock that a thread without the turn may hold.
            let fork = || shared.callbacks.hold(|| shared.messages.hold(|| shared.space.hold_pool(fork_process)));
            let fork = || shared.mailbox.hold(|| shared.types.hold(fork));
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
            let weak = weak::is_weak(&self.shared().space, object.object());
            if self.has_flag(object.object(), flag::TRACKED) && !weak {
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

    fn at_standstill<R>(&self, f: impl FnOnce() -> R) -> R {
        // The one that runs has the turn, and gives it up at safepoints only.
        self.running(f)
    }

    fn walk(&self, visit: &mut dyn FnMut(ObjectRef, &[ObjectRef])) {
        self.running(|| {
            T::tick(self);
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

impl<T: Tracking> Drop for PlainMutator<T> {
    fn drop(&mut self) {
        self.running(|| {
            self.release_dropped();
            T::tick(self);
            let shared = self.shared();
            self.allocator.disown_all(&shared.space);
            shared.mutators.store(shared.mutators.load(Relaxed) - 1, Relaxed);
        });
        self.shared().turn.give_up();
    }
}

/// Runs its function when it is dropped, also by a panic.
struct Restore<F: FnMut()>(F);

impl<F: FnMut()> Drop for Restore<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
