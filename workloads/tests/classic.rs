//! The classic programs: the same is read on every heap, what ought to live does, and each shows what it is there to show.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use gc_core::event::{Cascade, Collection};
use gc_core::{GenerationalHeap, GenerationalStreamingHeap, Heap, HeapConfig, Observer, RefcountHeap};
use workloads::catalogue;
use workloads::workload::{NoStages, Outcome, Pace, Plan};

/// Counts what thresholds start, what it found, and the largest cascade.
#[derive(Default)]
struct Seen {
    automatic: AtomicU64,
    collected: AtomicU64,
    cascade: AtomicU64,
}

impl Observer for Seen {
    fn collection(&self, collection: &Collection) {
        if collection.automatic {
            self.automatic.fetch_add(1, Relaxed);
            self.collected.fetch_add(collection.collected, Relaxed);
        }
    }

    fn cascade(&self, cascade: &Cascade) {
        self.cascade.fetch_max(cascade.objects, Relaxed);
    }
}

type Settings<'s> = &'s [(&'s str, &'s str)];

fn observed<H: Heap>(workload: &str, settings: Settings<'_>, seed: u64, pace: Pace) -> (Outcome, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let heap = H::new(HeapConfig::default(), Arc::clone(&seen) as Arc<dyn Observer>).unwrap();
    let settings = catalogue::settings(workload, settings).unwrap();
    let plan = Plan { seed, threads: 1, pace, stages: &NoStages };
    (catalogue::run(workload, &settings, &heap, &plan).unwrap(), seen)
}

fn run<H: Heap>(workload: &str, settings: Settings<'_>) -> Outcome {
    observed::<H>(workload, settings, 3, Pace::Closed).0
}

/// Every program, smaller than its small settings, and what is alive at the end. `leaks` says how many objects more there
/// are where nothing collects cycles.
struct Case {
    workload: &'static str,
    settings: Settings<'static>,
    operations: u64,
    live: u64,
    leaks: u64,
}

const fn case(workload: &'static str, settings: Settings<'static>, [operations, live, leaks]: [u64; 3]) -> Case {
    Case { workload, settings, operations, live, leaks }
}

const CASES: &[Case] = &[
    case("message-ring", &[("messages", "500"), ("pushes", "3000"), ("bytes", "20")], [3000, 501, 0]),
    case("message-ring", &[("messages", "500"), ("pushes", "3000"), ("variant", "cyclic")], [3000, 501, 3000]),
    // Ten chains of 7 are held at a time; of 205 the last 5 still are.
    case(
        "cycle-grid",
        &[("k", "7"), ("live", "64"), ("chains", "205"), ("closed", "1"), ("payload", "100")],
        [205, 36, 200 * 7],
    ),
    case("cycle-grid", &[("k", "7"), ("live", "64"), ("chains", "205"), ("closed", "0")], [205, 36, 0]),
    case("cycle-grid", &[("k", "1"), ("live", "1"), ("chains", "50"), ("closed", "1")], [50, 1, 50]),
    case("linked-list-growth", &[("live", "100"), ("size", "50"), ("lists", "90")], [90, 100, 90 * 50]),
    // Depths 4 and 6, 2 · 511 / 31 and 2 · 511 / 127 trees, from above and from below.
    case(
        "gcbench",
        &[("stretch", "8"), ("long-lived", "5"), ("deepest", "6"), ("array", "2000")],
        [2 * (32 + 8), 63 + 1, 0],
    ),
    case(
        "gcbench",
        &[("stretch", "8"), ("long-lived", "5"), ("deepest", "6"), ("array", "0"), ("parents", "on")],
        [2 * (32 + 8), 63 + 1, 511 + 2 * (32 * 31 + 8 * 127)],
    ),
    // Depths 4 and 6, 64 and 16 trees, and the one of depth 8.
    case("binary-trees", &[("depth", "7")], [128 + 32, 255, 0]),
    case("binary-trees", &[("depth", "7"), ("parents", "on")], [128 + 32, 255, 511 + 128 * 31 + 32 * 127]),
    case("nested-lists", &[("levels", "60"), ("collections", "5")], [5, 60, 0]),
    case("nested-lists", &[("levels", "1"), ("collections", "2")], [2, 1, 0]),
    case("lru", &[("capacity", "300"), ("keys", "2000"), ("operations", "9000")], [9000, 603, 0]),
    case("lru", &[("capacity", "1"), ("keys", "9"), ("operations", "500"), ("puts", "0.5")], [500, 5, 0]),
    case("cascade", &[("depth", "5000"), ("drops", "3")], [3, 0, 0]),
    case("cascade", &[("depth", "5000"), ("drops", "3"), ("shape", "tree")], [3, 0, 0]),
];

