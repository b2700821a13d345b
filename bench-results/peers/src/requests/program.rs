//! The program that every contestant serves, and the clock around it.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Objects of the cache that all threads share.
pub const CACHE: usize = 100_000;
/// Entries of it that a request reads.
const READS: usize = 100;
/// Objects of a request: a binary tree, and a line hung on its leftmost leaf in which each refers to the next and back.
const TREE: usize = 190;
const LINE: usize = 10;
pub const NODES: usize = TREE + LINE;
/// Requests each thread serves before the clock starts. Their digest is compared in timed runs too.
const WARM_UP: u64 = 500;
/// Longest service time told apart from longer ones: a minute, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;
/// What a thread's counter of requests says when it is through.
pub const FINISHED: u64 = u64::MAX;

/// A way to manage the objects: what differs between rows of the table.
pub trait Contestant: Sync + Sized {
    /// Fills the cache: entry `n` has the word `n`.
    fn new() -> Self;
    /// Serves requests on the calling thread until the stream ends.
    fn serve(&self, stream: &mut Stream<'_>);
    /// Drops the cache, collects for the last time, and counts what is still there of `allocated` objects.
    fn leaked(self, allocated: u64) -> u64;
}

/// How a contestant makes nodes.
pub trait Build {
    type Node;
    /// A new node that holds these.
    fn node(&mut self, first: Option<Self::Node>, second: Option<Self::Node>) -> Self::Node;
    /// A new node whose first slot holds `child`, and whose child's second slot refers back to it.
    fn parent_of(&mut self, child: Self::Node) -> Self::Node;
}

/// The objects of one request, held by the root of the tree.
pub fn graph<B: Build>(build: &mut B) -> B::Node {
    let line = line(build);
    tree(build, line)
}

/// The part with cycles. Its first node has no parent.
pub fn line<B: Build>(build: &mut B) -> B::Node {
    let last = build.node(None, None);
    (1..LINE).fold(last, |child, _| build.parent_of(child))
}

/// The part without, which holds `line`.
pub fn tree<B: Build>(build: &mut B, line: B::Node) -> B::Node {
    subtree(build, TREE, Some(line))
}

fn subtree<B: Build>(build: &mut B, size: usize, hung: Option<B::Node>) -> B::Node {
    if size == 1 {
        return build.node(hung, None);
    }
    let left = size / 2;
    let right = size - 1 - left;
    let first = subtree(build, left, hung);
    let second = (right > 0).then(|| subtree(build, right, None));
    build.node(Some(first), second)
}

/// The generator of Steele, Lea and Flood: small, and the same for everyone.
pub struct SplitMix(pub u64);

impl SplitMix {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

/// What requests draw and answer.
pub struct Desk {
    numbers: SplitMix,
    words: u64,
    digest: u64,
}

impl Desk {
    /// The word of the next node.
    pub fn word(&mut self) -> u64 {
        self.words += 1;
        self.words
    }

    /// Reads as many entries of the cache as a request does, each by `read`.
    pub fn read_cache(&mut self, mut read: impl FnMut(usize) -> u64) {
        for _ in 0..READS {
            let word = read(self.numbers.below(CACHE));
            self.answer(word);
        }
    }

    /// Adds a word to the digest, in which order counts.
    pub fn answer(&mut self, word: u64) {
        self.digest = self.digest.rotate_left(5).wrapping_add(word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// When a run ends.
#[derive(Clone, Copy)]
pub enum Length {
    Time(Duration),
    /// So many requests on each thread: the digest is of all of them.
    Requests(u64),
}

/// One thread's requests.
pub struct Stream<'a> {
    desk: Desk,
    length: Length,
    barrier: &'a Barrier,
    /// Requests so far, for the watchdog. Only this thread writes it.
    progress: &'a AtomicU64,
    pub served: u64,
    pub digest: u64,
    pub elapsed: Duration,
    pub times: Histogram<u32>,
}

impl<'a> Stream<'a> {
    pub fn new(thread: usize, length: Length, barrier: &'a Barrier, progress: &'a AtomicU64) -> Self {
        Self {
            desk: Desk { numbers: SplitMix(thread as u64 + 1), words: 0, digest: 0 },
            length,
            barrier,
            progress,
            served: 0,
            digest: 0,
            elapsed: Duration::ZERO,
            times: Histogram::new_with_bounds(1, LONGEST, 3).expect("bounds that fit"),
        }
    }

    /// Serves one request after the other. Before it waits for the other threads it calls `aside` with what waits.
    pub fn serve(&mut self, aside: impl Fn(&dyn Fn()), mut request: impl FnMut(&mut Desk)) {
        let wait = || {
            self.barrier.wait();
        };
        aside(&wait);
        for n in 1..=WARM_UP {
            request(&mut self.desk);
            // Relaxed: the watchdog looks twice a second.
            self.progress.store(n, Ordering::Relaxed);
        }
        self.digest = self.desk.digest;
        aside(&wait);
        let begin = Instant::now();
        let mut last = begin;
        loop {
            let over = match self.length {
                Length::Time(time) => last - begin >= time,
                Length::Requests(requests) => self.served >= requests,
            };
            if over {
                break;
            }
            request(&mut self.desk);
            let now = Instant::now();
            self.times.saturating_record((now - last).as_nanos() as u64);
            last = now;
            self.served += 1;
            self.progress.store(WARM_UP + self.served, Ordering::Relaxed);
        }
        self.elapsed = last - begin;
        if let Length::Requests(_) = self.length {
            self.digest = self.desk.digest;
        }
        // The threads' ends are no part of the run, and a table torn down early would slow those that still serve.
        self.progress.store(FINISHED, Ordering::Relaxed);
        aside(&wait);
    }

    /// Requests served, the warm-up included.
    pub fn all_served(&self) -> u64 {
        WARM_UP + self.served
    }
}
