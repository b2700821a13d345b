//! Each dial of `web-requests` does what its line says, and none changes what is read with the heap.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use gc_core::event::Collection;
use gc_core::{GenerationalHeap, GenerationalStreamingHeap, Heap, HeapConfig, HeapStatistics, Observer, RefcountHeap};
use workloads::catalogue;
use workloads::workload::{NoStages, Outcome, Pace, Plan};

const NAME: &str = "web-requests";
const SEED: u64 = 9;

#[derive(Default)]
struct Freed(AtomicU64);

impl Observer for Freed {
    fn collection(&self, collection: &Collection) {
        self.0.fetch_add(collection.freed, SeqCst);
    }
}

/// A run, the heap's counters after it, and what collections freed while it held its cache.
struct Run {
    outcome: Outcome,
    statistics: HeapStatistics,
    freed_by_collections: u64,
}

fn run<H: Heap>(settings: &[(&str, &str)], threads: u32) -> Run {
    let small = [("heap", "none"), ("live", "2000"), ("requests", "400"), ("warm-up", "0")];
    let freed = Arc::new(Freed::default());
    let heap = H::new(HeapConfig::default(), Arc::clone(&freed) as Arc<dyn Observer>).unwrap();
    let settings = catalogue::settings(NAME, &[&small, settings].concat()).unwrap();
    let plan = Plan { seed: SEED, threads, pace: Pace::Closed, stages: &NoStages };
    let outcome = catalogue::run(NAME, &settings, &heap, &plan).unwrap();
    Run { outcome, statistics: heap.statistics(), freed_by_collections: freed.0.load(SeqCst) }
}

/// The dials, each away from its default, and some together.
const CASES: &[&[(&str, &str)]] = &[
    &[],
    &[("cyclic", "1")],
    &[("cyclic", "1"), ("back-pointers", "weak")],
    &[("cyclic", "1"), ("back-pointers", "cleared")],
    &[("keys", "zipf")],
    &[("keys", "zipf"), ("skew", "0")],
    &[("cleanup", "explicit"), ("cyclic", "1")],
    &[("cleanup", "finalizer"), ("cyclic", "1")],
    &[("fail", "30")],
    &[("fail", "30"), ("cleanup", "finalizer")],
    &[("results", "40")],
    &[("results", "40"), ("materialise", "lazy")],
    &[("ring-garbage", "0.15")],
    &[("ring-garbage", "0.5"), ("ring-least", "1"), ("ring-most", "1")],
    &[("lifetimes", "on")],
    &[("lifetimes", "on"), ("cyclic", "1"), ("cleanup", "finalizer"), ("fail", "10"), ("ring-garbage", "0.2")],
    &[("steering", "off"), ("cyclic", "1")],
    &[("steering", "between"), ("cyclic", "1")],
    &[("steering", "young-every:7"), ("cyclic", "1")],
    &[("steering", "full-every:50"), ("cyclic", "1"), ("lifetimes", "on")],
    &[("steering", "scheduler:300"), ("cyclic", "1")],
    &[("steering", "interval:1"), ("cyclic", "1")],
    &[("steering", "bytes:64k"), ("cyclic", "1"), ("freeze", "freeze")],
    &[("freeze", "uncollected"), ("cyclic", "1"), ("warm-up", "30")],
    &[("preset", "service"), ("live", "2000")],
    &[("preset", "shared-cache"), ("live", "2000")],
];

#[test]
fn same_is_read_on_every_heap_and_nothing_is_left() {
    for case in CASES {
        for threads in [1, 3] {
            let counting = run::<RefcountHeap>(case, threads).outcome;
            assert!(counting.live_after >= counting.live_expected, "{case:?}");
            let collecting = [run::<GenerationalHeap>(case, threads), run::<GenerationalStreamingHeap>(case, threads)];
            for Run { outcome, .. } in collecting {
                assert_eq!(outcome.digest, counting.digest, "{case:?} on {threads} mutators, seed {SEED}");
                assert_eq!(outcome.live_after, outcome.live_expected, "{case:?} on {threads} mutators");
            }
        }
    }
}

#[test]
fn steering_decides_what_floats() {
    let peak = |steering: &str| {
        let run = run::<GenerationalHeap>(&[("cyclic", "1"), ("steering", steering)], 1);
        run.outcome.floating.unwrap().peak_objects
    };
    // 200 objects of each of 400 requests.
    assert_eq!(peak("off"), 400 * 200);
    assert_eq!(peak("young-every:1"), 200);
    assert_eq!(peak("young-every:25"), 25 * 200);
    assert_eq!(peak("full-every:100"), 100 * 200);
    // Never more than one request beyond the threshold.
    for steering in ["between", "scheduler:700"] {
        let most = peak(steering);
        assert!((700..=1100).contains(&most), "{steering}: {most}");
    }
    let by_bytes = peak("bytes:512k");
    assert!(by_bytes > 2_000 && by_bytes < 40_000, "{by_bytes}");
    let refused = catalogue::settings(NAME, &[("steering", "sometimes")]).map(|settings| {
        let heap = RefcountHeap::new(HeapConfig::default(), Arc::new(Freed::default())).unwrap();
        let plan = Plan { seed: SEED, threads: 1, pace: Pace::Closed, stages: &NoStages };
        catalogue::run(NAME, &settings, &heap, &plan).map(drop).unwrap_err().to_string()
    });
    let refused = refused.unwrap();
    assert!(refused.contains("steering=sometimes") && refused.contains("young-every:REQUESTS"), "{refused}");
}

