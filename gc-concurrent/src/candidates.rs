//! Candidate roots: the other way to propose. A dead cycle came about when one of its members lost a reference and lived
//! on; so mutators note objects to which that happens, and a collection examines what can be reached from them.
//!
//! Source: R. D. Lins, *Cyclic reference counting with lazy mark-scan*, 1992; D. F. Bacon, V. T. Rajan, *Concurrent Cycle
//! Collection in Reference Counted Systems*, 2001 (purple objects, the buffered flag).
//!
//! # Invariants
//! - **N1** A dead cycle that no collection has examined has a member in a buffer: its last release noted it, unless its
//!   flag said that it is in one already.
//! - **N2** The flag goes before the object is looked at. So a release that finds it set is seen by the collection that
//!   took the entry; any later one notes the object again.
//!
//! Entries may be outdated: the object may have died, and another may be in its place. Then that one is examined for
//! nothing, and may be noted twice. What mutators keep for themselves is handed over at 256 objects, in safe regions and
//! at their end: until then it waits.

use gc_core::space::header::{COUNT_MASK, IMMORTAL, flag};
use gc_core::space::{Space, View};
use gc_core::sync::Mutex;
use gc_core::sync::Ordering::{Relaxed, SeqCst};
use gc_core::sync::fence;
use gc_core::{Generation, ObjectRef};

use crate::age;
use crate::heap::Rung;
use crate::mutator::ParallelMutator;

/// Objects that a mutator keeps for itself before it hands them over.
const OWN: usize = 256;
/// log2 of the granules between two places where an object can begin, at least.
const SPOT_SHIFT: u32 = 2;

/// What mutators have handed over.
#[derive(Default)]
pub(crate) struct CandidateRoots(Mutex<Vec<u32>>);

impl CandidateRoots {
    /// Holds the lock over `f`, in which the process forks.
    pub(crate) fn hold<R>(&self, f: impl FnOnce() -> R) -> R {
        let _noted = self.0.lock();
        f()
    }
}

impl<R: Rung> ParallelMutator<R> {
    /// Notes an object whose count was lowered and is not 0, unless that was done before.
    ///
    /// It may have died since: then the flag is set in a free cell, whose shape word ends in a link that the flag is no part
    /// of, or in another object, which is then noted in its place. The place is an object's as long as this operation lasts.
    #[cold]
    #[inline(never)]
    pub(crate) fn note_candidate(&self, object: ObjectRef) {
        let view = self.shared().space.view();
        let word = view.shape_word(object.bits());
        // Relaxed: immortal once, immortal for ever; its page may be shared with a forked process.
        if view.count_word(object.bits()).load(Relaxed) & IMMORTAL != 0 {
            return;
        }
        // SeqCst: either the flag is seen to be gone here, or the lowered count is seen by the collection that took it away;
        // partner: `take_candidates`. Relaxed, all loads and the update: the fence orders them. (N2)
        fence(SeqCst);
        if word.load(Relaxed) & (flag::TRACKED | flag::NOTED) == flag::TRACKED {
            word.fetch_or(flag::NOTED, Relaxed);
            let mut own = self.noted.borrow_mut();
            own.push(object.bits());
            if own.len() >= OWN {
                self.shared().candidates.0.lock().append(&mut own);
            }
        }
    }

    /// Notes the suspects of a collection some of which changed meanwhile: there may be garbage among those it left.
    pub(crate) fn note_again(&self, suspects: &[ObjectRef]) {
        suspects.iter().for_each(|&suspect| self.note_candidate(suspect));
    }

    /// Hands over what this mutator noted.
    pub(crate) fn hand_over_candidates(&self) {
        let mut own = self.noted.borrow_mut();
        if !own.is_empty() {
            self.shared().candidates.0.lock().append(&mut own);
        }
    }

    /// All that was handed over and is a place of an object still, now unmarked. The caller has the turn.
    ///
    /// A block that lost its objects may have been cut anew since: then a place can be in the middle of another object, and
    /// is not touched. While a collection has the turn no block is cut anew.
    pub(crate) fn take_candidates(&self) -> Vec<u32> {
        self.hand_over_candidates();
        let mut noted = std::mem::take(&mut *self.shared().candidates.0.lock());
        noted.retain(|&index| self.shared().space.begins_cell(index));
        for &index in &noted {
            // Relaxed: the fence orders it before all that the collection reads. (N2)
            self.shared().space.shape_word(index).fetch_and(!flag::NOTED, Relaxed);
        }
        fence(SeqCst);
        noted
    }
}

/// What can be reached from candidate roots, by place; kept from one collection to the next.
#[derive(Default)]
pub(crate) struct Reached {
    /// A bit for each place where an object can begin.
    places: Vec<u64>,
    /// Blocks with such objects, in order of discovery, each once.
    blocks: Vec<u32>,
    /// By block.
    is_listed: Vec<bool>,
    stack: Vec<u32>,
}

impl Reached {
    /// Goes through everything that can be collected and is reached from these roots, while mutators change it: a guess.
    /// Returns the blocks it is in, ascending.
    pub(crate) fn find(&mut self, space: &Space, roots: Vec<u32>) -> Vec<u32> {
        self.places.fill(0);
        for block in self.blocks.drain(..) {
            self.is_listed[block as usize] = false;
        }
        let view = space.view();
        for root in roots {
            self.reach(space, view, root);
        }
        while let Some(object) = self.stack.pop() {
            for slot in 0..view.slot_capacity(object) {
                // Relaxed, here and below: what is missed was changed meanwhile, so it was noted, or it is certified.
                let target = view.slot(object, slot).load(Relaxed);
                if target != 0 {
                    self.reach(space, view, target);
                }
            }
        }
        let mut blocks = self.blocks.clone();
        blocks.sort_unstable();
        blocks
    }

    fn reach(&mut self, space: &Space, view: View<'_>, index: u32) {
        let (word, bit) = place(index);
        if self.places.get(word).is_some_and(|places| places & bit != 0) {
            return;
        }
        let count = view.count_word(index).load(Relaxed);
        let is_candidate = age::is_candidate(view.age(index).load(Relaxed), Generation::OLD);
        if !is_candidate || count & COUNT_MASK == 0 || count & IMMORTAL != 0 {
            return;
        }
        if self.places.len() <= word {
            self.places.resize((word + 1).next_power_of_two(), 0);
        }
        self.places[word] |= bit;
        let block = space.block_of(index);
        if self.is_listed.len() <= block as usize {
            self.is_listed.resize((block as usize + 1).next_power_of_two(), false);
        }
        if !std::mem::replace(&mut self.is_listed[block as usize], true) {
            self.blocks.push(block);
        }
        view.prefetch(index);
        self.stack.push(index);
    }

    /// Whether the object at a granule index was reached.
    pub(crate) fn contains(&self, index: u32) -> bool {
        let (word, bit) = place(index);
        self.places.get(word).is_some_and(|places| places & bit != 0)
    }
}

/// The word and the bit of a granule index.
fn place(index: u32) -> (usize, u64) {
    let spot = index >> SPOT_SHIFT;
    ((spot / 64) as usize, 1 << (spot % 64))
}
