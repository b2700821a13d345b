//! Dead rings float where nothing collects them, and no longer than the trigger allows where something does.

use std::sync::Arc;

use gc_core::{
    GenerationalHeap, GenerationalStreamingHeap, Heap, HeapConfig, NoObserver, RefcountHeap, Thresholds, Trigger,
};
use workloads::catalogue;
use workloads::workload::{NoStages, Outcome, Pace, Plan};

fn run<H: Heap>(config: HeapConfig, settings: &[(&str, &str)], threads: u32, pace: Pace) -> Outcome {
    let heap = H::new(config, Arc::new(NoObserver)).unwrap();
    let settings = catalogue::settings("ring-churn", settings).unwrap();
    let plan = Plan { seed: 3, threads, pace, stages: &NoStages };
    catalogue::run("ring-churn", &settings, &heap, &plan).unwrap()
}

fn closed<H: Heap>(settings: &[(&str, &str)]) -> Outcome {
    run::<H>(HeapConfig::default(), settings, 1, Pace::Closed)
}

#[test]
fn every_ring_floats_without_a_collector() {
    for ring in [1u64, 2, 10, 1000] {
        let outcome = closed::<RefcountHeap>(&[("ring", &ring.to_string()), ("live", "2001"), ("requests", "400")]);
        let floating = outcome.floating.unwrap();
        assert_eq!(outcome.live_expected, 2001, "a table and 1,000 pairs");
        assert_eq!(outcome.live_after, 2001 + 400 * ring);
        assert_eq!(floating.peak_objects, 400 * ring);
        assert_eq!(floating.mean_objects, ring as f64 * 401.0 / 2.0, "one ring more after each request");
        assert_eq!(outcome.extra["floating_max_objects"], (400 * ring) as f64);
    }
}

#[test]
fn same_is_read_on_every_heap_and_its_garbage_is_gone_at_the_end() {
    for ring in ["1", "2", "10", "100", "1000"] {
        for live in ["0", "1", "5000"] {
            let settings = [("ring", ring), ("live", live), ("requests", "300")];
            let counting = closed::<RefcountHeap>(&settings);
            for collecting in [closed::<GenerationalHeap>(&settings), closed::<GenerationalStreamingHeap>(&settings)] {
                assert_eq!(collecting.digest, counting.digest, "rings of {ring} beside {live}");
                assert_eq!(collecting.live_after, collecting.live_expected, "rings of {ring} beside {live}");
            }
        }
    }
}

#[test]
fn other_seeds_and_dials_are_read_differently() {
    let digest = |settings: &[(&str, &str)]| closed::<RefcountHeap>(settings).digest;
    let first = digest(&[("requests", "50")]);
    assert_eq!(first, digest(&[("requests", "50")]));
    for changed in [("ring", "11"), ("live", "5000"), ("reads", "5"), ("requests", "51")] {
        assert_ne!(first, digest(&[("requests", "50"), changed]), "{changed:?}");
    }
}

#[test]
fn beside_nothing_floats_a_young_generation_and_what_collections_caught_half_made() {
    println!("PROBE");
    for trigger in [Trigger::After, Trigger::Inside] {
        for ring in [1u64, 2, 10, 100, 700, 1000] {
            for live in ["0", "100000"] {
                let config = HeapConfig { thresholds: Thresholds([700, 10, 10]), trigger, ..HeapConfig::default() };
                let requests = (2_000_000 / ring).to_string();
                let settings = [("ring", &*ring.to_string()), ("live", live), ("requests", &requests)];
                let outcome = run::<GenerationalHeap>(config, &settings, 1, Pace::Closed);
                println!("{trigger:?} {ring} {live} {:?} {:?}", outcome.floating, outcome.extra);
            }
        }
    }
}
