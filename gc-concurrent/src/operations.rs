//! What heap operations do while their mutator runs: counting, access to slots and payload, allocation, fork.

use std::time::{Duration, Instant};

use gc_core::event::Cause;
use gc_core::process::{ForkError, Forked, fork_process};
use gc_core::root::Mailbox;
use gc_core::space::header::{self, flag};
use gc_core::space::{NoRoom, Recipe, View};
use gc_core::sync::AtomicU64;
use gc_core::sync::Ordering::Relaxed;
use gc_core::{
    Automatic, CallbackId, Generation, HeapFull, Kind, ObjectRef, Reason, Root, Shape, Shortage, Trigger, TypeId, weak,
};

use crate::count;
use crate::deciding;
use crate::heap::Rung;
use crate::mutator::ParallelMutator;
use crate::protocol::Protocol;
use crate::world::STOP;
use crate::{age, barrier, collector};

/// How long a mutator that is far ahead of the collector waits for it.
const STALL: Duration = Duration::from_millis(100);

impl<R: Rung> ParallelMutator<R> {
    #[inline(always)]
    pub(crate) fn check_owner(&self, root: &Root<'_, Self>) -> u32 {
        if !std::ptr::eq(root.mutator(), self) {
            foreign_root();
        }
        root.object().bits()
    }

    /// Checks the slot number, and names the object's index.
    #[inline(always)]
    fn check_slot(&self, view: View<'_>, root: &Root<'_, Self>, slot: u32) -> u32 {
        let index = self.check_owner(root);
        // Relaxed: an object's shape is fixed for its life, and the root orders its beginning before this.
        let slots = header::slots(view.shape_word(index).load(Relaxed));
        if slot >= slots {
            no_such_slot(slot, slots);
        }
        index
    }

    #[inline(always)]
    pub(crate) fn retain_running(&self, object: ObjectRef) {
        count::retain::<R::Protocol, _>(&self.shared().memory(), object.bits());
    }

    /// Count − 1; at 0 the object dies.
    #[inline(always)]
    pub(crate) fn release_running(&self, object: ObjectRef) {
        if count::release::<R::Protocol, _>(&self.shared().memory(), object.bits()) {
            self.die(object);
        } else if self.notes_candidates {
            self.note_candidate(object);
        }
    }

    /// The generation that is due, if one is; see [`Trigger::due`](crate::trigger::Trigger::due).
    fn generation_due(&self, count: u32, full: bool) -> Option<Generation> {
        let due = self.shared().trigger.due(count, full);
        // Candidate roots are of no generation.
        if self.notes_candidates { due.map(|_| Generation::YOUNG) } else { due }
    }

    /// Releases what a load or an upgrade retained by mistake.
    #[cold]
    #[inline(never)]
    fn undo(&self, object: u32) {
        if let Some(object) = ObjectRef::from_bits(object) {
            self.release_running(object);
        }
    }

