//! What the collector did during a section of a program's work: a request, a batch.

use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::event::{Cause, Observer};
use crate::heap::{Heap, Mutator};
use crate::sync::{Arc, Mutex, ThreadId, current_thread};

/// An observer that keeps the pauses of threads that are in a section. Of pauses within each other the outermost counts.
#[derive(Default)]
pub struct PauseLog {
    threads: Mutex<FxHashMap<ThreadId, Thread>>,
}

#[derive(Default)]
struct Thread {
    /// Sections that are open.
    sections: usize,
    /// Interruptions within each other, at present.
    depth: usize,
    pauses: Vec<Duration>,
}

impl PauseLog {
    /// Opens a section of the calling thread. Returns how many pauses were before.
    fn open(&self) -> usize {
        let mut threads = self.threads.lock();
        let thread = threads.entry(current_thread()).or_default();
        thread.sections += 1;
        thread.pauses.len()
    }

    /// Closes it. Returns the pauses since.
    fn close(&self, before: usize) -> Vec<Duration> {
        let mut threads = self.threads.lock();
        let Some(thread) = threads.get_mut(&current_thread()) else { return Vec::new() };
        let pauses = thread.pauses[before..].to_vec();
        thread.sections -= 1;
        if thread.sections == 0 {
            threads.remove(&current_thread());
        }
        pauses
    }
}

impl Observer for PauseLog {
    fn interruption_begins(&self, _: Cause) {
        if let Some(thread) = self.threads.lock().get_mut(&current_thread()) {
            thread.depth += 1;
        }
    }

    fn interruption_ends(&self, _: Cause, duration: Duration) {
        if let Some(thread) = self.threads.lock().get_mut(&current_thread()) {
            // One that began before the section did ends at depth 0 and is no pause of the section.
            if thread.depth == 1 {
                thread.pauses.push(duration);
            }
            thread.depth = thread.depth.saturating_sub(1);
        }
    }
}

/// What happened during a section. Pauses are those of its thread; the rest is the whole heap's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SectionReport {
    /// What the program calls it.
    pub name: String,
    /// Pauses of the section's thread, in order.
    pub pauses: Vec<Duration>,
    /// Collections that ended, by generation.
    pub collections: [u64; 3],
    /// Objects allocated.
    pub allocated: u64,
    /// Objects freed, by count or by collections.
    pub freed: u64,
}

impl SectionReport {
    /// The longest pause; none without any.
    pub fn longest_pause(&self) -> Option<Duration> {
        self.pauses.iter().max().copied()
    }

    /// All pauses together.
    pub fn paused(&self) -> Duration {
        self.pauses.iter().sum()
    }
}

/// From where on a section is reported. `None`: never for that reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SectionLimits {
    /// A single pause.
    pub pause: Option<Duration>,
    /// All pauses together.
    pub paused: Option<Duration>,
    /// Full collections.
    pub full_collections: Option<u64>,
    /// Objects allocated.
    pub allocated: Option<u64>,
}

impl SectionLimits {
    /// Whether a section reached one of them.
    pub fn are_reached(&self, report: &SectionReport) -> bool {
        self.pause.is_some_and(|limit| report.longest_pause().is_some_and(|pause| pause >= limit))
            || self.paused.is_some_and(|limit| report.paused() >= limit)
            || self.full_collections.is_some_and(|limit| report.collections[2] >= limit)
            || self.allocated.is_some_and(|limit| report.allocated >= limit)
    }
}

/// What is done with a section's report.
type Report = Box<dyn Fn(&SectionReport) + Send + Sync>;

/// Watches sections of work and reports those that reach a limit.
pub struct SectionMonitor {
    log: Arc<PauseLog>,
    limits: SectionLimits,
    report: Report,
}

impl SectionMonitor {
    /// A monitor for the heap that `log` observes.
    pub fn new(
        log: Arc<PauseLog>,
        limits: SectionLimits,
        report: impl Fn(&SectionReport) + Send + Sync + 'static,
    ) -> Self {
        Self { log, limits, report: Box::new(report) }
    }

    /// Runs `work` as a section. Returns what it returns, and what happened; reports that if it reached a limit. Sections may
    /// be within each other. One that panics is not reported.
    pub fn watch<M: Mutator, R>(&self, mutator: &M, name: &str, work: impl FnOnce() -> R) -> (R, SectionReport) {
        let open = Open { log: &self.log, before: self.log.open() };
        let (statistics, generations) = (mutator.heap().statistics(), mutator.get_stats());
        let result = work();
        let (after, generations_after) = (mutator.heap().statistics(), mutator.get_stats());
        let freed = |statistics: &crate::HeapStatistics| statistics.freed_by_count + statistics.freed_by_collector;
        let report = SectionReport {
            name: name.to_owned(),
            pauses: open.close(),
            collections: std::array::from_fn(|n| generations_after[n].collections - generations[n].collections),
            allocated: after.allocated - statistics.allocated,
            freed: freed(&after).saturating_sub(freed(&statistics)),
        };
        if self.limits.are_reached(&report) {
            (self.report)(&report);
        }
        (result, report)
    }
}

/// A section that is open; closes when it is dropped, by a panic too.
struct Open<'a> {
    log: &'a PauseLog,
    before: usize,
}

impl Open<'_> {
    fn close(self) -> Vec<Duration> {
        let pauses = self.log.close(self.before);
        std::mem::forget(self);
        pauses
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.log.close(self.before);
    }
}
