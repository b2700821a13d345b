//! How many dead objects there are while rings are being made: what is in the heap, less what the program knows to be alive.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::floating_spans::{FloatingOverTime, FloatingSpans};
use crate::workload::{Floating, FloatingGauge};

/// How many objects of the ring that a mutator is making it has asked for: alive, to other mutators' counts. On cache lines
/// of its own, because it is written for each object.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct InRing(AtomicU64);

impl InRing {
    pub(super) fn set(&self, objects: u64) {
        // Relaxed: a count that nothing is read after. Where one mutator runs at a time, the turn orders it.
        self.0.store(objects, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        // Relaxed: as above.
        self.0.load(Ordering::Relaxed)
    }
}

/// What the first mutator saw.
pub(super) struct Seen {
    /// At the ends of requests.
    pub(super) floating: Option<Floating>,
    /// Weighted by time.
    pub(super) over_time: FloatingOverTime,
}

/// The first mutator's counts of dead objects: as the other workloads take them, and over time.
pub(super) struct Counted<'r> {
    pub(super) long_lived: u64,
    pub(super) in_rings: &'r [InRing],
    pub(super) at_ends: FloatingGauge,
    pub(super) spans: FloatingSpans,
}

impl<'r> Counted<'r> {
    fn dead(&self, held: u64) -> u64 {
        held.saturating_sub(self.long_lived + self.in_rings.iter().map(InRing::get).sum::<u64>())
    }

    pub(super) fn request_begins(&mut self, held: u64) {
        self.spans.sample(self.dead(held));
    }

    pub(super) fn request_ends(&mut self, held: u64) {
        let dead = self.dead(held);
        self.at_ends.sample(dead);
        self.spans.sample(dead);
    }

    pub(super) fn reading(self, end: Instant) -> Seen {
        Seen { floating: self.at_ends.reading(), over_time: self.spans.reading(end) }
    }
}
