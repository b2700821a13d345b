//! The `gc` module's face of heaps whose mutators run in parallel.

use std::io::Write;

use gc_core::control::{Control, Counts3, Generation, GenerationStats, Thresholds};
use gc_core::root::Root;
use gc_core::space::header::{self, COUNT_MASK, IMMORTAL, flag};
use gc_core::sync::Ordering::{Acquire, Relaxed};
use gc_core::{CollectionCallbackId, DebugFlags, ObjectRef, Reason, TypeId, callback::CollectionCallback};

use crate::age;
use crate::heap::Rung;
use crate::mutator::ParallelMutator;

impl<R: Rung> ParallelMutator<R> {
    /// Calls `visit` with each object whose age is chosen. Objects may come and go meanwhile.
    fn visit_ages(&self, mut visit: impl FnMut(u32, &gc_core::sync::AtomicU8)) {
        let space = &self.shared().space;
        for layout in space.blocks().into_iter().filter_map(|block| space.layout(block)) {
            for cell in 0..layout.cells {
                let index = layout.object(cell);
                visit(index, space.view().age_of_cell(layout.block(), cell, index));
            }
        }
    }

    /// Roots of the tracked objects of a generation, or of all but the permanent one.
    ///
    /// It makes references out of none. So no collection of another thread may be about to take some of the objects apart;
    /// those of this thread have no age by then.
    fn tracked(&self, generation: Option<Generation>, type_id: Option<TypeId>) -> Vec<Root<'_, Self>> {
        let work = (!self.is_collecting()).then(|| self.take_turn());
        let may_be = |index: u32| {
            // Relaxed: a hint, until the object is held.
            let word = || self.shared().space.shape_word(index).load(Relaxed);
            type_id.is_none_or(|type_id| header::type_id(word()) == type_id)
        };
        let mut found: [Vec<Root<'_, Self>>; 3] = Default::default();
        let mut mistaken = Vec::new();
        self.visit_ages(|index, place| {
            // Relaxed, both: an age is a hint; the retain decides.
            let now = place.load(Relaxed);
            let wanted = match generation {
                Some(generation) => now == age::of(generation),
                None => age::is_candidate(now, Generation::OLD),
            };
            if !wanted || !may_be(index) {
                return;
            }
            if let Some(object) = ObjectRef::from_bits(index)
                && self.retain_if_alive(object)
            {
                let root = Root::adopt(self, object);
                // The place may be another object's by now. What is there stays: it is held.
                if may_be(index) && self.has_flag(object, flag::TRACKED) {
                    found[usize::from(now - age::YOUNG)].push(root);
                } else {
                    mistaken.push(root);
                }
            }
        });
        if let Some(work) = work {
            self.shared().turns.give_up(work);
        }
        // Without the turn: one that dies of it may run the program's code.
        drop(mistaken);
        found.into_iter().flatten().collect()
    }

    /// One more entry of `garbage`, with a counted reference.
    pub(crate) fn keep_as_garbage(&self, object: ObjectRef) {
        self.retain_running(object);
        self.shared().trigger.garbage.lock().push(object);
    }

    /// What the slots of an object hold, in order.
    fn targets<'m>(&'m self, object: &Root<'m, Self>) -> Vec<Root<'m, Self>> {
        let slots = self.shared().space.shape_of(object.object()).slots;
        (0..slots).filter_map(|slot| self.load_running(object, slot)).collect()
    }

    fn frozen(&self) -> u64 {
        let mut frozen = 0;
        self.visit_ages(|index, place| {
            // Relaxed, both: a figure.
            let alive = || self.shared().space.count_word(index).load(Relaxed) & (COUNT_MASK | IMMORTAL) != 0;
            frozen += u64::from(place.load(Relaxed) == age::PERMANENT && alive());
        });
        frozen
    }

