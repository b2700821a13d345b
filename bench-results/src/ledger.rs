//! The interruption ledger: an [`Observer`] that keeps every pause with its cause, the release cascades and the
//! collections of a run.
//!
//! # Invariants
//! - **L1** A pause inside another one (a collection inside a stall) counts in its own cause's histogram and not in the
//!   total one: the outermost has its time already.
//! - **L2** What ends while the timed part is under way counts as of the timed part; all else is kept apart.
//! - **L3** A pause during which the system took the core from the thread is *marked*: its length may be the machine's
//!   doing. Marked ones count in every histogram but that of the unmarked.
//! - **L4** Spans keep their exact lengths, lie inside the ones they are nested in, and those of one track do not overlap.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use gc_core::Observer;
use gc_core::event::{Cascade, Cause, Collection, Panicked};

use crate::histogram::Timings;
use crate::spans::{Kind, Spans};
use crate::usage::{HEAP_THREAD, ThreadUsage, thread_cpu_ns};

/// See the [module](self).
#[derive(Default)]
pub struct Ledger {
    timed: AtomicBool,
    book: Mutex<Book>,
}

/// All that a ledger holds.
#[derive(Clone, Default)]
pub struct Book {
    /// Pauses of every cause, outermost only (L1).
    pub pauses: Timings,
    /// Those of them that are not marked (L3).
    pub unmarked: Timings,
    /// Pauses by cause, in the order of [`Cause::ALL`].
    pub by_cause: [Timings; Cause::ALL.len()],
    /// Collections that ran in a mutator's place, by generation: how long each took.
    pub by_generation: [Timings; 3],
    /// How often the system took the core from a thread during a pause.
    pub involuntary_switches: u64,
    /// CPU nanoseconds of mutators in collections: a pause's length where the thread kept its core. Collections on a
    /// thread of the heap's own interrupt no mutator, and are not in it.
    pub collector_cpu_ns: u64,
    /// Release cascades.
    pub cascades: Timings,
    /// How many objects each of them freed: a histogram of counts, not of times.
    pub cascade_objects: Timings,
    /// Each pause, cascade and collection on a thread of the heap's own, with its place in time.
    pub spans: Spans,
    /// Collections of the timed part, by generation.
    pub collections: [CollectionFigures; 3],
    /// Collections before and after it, by generation.
    pub collections_outside: [CollectionFigures; 3],
    /// Callbacks that panicked, at any time.
    pub panics: u64,
}

/// What the collections of one generation did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CollectionFigures {
    /// How many there were.
    pub collections: u64,
    /// Objects found unreachable and taken apart.
    pub collected: u64,
    /// Objects found unreachable and left.
    pub uncollectable: u64,
    /// Objects examined.
    pub examined: u64,
    /// Nanoseconds they took.
    pub ns: u64,
}

/// A pause that has begun on this thread.
struct OpenPause {
    usage: ThreadUsage,
    /// Before the heap took its own time: the pause begins no earlier.
    begin: Instant,
    /// When the last pause inside it ended.
    inner_end: Option<Instant>,
    /// CPU time of the thread at its beginning; read for outermost collections only.
    cpu_ns: Option<u64>,
}

thread_local! {
    /// Pauses of this thread that have not ended, outermost first.
    static OPEN: RefCell<Vec<OpenPause>> = const { RefCell::new(Vec::new()) };
}

impl Ledger {
    /// The timed part begins or has ended (L2).
    pub fn set_timed(&self, timed: bool) {
        // Relaxed: set by the thread that runs the workload while no operation is under way; starting and joining the
        // other mutators' threads orders it for them. A collection on the heap's own thread that ends just now may be
        // counted on either side.
        self.timed.store(timed, Ordering::Relaxed);
        let mut book = self.open();
        if timed { book.spans.begin() } else { book.spans.end() }
    }

    /// What it holds so far.
    pub fn book(&self) -> Book {
        self.open().clone()
    }

