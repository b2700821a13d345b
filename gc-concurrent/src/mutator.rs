//! The mutator of heaps whose mutators run in parallel: the contract's face. What its operations do stands in
//! [`operations`](super::operations).

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::ops::Range;
use std::time::Instant;

use gc_core::root::{Counts, Mailbox};
use gc_core::space::Allocator;
use gc_core::space::header::flag;
use gc_core::sync::Arc;
use gc_core::sync::Ordering::{Acquire, Relaxed, Release};
use gc_core::{
    CallbackId, HeapFull, Mutator, NoObserver, ObjectRef, Observer, Propose, Root, Shape, SharedRoot, TypeId,
    process::ForkError, process::Forked, weak,
};

use crate::age;
use crate::barrier;
use crate::heap::{ParallelHeap, Rung, Shared};
use crate::mutators::Record;
use crate::protocol::IMMORTAL;

/// [`ParallelMutator::running`] for the operations that programs spend their time in: written out twice, so that the
/// usual one is inlined without a closure, and the other stays out of its way.
macro_rules! running {
    ($mutator:ident, $operation:expr) => {
        if $mutator.in_region.get() { $mutator.re_entered(move || $operation) } else { $operation }
    };
}

/// A thread attached to a heap on which others run at the same time.
pub struct ParallelMutator<R: Rung> {
    pub(crate) heap: ParallelHeap<R>,
    pub(crate) record: Arc<Record>,
    pub(crate) allocator: Allocator,
    /// Inside a safe region.
    in_region: Cell<bool>,
    /// The others stand still for this one.
    pub(crate) stops_others: Cell<bool>,
    /// Taking a collection's garbage apart.
    pub(crate) tearing_down: Cell<bool>,
    /// Deaths by count under way, one inside the other.
    pub(crate) nesting: Cell<u32>,
    /// Dead objects whose teardown waits: for the outermost one to end (CPython's trashcan), or for a later operation.
    pub(crate) deferred: RefCell<Vec<ObjectRef>>,
    /// Candidate roots that were not handed over.
    pub(crate) noted: RefCell<Vec<u32>>,
    /// Whether there are to be some.
    pub(crate) notes_candidates: bool,
    /// There are some, and no death is under way.
    pub(crate) has_unfinished: Cell<bool>,
    /// How much was retired when this mutator last tried to give it back.
    pub(crate) retired_seen: Cell<u32>,
    /// Before it has allocated so many objects in all it does not wait for the collector: it has waited in vain.
    pub(crate) patience: Cell<u64>,
    /// The outermost death has more to do at its end: deferred objects, or a cascade to report.
    pub(crate) outermost_has_more: Cell<bool>,
    /// [`Cascade::THRESHOLD`](gc_core::event::Cascade::THRESHOLD) − objects freed since the outermost death began.
    pub(crate) cascade_left: Cell<i64>,
    /// Below this the outermost death leaves the rest for later.
    pub(crate) cascade_floor: i64,
    /// When `cascade_left` fell to 0.
    pub(crate) cascade_began: Cell<Option<Instant>>,
    /// Neither `Send` nor `Sync`: a mutator is its thread.
    thread_bound: PhantomData<*const ()>,
}

impl<R: Rung> ParallelMutator<R> {
    pub(crate) fn attach(heap: &ParallelHeap<R>, collector: bool) -> Self {
        let shared = &*heap.0;
        shared.world.enter(if collector { &NoObserver } else { &*shared.observer });
        let record = shared.mutators.attach(collector);
        shared.trigger.share(|| shared.mutators.len());
        let budget = shared.config.release_budget.map_or(i64::MAX, i64::from);
        Self {
            heap: heap.clone(),
            allocator: Allocator::numbered(record.number),
            record,
            in_region: Cell::new(false),
            stops_others: Cell::new(false),
            tearing_down: Cell::new(false),
            nesting: Cell::new(0),
            deferred: RefCell::default(),
            noted: RefCell::default(),
            notes_candidates: R::ABILITIES.collects_cycles && shared.config.propose == Propose::CandidateRoots,
            retired_seen: Cell::new(0),
            patience: Cell::new(0),
            has_unfinished: Cell::new(false),
            outermost_has_more: Cell::new(false),
            cascade_left: Cell::new(0),
            cascade_floor: gc_core::event::Cascade::THRESHOLD as i64 - budget.max(1),
            cascade_began: Cell::new(None),
            thread_bound: PhantomData,
        }
    }

