//! Where in time the ledger's events lay: what the pause timeline, utilization and the trace are made of.

use std::thread::{Thread, ThreadId};
use std::time::Instant;

use gc_core::event::Cause;

use crate::mmu::{Pauses, WINDOWS_NS};

/// Most spans that are kept. What comes later is counted only.
pub const MOST_SPANS: usize = 200_000;

/// What happened in a span.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A mutator could not run.
    Pause {
        /// Why.
        cause: Cause,
        /// The system took the core from its thread meanwhile.
        marked: bool,
        /// It lies in no other pause.
        outermost: bool,
        /// Which generation was collected in it, if one was.
        generation: Option<u8>,
    },
    /// A release freed many objects.
    Cascade {
        /// How many.
        objects: u64,
    },
    /// A collection on a thread of the heap's own.
    Collection {
        /// Which generation.
        generation: u8,
        /// Objects found unreachable and taken apart.
        collected: u64,
        /// Whether a threshold started it.
        automatic: bool,
    },
}

/// One event with its place in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Nanoseconds from the beginning of the timed part.
    pub begin_ns: u64,
    /// How long.
    pub ns: u64,
    /// Of which thread: its place in [`Spans::threads`].
    pub thread: u32,
    /// What it was.
    pub kind: Kind,
}

/// A thread with events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Worker {
    id: ThreadId,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its last pause, while nothing else of it followed.
    last_stop: Option<usize>,
}

/// The events of a timed part, in the order in which they ended, up to [`MOST_SPANS`].
#[derive(Clone, Debug, Default)]
pub struct Spans {
    spans: Vec<Span>,
    dropped: u64,
    dropped_pauses: u64,
    threads: Vec<Worker>,
    begin: Option<Instant>,
    length_ns: u64,
}

impl Spans {
    /// The timed part begins.
    pub(crate) fn begin(&mut self) {
        *self = Self { spans: Vec::with_capacity(MOST_SPANS), begin: Some(Instant::now()), ..Self::default() };
    }

    /// It has ended.
    pub(crate) fn end(&mut self) {
        if let Some(begin) = self.begin.take() {
            self.length_ns = begin.elapsed().as_nanos() as u64;
        }
    }

    /// Adds an event of the calling thread.
    pub(crate) fn add(&mut self, begin: Instant, ns: u64, kind: Kind, thread: &Thread) {
        let Some(began) = self.begin else { return };
        if self.spans.len() == MOST_SPANS {
            self.dropped += 1;
            self.dropped_pauses += u64::from(matches!(kind, Kind::Pause { .. }));
            return;
        }
        let begin_ns = begin.saturating_duration_since(began).as_nanos() as u64;
        let number = self.number_of(thread);
        let is_stop = matches!(kind, Kind::Pause { cause: Cause::Stop, .. });
        self.threads[number].last_stop = is_stop.then_some(self.spans.len());
        self.spans.push(Span { begin_ns, ns, thread: number as u32, kind });
    }

    /// The last pause of the calling thread was a collection of this generation.
    pub(crate) fn name_last_stop(&mut self, collected: u8, thread: &Thread) {
        let number = self.number_of(thread);
        let last = self.threads[number].last_stop.take().map(|place| &mut self.spans[place].kind);
        if let Some(Kind::Pause { generation, .. }) = last {
            *generation = Some(collected);
        }
    }

    fn number_of(&mut self, thread: &Thread) -> usize {
        let id = thread.id();
        self.threads.iter().position(|known| known.id == id).unwrap_or_else(|| {
            self.threads.push(Worker { id, name: thread.name().map(str::to_owned), last_stop: None });
            self.threads.len() - 1
        })
    }

    /// The events.
    pub fn all(&self) -> &[Span] {
        &self.spans
    }

    /// How many more there were.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The threads with events, in the order of their first one.
    pub fn threads(&self) -> &[Worker] {
        &self.threads
    }