    /// How long a ledger holds up a mutator per pause, measured now: nanoseconds, part of the service time around a
    /// pause and not of the pause.
    pub fn cost_ns() -> u64 {
        const PAUSES: u32 = 50;
        let ledger = Ledger::default();
        ledger.set_timed(true);
        // The least of several batches: what disturbs one only adds.
        let batch = || {
            let begin = Instant::now();
            for _ in 0..PAUSES {
                ledger.interruption_begins(Cause::Stop);
                ledger.interruption_ends(Cause::Stop, Duration::ZERO);
            }
            (begin.elapsed() / PAUSES).as_nanos() as u64
        };
        (0..20).map(|_| batch()).min().unwrap_or(0)
    }

    fn open(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_timed(&self) -> bool {
        // Relaxed: see `set_timed`.
        self.timed.load(Ordering::Relaxed)
    }
}

impl Observer for Ledger {
    fn interruption_begins(&self, cause: Cause) {
        OPEN.with_borrow_mut(|open| {
            // A stop inside another (two mutators that stop the world at once) is in the CPU time of the outer one.
            let counts = cause == Cause::Stop && open.iter().all(|pause| pause.cpu_ns.is_none());
            let (usage, cpu_ns) = (ThreadUsage::now(), counts.then(thread_cpu_ns));
            open.push(OpenPause { usage, cpu_ns, begin: Instant::now(), inner_end: None });
        });
    }

    fn interruption_ends(&self, cause: Cause, duration: Duration) {
        let ended = OPEN.with_borrow_mut(|open| {
            let begun = open.pop()?;
            // L4. The heap took its time after `begun.begin` and before this call: a span of that length that ends as late
            // as what it holds lies where the pause was, but for what the ledger itself took.
            let begin = begun.inner_end.and_then(|inner| inner.checked_sub(duration)).unwrap_or(begun.begin);
            let begin = begin.max(begun.begin);
            if let Some(outer) = open.last_mut() {
                outer.inner_end = Some(begin + duration);
            }
            Some((begun, begin, open.is_empty()))
        });
        let Some((begun, begin, outermost)) = ended else { return };
        if !self.is_timed() {
            return;
        }
        let span = ThreadUsage::now().since(&begun.usage);
        let ns = duration.as_nanos() as u64;
        let collector_cpu_ns = begun.cpu_ns.map_or(0, |cpu_ns| {
            // A thread that kept its core used as much CPU as time went by, which saves a call of the system.
            if span.involuntary_switches + span.waits == 0 { ns } else { (thread_cpu_ns() - cpu_ns).min(ns) }
        });
        let mut book = self.open();
        book.collector_cpu_ns += collector_cpu_ns;
        let position = Cause::ALL.iter().position(|&known| known == cause).expect("a cause of the list");
        book.by_cause[position].record(ns);
        let marked = span.involuntary_switches > 0;
        book.spans.add(begin, ns, Kind::Pause { cause, marked, outermost, generation: None }, &thread::current());
        if outermost {
            book.pauses.record(ns);
            book.involuntary_switches += span.involuntary_switches;
            if span.involuntary_switches == 0 {
                book.unmarked.record(ns);
            }
        }
    }

    fn collection(&self, collection: &Collection) {
        let timed = self.is_timed();
        let mut book = self.open();
        let generations = if timed { &mut book.collections } else { &mut book.collections_outside };
        let figures = &mut generations[collection.generation.index()];
        figures.collections += 1;
        figures.collected += collection.collected;
        figures.uncollectable += collection.uncollectable;
        figures.examined += collection.examined;
        let ns = collection.duration.as_nanos() as u64;
        figures.ns += ns;
        if !timed {
            return;
        }
        let thread = thread::current();
        let generation = collection.generation.index() as u8;
        if thread.name() == Some(HEAP_THREAD) {
            let (collected, automatic) = (collection.collected, collection.automatic);
            let begin = Instant::now().checked_sub(collection.duration);
            let kind = Kind::Collection { generation, collected, automatic };
            book.spans.add(begin.unwrap_or_else(Instant::now), ns, kind, &thread);
        } else {
            book.by_generation[collection.generation.index()].record(ns);
            // Its pause has just ended on this thread.
            book.spans.name_last_stop(generation, &thread);
        }
    }

