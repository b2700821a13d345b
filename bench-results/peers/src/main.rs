//! Ratios of `gc-core`'s heaps to other ways of counting references in Rust, all in one process and interleaved.
//!
//! ```text
//! cargo run --release --manifest-path bench-results/peers/Cargo.toml [ROUNDS]
//! ```
//!
//! With `requests` as the first argument: throughput of requests on threads, see [`requests`].
//!
//! Each figure is nanoseconds an object; each ratio is taken within a round, and its median and range over rounds printed.

mod requests;

use std::cell::Cell;
use std::hint::black_box;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use gc_concurrent::{ConcurrentHeap, RefcountAtomicHeap, StopTheWorldHeap};
use gc_core::{
    Control, Generation, GenerationalHeap, GenerationalStreamingHeap, Heap, HeapConfig, Kind, Mutator, NoObserver,
    RefcountHeap, Root, Shape, TypeSpec,
};
use gcmodule::{Cc, Trace, Tracer};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Live nodes: each new one takes the place of the oldest, and its two predecessors refer to it.
const WINDOW: usize = 1000;
const CHURN: usize = 5_000_000;
const RING: usize = 10;
const CYCLES: usize = 2_000_000;
/// How often `gcmodule`, which has no trigger of its own, is asked to collect.
const GCMODULE_EVERY: usize = 10_000;

/// Two slots and `WORDS` words. `Cell` rather than `RefCell`: the lightest that `Rc` allows.
struct RcNode<const WORDS: usize> {
    a: Cell<Option<Rc<Self>>>,
    b: Cell<Option<Rc<Self>>>,
    payload: [u64; WORDS],
}

impl<const WORDS: usize> RcNode<WORDS> {
    fn new(n: usize) -> Rc<Self> {
        Rc::new(Self { a: Cell::new(None), b: Cell::new(None), payload: [n as u64; WORDS] })
    }
}

fn churn_rc<const WORDS: usize>() -> f64 {
    let mut window: Vec<_> = (0..WINDOW).map(RcNode::<WORDS>::new).collect();
    let begin = Instant::now();
    for n in 0..CHURN {
        let node = RcNode::new(n);
        window[(n + WINDOW - 1) % WINDOW].a.set(Some(Rc::clone(&node)));
        window[(n + WINDOW - 2) % WINDOW].b.set(Some(Rc::clone(&node)));
        window[n % WINDOW] = node;
    }
    let time = per_object(begin, CHURN);
    black_box(window[0].payload.first());
    time
}

fn churn_heap<H: Heap, const WORDS: usize>() -> f64 {
    let heap = H::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
    let node_type = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let mutator = heap.attach();
    let shape = Shape::new(2, 8 * WORDS as u32);
    let new = |n: usize| {
        let node = mutator.allocate(node_type, shape).unwrap();
        (0..WORDS as u32).for_each(|word| mutator.write_word(&node, word, n as u64));
        node
    };
    let mut window: Vec<_> = (0..WINDOW).map(new).collect();
    let begin = Instant::now();
    for n in 0..CHURN {
        let node = new(n);
        window[(n + WINDOW - 1) % WINDOW].store(0, Some(&node));
        window[(n + WINDOW - 2) % WINDOW].store(1, Some(&node));
        window[n % WINDOW] = node;
    }
    let time = per_object(begin, CHURN);
    black_box(window[0].object());
    time
}

/// Boxes of 32 bytes, each freed before the next is made, so that both sides work on one line of cache.
fn allocate_box() -> f64 {
    let begin = Instant::now();
    for n in 0..CHURN {
        drop(black_box(Box::new([n as u64; 4])));
    }
    per_object(begin, CHURN)
}

/// Objects of two slots, 32 bytes with their headers, likewise.
fn allocate_object<H: Heap>() -> f64 {
    let heap = H::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
    let node_type = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let mutator = heap.attach();
    let begin = Instant::now();
    for _ in 0..CHURN {
        drop(black_box(mutator.allocate(node_type, Shape::new(2, 0)).unwrap()));
    }
    per_object(begin, CHURN)
}

/// gcmodule's own: its cell is a `RefCell`, which its `Trace` is implemented for.
struct CcNode {
    next: std::cell::RefCell<Option<Cc<CcNode>>>,
    _other: std::cell::RefCell<Option<Cc<CcNode>>>,
    _payload: [u64; 4],
}

