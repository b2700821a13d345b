//! A second mutator, which works while another one collects: what it sees of the collection is what a program sees.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use gc_core::event::Cause;
use gc_core::{Control, Heap, Kind, Mutator, Observer, Shape, TypeSpec};

/// How long the thread may take to begin.
const PATIENCE: Duration = Duration::from_secs(60);

thread_local! {
    /// This thread is the bystander's.
    static IS_BYSTANDER: Cell<bool> = const { Cell::new(false) };
}

/// See the [module](self). As an observer it keeps the longest interruption of its own thread that the heap tells of; its clock
/// tells how long it took to get from one step to the next, whoever held it up.
#[derive(Debug, Default)]
pub(super) struct Bystander {
    longest_ns: AtomicU64,
    gap_ns: AtomicU64,
    steps: AtomicU64,
    ends: AtomicBool,
}

/// Ends the bystander when it is dropped.
pub(super) struct End<'b>(&'b Bystander);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.ends.store(true, Ordering::Release);
    }
}

impl Bystander {
    /// Works until it is ended, on a thread of its own: makes a pair, links it, reads it and lets go of it.
    pub(super) fn work<H: Heap>(&self, heap: &H) {
        IS_BYSTANDER.set(true);
        let mutator = heap.attach();
        mutator.disable();
        let node = heap.register_type(TypeSpec::new("Busy", Kind::Instance)).expect("a new heap has few types");
        let mut last = Instant::now();
        while !self.ends.load(Ordering::Acquire) {
            // A heap that is full fails in the thread that builds.
            let new = || mutator.allocate(node, Shape::new(2, 0));
            let (Ok(one), Ok(other)) = (new(), new()) else { break };
            one.put(0, Some(other));
            drop(one.load(0));
            mutator.safepoint();
            let now = Instant::now();
            self.gap_ns.fetch_max((now - last).as_nanos() as u64, Ordering::AcqRel);
            last = now;
            self.steps.fetch_add(1, Ordering::Release);
        }
    }

    /// Ends it when the result is dropped.
    pub(super) fn ends_when_dropped(&self) -> End<'_> {
        End(self)
    }

    /// Waits for its first step.
    pub(super) fn wait_until_at_work(&self) -> Result<()> {
        ensure!(self.steps_on(), "the second mutator did not get to run within {} s", PATIENCE.as_secs());
        Ok(())
    }

    /// Forgets the interruptions so far.
    pub(super) fn forget(&self) {
        self.longest_ns.store(0, Ordering::Release);
        self.gap_ns.store(0, Ordering::Release);
    }

    /// Its longest interruption and its longest gap, those that it may still be in included.
    pub(super) fn longest_ns(&self) -> (u64, u64) {
        self.steps_on();
        (self.longest_ns.load(Ordering::Acquire), self.gap_ns.load(Ordering::Acquire))
    }

    /// Its longest gap in so much time, in which the thread that asks computes and does nothing to the heap.
    pub(super) fn control(&self, time: Duration) -> u64 {
        self.forget();
        let begin = Instant::now();
        while begin.elapsed() < time {
            std::hint::spin_loop();
        }
        self.longest_ns().1
    }

    /// Waits until it has ended the step that it is in, and one more.
    fn steps_on(&self) -> bool {
        let (begin, before) = (Instant::now(), self.steps.load(Ordering::Acquire));
        while self.steps.load(Ordering::Acquire) < before + 2 {
            if begin.elapsed() > PATIENCE {
                return false;
            }
            thread::yield_now();
        }
        true
    }
}

impl Observer for Bystander {
    fn interruption_ends(&self, _: Cause, duration: Duration) {
        if IS_BYSTANDER.get() {
            self.longest_ns.fetch_max(duration.as_nanos() as u64, Ordering::AcqRel);
        }
    }
}
