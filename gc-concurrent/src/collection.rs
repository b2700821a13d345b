//! One collection, from its trigger to its figures, on whichever thread runs it.
//!
//! *Propose*: streaming detection over the candidates, while mutators run. *Certify* what it suspects. *Commit*: weak
//! references, finalizers, a second certification if any code of the program ran, teardown. On a heap that stops, the
//! world stands still for all of it but for the program's callbacks, and there is nothing to certify.

use std::time::{Duration, Instant};

use gc_core::callback::{CollectionInfo, Phase};
use gc_core::event::{Cause, Collection};
use gc_core::space::header::{self, flag};
use gc_core::streaming::Fetch;
use gc_core::sync::Ordering::{Acquire, Relaxed};
use gc_core::{Automatic, Certify, DebugFlags, Generation, Kind, ObjectRef, Reason, messages, process};

use crate::age;
use crate::commit::Commit;
use crate::heap::Rung;
use crate::mutator::{ParallelMutator, Restore};
use crate::protocol::IMMORTAL;
use crate::turns::Grace;
use crate::work::Work;

/// Blocks and runs given back in one go: giving back takes microseconds each, and others wait for the pool meanwhile.
const PIECE: usize = 8;
/// How often an explicit collection is repeated for garbage that a stale load or an upgrade touched. Live objects among
/// the suspects, which mutators keep changing, must not keep it going for ever.
const MOST_ROUNDS: u32 = 8;

/// What a collection found.
#[derive(Clone, Copy, Default)]
pub(crate) struct Found {
    pub(crate) examined: u64,
    pub(crate) survivors: u64,
    pub(crate) collected: u64,
    pub(crate) uncollectable: u64,
    /// Objects that its teardown freed.
    pub(crate) freed: u64,
    /// Suspects that a mutator changed meanwhile.
    pub(crate) interfered: u64,
}

impl<R: Rung> ParallelMutator<R> {
    /// Whether this thread collects: in a callback of its collection, say.
    pub(crate) fn is_collecting(&self) -> bool {
        self.shared().turns.is_mine()
    }

    /// Waits for the turn to collect, in a safe region.
    pub(crate) fn take_turn(&self) -> Box<Work> {
        use gc_core::Mutator;
        let shared = self.shared();
        if let Some(work) = shared.turns.try_take() {
            return work;
        }
        self.interruptions().interruption_begins(Cause::Lock);
        let begin = Instant::now();
        let work = self.safe_region(|| shared.turns.take());
        self.interruptions().interruption_ends(Cause::Lock, begin.elapsed());
        work
    }

    /// Waits for the turn to collect, in a safe region, but not for ever: the collection that has it may run a finalizer that
    /// waits for this very thread.
    pub(crate) fn take_turn_within(&self, limit: Duration) -> Option<Box<Work>> {
        use gc_core::Mutator;
        self.safe_region(|| self.shared().turns.take_within(limit))
    }

    /// Collects `generation` on this thread, after any collection that is under way; returns unreachable objects found.
    /// Does nothing and returns 0 inside a collection, or where there is no collector.
    pub(crate) fn collect_now(&self, generation: Generation, reason: Reason) -> u64 {
        if !R::ABILITIES.collects_cycles || self.is_collecting() {
            return 0;
        }
        self.collect_in_turn(self.take_turn(), generation, reason)
    }

    /// Collects with the turn, and gives it up.
    pub(crate) fn collect_in_turn(&self, mut work: Box<Work>, generation: Generation, reason: Reason) -> u64 {
        let found = self.collect_with(&mut work, generation, reason);
        self.shared().turns.give_up(work);
        if self.record.collector || reason != Reason::Threshold {
            self.reclaim_in_pieces();
        } else {
            self.reclaim_retired();
        }
        found
    }

