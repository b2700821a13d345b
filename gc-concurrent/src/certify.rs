//! Certification: which suspects did no mutator touch, and does nothing but suspects refer to?
//!
//! # Protocol
//! The *first reading* takes the word of every suspect; then the references from suspects to suspects are *recorded*; a
//! fence; the *second reading* takes the words again. A suspect whose word changed, whose count is 0, that is busy, or
//! whose count is not the number of recorded references to it is *rejected*. A rejected suspect explains nothing: what
//! was recorded from it is taken back, and rejects its targets in turn.
//!
//! # Invariants
//! - **C1** Every word is read before any slot, and every slot before any word is read again (rule R5).
//! - **C2** The cascade uses what was recorded, and never reads a slot again.
//! - **C3** `explained[k]` is the number of recorded references to suspect *k* from suspects that are not rejected.
//!
//! # Prior work
//! Bacon, Rajan: *Concurrent Cycle Collection in Reference Counted Systems* (ECOOP 2001), §4: the Σ-test and the Δ-test.

use std::time::{Duration, Instant};

use crate::memory::{CountWord, Memory, Word};
use crate::protocol::{BUSY, COUNT_MASK, IMMORTAL, Protocol};

/// What was found about a suspect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Not decided yet, or garbage.
    Certified,
    /// Something else refers to it, or may.
    Rejected,
    /// Garbage that is left where it is (a legacy finalizer's).
    Kept,
}

/// The tables of one certification.
#[derive(Default)]
pub struct Certification {
    suspects: Vec<u32>,
    /// First readings.
    words: Vec<u64>,
    /// (C3)
    explained: Vec<u32>,
    verdicts: Vec<Verdict>,
    /// Where the recorded references of each suspect begin; one more than there are suspects.
    starts: Vec<u32>,
    /// Positions of the targets.
    recorded: Vec<u32>,
    worklist: Vec<u32>,
    /// References that the collection itself holds on each suspect.
    held: u32,
    interfered: u64,
    /// When the first reading began.
    began: Option<Instant>,
}

/// A version wraps after 2^32 retains, which take no less than about eight seconds on any processor we know. Readings further
/// apart than this prove nothing, and are thrown away (rule R6).
const WINDOW: Duration = Duration::from_secs(5);
/// How far ahead of the readings suspects are fetched.
const AHEAD: usize = 16;

impl Certification {
    /// Reads words, then records references: steps 1 and 2. `position` tells which suspect an object is; `held` is how
    /// many references to each the collection itself holds.
    pub fn read<P: Protocol, M: Memory>(
        &mut self,
        memory: &M,
        suspects: impl IntoIterator<Item = u32>,
        held: u32,
        position: impl Fn(u32) -> Option<u32>,
    ) {
        self.suspects.clear();
        self.suspects.extend(suspects);
        self.held = held;
        self.interfered = 0;
        self.verdicts.clear();
        self.verdicts.resize(self.suspects.len(), Verdict::Certified);
        self.began = Some(Instant::now());
        if P::WORDS_FIRST {
            self.read_words::<P, M>(memory); // C1
        }
        self.record::<P, M>(memory, position);
        if !P::WORDS_FIRST {
            self.read_words::<P, M>(memory);
        }
    }

    fn read_words<P: Protocol, M: Memory>(&mut self, memory: &M) {
        self.words.clear();
        for k in 0..self.suspects.len() {
            if let Some(&later) = self.suspects.get(k + AHEAD) {
                memory.prefetch(later);
            }
            self.words.push(memory.count_word(self.suspects[k]).load(P::FIRST_READING_ORDER));
        }
    }

    fn record<P: Protocol, M: Memory>(&mut self, memory: &M, position: impl Fn(u32) -> Option<u32>) {
        self.explained.clear();
        self.explained.resize(self.suspects.len(), 0);
        self.starts.clear();
        self.recorded.clear();
        for k in 0..self.suspects.len() {
            if let Some(&later) = self.suspects.get(k + AHEAD) {
                memory.prefetch(later);
            }
            self.starts.push(self.recorded.len() as u32);
            let suspect = self.suspects[k];
            for slot in 0..memory.slots(suspect) {
                let target = memory.slot(suspect, slot).load(P::READ_SLOT_ORDER);
                if target != 0
                    && let Some(target) = position(target)
                {
                    self.explained[target as usize] += 1;
                    self.recorded.push(target);
                }
            }
        }
        self.starts.push(self.recorded.len() as u32);
    }

    /// Reads the words of `members` again and rejects, with all that follows: steps 4 and 5. The caller has fenced.
    /// `members` are positions of whole components: no recorded reference leads from another suspect to one of them.
    pub fn decide<P: Protocol, M: Memory>(&mut self, memory: &M, members: impl IntoIterator<Item = u32> + Clone) {
        debug_assert!(self.worklist.is_empty());
        for k in members.clone() {
            let at = k as usize;
            if self.verdicts[at] == Verdict::Rejected {
                continue;
            }
            if let Some(&later) = self.suspects.get(at + AHEAD) {
                memory.prefetch(later);
            }
            let first = self.words[at];
            // FIRST_READING_ORDER again: what is certified is taken apart next, after all that its users did.
            let second = memory.count_word(self.suspects[at]).load(P::FIRST_READING_ORDER);
            let count = first & COUNT_MASK;
            if second != first || first & (BUSY | IMMORTAL) != 0 {
                self.interfered += u64::from(second != first);
                self.reject(k);
            } else if count != u64::from(self.explained[at]) + u64::from(self.held) || (count == 0 && P::REJECTS_ZERO) {
                self.reject(k);
            }
        }
        if self.began.is_some_and(|began| began.elapsed() > WINDOW) {
            for k in members {
                if self.verdicts[k as usize] != Verdict::Rejected {
                    self.interfered += 1;
                    self.reject(k);
                }
            }
        }
        self.cascade::<P, M>(memory);
    }