#[test]
fn same_is_read_on_every_heap_and_what_ought_to_live_does() {
    for case in CASES {
        let Case { workload, settings, .. } = case;
        let counting = run::<RefcountHeap>(workload, settings);
        assert_eq!(counting.operations, case.operations, "{workload} {settings:?}");
        assert_eq!(counting.service_ns.len() as u64, case.operations, "{workload} {settings:?}");
        assert_eq!(counting.live_expected, case.live, "{workload} {settings:?}");
        assert_eq!(counting.live_after, case.live + case.leaks, "{workload} {settings:?}");
        for collecting in
            [run::<GenerationalHeap>(workload, settings), run::<GenerationalStreamingHeap>(workload, settings)]
        {
            assert_eq!(collecting.digest, counting.digest, "{workload} {settings:?}");
            assert_eq!(collecting.live_after, case.live, "{workload} {settings:?}");
        }
    }
}

#[test]
fn a_run_is_a_function_of_its_dials_and_seed() {
    for case in CASES {
        let Case { workload, settings, .. } = case;
        let digest = |seed| observed::<RefcountHeap>(workload, settings, seed, Pace::Closed).0.digest;
        assert_eq!(digest(3), digest(3), "{workload} {settings:?}");
        assert_ne!(digest(3), digest(4), "{workload} {settings:?}");
    }
}

#[test]
fn each_dial_changes_what_is_read() {
    let digest = |workload, settings: Settings<'_>| run::<RefcountHeap>(workload, settings).digest;
    for (workload, small, changes) in [
        (
            "message-ring",
            [("messages", "50"), ("pushes", "60")],
            &[("messages", "51"), ("pushes", "61"), ("bytes", "8")][..],
        ),
        ("cycle-grid", [("live", "1000"), ("chains", "60")], &[("k", "1"), ("chains", "61"), ("closed", "0.9")]),
        ("linked-list-growth", [("live", "10"), ("lists", "6")], &[("lists", "7")]),
        (
            "gcbench",
            [("stretch", "6"), ("deepest", "6")],
            &[("stretch", "7"), ("deepest", "4"), ("long-lived", "2"), ("array", "900")],
        ),
        ("binary-trees", [("depth", "5"), ("parents", "off")], &[("depth", "6")]),
        ("nested-lists", [("levels", "9"), ("collections", "2")], &[("levels", "8"), ("collections", "3")]),
        (
            "lru",
            [("capacity", "50"), ("operations", "600")],
            &[("capacity", "60"), ("operations", "601"), ("keys", "80"), ("skew", "0.5"), ("puts", "0.5")],
        ),
        ("cascade", [("depth", "9"), ("drops", "3")], &[("depth", "8"), ("drops", "4"), ("shape", "tree")]),
    ] {
        let unchanged = digest(workload, &small);
        for &change in changes {
            let settings = [small[0], small[1], change];
            assert_ne!(digest(workload, &settings), unchanged, "{workload} {change:?}");
        }
    }
}

#[test]
fn operations_that_arrive_on_a_plan_read_the_same() {
    for case in CASES.iter().filter(|case| catalogue::find(case.workload).unwrap().open_loop) {
        let Case { workload, settings, .. } = case;
        let (open, _) = observed::<GenerationalHeap>(workload, settings, 3, Pace::Open { rate: 100_000.0 });
        assert_eq!(open.digest, run::<GenerationalHeap>(workload, settings).digest, "{workload} {settings:?}");
        assert_eq!(open.response_ns.unwrap().len() as u64, case.operations, "{workload} {settings:?}");
    }
}

