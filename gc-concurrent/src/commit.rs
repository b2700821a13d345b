//! The second half of a collection: what is certified loses its weak references, is finalized, certified once more if
//! code of the program ran, and is taken apart.

use gc_core::callback::Place;
use gc_core::space::header::flag;
use gc_core::sync::Ordering::{Acquire, Relaxed};
use gc_core::{CallbackId, DebugFlags, Generation, ObjectRef, Root, WeakOrder, messages, weak};

use crate::age;
use crate::certify::Verdict;
use crate::collection::Found;
use crate::deciding;
use crate::garbage::keep_legacy;
use crate::heap::Rung;
use crate::memory::Memory;
use crate::mutator::ParallelMutator;
use crate::protocol::{ONE, Protocol};
use crate::teardown::is_certified;
use crate::work::Work;

/// Which weak references to clear when a set is found to be garbage.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clear {
    /// All; callbacks are remembered.
    All,
    /// Those with a callback (CPython 3.15).
    WithCallback,
    /// All, and nobody is told: what finalizers made, or were left to use.
    Silently,
}

/// See the [module](self).
pub(crate) struct Commit<'c, R: Rung> {
    pub(crate) mutator: &'c ParallelMutator<R>,
    pub(crate) work: &'c mut Work,
    generation: Generation,
    /// Weak references whose callbacks are to be called, each retained.
    callbacks: Vec<(CallbackId, ObjectRef)>,
    /// The suspects of the second certification, each retained by the collection; `None` before it.
    pub(crate) held: Option<Vec<ObjectRef>>,
    /// By position: suspects of the first certification that the collection has retained already.
    held_early: Vec<bool>,
}

impl<'c, R: Rung> Commit<'c, R> {
    pub(crate) fn new(mutator: &'c ParallelMutator<R>, work: &'c mut Work, generation: Generation) -> Self {
        Self { mutator, work, generation, callbacks: Vec::new(), held: None, held_early: Vec::new() }
    }

    /// Settles which suspects are garbage, and clears the weak references that are cleared before finalizers.
    pub(crate) fn certify(&mut self) {
        let clear = match self.mutator.shared().config.weak_order {
            WeakOrder::BeforeFinalizers => Clear::All,
            WeakOrder::PlainAfterFinalizers => Clear::WithCallback,
        };
        let Work { detector, certification, .. } = &mut *self.work;
        let suspects = detector.suspects().iter().map(|suspect| suspect.bits());
        let memory = self.mutator.shared().memory();
        if R::STOPS && !self.mutator.shared().has_legacy.load(Relaxed) {
            certification.trust(suspects);
        } else {
            certification.read::<R::Protocol, _>(&memory, suspects, 0, |index| detector.position(index));
        }
        self.decide(clear);
    }

    /// Whether a suspect's teardown has more to do than to release slots.
    fn has_flag(&self, k: u32, flag: u64) -> bool {
        let word = self.mutator.shared().space.shape_word(self.work.certification.suspects()[k as usize]);
        // Acquire: pairs with the release that sets a flag.
        word.load(Acquire) & flag != 0
    }