impl Trace for CcNode {
    fn trace(&self, tracer: &mut Tracer<'_>) {
        self.next.trace(tracer);
        self._other.trace(tracer);
    }
    fn is_type_tracked() -> bool {
        true
    }
}

fn cycles_gcmodule() -> f64 {
    let new = |n: usize| {
        Cc::new(CcNode { next: Default::default(), _other: Default::default(), _payload: [n as u64, 0, 0, 0] })
    };
    let begin = Instant::now();
    for ring in 0..CYCLES / RING {
        let first = new(ring);
        let mut last = first.clone();
        for n in 1..RING {
            let node = new(n);
            *last.next.borrow_mut() = Some(node.clone());
            last = node;
        }
        *last.next.borrow_mut() = Some(first);
        drop(last);
        if (ring + 1) % (GCMODULE_EVERY / RING) == 0 {
            gcmodule::collect_thread_cycles();
        }
    }
    gcmodule::collect_thread_cycles();
    per_object(begin, CYCLES)
}

fn cycles_heap() -> f64 {
    let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
    let node_type = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let mutator = heap.attach();
    let shape = Shape::new(2, 32);
    let new = |n: usize| {
        let node = mutator.allocate(node_type, shape).unwrap();
        mutator.write_word(&node, 0, n as u64);
        node
    };
    let begin = Instant::now();
    for ring in 0..CYCLES / RING {
        let first = new(ring);
        let mut last = first.clone();
        for n in 1..RING {
            let node = new(n);
            last.store(0, Some(&node));
            last = node;
        }
        last.put(0, Some(first));
    }
    mutator.collect(Generation::OLD);
    let time = per_object(begin, CYCLES);
    assert_eq!(heap.live_objects(), 0);
    time
}

/// A full collection over `n` live objects with 2 random references each, all held by one list, as the Python program
/// `full_collection.py` beside this file builds them. The first collection is not counted: it puts the list into the order
/// that later ones find.
fn full_collection<H: Heap>(n: usize) -> (f64, f64) {
    let heap = H::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
    let node_type = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let list_type = heap.register_type(TypeSpec::new("list", Kind::List)).unwrap();
    let mutator = heap.attach();
    mutator.disable();
    let all = mutator.allocate(list_type, Shape::new(n as u32, 16)).unwrap();
    for i in 0..n {
        all.put(i as u32, Some(mutator.allocate(node_type, Shape::new(2, 0)).unwrap()));
    }
    let mut state = 7u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32 % n as u32
    };
    for i in 0..n {
        let node: Root<'_, _> = all.load(i as u32).unwrap();
        for slot in 0..2 {
            node.put(slot, all.load(random()));
        }
    }
    mutator.collect(Generation::OLD);
    let live = (0..3)
        .map(|_| {
            let begin = Instant::now();
            mutator.collect(Generation::OLD);
            per_object(begin, n)
        })
        .fold(f64::MAX, f64::min);
    let before = heap.live_objects();
    drop(all);
    let left = heap.live_objects();
    let begin = Instant::now();
    let found = mutator.collect(Generation::OLD);
    assert!(found <= before && heap.live_objects() == 0);
    (live, per_object(begin, left as usize))
}

