//! The `gc` module's face of heaps with plain counts.

use std::io::Write;

use crate::callback::{CollectionCallback, CollectionCallbackId};
use crate::control::{Control, Counts3, Generation, GenerationStats, Thresholds};
use crate::debug::DebugFlags;
use crate::object::{ObjectRef, TypeId};
use crate::root::Root;
use crate::space::header::{COUNT_MASK, IMMORTAL, flag};
use crate::sync::Ordering::Relaxed;

use super::mutator::PlainMutator;
use super::tracking::{Reason, Tracking};

impl<T: Tracking> PlainMutator<T> {
    fn roots(&self, objects: impl IntoIterator<Item = ObjectRef>) -> Vec<Root<'_, Self>> {
        let root = |object| {
            self.retain_running(object);
            Root::adopt(self, object)
        };
        objects.into_iter().map(root).collect()
    }

    /// What the slots of an object hold, in order.
    fn targets(&self, object: ObjectRef) -> impl Iterator<Item = ObjectRef> {
        let space = &self.shared().space;
        let slots = space.shape_of(object).slots;
        // Relaxed: as everywhere on plain heaps, the turn orders (T1 of `turn`).
        (0..slots).filter_map(move |slot| ObjectRef::from_bits(space.slot(object.bits(), slot).load(Relaxed)))
    }

    /// One more entry of `garbage`, with a counted reference.
    pub(crate) fn keep_as_garbage(&self, object: ObjectRef) {
        self.retain_running(object);
        self.shared().garbage.lock().push(object);
    }

    fn tracked(&self, generation: Option<Generation>) -> Vec<ObjectRef> {
        let shared = self.shared();
        match generation {
            Some(generation) => shared.tracking.generation(&shared.space, generation),
            None => Generation::ALL
                .into_iter()
                .flat_map(|generation| shared.tracking.generation(&shared.space, generation))
                .collect(),
        }
    }
}

impl<T: Tracking> Control for PlainMutator<T> {
    fn collect(&self, generation: Generation) -> u64 {
        self.running(|| {
            self.release_dropped();
            T::tick(self);
            T::collect(self, generation, Reason::Explicit)
        })
    }

    fn enable(&self) {
        self.running(|| self.shared().tracking.set_enabled(true));
    }

    fn disable(&self) {
        self.running(|| self.shared().tracking.set_enabled(false));
    }

    fn is_enabled(&self) -> bool {
        self.running(|| self.shared().tracking.is_enabled())
    }

    fn suspend(&self) {
        self.running(|| self.shared().tracking.suspend());
    }

    fn resume(&self) {
        self.running(|| self.shared().tracking.resume());
    }

    fn set_threshold(&self, thresholds: Thresholds) {
        self.running(|| self.shared().tracking.set_threshold(thresholds));
    }

    fn get_threshold(&self) -> Thresholds {
        self.running(|| self.shared().tracking.get_threshold())
    }

    fn get_count(&self) -> Counts3 {
        self.running(|| self.shared().tracking.get_count())
    }

    fn get_stats(&self) -> [GenerationStats; 3] {
        self.running(|| self.shared().tracking.get_stats())
    }

    fn freeze(&self) {
        self.running(|| self.shared().tracking.freeze(&self.shared().space));
    }

    fn unfreeze(&self) {
        self.running(|| self.shared().tracking.unfreeze(&self.shared().space));
    }

    fn get_freeze_count(&self) -> u64 {
        self.running(|| self.shared().tracking.frozen(&self.shared().space))
    }

    fn freeze_immortal(&self) {
        self.running(|| {
            let shared = self.shared();
            shared.tracking.freeze(&shared.space);
            shared.space.for_each_object(|object| {
                let count = shared.space.count_word(object.bits());
                // Relaxed: see `targets`. A dead object that waits for its teardown stays dead.
                let word = count.load(Relaxed);
                if word & COUNT_MASK != 0 {
                    count.store(word | IMMORTAL, Relaxed);
                }
            });
        });
    }

    fn get_objects(&self, generation: Option<Generation>) -> Vec<Root<'_, Self>> {
        self.running(|| self.roots(self.tracked(generation)))
    }

    fn get_objects_of(&self, type_id: TypeId, generation: Option<Generation>) -> Vec<Root<'_, Self>> {
        self.running(|| {
            let space = &self.shared().space;
            let objects = self.tracked(generation).into_iter();
            self.roots(objects.filter(|&object| space.type_of(object) == type_id))
        })
    }

    fn get_referrers(&self, objects: &[&Root<'_, Self>]) -> Vec<Root<'_, Self>> {
        let sought: rustc_hash::FxHashSet<u32> = objects.iter().map(|root| self.check_owner(root)).collect();
        self.running(|| {
            let referrers = self.tracked(None).into_iter();
            self.roots(referrers.filter(|&object| self.targets(object).any(|target| sought.contains(&target.bits()))))
        })
    }

    fn get_referents(&self, object: &Root<'_, Self>) -> Vec<Root<'_, Self>> {
        self.check_owner(object);
        self.running(|| self.roots(self.targets(object.object())))
    }

    fn is_tracked(&self, object: &Root<'_, Self>) -> bool {
        self.check_owner(object);
        self.running(|| self.has_flag(object.object(), flag::TRACKED))
    }

    fn is_finalized(&self, object: &Root<'_, Self>) -> bool {
        self.check_owner(object);
        self.running(|| self.has_flag(object.object(), flag::FINALIZED))
    }

    fn retain_count(&self, object: &Root<'_, Self>) -> Option<u32> {
        let index = self.check_owner(object);
        self.running(|| {
            // Relaxed: see `targets`.
            let word = self.shared().space.count_word(index).load(Relaxed);
            (word & IMMORTAL == 0).then_some((word & COUNT_MASK) as u32)
        })
    }

    fn get_weak_references(&self, object: &Root<'_, Self>) -> Vec<Root<'_, Self>> {
        self.check_owner(object);
        let shared = self.shared();
        self.running(|| {
            // A dead weak reference is in no list.
            T::tick(self);
            self.roots(shared.weak.of(&shared.space, object.object()))
        })
    }

    fn type_of(&self, object: &Root<'_, Self>) -> TypeId {
        self.check_owner(object);
        self.running(|| self.shared().space.type_of(object.object()))
    }

    fn garbage(&self) -> Vec<Root<'_, Self>> {
        self.running(|| self.roots(self.shared().garbage.lock().clone()))
    }

    fn append_garbage(&self, object: &Root<'_, Self>) {
        self.check_owner(object);
        self.running(|| self.keep_as_garbage(object.object()));
    }

    fn remove_garbage(&self, object: &Root<'_, Self>) -> bool {
        self.check_owner(object);
        self.running(|| {
            let removed = {
                let mut garbage = self.shared().garbage.lock();
                let at = garbage.iter().position(|&entry| entry == object.object());
                at.map(|at| garbage.remove(at))
            };
            removed.map(|object| self.release_running(object)).is_some()
        })
    }

    fn take_garbage(&self) -> Vec<Root<'_, Self>> {
        let garbage = self.running(|| std::mem::take(&mut *self.shared().garbage.lock()));
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
