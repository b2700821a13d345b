//! The replay that counts nothing does the work of the run that counts: it reads the same, frees the same and needs the same
//! memory; what it could not follow is refused.

use std::sync::Arc;

use bench_results::cell::Cell;
use bench_results::measure::measure;
use bench_results::record::{Record, Status};
use gc_core::{Heap, HeapConfig, HeapStatistics, NoObserver, RecordingHeap, RefcountHeap, UncountedHeap};
use workloads::catalogue;
use workloads::workload::{NoStages, Outcome, Pace, Plan};

mod classic_programs;

/// Workloads with settings that are smaller than their small ones.
const SERVICES: &[(&str, &[(&str, &str)])] = &[
    ("web-requests", &[("live", "2000"), ("requests", "300"), ("warm-up", "20")]),
    ("web-requests", &[("live", "2000"), ("requests", "300"), ("warm-up", "20"), ("back-pointers", "weak")]),
    ("web-requests", &[("live", "2000"), ("requests", "300"), ("warm-up", "20"), ("preset", "service")]),
    ("frozen-fork", &[("objects", "10000"), ("requests", "300")]),
    ("frozen-fork", &[("objects", "10000"), ("requests", "300"), ("freeze", "immortal")]),
];

/// Workloads with their small settings.
const SMALL: &[&str] = &["deep-cycles", "growth", "ring-churn"];

fn run<H: Heap>(heap: &H, workload: &str, settings: &[(&str, &str)]) -> (Outcome, HeapStatistics) {
    let settings = catalogue::settings(workload, settings).unwrap();
    let plan = Plan { seed: 5, threads: 1, pace: Pace::Closed, stages: &NoStages };
    let outcome =
        catalogue::run(workload, &settings, heap, &plan).unwrap_or_else(|error| panic!("{workload}: {error}"));
    (outcome, heap.statistics())
}

#[test]
fn replay_reads_frees_and_holds_what_counting_does() {
    let mut deaths = 0;
    let small = SMALL.iter().map(|name| (*name, catalogue::find(name).unwrap().small));
    for (workload, settings) in SERVICES.iter().chain(classic_programs::PROGRAMS).copied().chain(small) {
        let refcount = RefcountHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
        let (counted, statistics) = run(&refcount, workload, settings);
        let recording = RecordingHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
        run(&recording, workload, settings);
        let tape = Arc::new(recording.tape().unwrap());
        let heap = UncountedHeap::replaying(Arc::clone(&tape), Arc::new(NoObserver)).unwrap();
        let (replayed, in_replay) = run(&heap, workload, settings);
        let figures = |outcome: &Outcome| (outcome.digest, outcome.live_after, outcome.live_expected);
        assert_eq!(figures(&replayed), figures(&counted), "{workload} {settings:?}");
        // Allocated, freed by count, held and peak bytes.
        assert_eq!(in_replay, statistics, "{workload} {settings:?}");
        assert_eq!(heap.replayed(), Ok(statistics.freed_by_count), "{workload} {settings:?}");
        deaths += tape.deaths();
    }
    assert!(deaths > 300_000, "{deaths} deaths in all of them");
}

fn cell(heap: &str, workload: &str, settings: &[(&str, &str)]) -> Cell {
    let given: Vec<_> = settings.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Cell::new(heap, &[], workload, &given, 5).unwrap()
}

#[test]
fn a_cell_is_recorded_and_then_replayed() {
    let (workload, settings) = SERVICES[0];
    let record = |heap: &str| -> Record { measure(&cell(heap, workload, settings)).unwrap().record };
    let (counted, replayed) = (record("refcount"), record("uncounted"));
    assert_eq!((replayed.status, &replayed.error), (Status::Ok, &None));
    assert_eq!((replayed.digest, replayed.live_after), (counted.digest, counted.live_after));
    assert_eq!(replayed.heap_peak_bytes, counted.heap_peak_bytes);
    assert_eq!(replayed.allocated_objects, counted.allocated_objects);
    // What died at the end of the last operation before a stage is freed behind it: of two requests at most.
    let apart = replayed.freed_by_count.unwrap().abs_diff(counted.freed_by_count.unwrap());
    assert!(apart <= 2 * 250, "{apart} deaths on the other side of a stage");
    assert!(replayed.extra["tape_deaths"] >= counted.freed_by_count.unwrap() as f64);
    assert_eq!((replayed.floating, replayed.peak_rss_bytes), (None, None), "what a replay cannot tell is unknown");
}

#[track_caller]
fn refused(cell: &Cell, cause: &str) {
    let error = measure(cell).err().unwrap().to_string();
    assert!(error.contains(cause), "{error}");
}

#[test]
fn what_a_replay_could_not_follow_is_refused_with_its_cause() {
    let (workload, settings) = SERVICES[0];
    refused(&cell("uncounted", workload, settings).with_threads(2).unwrap(), "give --threads 1");
    let finalizers = [settings, &[("cleanup", "finalizer")]].concat();
    refused(&cell("uncounted", workload, &finalizers), "choose a program without finalizers");
}