#[test]
fn plain_messages_are_never_collected_and_cyclic_ones_are() {
    let settings = |variant| [("variant", variant), ("messages", "5000"), ("pushes", "300000"), ("bytes", "64")];
    let (outcome, seen) = observed::<GenerationalHeap>("message-ring", &settings("plain"), 3, Pace::Closed);
    assert_eq!(seen.automatic.load(Relaxed), 0, "bytes are not tracked: nothing is ever due");
    assert_eq!(outcome.floating.unwrap().peak_objects, 0, "the oldest dies in the push");

    let (outcome, seen) = observed::<GenerationalHeap>("message-ring", &settings("cyclic"), 3, Pace::Closed);
    let (collected, floating) = (seen.collected.load(Relaxed), outcome.floating.unwrap());
    // Messages are old when they die: they wait for a full collection, which comes once in 11 · 11 · 701 allocations.
    let round = 11 * 11 * 701;
    println!("{} collections, {collected} collected, {floating:?}", seen.automatic.load(Relaxed));
    assert!(collected >= 300_000 - round, "{collected} collected");
    assert!((round / 2..=round).contains(&floating.peak_objects), "{floating:?}");
}

#[test]
fn lists_that_die_beside_a_live_one_do_not_grow_the_heap() {
    let peak = |lists| run::<GenerationalHeap>("linked-list-growth", &[("lists", lists)]).extra["peak_objects"];
    let (few, many) = (peak("100"), peak("800"));
    println!("peak {few} objects with 100 lists, {many} with 800");
    assert_eq!(few, many, "700 lists more, and not an object more at any time");
    assert!(many < 10_000.0 + 100_000.0, "{many} objects at most");
    let counting = run::<RefcountHeap>("linked-list-growth", &[("lists", "100")]);
    assert_eq!(counting.extra["peak_objects"], 10_000.0 + 500_000.0, "without a collector every list stays");
}

#[test]
fn closed_chains_float_and_open_ones_do_not() {
    let floating = |closed| {
        let settings = [("k", "10"), ("live", "1000"), ("payload", "0"), ("chains", "5000"), ("closed", closed)];
        run::<GenerationalHeap>("cycle-grid", &settings).floating.unwrap()
    };
    assert_eq!(floating("0").peak_objects, 0);
    assert!(floating("0.5").peak_objects > 0);
    assert!(floating("1").mean_objects > floating("0.1").mean_objects);
}

#[test]
fn trees_with_parent_links_die_by_collection_only() {
    for (workload, settings) in [("gcbench", ("stretch", "8")), ("binary-trees", ("depth", "8"))] {
        let dead = |parents| {
            let settings = [settings, ("parents", parents)];
            let (outcome, seen) = observed::<GenerationalHeap>(workload, &settings, 3, Pace::Closed);
            (seen.collected.load(Relaxed), outcome.floating.unwrap().peak_objects)
        };
        assert_eq!(dead("off"), (0, 0), "{workload}");
        let (collected, floating) = dead("on");
        assert!(collected > 1000 && floating > 0, "{workload}: {collected}, {floating}");
    }
}

#[test]
fn a_drop_is_one_cascade_of_the_whole_structure() {
    for (shape, objects) in [("list", 200_000), ("tree", 400_000)] {
        let settings = [("shape", shape), ("depth", "200000"), ("drops", "1")];
        let (outcome, seen) = observed::<GenerationalHeap>("cascade", &settings, 3, Pace::Closed);
        assert_eq!(outcome.extra["left_after_drop_objects"], 0.0, "{shape}");
        assert_eq!(seen.cascade.load(Relaxed), objects, "{shape}");
        assert_eq!(seen.automatic.load(Relaxed), 0, "{shape}");
    }
}

#[test]
fn what_a_cache_throws_out_dies_by_count() {
    let settings = [("capacity", "2000"), ("keys", "20000"), ("operations", "50000")];
    let (outcome, seen) = observed::<GenerationalHeap>("lru", &settings, 3, Pace::Closed);
    assert_eq!(seen.collected.load(Relaxed), 0);
    assert_eq!(outcome.floating.unwrap().peak_objects, 0);
}

#[test]
fn hot_keys_hit_and_even_ones_hit_as_often_as_the_cache_is_large() {
    let hits = |skew| {
        let settings = [("capacity", "1000"), ("keys", "10000"), ("operations", "60000"), ("skew", skew)];
        run::<RefcountHeap>("lru", &settings).extra["hits_of_gets"]
    };
    let (even, skewed) = (hits("0"), hits("0.99"));
    assert!((0.09..0.11).contains(&even), "a tenth of the keys is in the cache: {even}");
    assert!(skewed > 0.5, "{skewed}");
}
