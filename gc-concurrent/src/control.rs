//! The `gc` module's face of heaps whose mutators run in parallel.

use std::io::Write;

use gc_core::control::{Control, Counts3, Generation, GenerationStats, Thresholds};
use gc_core::root::Root;
use gc_core::space::header::{COUNT_MASK, IMMORTAL, flag};
use gc_core::sync::Ordering::Relaxed;
use gc_core::{CollectionCallbackId, DebugFlags, Reason, TypeId, callback::CollectionCallback};

use crate::heap::Rung;
use crate::mutator::ParallelMutator;

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
        self.running(|| self.unfreeze_running());
    }

    fn get_freeze_count(&self) -> u64 {
        self.running(|| self.sizes().1)
    }

    fn freeze_immortal(&self) {
        self.running(|| {
            self.freeze_running();
            let space = &self.shared().space;
            self.with_others_stopped(|| {
                space.for_each_object(|object| {
                    let count = space.count_word(object.bits());
                    // Relaxed, both: the world stands still. A dead object that waits for its teardown stays dead.
                    if count.load(Relaxed) & COUNT_MASK != 0 {
                        count.fetch_or(IMMORTAL, Relaxed);
                    }
                });
            });
        });
    }

    fn get_objects(&self, generation: Option<Generation>) -> Vec<Root<'_, Self>> {
        self.running(|| self.objects(generation, None))
    }

    fn get_objects_of(&self, type_id: TypeId, generation: Option<Generation>) -> Vec<Root<'_, Self>> {
        self.running(|| self.objects(generation, Some(type_id)))
    }

    fn get_referrers(&self, objects: &[&Root<'_, Self>]) -> Vec<Root<'_, Self>> {
        let sought: Vec<u32> = objects.iter().map(|root| self.check_owner(root)).collect();
        self.running(|| self.referrers(sought))
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
        // A list of CPython's lets go of its last element first.
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