    fn decide(&mut self, clear: Clear) {
        let mutator = self.mutator;
        let memory = mutator.shared().memory();
        let all = 0..self.work.certification.suspects().len() as u32;
        let weak: Vec<u32> = all.clone().filter(|&k| self.has_flag(k, flag::REFERENCED_WEAKLY)).collect();
        if R::STOPS && self.work.certification.is_trusted() {
            self.clear(&weak, clear);
            return self.unlink_dead_weak_references(clear);
        }
        if weak.is_empty() {
            // SeqCst: step 3. All slots are read before any word is read again (C1).
            memory.fence();
            self.work.certification.decide::<R::Protocol, _>(&memory, all.clone());
            let all: Vec<u32> = all.collect();
            keep_legacy(mutator, &mut self.work.certification, &all);
            return self.unlink_dead_weak_references(clear);
        }
        // Component by component: an upgrade that interferes with one must not reject the others.
        // A weak reference with a callback is called unless it is garbage itself: that must be known when its referent's weak
        // references are cleared.
        let mut joined = Vec::new();
        if clear != Clear::Silently {
            for &k in &weak {
                let referent = ObjectRef::from_bits(self.work.certification.suspects()[k as usize]);
                mutator.shared().weak.for_each(
                    &mutator.shared().space,
                    referent.expect("a suspect"),
                    |weak, callback| {
                        let position = self.work.detector.position(weak.bits()).filter(|_| callback.is_some());
                        joined.extend(position.map(|position| (k, position)));
                    },
                );
            }
        }
        let components = self.work.certification.components(&joined);
        let mut is_weak = vec![false; all.len()];
        weak.iter().for_each(|&k| is_weak[k as usize] = true);
        let (with, without): (Vec<_>, Vec<_>) =
            components.into_iter().partition(|members| members.iter().any(|&k| is_weak[k as usize]));
        memory.fence();
        let without: Vec<u32> = without.into_iter().flatten().collect();
        self.work.certification.decide::<R::Protocol, _>(&memory, without.iter().copied());
        keep_legacy(mutator, &mut self.work.certification, &without);
        for members in with {
            let weak: Vec<u32> = members.iter().copied().filter(|&k| is_weak[k as usize]).collect();
            let certification = &mut self.work.certification;
            deciding::settle::<R::Protocol, _>(&memory, certification, &members, &weak, |certification, members| {
                keep_legacy(mutator, certification, members);
            });
            if clear == Clear::WithCallback {
                self.hold_early(&members);
            }
            self.clear(&weak, clear);
            deciding::finish(&memory, &self.work.certification, &weak);
        }
        self.unlink_dead_weak_references(clear);
    }

    /// Holds the certified of a component that keeps weak references for its finalizers, while upgrades are still refused:
    /// afterwards one of them could let members die, and their places be used again, before the collection holds them.
    fn hold_early(&mut self, members: &[u32]) {
        self.held_early.resize(self.work.certification.suspects().len(), false);
        for &k in members {
            if self.work.certification.verdicts()[k as usize] == Verdict::Certified
                && let Some(object) = ObjectRef::from_bits(self.work.certification.suspects()[k as usize])
            {
                self.mutator.retain_running(object);
                self.held_early[k as usize] = true;
            }
        }
    }

    /// Clears weak references to those of `weak` that are certified.
    fn clear(&mut self, weak: &[u32], clear: Clear) {
        let mutator = self.mutator;
        let shared = mutator.shared();
        let certification = &self.work.certification;
        let detector = &self.work.detector;
        for &k in weak {
            if certification.verdicts()[k as usize] != Verdict::Certified {
                continue;
            }
            let Some(object) = ObjectRef::from_bits(certification.suspects()[k as usize]) else { continue };
            shared.weak.clear(&shared.space, object, |weak, callback| {
                if let Some(callback) = callback
                    && clear != Clear::Silently
                    // One that is garbage itself is never called.
                    && !is_certified(certification, detector, weak.bits())
                    && mutator.retain_if_alive(weak)
                {
                    self.callbacks.push((callback, weak));
                }
                clear != Clear::WithCallback || callback.is_some()
            });
        }
    }

    /// Weak references that are garbage themselves are cleared and never called.
    ///
    /// Who holds the referent could come by one until now: one that was retained since it was read is alive.
    fn unlink_dead_weak_references(&mut self, clear: Clear) {
        let mutator = self.mutator;
        let space = &mutator.shared().space;
        for k in 0..self.work.certification.suspects().len() {
            let certification = &mut self.work.certification;
            if certification.verdicts()[k] != Verdict::Certified {
                continue;
            }
            let Some(object) = ObjectRef::from_bits(certification.suspects()[k]) else { continue };
            if !mutator.has_flag(object, flag::HOOKED)
                || !weak::is_weak(space, object)
                || (clear == Clear::WithCallback && weak::callback_of(space, object).is_none())
            {
                continue;
            }
            let held = self.held_early.get(k).is_some_and(|&held| held);
            let own = if held { R::Protocol::RETAIN } else { 0 };
            let first = certification.first_reading(k).map(|first| first.wrapping_add(own));
            // Acquire: as the second reading, of which this is the last.
            let untouched = || first.is_none_or(|first| space.count_word(object.bits()).load(Acquire) == first);
            if !mutator.shared().weak.unlink_if(space, object, untouched) {
                certification.reject_leaf(k);
                if held {
                    mutator.release_running(object);
                }
            }
        }
    }