    /// Utilization of each mutator that was ever paused; `None` if not every pause was kept.
    pub fn utilization(&self) -> Option<Utilization> {
        let mut by_thread: Vec<Vec<(u64, u64)>> = vec![Vec::new(); self.threads.len()];
        for span in &self.spans {
            if matches!(span.kind, Kind::Pause { outermost: true, .. }) {
                by_thread[span.thread as usize].push((span.begin_ns, span.begin_ns + span.ns));
            }
        }
        by_thread.retain(|pauses| !pauses.is_empty());
        if by_thread.is_empty() {
            // Nobody ever paused.
            by_thread.push(Vec::new());
        }
        let mutators: Vec<Pauses> = by_thread.iter().map(|pauses| Pauses::new(pauses, self.length_ns)).collect();
        (self.dropped_pauses == 0).then(|| Utilization {
            least: least(&mutators, Pauses::mmu),
            least_bounded: least(&mutators, Pauses::bmu),
            each: mutators.iter().map(Pauses::mmu_curve).collect(),
        })
    }
}

/// Of all mutators, in each window that the run is long enough for.
fn least(mutators: &[Pauses], of: impl Fn(&Pauses, u64) -> Option<f64>) -> Vec<(u64, f64)> {
    let least = |window| mutators.iter().map(|pauses| of(pauses, window)).try_fold(1.0_f64, |a, b| Some(a.min(b?)));
    WINDOWS_NS.iter().filter_map(|&window| Some((window, least(window)?))).collect()
}

/// Which share of its time a mutator had at least: (window in nanoseconds, share).
#[derive(Clone, PartialEq, Debug)]
pub struct Utilization {
    /// MMU, the least of all mutators.
    pub least: Vec<(u64, f64)>,
    /// BMU, the least of all mutators.
    pub least_bounded: Vec<(u64, f64)>,
    /// MMU of each mutator that was paused; of one if none was.
    pub each: Vec<Vec<(u64, f64)>>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PAUSE: Kind = Kind::Pause { cause: Cause::Lock, marked: false, outermost: true, generation: None };

    #[test]
    fn utilization_is_the_least_of_all_mutators() {
        let mut spans = Spans::default();
        spans.begin();
        let begin = spans.begin.unwrap();
        let mut add = |ms, ns| spans.add(begin + Duration::from_millis(ms), ns, PAUSE, &std::thread::current());
        add(10, 5_000_000);
        let other = std::thread::spawn(std::thread::current).join().unwrap();
        spans.add(begin + Duration::from_millis(50), 20_000_000, PAUSE, &other);
        (spans.begin, spans.length_ns) = (None, 100_000_000);
        let used = spans.utilization().unwrap();
        let at = |curve: &[(u64, f64)], window| curve.iter().find(|point| point.0 == window).map(|point| point.1);
        assert_eq!((at(&used.least, 20_000_000), at(&used.least, 100_000_000)), (Some(0.0), Some(0.8)));
        assert_eq!((at(&used.each[0], 20_000_000), at(&used.each[1], 20_000_000)), (Some(0.75), Some(0.0)));
        assert_eq!(at(&used.least, 200_000_000), None, "longer than the run");
    }

    #[test]
    fn spans_beyond_the_bound_are_counted_and_take_utilization_away() {
        let mut spans = Spans::default();
        spans.begin();
        let (begin, thread) = (spans.begin.unwrap(), std::thread::current());
        (0..MOST_SPANS).for_each(|_| spans.add(begin, 1, PAUSE, &thread));
        spans.add(begin, 1, Kind::Cascade { objects: 64 }, &thread);
        assert_eq!((spans.all().len(), spans.dropped(), spans.utilization().is_some()), (MOST_SPANS, 1, true));
        spans.add(begin, 1, PAUSE, &thread);
        assert_eq!((spans.dropped(), spans.utilization()), (2, None));
    }

    #[test]
    fn without_pauses_everything_is_left() {
        let spans = Spans { length_ns: 2_000_000, ..Spans::default() };
        let used = spans.utilization().unwrap();
        assert!(used.least.iter().all(|point| point.1 == 1.0) && used.least.len() == 6, "{used:?}");
    }
}