    fn cascade(&self, cascade: &Cascade) {
        if self.is_timed() {
            let (now, ns) = (Instant::now(), cascade.duration.as_nanos() as u64);
            let mut book = self.open();
            book.cascades.record(ns);
            book.cascade_objects.record(cascade.objects);
            let begin = now.checked_sub(cascade.duration).unwrap_or(now);
            book.spans.add(begin, ns, Kind::Cascade { objects: cascade.objects }, &thread::current());
        }
    }

    fn panicked(&self, panicked: &Panicked) {
        self.open().panics += 1;
        eprintln!("warning: ignored a panic in a {:?} callback: {}", panicked.place, panicked.message);
    }
}

#[cfg(test)]
mod tests {
    use gc_core::Generation;

    use super::*;

    fn pause(ledger: &Ledger, cause: Cause, ns: u64, inside: impl FnOnce()) {
        ledger.interruption_begins(cause);
        inside();
        ledger.interruption_ends(cause, Duration::from_nanos(ns));
    }

    #[test]
    fn pause_inside_another_counts_once_in_total() {
        let ledger = Ledger::default();
        ledger.set_timed(true);
        pause(&ledger, Cause::Stall, 1_000, || pause(&ledger, Cause::Stop, 900, || ()));
        let book = ledger.book();
        assert_eq!((book.pauses.summary().n, book.pauses.total_ns()), (1, 1_000));
        assert_eq!(book.by_cause.each_ref().map(Timings::total_ns), [900, 0, 0, 0, 1_000, 0]);
        assert_eq!(book.unmarked.summary().n, u64::from(book.involuntary_switches == 0));
    }

    /// Takes some time, as a heap would measure it: after the pause was announced, and before its end is.
    fn measured(ledger: &Ledger, cause: Cause, inside: impl FnOnce()) {
        ledger.interruption_begins(cause);
        // Late by more than any pause takes.
        thread::sleep(Duration::from_millis(1));
        let begin = Instant::now();
        inside();
        let duration = begin.elapsed();
        thread::sleep(Duration::from_millis(1));
        ledger.interruption_ends(cause, duration);
    }

    #[test]
    fn spans_keep_their_lengths_and_lie_in_one_another() {
        let ledger = Ledger::default();
        ledger.set_timed(true);
        for _ in 0..3 {
            measured(&ledger, Cause::Stall, || {
                measured(&ledger, Cause::Lock, || ());
                measured(&ledger, Cause::Stop, || measured(&ledger, Cause::Safepoint, || ()));
            });
        }
        ledger.set_timed(false);
        let book = ledger.book();
        let spans = book.spans.all();
        let of = |wanted: Cause| -> Vec<(u64, u64)> {
            let is = |kind| matches!(kind, Kind::Pause { cause, .. } if cause == wanted);
            spans.iter().filter(|span| is(span.kind)).map(|span| (span.begin_ns, span.begin_ns + span.ns)).collect()
        };
        for (place, cause) in Cause::ALL.into_iter().enumerate() {
            let sum: u64 = of(cause).iter().map(|(begin, end)| end - begin).sum();
            assert_eq!(sum, book.by_cause[place].total_ns(), "{cause}");
        }
        let inside = |inner: Vec<(u64, u64)>, outer: Vec<(u64, u64)>| {
            assert_eq!(inner.len(), 3);
            for (inner, outer) in inner.iter().zip(&outer) {
                assert!(outer.0 <= inner.0 && inner.1 <= outer.1, "{inner:?} is not in {outer:?}");
            }
        };
        inside(of(Cause::Lock), of(Cause::Stall));
        inside(of(Cause::Stop), of(Cause::Stall));
        inside(of(Cause::Safepoint), of(Cause::Stop));
        for (lock, stop) in of(Cause::Lock).iter().zip(of(Cause::Stop)) {
            assert!(lock.1 <= stop.0, "{lock:?} overlaps {stop:?}");
        }
        assert!(of(Cause::Stall).windows(2).all(|pair| pair[0].1 <= pair[1].0));
    }

