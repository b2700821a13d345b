//! Collections at moments the program chooses: between requests, or by the clock.
//!
//! Thresholds collect whenever enough was allocated, in the middle of a request too. A program that knows better disables
//! them and asks one of these after each request or at each turn of its loop. It should keep the thresholds, high, where
//! a single request may allocate without bound.

use std::time::Duration;

use crate::control::Generation;
use crate::heap::{Heap, Mutator};
use crate::sync::Mutex;

/// What is counted between collections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Every {
    /// Requests served.
    Requests(u64),
    /// Objects more than after the last collection.
    NetAllocations(u64),
    /// More net allocations by the heap's own counter, `get_count()[0]`, than so many: what recycled objects and
    /// collections of the heap's own do to that counter shows here too.
    Counter(u64),
    /// Bytes that the heap holds from the system beyond what it held after the last collection. Memory comes and goes by
    /// blocks, so that a small number means each new block.
    HeldBytes(u64),
}

/// A collection that was run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Collected {
    /// Which generation.
    pub generation: Generation,
    /// What `collect` returned.
    pub found: u64,
}

/// Which of the collections are full: every `full_every`th; none if it is 0.
#[derive(Default)]
struct Sequence {
    full_every: u64,
    begun: u64,
}

impl Sequence {
    fn next(&mut self) -> Generation {
        self.begun += 1;
        let full = self.full_every > 0 && self.begun.is_multiple_of(self.full_every);
        if full { Generation::OLD } else { Generation::YOUNG }
    }
}

fn collect<M: Mutator>(mutator: &M, generation: Generation) -> Collected {
    Collected { generation, found: mutator.collect(generation) }
}

/// Collects between requests.
pub struct BetweenRequests {
    every: Every,
    state: Mutex<Counted>,
}

struct Counted {
    requests: u64,
    /// Objects, or bytes held, after the last collection; `None` before the first request.
    level: Option<u64>,
    sequence: Sequence,
}

impl BetweenRequests {
    /// Collects when `every` says; every `full_every`th of the collections is full, none if it is 0, the others are of the
    /// youngest generation.
    pub fn new(every: Every, full_every: u64) -> Self {
        let sequence = Sequence { full_every, begun: 0 };
        Self { every, state: Mutex::new(Counted { requests: 0, level: None, sequence }) }
    }

    /// To be called after each request, by the thread that served it. Returns the collection that was due, if one was.
    pub fn after_request<M: Mutator>(&self, mutator: &M) -> Option<Collected> {
        let level = self.level(mutator);
        let mut state = self.state.lock();
        state.requests += 1;
        let before = *state.level.get_or_insert(level);
        let due = match self.every {
            Every::Requests(count) => state.requests >= count,
            Every::NetAllocations(more) | Every::HeldBytes(more) => level.saturating_sub(before) >= more,
            Every::Counter(most) => level > most,
        };
        if !due {
            // What died by count since is not allocated again for nothing: net allocations count from the lowest point.
            state.level = Some(before.min(level));
            return None;
        }
        // Before the collection, so that no other thread begins the same one.
        state.requests = 0;
        state.level = Some(level);
        let generation = state.sequence.next();
        // Not under the lock: a collection runs callbacks, which may come here.
        drop(state);
        let collected = collect(mutator, generation);
        self.state.lock().level = Some(self.level(mutator));
        Some(collected)
    }

    /// What is counted, at present. Requests need none of it, and what it costs to ask is not paid for them.
    fn level<M: Mutator>(&self, mutator: &M) -> u64 {
        match self.every {
            Every::Requests(_) => 0,
            Every::NetAllocations(_) => mutator.heap().live_objects(),
            Every::Counter(_) => mutator.get_count().0[0].into(),
            Every::HeldBytes(_) => mutator.heap().statistics().held_bytes,
        }
    }
}

/// Collects when enough time has passed.
pub struct ByInterval {
    interval: Duration,
    state: Mutex<Timed>,
}

struct Timed {
    last: Option<Duration>,
    sequence: Sequence,
}

impl ByInterval {
    /// Collects when `interval` has passed since the last time; every `full_every`th collection is full, none if it is 0.
    pub fn new(interval: Duration, full_every: u64) -> Self {
        Self { interval, state: Mutex::new(Timed { last: None, sequence: Sequence { full_every, begun: 0 } }) }
    }

    /// To be called often, with the time on any clock that does not go back. The first call starts the clock. Returns the
    /// collection that was due, if one was.
    pub fn tick<M: Mutator>(&self, mutator: &M, now: Duration) -> Option<Collected> {
        let mut state = self.state.lock();
        let last = *state.last.get_or_insert(now);
        if now.saturating_sub(last) < self.interval {
            return None;
        }
        state.last = Some(now);
        let generation = state.sequence.next();
        // Not under the lock: see `BetweenRequests::after_request`.
        drop(state);
        Some(collect(mutator, generation))
    }
}