    #[inline(always)]
    pub(crate) fn load_running(&self, object: &Root<'_, Self>, slot: u32) -> Option<Root<'_, Self>> {
        let memory = self.shared().memory();
        let index = self.check_slot(memory.view(), object, slot);
        let target = barrier::load::<R::Protocol, _>(&memory, index, slot, |object| self.undo(object))?;
        ObjectRef::from_bits(target).map(|target| Root::adopt(self, target))
    }

    #[inline(always)]
    pub(crate) fn store_running(&self, object: &Root<'_, Self>, slot: u32, value: Option<&Root<'_, Self>>) {
        let memory = self.shared().memory();
        let index = self.check_slot(memory.view(), object, slot);
        let mut bits = 0;
        if let Some(value) = value {
            bits = self.check_owner(value);
            count::retain::<R::Protocol, _>(&memory, bits);
        }
        let old = barrier::swap::<R::Protocol, _>(&memory, index, slot, bits);
        if let Some(old) = ObjectRef::from_bits(old) {
            self.release_running(old);
        }
    }

    /// Moves a value in; what comes out is the caller's, to be released or raised.
    #[inline(always)]
    pub(crate) fn swap_running(
        &self,
        object: &Root<'_, Self>,
        slot: u32,
        value: Option<Root<'_, Self>>,
    ) -> Option<ObjectRef> {
        let memory = self.shared().memory();
        let index = self.check_slot(memory.view(), object, slot);
        let bits = match &value {
            Some(value) => self.check_owner(value),
            None => 0,
        };
        // The root's counted reference is the slot's now.
        std::mem::forget(value);
        ObjectRef::from_bits(barrier::swap::<R::Protocol, _>(&memory, index, slot, bits))
    }

    #[inline(always)]
    pub(crate) fn allocate_running(&self, type_id: TypeId, shape: Shape) -> Result<Root<'_, Self>, HeapFull> {
        let shared = self.shared();
        if shared.mailbox.attention() & STOP != 0
            || self.has_unfinished.get()
            || shared.space.retired() > self.retired_seen.get()
        {
            self.attend_before_allocation();
        }
        let mut recipe = self.recipe(type_id, shape);
        let object = match self.cell(recipe) {
            Ok(object) => object,
            Err(full) => {
                let object = self.allocate_when_full(full, type_id, shape)?;
                // Callbacks ran: what they allocated may have taken the recipe's place.
                recipe = self.recipe(type_id, shape);
                object
            }
        };
        self.record.allocate();
        if R::ABILITIES.collects_cycles && recipe.word() & flag::TRACKED != 0 {
            let count = self.record.count_up();
            if shared.trigger.exceeds(count) {
                self.due(object, header::kind(recipe.word()), count);
            }
        }
        Ok(Root::adopt(self, object))
    }

    #[inline(always)]
    fn cell(&self, recipe: &Recipe) -> Result<ObjectRef, NoRoom> {
        let age = if recipe.word() & flag::TRACKED != 0 { age::YOUNG } else { age::NONE };
        self.allocator.allocate_shared(&self.shared().space, recipe, R::Protocol::RETAIN, age)
    }

    #[inline(always)]
    fn recipe(&self, type_id: TypeId, shape: Shape) -> &Recipe {
        let flags = || self.shared().types.flags_of_new(type_id, shape, R::ABILITIES.collects_cycles);
        self.allocator.recipe(&self.shared().space, type_id, shape, flags)
    }

    /// A new object made a collection due, or this mutator looks too far ahead of one.
    #[cold]
    #[inline(never)]
    fn due(&self, object: ObjectRef, kind: Kind, count: u32) {
        let shared = self.shared();
        if self.is_collecting() || !shared.trigger.is_enabled() {
            return;
        }
        if !R::STOPS && shared.config.automatic == Automatic::Background {
            let is_new = shared.trigger.request();
            if is_new {
                collector::ensure(&self.heap);
                shared.bell.ring();
            }
            // The collector does not keep up. Far behind, it is waited for; a little, only if it rests.
            let outgrown = || shared.trigger.is_outgrown_by(shared.mutators.totals().objects());
            let far = self.record.allocated() >= self.patience.get()
                && (shared.trigger.is_far_exceeded_by(count) || outgrown());
            if far || (!is_new && shared.trigger.exceeds(count) && !shared.turns.is_taken()) {
                self.interruptions().interruption_begins(Cause::Stall);
                let begin = Instant::now();
                if far {
                    self.wait_and_collect();
                } else {
                    self.collect_due(false);
                }
                self.interruptions().interruption_ends(Cause::Stall, begin.elapsed());
            }
            return;
        }
        match shared.config.trigger {
            Trigger::Inside => {
                // The new object is no candidate: held, and of no generation meanwhile. Relaxed: as the allocator's store.
                let age = shared.space.view().age(object.bits());
                age.store(age::NONE, Relaxed);
                self.collect_due(true);
                age.store(age::YOUNG, Relaxed);
            }
            Trigger::After if kind == Kind::Instance => drop(self.collect_due(true)),
            Trigger::After => {
                if shared.trigger.request() {
                    shared.mailbox.ask(Mailbox::COLLECT);
                }
            }
        }
    }