    fn reject(&mut self, k: u32) {
        self.verdicts[k as usize] = Verdict::Rejected;
        self.worklist.push(k);
    }

    /// Takes back what the rejected explained, until nothing more follows. (C2)
    fn cascade<P: Protocol, M: Memory>(&mut self, memory: &M) {
        while let Some(k) = self.worklist.pop() {
            if !P::CASCADE_BY_RECORD {
                self.cascade_by_slots::<P, M>(memory, k);
                continue;
            }
            for at in self.starts[k as usize]..self.starts[k as usize + 1] {
                let target = self.recorded[at as usize];
                self.explained[target as usize] -= 1;
                if self.verdicts[target as usize] != Verdict::Rejected {
                    // One reference fewer explains it than its count says.
                    self.reject(target);
                }
            }
        }
    }

    /// What a broken protocol does in place of the recorded cascade.
    #[cold]
    fn cascade_by_slots<P: Protocol, M: Memory>(&mut self, memory: &M, k: u32) {
        let suspect = self.suspects[k as usize];
        for slot in 0..memory.slots(suspect) {
            let target = memory.slot(suspect, slot).load(P::READ_SLOT_ORDER);
            if let Some(target) = self.suspects.iter().position(|&suspect| target != 0 && suspect == target)
                && self.verdicts[target] != Verdict::Rejected
            {
                self.reject(target as u32);
            }
        }
    }

    /// Takes suspects without a reading: for a world that stands still, where trial deletion is exact.
    pub fn trust(&mut self, suspects: impl IntoIterator<Item = u32>) {
        self.suspects.clear();
        self.suspects.extend(suspects);
        self.verdicts.clear();
        self.verdicts.resize(self.suspects.len(), Verdict::Certified);
        self.interfered = 0;
        self.held = 0;
        self.words.clear();
    }

    /// Whether nothing was read.
    pub fn is_trusted(&self) -> bool {
        self.words.is_empty() && !self.suspects.is_empty()
    }

    /// How many references to a certified suspect there are; `None` if nothing was read.
    pub fn count(&self, k: usize) -> Option<u64> {
        self.words.get(k).map(|word| word & COUNT_MASK)
    }

    /// The first reading of a suspect; `None` if nothing was read.
    pub fn first_reading(&self, k: usize) -> Option<u64> {
        self.words.get(k).copied()
    }

    /// Rejects a certified suspect without slots, on which therefore no other depends.
    pub fn reject_leaf(&mut self, k: usize) {
        self.verdicts[k] = Verdict::Rejected;
    }

    /// The suspects, by position.
    pub fn suspects(&self) -> &[u32] {
        &self.suspects
    }

    /// What was found about each.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// Those found to be garbage that is to be freed.
    pub fn certified(&self) -> impl Iterator<Item = u32> {
        self.suspects.iter().zip(&self.verdicts).filter(|(_, verdict)| **verdict == Verdict::Certified).map(|(&s, _)| s)
    }

    /// How many were rejected because their word changed: garbage may be among them, if a stale load or an upgrade
    /// touched it.
    pub fn interfered(&self) -> u64 {
        self.interfered
    }

    /// Positions of the recorded targets of a suspect.
    pub fn targets(&self, k: u32) -> &[u32] {
        &self.recorded[self.starts[k as usize] as usize..self.starts[k as usize + 1] as usize]
    }

    /// Keeps a certified suspect and all that it reaches out of what is freed.
    pub fn keep(&mut self, k: u32) {
        debug_assert!(self.worklist.is_empty());
        self.worklist.push(k);
        while let Some(k) = self.worklist.pop() {
            if self.verdicts[k as usize] == Verdict::Certified {
                self.verdicts[k as usize] = Verdict::Kept;
                let (from, to) = (self.starts[k as usize], self.starts[k as usize + 1]);
                self.worklist.extend_from_slice(&self.recorded[from as usize..to as usize]);
            }
        }
    }

    /// The weakly connected components of the suspects under the recorded references, each as its positions.
    ///
    /// `joined` are further pairs of positions to be in one component.
    pub fn components(&self, joined: &[(u32, u32)]) -> Vec<Vec<u32>> {
        let mut parents: Vec<u32> = (0..self.suspects.len() as u32).collect();
        fn find(parents: &mut [u32], mut k: u32) -> u32 {
            while parents[k as usize] != k {
                parents[k as usize] = parents[parents[k as usize] as usize];
                k = parents[k as usize];
            }
            k
        }
        let recorded =
            (0..self.suspects.len() as u32).flat_map(|k| self.targets(k).iter().map(move |&target| (k, target)));
        for (k, target) in recorded.chain(joined.iter().copied()) {
            let (a, b) = (find(&mut parents, k), find(&mut parents, target));
            parents[a.max(b) as usize] = a.min(b);
        }
        let mut components: Vec<Vec<u32>> = vec![Vec::new(); self.suspects.len()];
        for k in 0..self.suspects.len() as u32 {
            components[find(&mut parents, k) as usize].push(k);
        }
        components.retain(|component| !component.is_empty());
        components
    }
}