#[test]
fn dials_of_the_garbage_do_not_change_what_is_read() {
    let digest = |settings: &[(&str, &str)]| run::<RefcountHeap>(settings, 1).outcome.digest;
    let default = digest(&[]);
    for same in [("back-pointers", "weak"), ("cleanup", "finalizer"), ("ring-garbage", "0.3"), ("lifetimes", "on")] {
        assert_eq!(digest(&[same]), default, "{same:?}");
    }
    let rows = [("results", "40"), ("materialise", "whole")];
    assert_eq!(digest(&rows), digest(&[("results", "40"), ("materialise", "lazy")]));
    for other in [&rows[..], &[("keys", "zipf")], &[("fail", "30")], &[("keys", "zipf"), ("skew", "2")]] {
        assert_ne!(digest(other), default, "{other:?}");
    }
}

#[test]
fn weak_or_cleared_links_leave_nothing_for_the_collector() {
    for links in ["weak", "cleared"] {
        let settings = [("cyclic", "1"), ("back-pointers", links)];
        let Run { outcome, statistics, freed_by_collections } = run::<GenerationalHeap>(&settings, 1);
        assert_eq!(statistics.freed_by_collector, 0, "{links}");
        assert_eq!(freed_by_collections, 0, "{links}");
        assert_eq!(outcome.floating.unwrap().peak_objects, 0, "{links}: dead at the end of the request");
        let counting = run::<RefcountHeap>(&settings, 1).outcome;
        assert_eq!(counting.live_after, counting.live_expected, "{links}: no cycle to leak");
    }
    let strong = run::<GenerationalHeap>(&[("cyclic", "1")], 1);
    assert_eq!(strong.statistics.freed_by_collector, 400 * 200, "all of a tree but its list");
}

#[test]
fn of_failing_requests_everything_is_left_to_the_collector() {
    for links in ["strong", "weak", "cleared"] {
        let settings = [("cyclic", "0.5"), ("back-pointers", links), ("fail", "100")];
        let freed = run::<GenerationalHeap>(&settings, 1).statistics.freed_by_collector;
        // The tree with its list, and three objects of the failure; of weak links 13 objects more.
        let trees = 400 * (201 + 3);
        match links {
            "weak" => assert!((trees + 13 * 150..trees + 13 * 250).contains(&freed), "{freed}"),
            _ => assert_eq!(freed, trees, "{links}"),
        }
    }
    let some = run::<GenerationalHeap>(&[("cyclic", "0"), ("fail", "25")], 1).statistics.freed_by_collector;
    assert_eq!(some % 204, 0);
    assert!((70..130).contains(&(some / 204)), "{} of 400 failed, a quarter ought to", some / 204);
}

#[test]
fn failing_request_replaces_nothing() {
    let replaced = |fail| {
        let Run { statistics, outcome, .. } =
            run::<GenerationalHeap>(&[("cyclic", "0"), ("fail", fail), ("replace", "5")], 1);
        statistics.allocated - outcome.live_expected - 400 * 201
    };
    assert_eq!(replaced("0"), 400 * 10);
    assert_eq!(replaced("100"), 400 * 3);
}

#[test]
fn service_has_15_percent_of_its_garbage_on_cycles() {
    let settings = [("preset", "service"), ("heap", "none"), ("live", "2000"), ("requests", "3000")];
    let Run { outcome, statistics, .. } = run::<GenerationalHeap>(&settings, 1);
    // All that dies while the cache lives; the cache and all else that is held at the end dies by count afterwards.
    let died = statistics.allocated - outcome.live_expected;
    let share = statistics.freed_by_collector as f64 / died as f64;
    assert!((0.14..=0.16).contains(&share), "{share} of {died} objects");
    let request = died as f64 / 3000.0;
    assert!((195.0..=210.0).contains(&request), "about 200 objects a request: {request}");
}

#[test]
fn shared_cache_has_ten_of_200_objects_on_a_cycle() {
    let settings = [("preset", "shared-cache"), ("live", "2000")];
    let Run { outcome, statistics, .. } = run::<GenerationalHeap>(&settings, 2);
    let died = (statistics.allocated - outcome.live_expected) as f64 / 400.0;
    let on_cycles = statistics.freed_by_collector as f64 / 400.0;
    assert!((198.0..=200.0).contains(&died) && (9.8..=10.2).contains(&on_cycles), "{on_cycles} of {died}");
    let keys = catalogue::settings(NAME, &[("preset", "shared-cache")]).unwrap();
    assert_eq!((keys.integer("live"), keys.integer("reads")), (200_000, 100));
}