    /// Back-pressure: waits for the collection that is under way, and runs the one that is due. If that takes too long the
    /// mutator goes on, and waits again when it has allocated that many objects once more.
    fn wait_and_collect(&self) {
        let shared = self.shared();
        match self.take_turn_within(STALL) {
            Some(work) => {
                self.patience.set(0);
                // The collection that was waited for may have done what was due.
                match self.generation_due(shared.mutators.totals().count, true) {
                    Some(due) => drop(self.collect_in_turn(work, due, Reason::Threshold)),
                    None => shared.turns.give_up(work),
                }
            }
            None => self.patience.set(self.record.allocated() + u64::from(shared.trigger.far())),
        }
    }

    /// Collects the generation that is due, on this thread, if one is; full collections only where `full` is true. Returns
    /// which it was.
    pub(crate) fn collect_due(&self, full: bool) -> Option<Generation> {
        let shared = self.shared();
        shared.mailbox.answer(Mailbox::COLLECT);
        if !shared.trigger.is_enabled() {
            shared.trigger.withdraw();
            return None;
        }
        let due = self.generation_due(shared.mutators.totals().count, full);
        let Some(generation) = due else {
            shared.trigger.withdraw();
            return None;
        };
        if self.record.collector {
            self.collect_now(generation, Reason::Threshold);
        } else if let Some(work) = shared.turns.try_take() {
            self.collect_in_turn(work, generation, Reason::Threshold);
        } else if R::STOPS || shared.config.automatic == Automatic::AtTrigger {
            // A threshold waits for nobody: another collection is under way. The request is not to be lost, though.
            shared.trigger.withdraw();
        }
        due
    }

    #[cold]
    #[inline(never)]
    fn allocate_when_full(&self, full: NoRoom, type_id: TypeId, shape: Shape) -> Result<ObjectRef, HeapFull> {
        let NoRoom { requested, limit, .. } = full;
        let refuse = |held| HeapFull::new(Shortage { requested, in_use: held, limit });
        if requested > limit || self.is_collecting() {
            return Err(refuse(full.held));
        }
        self.interruptions().interruption_begins(Cause::Stall);
        let begin = Instant::now();
        self.release_dropped();
        self.finish_deaths();
        self.collect_now(Generation::OLD, Reason::Memory);
        self.finish_deaths();
        self.reclaim_all();
        self.interruptions().interruption_ends(Cause::Stall, begin.elapsed());
        self.cell(self.recipe(type_id, shape)).map_err(|full| refuse(full.held))
    }

    /// Releases what shared roots held that were dropped without a mutator.
    pub(crate) fn release_dropped(&self) {
        let shared = self.shared();
        if shared.mailbox.attention() & Mailbox::DROPPED != 0 {
            for object in shared.mailbox.take_dropped() {
                self.release_running(object);
            }
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn attend(&self) {
        let shared = self.shared();
        self.release_dropped();
        self.continue_deaths();
        if shared.mailbox.attention() & STOP != 0 && !self.stops_others.get() {
            shared.world.pass(self.interruptions());
        }
        if shared.mailbox.attention() & Mailbox::COLLECT != 0 && !self.is_collecting() {
            self.collect_due(true);
        }
        if shared.space.retired() != 0 {
            self.reclaim_retired();
        }
    }

    #[cold]
    #[inline(never)]
    fn attend_before_allocation(&self) {
        let shared = self.shared();
        self.continue_deaths();
        if shared.mailbox.attention() & STOP != 0 && !self.stops_others.get() {
            shared.world.pass(self.interruptions());
        }
        self.reclaim_retired();
    }

    pub(crate) fn weak_running(
        &self,
        referent: ObjectRef,
        callback: Option<CallbackId>,
    ) -> Result<Root<'_, Self>, HeapFull> {
        let shared = self.shared();
        if callback.is_none()
            && let Some(plain) = self.plain_weak_reference(referent)
        {
            return Ok(plain);
        }
        // Its allocation may collect, but not free the referent, which the caller holds.
        let weak = self.allocate_running(TypeId::WEAK_REFERENCE, weak::SHAPE)?;
        if callback.is_none() {
            // Another thread, or a callback of that collection, may have made it meanwhile.
            let alive = |plain| self.retain_if_alive(plain);
            if let Some(plain) = shared.weak.link_unless(&shared.space, weak.object(), referent, alive) {
                return Ok(Root::adopt(self, plain));
            }
            return Ok(weak);
        }
        shared.weak.link(&shared.space, weak.object(), referent, callback);
        Ok(weak)
    }

    /// The shared weak reference without a callback, if there is one that is alive.
    fn plain_weak_reference(&self, referent: ObjectRef) -> Option<Root<'_, Self>> {
        let shared = self.shared();
        let mut plain = None;
        shared.weak.for_each(&shared.space, referent, |weak, callback| {
            if callback.is_none() && plain.is_none() && self.retain_if_alive(weak) {
                plain = Some(weak);
            }
        });
        plain.map(|plain| Root::adopt(self, plain))
    }