    /// The rest of the collection.
    pub(crate) fn finish(mut self, found: &mut Found) {
        let mutator = self.mutator;
        found.interfered = self.work.certification.interfered();
        // Before code of the program runs: the second certification knows nothing of what is kept.
        let kept = self.work.certification.verdicts().iter().filter(|verdict| **verdict == Verdict::Kept).count();
        found.uncollectable += kept as u64;
        self.name(DebugFlags::COLLECTABLE, Verdict::Certified, messages::collectable);
        if kept != 0 {
            self.name(DebugFlags::UNCOLLECTABLE, Verdict::Kept, messages::uncollectable);
            self.put_into_garbage();
        }
        let finalizable = self.finalizable();
        let waits = !self.held_early.is_empty() || self.has_uncleared_weak_references();
        if !self.callbacks.is_empty() || !finalizable.is_empty() || waits {
            found.collected += self.run_callbacks(finalizable);
        }
        let certified: Vec<u32> = self.work.certification.certified().collect();
        found.collected += certified.len() as u64;
        if mutator.shared().messages.has(DebugFlags::SAVEALL) {
            return self.save_all();
        }
        #[cfg(debug_assertions)]
        crate::sanity::check_certified(&mutator.shared().space, &certified);
        mutator.tearing_down.set(true);
        let freed_before = mutator.record.freed();
        self.tear_down(&certified);
        mutator.finish_deaths();
        mutator.tearing_down.set(false);
        let freed = mutator.record.freed() - freed_before;
        found.freed += freed;
        mutator.record.free_by_collector(freed);
    }

    /// Whether weak references were left for finalizers to use: then they are cleared by the second certification.
    fn has_uncleared_weak_references(&self) -> bool {
        let mutator = self.mutator;
        let space = &mutator.shared().space;
        mutator.shared().config.weak_order == WeakOrder::PlainAfterFinalizers
            && self
                .work
                .certification
                .certified()
                .filter_map(ObjectRef::from_bits)
                .any(|object| mutator.has_flag(object, flag::REFERENCED_WEAKLY) || weak::is_weak(space, object))
    }

    /// Certified objects whose finalizer has not run.
    fn finalizable(&self) -> Vec<(ObjectRef, CallbackId)> {
        let mutator = self.mutator;
        let shared = mutator.shared();
        let certified = self.work.certification.certified().filter_map(ObjectRef::from_bits);
        certified
            .filter(|&object| mutator.has_flag(object, flag::HOOKED) && !mutator.has_flag(object, flag::FINALIZED))
            .filter_map(|object| Some((object, shared.types.spec(shared.space.type_of(object)).finalizer?)))
            .collect()
    }