    /// Collects with the turn.
    fn collect_with(&self, work: &mut Work, generation: Generation, reason: Reason) -> u64 {
        let shared = self.shared();
        self.interruptions().interruption_begins(Cause::Stop);
        let begin = Instant::now();
        self.report(Phase::Start, CollectionInfo::start(generation));
        let stats_begin = shared.messages.has(DebugFlags::STATS).then(|| {
            let (sizes, permanent) = self.sizes();
            shared.messages.write(&messages::start(generation, sizes, permanent), &*shared.observer);
            Instant::now()
        });
        let mut found = self.collect_once(work, generation, reason);
        let mut rounds = 1;
        while reason != Reason::Threshold && found.interfered != 0 && rounds < MOST_ROUNDS {
            let again = self.collect_once(work, generation, reason);
            found.collected += again.collected;
            found.uncollectable += again.uncollectable;
            found.freed += again.freed;
            found.interfered = again.interfered;
            rounds += 1;
        }
        shared.trigger.survived(generation, found.survivors);
        self.write_messages(work, found, stats_begin);
        let mut duration = begin.elapsed();
        {
            let mut stats = shared.trigger.stats.lock();
            let stats = &mut stats[generation.index()];
            stats.collections += 1;
            stats.collected += found.collected;
            stats.uncollectable += found.uncollectable;
            stats.examined += found.examined;
            stats.nanoseconds += duration.as_nanos() as u64;
        }
        let Found { examined: candidates, collected, uncollectable, .. } = found;
        self.report(Phase::Stop, CollectionInfo { generation, collected, uncollectable, candidates, duration });
        duration = duration.max(begin.elapsed());
        self.interruptions().interruption_ends(Cause::Stop, duration);
        shared.observer.collection(&Collection {
            generation,
            automatic: reason == Reason::Threshold,
            examined: found.examined,
            collected: found.collected,
            uncollectable: found.uncollectable,
            freed: found.freed,
            duration,
        });
        found.collected + found.uncollectable
    }

    /// Writes what is to be said of a collection, all of it at its end, when nobody stands still for it any more.
    fn write_messages(&self, work: &mut Work, found: Found, stats_begin: Option<Instant>) {
        let shared = self.shared();
        let mut text = std::mem::take(&mut work.messages);
        if let Some(begin) = stats_begin
            && shared.messages.has(DebugFlags::STATS)
        {
            text += &messages::done(found.collected + found.uncollectable, found.uncollectable, begin.elapsed());
        }
        if !text.is_empty() {
            shared.messages.write(&text, &*shared.observer);
        }
    }

    /// Runs the young collection that a threshold asked for while a longer one proposes: so what dies young need not wait
    /// for that one's end. What it examines is not a candidate of the longer one yet, or never: candidates are promoted
    /// when they are scanned.
    fn collect_young_between(&self, young: &mut Work) {
        let trigger = &self.shared().trigger;
        if trigger.is_requested() && trigger.is_enabled() {
            self.collect_with(young, Generation::YOUNG, Reason::Threshold);
        }
    }

    fn report(&self, phase: Phase, info: CollectionInfo) {
        let shared = self.shared();
        shared.callbacks.call_collection(self, phase, &info, &*shared.observer);
    }