#[test]
fn resources_are_held_until_somebody_releases_them() {
    let held = |cleanup, cyclic, threads| {
        let settings = [("cleanup", cleanup), ("cyclic", cyclic)];
        let extra = run::<GenerationalHeap>(&settings, threads).outcome.extra;
        (extra["resources_held_peak"], extra["resources_held_mean"])
    };
    // By hand, or by a finalizer that runs as the count falls to zero: one for each request under way.
    assert_eq!(held("explicit", "1", 1), (1.0, 0.0));
    assert_eq!(held("finalizer", "0", 1), (1.0, 0.0));
    // A finalizer on a cycle waits for the collector: 700 objects are 3.5 requests, and some grow old.
    let (peak, mean) = held("finalizer", "1", 1);
    assert!(peak >= 4.0 && mean >= 1.0 && mean < peak, "peak {peak}, mean {mean}");
    assert!(held("finalizer", "1", 3).0 >= 4.0);
    // Where nothing collects, all are held at the end, and half of them on average.
    let leaking = run::<RefcountHeap>(&[("cleanup", "finalizer"), ("cyclic", "1")], 1).outcome.extra;
    assert_eq!((leaking["resources_held_peak"], leaking["resources_held_mean"]), (400.0, 200.5));
    assert!(run::<RefcountHeap>(&[], 1).outcome.extra.is_empty(), "without resources there is nothing to tell");
}

#[test]
fn whole_result_is_held_at_once_and_a_stream_is_not() {
    let peak_bytes = |materialise| {
        let settings = [("results", "50000"), ("materialise", materialise), ("requests", "3")];
        run::<RefcountHeap>(&settings, 1).statistics.peak_bytes
    };
    let (whole, lazy) = (peak_bytes("whole"), peak_bytes("lazy"));
    // Two objects of at least 40 bytes a row.
    assert!(whole > lazy + 50_000 * 80, "{whole} bytes against {lazy}");
}

#[test]
fn lifetimes_tell_who_dies_young_and_who_by_count() {
    let settings = [("lifetimes", "on"), ("cyclic", "0.1"), ("requests", "2000")];
    let lifetimes = run::<GenerationalHeap>(&settings, 1).outcome.lifetimes.unwrap();
    let died: u64 = lifetimes.buckets.iter().sum();
    assert_eq!(died + lifetimes.outlived, lifetimes.watched);
    assert_eq!(lifetimes.watched, (2000_u64 * 205).div_ceil(lifetimes.every));
    // A request makes 205 objects, and all but the entries and cyclic trees die at its end.
    let young: u64 = lifetimes.buckets[..9].iter().sum();
    assert!(young as f64 > 0.85 * died as f64, "{young} of {died} within 255 allocations");
    let by_count = lifetimes.died_by_count_share.unwrap();
    assert!((0.88..0.93).contains(&by_count), "{by_count}: a tenth of the trees dies by collection");
    // Those on cycles wait for a collection of 700 objects at least.
    let old: u64 = lifetimes.buckets[10..].iter().sum();
    assert!(old > 0);

    let all = run::<GenerationalHeap>(&[("lifetimes", "on"), ("cyclic", "0")], 3).outcome.lifetimes.unwrap();
    assert_eq!(all.died_by_count_share, Some(1.0));
    assert_eq!(run::<GenerationalHeap>(&[], 1).outcome.lifetimes, None);
}

#[test]
fn watching_allocates_nothing_and_triggers_nothing() {
    let statistics = |lifetimes| run::<GenerationalHeap>(&[("lifetimes", lifetimes), ("cyclic", "0.3")], 1).statistics;
    assert_eq!(statistics("on"), statistics("off"));
}

#[test]
fn impossible_values_name_what_is_possible() {
    for (name, value, range) in [
        ("keys", "hot", "one of even, zipf"),
        ("skew", "-1", "a number from 0 to 5"),
        ("skew", "NaN", "a number from 0 to 5"),
        ("back-pointers", "no", "one of strong, weak, cleared"),
        ("cleanup", "maybe", "one of none, explicit, finalizer"),
        ("fail", "101", "a number from 0 to 100"),
        ("results", "-1", "a whole number from 0 to 1000000"),
        ("materialise", "both", "one of whole, lazy"),
        ("ring-garbage", "1", "a number from 0 to 0.95"),
        ("ring-least", "0", "a whole number from 1 to 10000"),
        ("ring-most", "20000", "a whole number from 1 to 10000"),
        ("ring-skew", "x", "a number from 0 to 5"),
        ("lifetimes", "yes", "one of off, on"),
        ("preset", "other", "web-v1, service, shared-cache"),
    ] {
        let error = catalogue::settings(NAME, &[(name, value)]).unwrap_err().to_string();
        assert!(error.contains(&format!("{name}={value} ")) && error.contains(range), "{error}");
    }
    let crossed = catalogue::settings(NAME, &[("heap", "none"), ("ring-least", "27")]).unwrap();
    let error = catalogue::try_settings(NAME, &crossed).unwrap_err().to_string();
    assert!(error.contains("ring-most=26 is not possible; give a whole number from 27 to 10000"), "{error}");
}
