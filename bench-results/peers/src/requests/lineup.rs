//! Who takes part, and the run of one contestant in a process of its own.

use std::sync::Barrier;
use std::thread;

use gc_concurrent::{ConcurrentHeap, RefcountAtomicHeap, StopTheWorldHeap};
use gc_core::{GenerationalHeap, Heap, RefcountHeap};
use hdrhistogram::Histogram;

use super::arcs::Arcs;
use super::dumpsters::Dumpsters;
use super::heaps::Hosted;
use super::outcome::Outcome;
use super::program::{CACHE, Contestant, Length, NODES, Stream};
use super::schemes::Schemes;
use super::shredders::Shredders;
use super::threaded_ccs::ThreadedCcs;
use super::watch::{Stage, Watch, forget_peak, processor_time, resident};

/// A contestant by name.
pub struct Entry {
    pub name: &'static str,
    pub run: fn(usize, Length) -> Outcome,
    /// Whether it runs where no names are given.
    pub usual: bool,
}

macro_rules! heaps {
    ($($heap:ty),* $(,)?) => {
        const HEAPS: &[Entry] = &[$(Entry { name: <$heap as Heap>::NAME, run: run::<Hosted<$heap>>, usual: true }),*];
    };
}

heaps! {
    RefcountHeap,
    GenerationalHeap,
    RefcountAtomicHeap,
    StopTheWorldHeap,
    ConcurrentHeap,
}

const OTHERS: &[Entry] = &[
    Entry { name: ARC, run: run_arc, usual: true },
    Entry { name: "gcmodule", run: run::<ThreadedCcs<100_000>>, usual: true },
    Entry { name: "gcmodule-10k", run: run::<ThreadedCcs<10_000>>, usual: false },
    Entry { name: "gcmodule-1m", run: run::<ThreadedCcs<1_000_000>>, usual: false },
    Entry { name: "gcmodule-10m", run: run::<ThreadedCcs<10_000_000>>, usual: false },
    Entry { name: "scheme-rs", run: run::<Schemes>, usual: true },
    Entry { name: "dumpster", run: run::<Dumpsters>, usual: true },
    Entry { name: "shredder", run: run::<Shredders>, usual: true },
];

/// The row that others are compared to.
pub const ARC: &str = "arc";

pub fn all() -> impl Iterator<Item = &'static Entry> {
    OTHERS.iter().chain(HEAPS)
}

/// Counting the dead would slow `arc`, whose objects nobody else counts: so a shorter run of its own does.
fn run_arc(threads: usize, length: Length) -> Outcome {
    let timed = run::<Arcs<false>>(threads, length);
    Outcome { leaked: run::<Arcs<true>>(threads, Length::Requests(1000)).leaked, ..timed }
}

fn run<C: Contestant>(threads: usize, length: Length) -> Outcome {
    let watch: &Watch = Box::leak(Box::new(Watch::new(threads)));
    thread::spawn(|| watch.look_on());
    let barrier = Barrier::new(threads);
    // Made first: the histograms are no part of the growth.
    let mut streams: Vec<_> =
        watch.threads.iter().enumerate().map(|(n, counter)| Stream::new(n, length, &barrier, &counter.0)).collect();
    let (before, _) = resident();
    let contestant = C::new();
    forget_peak();
    let (filled, from) = resident();
    watch.enter(Stage::Serving);
    let used = processor_time();
    thread::scope(|scope| {
        for stream in &mut streams {
            scope.spawn(|| contestant.serve(stream));
        }
    });
    let used = processor_time() - used;
    let (_, peak) = resident();
    watch.enter(Stage::Ending);
    let all_served: u64 = streams.iter().map(Stream::all_served).sum();
    let leaked = contestant.leaked(CACHE as u64 + all_served * NODES as u64);
    watch.enter(Stage::Over);
    let mut times = Histogram::<u32>::new(3).expect("three digits are few enough");
    streams.iter().for_each(|stream| times.add(&stream.times).expect("it grows as needed"));
    Outcome {
        served: streams.iter().map(|stream| stream.served).sum(),
        elapsed: streams.iter().map(|stream| stream.elapsed.as_nanos() as u64).max().expect("one thread at least"),
        p50: times.value_at_quantile(0.5),
        p99: times.value_at_quantile(0.99),
        p999: times.value_at_quantile(0.999),
        max: times.max(),
        digest: streams.iter().fold(0, |digest, stream| digest.wrapping_add(stream.digest)),
        processor: used / all_served,
        cache: filled.saturating_sub(before),
        growth: peak.saturating_sub(from),
        leaked,
    }
}