    fn collect_once(&self, work: &mut Work, generation: Generation, reason: Reason) -> Found {
        let shared = self.shared();
        let _resume = R::STOPS.then(|| self.stop_others());
        let in_background = !R::STOPS && shared.config.automatic == Automatic::Background;
        let late = (in_background && reason == Reason::Threshold).then(|| shared.mutators.totals().count);
        shared.trigger.begin(generation, late);
        if generation == Generation::OLD {
            shared.trigger.begin_full(shared.mutators.totals().objects());
        }
        shared.mutators.clear_counts();
        let from_roots = self.notes_candidates && reason == Reason::Threshold && generation != Generation::OLD;
        let blocks = if from_roots {
            let roots = self.take_candidates();
            // For a later `collect` of a young generation.
            let young = shared.space.take_young_blocks();
            self.remember_middle_blocks(work, Generation::YOUNG, young);
            work.reached.find(&shared.space, roots)
        } else {
            if self.notes_candidates && generation == Generation::OLD {
                // It looks at everything: what was noted before need not be looked at again.
                drop(self.take_candidates());
            }
            self.scope(work, generation)
        };
        let survivors_age = age::survivors(generation);
        // Relaxed, both: set before there were such objects.
        let has_immortal = shared.has_immortal.load(Relaxed);
        let untracks = shared.config.untrack_tuples && !from_roots && shared.has_tuples.load(Relaxed);
        let mut tuples = Vec::new();
        let examined = {
            let view = shared.space.view();
            let Work { detector, reached, young: inner, middle_blocks, .. } = &mut *work;
            let candidate = |layout: &gc_core::space::BlockLayout, cell: u32, index: u32| {
                let place = view.age_of_cell(layout.block(), cell, index);
                // Relaxed, both: an age is a hint. What a collection misses the next one finds; what it examines too much it
                // certifies.
                let now = place.load(Relaxed);
                let is_candidate = if from_roots {
                    reached.contains(index) && age::is_candidate(now, Generation::OLD)
                } else {
                    age::is_candidate(now, generation)
                };
                if !is_candidate {
                    return false;
                }
                // Relaxed, here and below: immortal once, immortal for ever; a kind is fixed for an object's life.
                if has_immortal && view.count_word(index).load(Relaxed) & IMMORTAL != 0 {
                    let _ = place.compare_exchange(now, age::PERMANENT, Relaxed, Relaxed);
                    return false;
                }
                if untracks && header::kind(view.shape_word(index).load(Relaxed)) == Kind::Tuple {
                    tuples.push(index);
                }
                if now != survivors_age && !from_roots {
                    // Promoted at once; the suspects that turn out to be garbage have no age any more. Exchanged, so that
                    // an object that came to this place meanwhile keeps its own.
                    let _ = place.compare_exchange(now, survivors_age, Relaxed, Relaxed);
                }
                true
            };
            let fetch = if generation == Generation::OLD { Fetch::Ahead } else { Fetch::CandidatesOnly };
            let mut young = inner.take();
            let between = || {
                if !R::STOPS && generation == Generation::OLD && !self.notes_candidates {
                    self.collect_young_between(young.get_or_insert_default());
                }
            };
            let examined = detector.detect(&shared.space, &blocks, fetch, between, candidate);
            if let Some(mut young) = young {
                middle_blocks.append(&mut young.middle_blocks);
                *inner = Some(young);
            }
            examined
        };
        let untracked = self.untrack_tuples(work, &tuples, survivors_age);
        if !from_roots {
            self.remember_middle_blocks(work, generation, blocks);
        }
        // Untracked tuples are no long-lived objects: they do not put a full collection off.
        let survivors = examined.objects - examined.suspects - untracked;
        let mut found = Found { examined: examined.objects, survivors, ..Found::default() };
        if examined.suspects != 0 {
            let stopped = !R::STOPS && shared.config.certify == Certify::Stopped;
            let resume = stopped.then(|| self.stop_others());
            let mut commit = Commit::new(self, work, generation);
            commit.certify();
            drop(resume);
            commit.finish(&mut found);
        }
        if found.interfered != 0 && self.notes_candidates {
            self.note_again(work.detector.suspects());
        }
        found
    }

    /// The blocks with candidates, in order.
    fn scope(&self, work: &mut Work, generation: Generation) -> Vec<u32> {
        let space = &self.shared().space;
        let mut blocks = space.take_young_blocks();
        match generation {
            Generation::YOUNG if self.notes_candidates => blocks.extend_from_slice(&work.middle_blocks),
            Generation::YOUNG => {}
            Generation::OLD => {
                work.middle_blocks.clear();
                return space.blocks();
            }
            _ => blocks.append(&mut work.middle_blocks),
        }
        blocks.sort_unstable();
        blocks.dedup();
        blocks
    }

    fn remember_middle_blocks(&self, work: &mut Work, generation: Generation, mut blocks: Vec<u32>) {
        if generation == Generation::YOUNG {
            work.middle_blocks.append(&mut blocks);
            work.middle_blocks.sort_unstable();
            work.middle_blocks.dedup();
        }
    }

