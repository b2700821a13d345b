//! What a collection keeps: objects with a legacy finalizer and what they reach, and under `SAVEALL` all garbage; and what
//! it says of garbage by name.

use gc_core::space::header::flag;
use gc_core::sync::Arc;
use gc_core::sync::Ordering::Relaxed;
use gc_core::{DebugFlags, ObjectRef, TypeSpec};

use crate::certify::{Certification, Verdict};
use crate::commit::Commit;
use crate::heap::Rung;
use crate::mutator::ParallelMutator;
use crate::work::Work;

impl<R: Rung> Commit<'_, R> {
    /// Names the suspects of this verdict, if `flag` says so.
    pub(crate) fn name(&mut self, flag: DebugFlags, named: Verdict, line: impl Fn(&str, ObjectRef) -> String) {
        let shared = self.mutator.shared();
        if !shared.messages.has(flag) {
            return;
        }
        let Work { certification, messages, .. } = &mut *self.work;
        for (&object, &verdict) in certification.suspects().iter().zip(certification.verdicts()) {
            if verdict == named
                && let Some(object) = ObjectRef::from_bits(object)
            {
                *messages += &line(&shared.types.spec(shared.space.type_of(object)).name, object);
            }
        }
    }

    /// Under `SAVEALL`: what is certified goes to `garbage` instead of being taken apart, and lives on in the generation of
    /// the survivors.
    pub(crate) fn save_all(&self) {
        let mutator = self.mutator;
        for object in self.work.certification.certified().filter_map(ObjectRef::from_bits) {
            mutator.shared().space.view().age(object.bits()).store(self.survivors_age(object), Relaxed);
            mutator.keep_as_garbage(object);
            if self.held.is_some() {
                // The collection's own hold; the list has one now.
                mutator.release_running(object);
            }
        }
    }

    /// Objects with a legacy finalizer, under `SAVEALL` also what they reach, go to `garbage`; all of it lives on.
    pub(crate) fn put_into_garbage(&self) {
        let mutator = self.mutator;
        let saves_all = mutator.shared().messages.has(DebugFlags::SAVEALL);
        let certification = &self.work.certification;
        for (&object, &verdict) in certification.suspects().iter().zip(certification.verdicts()) {
            if verdict == Verdict::Kept
                && let Some(object) = ObjectRef::from_bits(object)
                // Its weak references are whole: an upgrade may have brought it back, and it may have died since.
                && mutator.retain_if_alive(object)
            {
                if saves_all || spec_with_legacy_finalizer(mutator, object).is_some() {
                    mutator.shared().trigger.garbage.lock().push(object);
                } else {
                    mutator.release_running(object);
                }
            }
        }
    }
}

fn spec_with_legacy_finalizer<R: Rung>(mutator: &ParallelMutator<R>, object: ObjectRef) -> Option<Arc<TypeSpec>> {
    let shared = mutator.shared();
    if !mutator.has_flag(object, flag::HOOKED) {
        return None;
    }
    Some(shared.types.spec(shared.space.type_of(object))).filter(|spec| spec.legacy_finalizer.is_some())
}

/// Keeps certified members with a legacy finalizer, and what they reach.
pub(crate) fn keep_legacy<R: Rung>(mutator: &ParallelMutator<R>, certification: &mut Certification, members: &[u32]) {
    // Relaxed: set before there was a type of this sort.
    if !mutator.shared().has_legacy.load(Relaxed) {
        return;
    }
    for &k in members {
        if certification.verdicts()[k as usize] == Verdict::Certified
            && let Some(object) = ObjectRef::from_bits(certification.suspects()[k as usize])
            && spec_with_legacy_finalizer(mutator, object).is_some()
        {
            certification.keep(k);
        }
    }
}