    #[inline(always)]
    pub(crate) fn shared(&self) -> &Shared<R> {
        &self.heap.0
    }

    /// Who hears of this thread's interruptions. Nobody, if it is the collector's: no program waits for it.
    pub(crate) fn interruptions(&self) -> &dyn Observer {
        if self.record.collector { &NoObserver } else { &*self.shared().observer }
    }

    /// Runs a heap operation: one that finds itself inside a safe region leaves it for its duration.
    pub(crate) fn running<T>(&self, operation: impl FnOnce() -> T) -> T {
        if self.in_region.get() { self.re_entered(operation) } else { operation() }
    }

    #[cold]
    #[inline(never)]
    fn re_entered<T>(&self, operation: impl FnOnce() -> T) -> T {
        self.enter();
        let _leave = Restore(|| self.leave());
        operation()
    }

    fn enter(&self) {
        self.shared().world.enter(self.interruptions());
        self.record.set_safe(false);
        self.in_region.set(false);
    }

    fn leave(&self) {
        if self.notes_candidates {
            self.hand_over_candidates();
        }
        self.in_region.set(true);
        self.record.set_safe(true);
        self.shared().world.leave();
    }
}

impl<R: Rung> Counts for ParallelMutator<R> {
    #[inline]
    fn retain(&self, object: ObjectRef) {
        running!(self, self.retain_running(object));
    }

    #[inline]
    fn release(&self, object: ObjectRef) {
        running!(self, self.release_running(object));
    }
}

impl<R: Rung> Mutator for ParallelMutator<R> {
    type Heap = ParallelHeap<R>;

    fn heap(&self) -> &ParallelHeap<R> {
        &self.heap
    }