    /// Retains an object of which it is known that its place is not used again meanwhile. False if it is dead.
    pub(crate) fn retain_if_alive(&self, object: ObjectRef) -> bool {
        count::retain_if_alive::<R::Protocol, _>(&self.shared().memory(), object.bits()) != count::Found::Dead
    }

    pub(crate) fn upgrade_running(&self, weak: ObjectRef) -> Option<Root<'_, Self>> {
        let space = &self.shared().space;
        if !weak::is_weak(space, weak) {
            return None;
        }
        let referent = weak::referent_of(space, weak)?;
        let granted = deciding::upgrade::<R::Protocol, _>(
            &self.shared().memory(),
            referent.bits(),
            || weak::referent_of(space, weak) == Some(referent),
            |object| self.undo(object),
        );
        granted.then(|| Root::adopt(self, referent))
    }

    /// Forks with the world at a standstill, no collection under way, and every lock of the heap in the hands of this
    /// thread.
    pub(crate) fn fork_running(&self) -> Result<Forked, ForkError> {
        if self.is_collecting() {
            return Err(ForkError::Collecting);
        }
        let shared = self.shared();
        let work = self.take_turn();
        shared.world.stop(&shared.mailbox, self.interruptions());
        let under_locks = || shared.bell.hold(|| shared.space.hold_pool(fork_process));
        let under_locks = || shared.callbacks.hold(|| shared.messages.hold(under_locks));
        let under_locks = || shared.weak.hold(|| shared.types.hold(under_locks));
        let under_locks = || shared.mailbox.hold(|| shared.mutators.hold(under_locks));
        let forked =
            shared.turns.hold(|| shared.world.hold(|| shared.trigger.hold(|| shared.candidates.hold(under_locks))));
        let mut lost_mutators = 0;
        if matches!(forked, Ok(None)) {
            // The child: this thread alone.
            shared.bell.alone_after_fork();
            lost_mutators = shared.mutators.alone_after_fork(&self.record);
            shared.space.abandon_blocks_of_others(self.record.number);
            shared.turns.with_state(|state| state.grace = None);
            shared.trigger.share(|| 1);
            shared.trigger.withdraw();
        }
        shared.world.resume(&shared.mailbox);
        shared.turns.give_up(work);
        if matches!(forked, Ok(None)) && shared.config.full_every.is_some() && R::ABILITIES.collects_cycles {
            collector::ensure(&self.heap);
        }
        Ok(match forked? {
            Some(child) => Forked::Parent { child },
            None => Forked::Child { lost_mutators },
        })
    }

    /// A whole word of a payload, checked.
    #[inline(always)]
    pub(crate) fn payload_word(&self, object: &Root<'_, Self>, word: u32) -> &AtomicU64 {
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
