//! What a program can see of all objects at once: who is in which generation, who refers to whom, and freezing.
//!
//! # Protocol
//! Each of these functions works on the heap as it is at one moment. It takes the right to collect first, so that no
//! collection has objects in its hands, unless this thread's own has it: then it is called from one of its callbacks, and what
//! that collection found is of no generation. Then it makes the other mutators stand still at their safepoints, so that no
//! object is half made, no block is being cut and no reference is on its way. None but
//! [`Mutator::at_standstill`](gc_core::Mutator::at_standstill) and `walk` calls the program's code meanwhile.

use gc_core::space::header::{self, COUNT_MASK, IMMORTAL};
use gc_core::sync::AtomicU8;
use gc_core::sync::Ordering::Relaxed;
use gc_core::{Generation, ObjectRef, Root, TypeId};

use crate::age;
use crate::heap::Rung;
use crate::mutator::{ParallelMutator, Restore};

// Orderings in this file are relaxed: the world stands still, and its lock orders what was done before; or it is a figure.

impl<R: Rung> ParallelMutator<R> {
    /// Runs `f` while no collection is under way but this thread's own, and no other mutator runs. Within another such
    /// moment it is that one.
    pub(crate) fn with_others_stopped<T>(&self, f: impl FnOnce() -> T) -> T {
        if self.stops_others.get() {
            return f();
        }
        let mut work = (!self.is_collecting()).then(|| self.take_turn());
        // Guards, as `f` may be the program's and may panic. The others go on first.
        let _give_up = Restore(|| {
            if let Some(work) = work.take() {
                self.shared().turns.give_up(work);
            }
        });
        let _resume = self.stop_others();
        f()
    }

    /// Calls `visit` with the index and the age of each cell.
    fn visit_ages(&self, mut visit: impl FnMut(u32, &AtomicU8)) {
        let space = &self.shared().space;
        for layout in space.blocks().into_iter().filter_map(|block| space.layout(block)) {
            for cell in 0..layout.cells {
                let index = layout.object(cell);
                visit(index, space.view().age_of_cell(layout.block(), cell, index));
            }
        }
    }

    /// Roots of those tracked objects that `chosen` says yes to, youngest generation first; of one generation, or of all but
    /// the permanent one.
    fn tracked(&self, generation: Option<Generation>, chosen: impl Fn(u32) -> bool) -> Vec<Root<'_, Self>> {
        if !R::ABILITIES.collects_cycles {
            return Vec::new();
        }
        let mut found: [Vec<Root<'_, Self>>; 3] = Default::default();
        self.with_others_stopped(|| {
            self.visit_ages(|index, place| {
                let now = place.load(Relaxed);
                let wanted = match generation {
                    Some(generation) => now == age::of(generation),
                    None => age::is_candidate(now, Generation::OLD),
                };
                if wanted
                    && chosen(index)
                    && let Some(object) = ObjectRef::from_bits(index)
                    && self.retain_if_alive(object)
                {
                    found[usize::from(now - age::YOUNG)].push(Root::adopt(self, object));
                }
            });
        });
        found.into_iter().flatten().collect()
    }

    /// See [`Control::get_objects`](gc_core::Control::get_objects) and its like of one type.
    pub(crate) fn objects(&self, generation: Option<Generation>, type_id: Option<TypeId>) -> Vec<Root<'_, Self>> {
        let view = self.shared().space.view();
        let type_at = |index| header::type_id(view.shape_word(index).load(Relaxed));
        self.tracked(generation, |index| type_id.is_none_or(|type_id| type_at(index) == type_id))
    }

    /// Tracked objects with a slot that holds one of `sought`, which the caller holds.
    pub(crate) fn referrers(&self, mut sought: Vec<u32>) -> Vec<Root<'_, Self>> {
        sought.sort_unstable();
        let view = self.shared().space.view();
        self.tracked(None, |index| {
            let slots = header::slots(view.shape_word(index).load(Relaxed));
            (0..slots).any(|slot| sought.binary_search(&view.slot(index, slot).load(Relaxed)).is_ok())
        })
    }

    /// What the slots of an object hold, in order.
    pub(crate) fn targets<'m>(&'m self, object: &Root<'m, Self>) -> Vec<Root<'m, Self>> {
        let slots = self.shared().space.shape_of(object.object()).slots;
        (0..slots).filter_map(|slot| self.load_running(object, slot)).collect()
    }

    /// How many objects there are in each generation, and in the permanent one. Mutators may run meanwhile.
    pub(crate) fn sizes(&self) -> ([u64; 3], u64) {
        let (mut sizes, mut permanent) = ([0; 3], 0);
        self.visit_ages(|index, place| {
            let alive = || self.shared().space.count_word(index).load(Relaxed) & (COUNT_MASK | IMMORTAL) != 0;
            match place.load(Relaxed) {
                age::PERMANENT => permanent += u64::from(alive()),
                now if age::is_candidate(now, Generation::OLD) => {
                    sizes[usize::from(now - age::YOUNG)] += u64::from(alive());
                }
                _ => {}
            }
        });
        (sizes, permanent)
    }

    pub(crate) fn freeze_running(&self) {
        if !R::ABILITIES.collects_cycles {
            return;
        }
        self.change_ages(|now| age::is_candidate(now, Generation::OLD), age::PERMANENT);
        self.shared().mutators.clear_counts();
        self.shared().trigger.clear_older_counts();
    }

    pub(crate) fn unfreeze_running(&self) {
        self.change_ages(|now| now == age::PERMANENT, age::of(Generation::OLD));
    }

    /// Moves all objects of the ages chosen to another.
    fn change_ages(&self, chosen: impl Fn(u8) -> bool, to: u8) {
        self.with_others_stopped(|| {
            self.visit_ages(|_, place| {
                if chosen(place.load(Relaxed)) {
                    place.store(to, Relaxed);
                }
            });
        });
    }

    /// One more entry of `garbage`, with a counted reference.
    pub(crate) fn keep_as_garbage(&self, object: ObjectRef) {
        self.retain_running(object);
        self.shared().trigger.garbage.lock().push(object);
    }
}