    #[test]
    fn collections_are_in_their_pauses_or_on_a_thread_of_the_heaps_own() {
        let ledger = std::sync::Arc::new(Ledger::default());
        ledger.set_timed(true);
        let collection = Collection {
            generation: Generation::MIDDLE,
            automatic: true,
            examined: 7,
            collected: 3,
            uncollectable: 0,
            freed: 3,
            duration: Duration::from_nanos(10),
        };
        pause(&ledger, Cause::Stop, 10, || ());
        ledger.collection(&collection);
        let own = std::sync::Arc::clone(&ledger);
        let thread = thread::Builder::new().name(HEAP_THREAD.to_owned());
        thread.spawn(move || own.collection(&collection)).unwrap().join().unwrap();
        let kinds: Vec<Kind> = ledger.book().spans.all().iter().map(|span| span.kind).collect();
        let in_place = matches!(kinds[0], Kind::Pause { cause: Cause::Stop, generation: Some(1), .. });
        let on_own = kinds[1] == Kind::Collection { generation: 1, collected: 3, automatic: true };
        assert!(in_place && on_own && kinds.len() == 2, "{kinds:?}");
        let counts = ledger.book().by_generation.map(|timings| timings.summary().n);
        assert_eq!(counts, [0, 1, 0], "only the one in the mutator's place paused it");
    }

    #[test]
    fn only_the_timed_part_counts() {
        let ledger = Ledger::default();
        let collection = Collection {
            generation: Generation::OLD,
            automatic: false,
            examined: 7,
            collected: 3,
            uncollectable: 0,
            freed: 3,
            duration: Duration::from_nanos(10),
        };
        for timed in [false, true, false] {
            ledger.set_timed(timed);
            pause(&ledger, Cause::Stop, 10, || ());
            ledger.collection(&collection);
            ledger.cascade(&Cascade { objects: 64, duration: Duration::from_nanos(5) });
        }
        let book = ledger.book();
        assert_eq!((book.pauses.summary().n, book.cascades.summary().n), (1, 1));
        assert_eq!((book.collections[2].collections, book.collections[2].examined), (1, 7));
        assert_eq!(book.collections_outside[2].collections, 2);
    }

    #[test]
    fn collector_cpu_is_that_of_collections_without_their_waits() {
        let ledger = Ledger::default();
        ledger.set_timed(true);
        pause(&ledger, Cause::Lock, 5_000_000, || ());
        assert_eq!(ledger.book().collector_cpu_ns, 0);
        pause(&ledger, Cause::Stop, 50_000_000, || std::thread::sleep(Duration::from_millis(50)));
        assert!(ledger.book().collector_cpu_ns < 25_000_000);
    }

    #[test]
    fn stop_inside_another_counts_once_in_collector_cpu() {
        let ledger = Ledger::default();
        ledger.set_timed(true);
        let spin = || {
            let begin = Instant::now();
            while begin.elapsed() < Duration::from_millis(20) {}
        };
        pause(&ledger, Cause::Stop, 20_000_000, || pause(&ledger, Cause::Stop, 20_000_000, spin));
        assert!(ledger.book().collector_cpu_ns <= 20_000_000, "{}", ledger.book().collector_cpu_ns);
    }

    #[test]
    fn pauses_and_collections_of_several_threads_are_all_kept() {
        let ledger = Ledger::default();
        ledger.set_timed(true);
        let collection = Collection {
            generation: Generation::YOUNG,
            automatic: true,
            examined: 1,
            collected: 1,
            uncollectable: 0,
            freed: 1,
            duration: Duration::from_nanos(10),
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        pause(&ledger, Cause::Stop, 10, || pause(&ledger, Cause::Safepoint, 5, || ()));
                        // On a thread of the heap's own: outside any pause.
                        ledger.collection(&collection);
                    }
                });
            }
        });
        let book = ledger.book();
        assert_eq!((book.pauses.summary().n, book.pauses.total_ns()), (2_000, 20_000));
        assert_eq!(book.by_cause.each_ref().map(Timings::total_ns), [20_000, 10_000, 0, 0, 0, 0]);
        assert_eq!(book.collections[0].collections, 2_000);
    }
}
