//! The end of garbage: what certified objects hold is released, and their places are freed.

use gc_core::ObjectRef;
use gc_core::space::header::{self, flag};
use gc_core::streaming::Detector;
use gc_core::sync::Ordering::Relaxed;

use crate::age;
use crate::certify::{Certification, Verdict};
use crate::commit::Commit;
use crate::heap::Rung;

/// How far ahead objects are fetched.
const AHEAD: usize = 16;

impl<R: Rung> Commit<'_, R> {
    /// Takes the certified apart: releases what they hold, frees their places.
    pub(crate) fn tear_down(&mut self, certified: &[u32]) {
        let mutator = self.mutator;
        let view = mutator.shared().space.view();
        for &object in certified {
            // No generation: no callback of a death that follows finds one of them. Relaxed: as everywhere for ages.
            view.age(object).store(age::NONE, Relaxed);
        }
        for k in 0..self.work.certification.suspects().len() {
            let certification = &self.work.certification;
            if let Some(&later) = certification.suspects().get(k + AHEAD) {
                view.prefetch(later);
            }
            if certification.verdicts()[k] != Verdict::Certified {
                continue;
            }
            let Some(object) = ObjectRef::from_bits(certification.suspects()[k]) else { continue };
            // Relaxed: nobody else changes it any more.
            let word = view.shape_word(object.bits()).load(Relaxed);
            let observed = word & flag::OBSERVED != 0;
            if observed {
                mutator.begin_teardown(object);
            }
            for slot in 0..header::slots(word) {
                let place = view.slot(object.bits(), slot);
                // Relaxed, both: nobody else can get at the object, and its certification acquired what its users did.
                let target = place.load(Relaxed);
                if target == 0 {
                    continue;
                }
                place.store(0, Relaxed);
                // A reference to another member is one of those that are taken away when that is freed; by now its place may
                // be another object's.
                if !self.is_certified(target)
                    && let Some(target) = ObjectRef::from_bits(target)
                {
                    mutator.release_running(target);
                }
            }
            if observed {
                mutator.end_teardown(object);
            }
            mutator.free_garbage(object, self.work.certification.count(k));
        }
    }

    /// Whether an object is to be freed.
    fn is_certified(&self, index: u32) -> bool {
        match &self.held {
            None => is_certified(&self.work.certification, &self.work.detector, index),
            Some(held) => held
                .binary_search_by_key(&index, |object| object.bits())
                .is_ok_and(|k| self.work.certification.verdicts()[k] == Verdict::Certified),
        }
    }
}

/// In a first certification, whose suspects are those of the detection.
pub(crate) fn is_certified(certification: &Certification, detector: &Detector, index: u32) -> bool {
    detector
        .position(index)
        .is_some_and(|k| certification.verdicts().get(k as usize).is_some_and(|verdict| *verdict == Verdict::Certified))
}