    /// Runs the program's callbacks and finalizers on the certified, and certifies them again. Returns how many weak
    /// references died in their callbacks; they count as collected.
    ///
    /// Over all of it the collection holds each of them, so that each keeps its place.
    fn run_callbacks(&mut self, finalizable: Vec<(ObjectRef, CallbackId)>) -> u64 {
        let mutator = self.mutator;
        let shared = mutator.shared();
        let certified: Vec<ObjectRef> = self.work.certification.certified().filter_map(ObjectRef::from_bits).collect();
        let certification = &self.work.certification;
        let positions =
            certification.verdicts().iter().enumerate().filter(|(_, verdict)| **verdict == Verdict::Certified);
        for ((k, _), &object) in positions.zip(&certified) {
            if !self.held_early.get(k).is_some_and(|&held| held) {
                mutator.retain_running(object);
            }
            // In no generation while it is finalized. Relaxed: as everywhere for ages.
            shared.space.view().age(object.bits()).fetch_or(age::MARK, Relaxed);
        }
        // The positions of the second certification are others.
        self.held_early.clear();
        let callbacks = std::mem::take(&mut self.callbacks);
        let died = mutator.with_others_running(|| {
            let mut died = 0;
            for (callback, weak) in callbacks {
                weak::forget_callback(&shared.space, weak);
                mutator.retain_running(weak);
                let root = Root::adopt(mutator, weak);
                shared.callbacks.call(callback, mutator, root, Place::WeakReference, &*shared.observer);
                // One that dies here, with the last reference, counts as collected.
                let freed = mutator.record.freed();
                mutator.release_running(weak);
                died += u64::from(mutator.record.freed() != freed);
            }
            for (object, finalizer) in finalizable {
                mutator.set_flag(object, flag::FINALIZED);
                mutator.retain_running(object);
                let root = Root::adopt(mutator, object);
                shared.callbacks.call(finalizer, mutator, root, Place::Finalizer, &*shared.observer);
            }
            died
        });
        let held = self.let_die(certified);
        self.certify_again(&held);
        self.held = Some(held);
        died
    }

    /// Lets those die by count that nothing but the collection holds any more. Returns the others.
    fn let_die(&self, held: Vec<ObjectRef>) -> Vec<ObjectRef> {
        let mutator = self.mutator;
        let view = mutator.shared().space.view();
        let mut alive = vec![true; held.len()];
        let mut worklist: Vec<usize> = (0..held.len()).collect();
        while let Some(k) = worklist.pop() {
            let object = held[k];
            // Relaxed: nobody else can get at an object whose one reference is the collection's.
            if !alive[k] || view.count_word(object.bits()).load(Relaxed) as u32 != ONE as u32 {
                continue;
            }
            alive[k] = false;
            // What it holds may be next.
            for slot in 0..view.slot_capacity(object.bits()) {
                // Acquire: as a load's.
                let target = view.slot(object.bits(), slot).load(Acquire);
                worklist.extend(held.binary_search_by_key(&target, |object| object.bits()).ok());
            }
            // An upgrade may find it yet: then it lives on, and without the mark. Relaxed: as everywhere for ages.
            view.age(object.bits()).store(self.survivors_age(object), Relaxed);
            mutator.release_running(object);
            mutator.finish_deaths();
        }
        held.into_iter().zip(alive).filter(|(_, alive)| *alive).map(|(object, _)| object).collect()
    }

    /// The age of an object that lives on.
    pub(crate) fn survivors_age(&self, object: ObjectRef) -> u8 {
        // A finalizer may have untracked it.
        if self.mutator.has_flag(object, flag::TRACKED) { age::survivors(self.generation) } else { age::NONE }
    }

    /// Certifies those that the collection holds. What fails is resurrected, and lives on in the generation of the
    /// survivors.
    fn certify_again(&mut self, held: &[ObjectRef]) {
        let mutator = self.mutator;
        let shared = mutator.shared();
        let memory = shared.memory();
        let Work { certification, .. } = &mut *self.work;
        let position = |index: u32| held.binary_search_by_key(&index, |object| object.bits()).ok().map(|k| k as u32);
        let suspects = held.iter().map(|object| object.bits());
        certification.read::<R::Protocol, _>(&memory, suspects, 1, position);
        // Marks are the business of `deciding` from here on; the age without it is of no generation either.
        for object in held {
            shared.space.view().age(object.bits()).store(age::NONE, Relaxed);
        }
        self.decide(Clear::Silently);
        let certification = &self.work.certification;
        for (&object, &verdict) in held.iter().zip(certification.verdicts()) {
            if verdict != Verdict::Certified {
                shared.space.view().age(object.bits()).store(self.survivors_age(object), Relaxed);
                mutator.release_running(object);
            }
        }
    }
}