    /// Moves all objects of the ages chosen to another, while no collection is under way.
    fn change_ages(&self, chosen: impl Fn(u8) -> bool, to: u8) {
        let work = self.take_turn();
        self.visit_ages(|_, place| {
            // Relaxed: an age is a hint; exchanged, so that an object that comes to the place meanwhile keeps its own.
            let now = place.load(Relaxed);
            if chosen(now) {
                let _ = place.compare_exchange(now, to, Relaxed, Relaxed);
            }
        });
        self.shared().turns.give_up(work);
    }

    fn freeze_running(&self) {
        if !R::ABILITIES.collects_cycles {
            return;
        }
        let shared = self.shared();
        if self.is_collecting() {
            return self.visit_ages(|_, place| {
                // Relaxed: as in `change_ages`.
                let now = place.load(Relaxed);
                if age::is_candidate(now, Generation::OLD) {
                    let _ = place.compare_exchange(now, age::PERMANENT, Relaxed, Relaxed);
                }
            });
        }
        self.change_ages(|now| age::is_candidate(now, Generation::OLD), age::PERMANENT);
        shared.mutators.clear_counts();
        shared.trigger.clear_older_counts();
    }
}

impl<R: Rung> Control for ParallelMutator<R> {
    fn collect(&self, generation: Generation) -> u64 {
        self.running(|| {
            self.release_dropped();
            self.finish_deaths();
            let found = self.collect_now(generation, Reason::Explicit);
            self.finish_deaths();
            found
        })
    }

    fn enable(&self) {
        self.shared().trigger.set_enabled(true);
    }

    fn disable(&self) {
        self.shared().trigger.set_enabled(false);
    }

    fn is_enabled(&self) -> bool {
        self.shared().trigger.is_enabled()
    }

    fn suspend(&self) {
        self.shared().trigger.suspend();
    }

    fn resume(&self) {
        self.shared().trigger.resume();
    }

    fn set_threshold(&self, thresholds: Thresholds) {
        self.shared().trigger.set_thresholds(thresholds);
    }

    fn get_threshold(&self) -> Thresholds {
        self.shared().trigger.thresholds()
    }

    fn get_count(&self) -> Counts3 {
        let [one, two] = self.shared().trigger.older_counts();
        Counts3([self.shared().mutators.totals().count, one, two])
    }

    fn get_stats(&self) -> [GenerationStats; 3] {
        *self.shared().trigger.stats.lock()
    }

    fn freeze(&self) {
        self.running(|| self.freeze_running());
    }

    fn unfreeze(&self) {
        self.running(|| {
            if !self.is_collecting() {
                self.change_ages(|now| now == age::PERMANENT, age::of(Generation::OLD));
            }
        });
    }

    fn get_freeze_count(&self) -> u64 {
        self.running(|| self.frozen())
    }

    fn freeze_immortal(&self) {
        self.running(|| {
            self.freeze_running();
            let shared = self.shared();
            // No collection of another thread may have garbage in its hands.
            let work = (!self.is_collecting()).then(|| self.take_turn());
            let resume = self.stop_others();
            shared.space.for_each_object(|object| {
                let count = shared.space.count_word(object.bits());
                // Relaxed, both: the world stands still. A dead object that waits for its teardown stays dead.
                if count.load(Relaxed) & COUNT_MASK != 0 {
                    count.fetch_or(IMMORTAL, Relaxed);
                }
            });
            drop(resume);
            if let Some(work) = work {
                shared.turns.give_up(work);
            }
        });
    }