    #[inline]
    fn allocate(&self, type_id: TypeId, shape: Shape) -> Result<Root<'_, Self>, HeapFull> {
        running!(self, self.allocate_running(type_id, shape))
    }

    fn shape(&self, object: &Root<'_, Self>) -> Shape {
        self.check_owner(object);
        self.shared().space.shape_of(object.object())
    }

    #[inline]
    fn load(&self, object: &Root<'_, Self>, slot: u32) -> Option<Root<'_, Self>> {
        running!(self, self.load_running(object, slot))
    }

    #[inline]
    fn store(&self, object: &Root<'_, Self>, slot: u32, value: Option<&Root<'_, Self>>) {
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
        running!(self, {
            let old = self.swap_running(object, slot, value)?;
            barrier::raise::<R::Protocol, _>(&self.shared().memory(), old.bits());
            Some(Root::adopt(self, old))
        })
    }

    fn move_slots(&self, object: &Root<'_, Self>, from: Range<u32>, to: u32) {
        self.running(|| {
            let index = self.check_owner(object);
            let slots = self.shared().space.shape_of(object.object()).slots;
            let length = from.end.checked_sub(from.start).expect("a range of slots runs upwards");
            let end = to.checked_add(length).filter(|&end| end <= slots);
            assert!(from.end <= slots && end.is_some(), "slots {from:?} to {to} in an object with {slots} slots");
            let overwritten = barrier::move_slots::<R::Protocol, _>(&self.shared().memory(), index, from.clone(), to);
            overwritten.into_iter().filter_map(ObjectRef::from_bits).for_each(|old| self.release_running(old));
        });
    }

    #[inline]
    fn read_word(&self, object: &Root<'_, Self>, word: u32) -> u64 {
        // Relaxed, here and below: programs order their accesses to payloads by the references through which they get at
        // them. A payload without such an order gives some value that was written, as any racing program gets.
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
        self.running(|| self.upgrade_running(weak.object()))
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
        if self.in_region.get() {
            return;
        }
        self.record.pass();
        if self.shared().mailbox.attention() != 0 || self.has_unfinished.get() {
            self.attend();
        }
    }

    fn safe_region<T>(&self, f: impl FnOnce() -> T) -> T {
        // While the others stand still for this mutator there is nobody who could wait for it.
        if self.in_region.get() || self.stops_others.get() {
            return f();
        }
        self.leave();
        let _enter = Restore(|| self.enter());
        f()
    }

    fn fork(&self) -> Result<Forked, ForkError> {
        self.running(|| self.fork_running())
    }

    fn untrack(&self, object: &Root<'_, Self>) {
        let index = self.check_owner(object);
        self.running(|| {
            if self.has_flag(object.object(), flag::TRACKED) && !weak::is_weak(&self.shared().space, object.object()) {
                self.clear_flag(object.object(), flag::TRACKED);
                // Relaxed: a collection that has seen the old age examines the object once more.
                self.shared().space.view().age(index).store(age::NONE, Relaxed);
            }
        });
    }

    fn make_immortal(&self, object: &Root<'_, Self>) {
        let index = self.check_owner(object);
        // Relaxed, both: whether others count on for a while does not matter, and the caller's root is never uncounted.
        self.shared().has_immortal.store(true, Relaxed);
        self.running(|| self.shared().space.count_word(index).fetch_or(IMMORTAL, Relaxed));
    }

    fn at_standstill<T>(&self, f: impl FnOnce() -> T) -> T {
        self.running(|| {
            if !self.stops_others.get() {
                self.finish_deaths();
            }
            self.with_others_stopped(f)
        })
    }

    fn walk(&self, visit: &mut dyn FnMut(ObjectRef, &[ObjectRef])) {
        self.at_standstill(|| {
            let space = &self.shared().space;
            let mut targets = Vec::new();
            space.for_each_object(|object| {
                targets.clear();
                let slots = space.shape_of(object).slots;
                // Acquire: as a load's.
                targets.extend(
                    (0..slots).filter_map(|slot| ObjectRef::from_bits(space.slot(object.bits(), slot).load(Acquire))),
                );
                visit(object, &targets);
            });
        });
    }
}

impl<R: Rung> ParallelMutator<R> {
    pub(crate) fn has_flag(&self, object: ObjectRef, flag: u64) -> bool {
        // Relaxed: flags stand for themselves, or are looked at under a lock.
        self.shared().space.shape_word(object.bits()).load(Relaxed) & flag != 0
    }

    pub(crate) fn set_flag(&self, object: ObjectRef, flag: u64) {
        // Release, here and below: whoever acts on the flag sees what was done before.
        self.shared().space.shape_word(object.bits()).fetch_or(flag, Release);
    }

    pub(crate) fn clear_flag(&self, object: ObjectRef, flag: u64) {
        self.shared().space.shape_word(object.bits()).fetch_and(!flag, Release);
    }
}

impl<R: Rung> Drop for ParallelMutator<R> {
    fn drop(&mut self) {
        self.running(|| {
            let shared = self.shared();
            // Callbacks of deaths may drop shared roots, whose deaths have callbacks.
            loop {
                self.release_dropped();
                self.finish_deaths();
                if shared.mailbox.attention() & Mailbox::DROPPED == 0 {
                    break;
                }
            }
            self.hand_over_candidates();
            self.allocator.disown_all(&shared.space);
            shared.mutators.detach(&self.record);
            shared.trigger.share(|| shared.mutators.len());
        });
        if !self.in_region.get() {
            self.shared().world.leave();
        }
    }
}

/// Runs its function when it is dropped, also by a panic.
pub(crate) struct Restore<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for Restore<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