fn per_object(begin: Instant, objects: usize) -> f64 {
    begin.elapsed().as_nanos() as f64 / objects as f64
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Prints the median of each column and of their ratio.
fn report(what: &str, ours: &str, theirs: &str, pairs: &[(f64, f64)]) {
    let mut ratios: Vec<f64> = pairs.iter().map(|(a, b)| a / b).collect();
    let ratio = median(&mut ratios);
    let a = median(&mut pairs.iter().map(|pair| pair.0).collect::<Vec<_>>());
    let b = median(&mut pairs.iter().map(|pair| pair.1).collect::<Vec<_>>());
    let (low, high) = (ratios[0], ratios[ratios.len() - 1]);
    println!("{what:<34} {ours:<14} {a:>7.1} ns   {theirs:<22} {b:>7.1} ns   ratio {ratio:.2} ({low:.2} to {high:.2})");
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("requests", rest)) = words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return requests::main(rest);
    }
    if std::env::args().nth(1).as_deref() == Some("only") {
        let reps: usize = std::env::args().nth(3).map_or(10, |reps| reps.parse().unwrap());
        match std::env::args().nth(2).as_deref() {
            Some("refcount") => {
                println!("{:.1}", (0..reps).map(|_| churn_heap::<RefcountHeap, 0>()).fold(f64::MAX, f64::min))
            }
            Some("generational") => {
                println!("{:.1}", (0..reps).map(|_| churn_heap::<GenerationalHeap, 0>()).fold(f64::MAX, f64::min))
            }
            Some("collections") => collections(reps),
            Some("allocations") => allocations(reps),
            Some("rings") => println!("{:.1}", (0..reps).map(|_| cycles_heap()).fold(f64::MAX, f64::min)),
            _ => println!("{:.1}", (0..reps).map(|_| churn_rc::<0>()).fold(f64::MAX, f64::min)),
        }
        return ExitCode::SUCCESS;
    }
    let rounds: usize = std::env::args().nth(1).map_or(7, |rounds| rounds.parse().expect("ROUNDS is a number"));
    let mut pairs: [Vec<(f64, f64)>; 5] = Default::default();
    for round in 0..=rounds {
        let (bare, filled) = (churn_rc::<0>(), churn_rc::<4>());
        let figures = [
            (churn_heap::<RefcountHeap, 0>(), bare),
            (churn_heap::<GenerationalHeap, 0>(), bare),
            (churn_heap::<RefcountHeap, 4>(), filled),
            (churn_heap::<GenerationalHeap, 4>(), filled),
            (cycles_heap(), cycles_gcmodule()),
        ];
        // The first round warms up.
        if round > 0 {
            pairs.iter_mut().zip(figures).for_each(|(pairs, pair)| pairs.push(pair));
        }
    }
    report("allocate, link, drop", "refcount", "Rc over mimalloc", &pairs[0]);
    report("allocate, link, drop", "generational", "Rc over mimalloc", &pairs[1]);
    report("the same with 32 bytes filled", "refcount", "Rc over mimalloc", &pairs[2]);
    report("the same with 32 bytes filled", "generational", "Rc over mimalloc", &pairs[3]);
    report("rings of 10, default thresholds", "generational", "gcmodule over mimalloc", &pairs[4]);
    allocations(rounds);
    collections(rounds.min(5));
    ExitCode::SUCCESS
}

/// Allocation and freeing beside mimalloc's.
fn allocations(rounds: usize) {
    let heaps: [(&str, fn() -> f64); 5] = [
        ("refcount", allocate_object::<RefcountHeap>),
        ("generational", allocate_object::<GenerationalHeap>),
        ("refcount-atomic", allocate_object::<RefcountAtomicHeap>),
        ("stop-the-world", allocate_object::<StopTheWorldHeap>),
        ("concurrent", allocate_object::<ConcurrentHeap>),
    ];
    let mut pairs: [Vec<(f64, f64)>; 5] = Default::default();
    for round in 0..=rounds {
        let boxes = allocate_box();
        for (pairs, (_, measure)) in pairs.iter_mut().zip(heaps) {
            let figure = (measure(), boxes);
            // The first round warms up.
            if round > 0 {
                pairs.push(figure);
            }
        }
    }
    for (pairs, (heap, _)) in pairs.iter().zip(heaps) {
        report("allocate and free", heap, "Box over mimalloc", pairs);
    }
}

/// Full collections of a heap that nobody changes: by streaming beside those along lists, and the parallel heaps' beside
/// streaming alone. What `concurrent` takes longer over dead objects is their certification.
fn collections(rounds: usize) {
    for n in [100_000, 1_000_000, 5_000_000] {
        let mut live: [Vec<(f64, f64)>; 3] = Default::default();
        let mut dead: [Vec<(f64, f64)>; 3] = Default::default();
        for _ in 0..rounds {
            let streaming = full_collection::<GenerationalStreamingHeap>(n);
            let lists = full_collection::<GenerationalHeap>(n);
            let stopped = full_collection::<StopTheWorldHeap>(n);
            let concurrent = full_collection::<ConcurrentHeap>(n);
            for (place, (one, other)) in
                [(streaming, lists), (concurrent, streaming), (concurrent, stopped)].into_iter().enumerate()
            {
                live[place].push((one.0, other.0));
                dead[place].push((one.1, other.1));
            }
        }
        let names = [("streaming", "generational"), ("concurrent", "streaming"), ("concurrent", "stop-the-world")];
        for (place, (ours, theirs)) in names.into_iter().enumerate() {
            report(&format!("full collection, {n} live"), ours, theirs, &live[place]);
            report(&format!("full collection, {n} dead"), ours, theirs, &dead[place]);
        }
    }
}