    /// Makes the other mutators stand still until the result is dropped.
    pub(crate) fn stop_others(&self) -> impl Drop + use<'_, R> {
        self.stop();
        Restore(|| self.resume())
    }

    fn stop(&self) {
        let shared = self.shared();
        shared.world.stop(&shared.mailbox, self.interruptions());
        self.stops_others.set(true);
    }

    fn resume(&self) {
        let shared = self.shared();
        self.stops_others.set(false);
        shared.world.resume(&shared.mailbox);
    }

    /// Lets the others go on, if they stand still for this mutator, while `f`, a callback of the program, runs.
    pub(crate) fn with_others_running<T>(&self, f: impl FnOnce() -> T) -> T {
        if !self.stops_others.get() {
            return f();
        }
        self.resume();
        let _stop = Restore(|| self.stop());
        f()
    }

    /// Untracks the surviving ones of these candidates, all tuples, that can be on no cycle: all slots hold atomic objects
    /// or untracked tuples (`untrack_tuples`, `_PyTuple_MaybeUntrack`). Returns how many.
    fn untrack_tuples(&self, work: &Work, tuples: &[u32], survivors_age: u8) -> u64 {
        let mut untracked = 0;
        let view = self.shared().space.view();
        // Relaxed: a dying object's word is looked at for nothing.
        let word = |index: u32| view.shape_word(index).load(Relaxed);
        let may_be_tracked = |target: u32| match header::kind(word(target)) {
            Kind::Atomic => false,
            Kind::Tuple => word(target) & flag::TRACKED != 0,
            _ => true,
        };
        for &index in tuples {
            let shape = word(index);
            if header::kind(shape) != Kind::Tuple || work.detector.position(index).is_some() {
                continue;
            }
            // Acquire: as a load's.
            let untrackable = |slot| match view.slot(index, slot).load(Acquire) {
                0 => false,
                target => !may_be_tracked(target),
            };
            // Held over the change: otherwise its place could be another object's by the time the flag is cleared.
            if (0..header::slots(shape)).all(untrackable)
                && let Some(object) = ObjectRef::from_bits(index)
                && self.retain_if_alive(object)
            {
                // Relaxed: as in `collect_once`.
                if view.age(index).compare_exchange(survivors_age, age::NONE, Relaxed, Relaxed).is_ok() {
                    self.clear_flag(object, flag::TRACKED);
                    untracked += 1;
                }
                self.release_running(object);
            }
        }
        untracked
    }

    /// Gives back what was retired long enough ago, if nobody collects.
    pub(crate) fn reclaim_retired(&self) {
        let shared = self.shared();
        if shared.space.retired() == 0 {
            return;
        }
        let rest = shared.turns.with_state(|state| {
            // Twice: a mutator that is alone need not wait for the next time.
            for _ in 0..2 {
                if state.is_taken() || shared.space.retired() == 0 {
                    return false;
                }
                let grace = state.grace.take().unwrap_or_else(|| {
                    // What was retired before, then where everybody is: nobody can come by a reference to it after that.
                    let retired = shared.space.retired_until_now();
                    process::order_all_threads();
                    Grace { retired, since: shared.mutators.now(), is_over: false }
                });
                if !grace.is_over && !shared.mutators.all_moved_on(&grace.since, self.record.number) {
                    state.grace = Some(grace);
                    return false;
                }
                shared.space.reclaim(grace.retired.min(PIECE));
                let retired = grace.retired.saturating_sub(PIECE);
                if retired != 0 {
                    // The rest of them has waited long enough as well.
                    state.grace = Some(Grace { retired, since: grace.since, is_over: true });
                    return true;
                }
            }
            false
        });
        // Looked at again when more was retired; or soon, if only this piece's size stopped it.
        self.retired_seen.set(if rest { 0 } else { shared.space.retired() });
    }

    /// Gives back all that was retired long enough ago, letting others have the pool in between.
    fn reclaim_in_pieces(&self) {
        loop {
            let before = self.shared().space.retired();
            self.reclaim_retired();
            if self.shared().space.retired() >= before {
                return;
            }
        }
    }

    /// Gives back all that can be given back, with the world at a standstill: for a heap that is full.
    pub(crate) fn reclaim_all(&self) {
        let shared = self.shared();
        let work = self.take_turn();
        {
            let _resume = self.stop_others();
            shared.space.retire_empty();
            shared.turns.with_state(|state| {
                state.grace = None;
                shared.space.reclaim(usize::MAX);
            });
        }
        shared.turns.give_up(work);
    }
}