    fn get_objects(&self, generation: Option<Generation>) -> Vec<Root<'_, Self>> {
        self.running(|| self.tracked(generation, None))
    }

    fn get_objects_of(&self, type_id: TypeId, generation: Option<Generation>) -> Vec<Root<'_, Self>> {
        self.running(|| self.tracked(generation, Some(type_id)))
    }

    fn get_referrers(&self, objects: &[&Root<'_, Self>]) -> Vec<Root<'_, Self>> {
        let sought: Vec<u32> = objects.iter().map(|root| self.check_owner(root)).collect();
        self.running(|| {
            let space = &self.shared().space;
            let refers = |object: &Root<'_, Self>| {
                let index = object.object().bits();
                // Acquire: as a load's.
                (0..space.shape_of(object.object()).slots)
                    .any(|slot| sought.contains(&space.slot(index, slot).load(Acquire)))
            };
            self.tracked(None, None).into_iter().filter(refers).collect()
        })
    }

    fn get_referents(&self, object: &Root<'_, Self>) -> Vec<Root<'_, Self>> {
        self.check_owner(object);
        // Roots are of the mutator, not of the borrow.
        let object = Root::adopt(self, object.clone().into_counted());
        self.running(|| self.targets(&object))
    }

    fn is_tracked(&self, object: &Root<'_, Self>) -> bool {
        self.check_owner(object);
        self.has_flag(object.object(), flag::TRACKED)
    }

    fn is_finalized(&self, object: &Root<'_, Self>) -> bool {
        self.check_owner(object);
        self.has_flag(object.object(), flag::FINALIZED)
    }

    fn retain_count(&self, object: &Root<'_, Self>) -> Option<u32> {
        let index = self.check_owner(object);
        // Relaxed: a figure. It includes retains of loads that are about to be undone.
        let word = self.shared().space.count_word(index).load(Relaxed);
        (word & IMMORTAL == 0).then_some((word & COUNT_MASK) as u32)
    }

    fn get_weak_references(&self, object: &Root<'_, Self>) -> Vec<Root<'_, Self>> {
        self.check_owner(object);
        let shared = self.shared();
        self.running(|| {
            let mut alive = Vec::new();
            shared.weak.for_each(&shared.space, object.object(), |weak, _| {
                if self.retain_if_alive(weak) {
                    alive.push(weak);
                }
            });
            alive.into_iter().map(|weak| Root::adopt(self, weak)).collect()
        })
    }

    fn type_of(&self, object: &Root<'_, Self>) -> TypeId {
        self.check_owner(object);
        self.shared().space.type_of(object.object())
    }

    fn garbage(&self) -> Vec<Root<'_, Self>> {
        self.running(|| {
            let garbage = self.shared().trigger.garbage.lock();
            // Under the lock, which holds a reference to each.
            garbage.iter().for_each(|&object| self.retain_running(object));
            garbage.iter().map(|&object| Root::adopt(self, object)).collect()
        })
    }

    fn append_garbage(&self, object: &Root<'_, Self>) {
        self.check_owner(object);
        self.running(|| self.keep_as_garbage(object.object()));
    }

    fn remove_garbage(&self, object: &Root<'_, Self>) -> bool {
        self.check_owner(object);
        self.running(|| {
            let removed = {
                let mut garbage = self.shared().trigger.garbage.lock();
                let at = garbage.iter().position(|&entry| entry == object.object());
                at.map(|at| garbage.remove(at))
            };
            removed.map(|object| self.release_running(object)).is_some()
        })
    }

    fn take_garbage(&self) -> Vec<Root<'_, Self>> {
        let garbage = self.running(|| std::mem::take(&mut *self.shared().trigger.garbage.lock()));
        garbage.into_iter().map(|object| Root::adopt(self, object)).collect()
    }

    fn clear_garbage(&self) {
        self.running(|| self.take_garbage().into_iter().rev().for_each(drop));
    }

    fn on_collection(&self, callback: CollectionCallback<Self>) -> CollectionCallbackId {
        self.shared().callbacks.register_collection(callback)
    }

    fn remove_collection_callback(&self, id: CollectionCallbackId) -> bool {
        self.shared().callbacks.remove_collection(id)
    }

    fn set_debug(&self, flags: DebugFlags) {
        self.shared().messages.set_flags(flags);
    }

    fn get_debug(&self) -> DebugFlags {
        self.shared().messages.flags()
    }

    fn set_debug_writer(&self, writer: Box<dyn Write + Send>) {
        self.shared().messages.set_writer(writer);
    }
}
