//! The dials of `web-requests` on the heaps with parallel mutators, and what of them reaches records and `gclab list`.

use std::process::Command;
use std::sync::Arc;

use bench_results::roster::{ConcurrentHeap, GenerationalHeap, RefcountAtomicHeap, RefcountHeap, StopTheWorldHeap};
use gc_core::{Heap, HeapConfig, NoObserver};
use serde_json::Value;
use workloads::catalogue;
use workloads::workload::{NoStages, Outcome, Pace, Plan};

const SEED: u64 = 4;

fn run<H: Heap>(settings: &[(&str, &str)], threads: u32) -> Outcome {
    let small = [("heap", "none"), ("live", "2000"), ("requests", "600"), ("warm-up", "0")];
    let heap = H::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
    let settings = catalogue::settings("web-requests", &[&small, settings].concat()).unwrap();
    let plan = Plan { seed: SEED, threads, pace: Pace::Closed, stages: &NoStages };
    catalogue::run("web-requests", &settings, &heap, &plan).unwrap()
}

#[test]
fn each_dial_reads_the_same_and_leaves_nothing_on_parallel_heaps() {
    let cases: &[&[(&str, &str)]] = &[
        &[("cyclic", "1"), ("back-pointers", "weak")],
        &[("cyclic", "1"), ("back-pointers", "cleared")],
        &[("cyclic", "1"), ("cleanup", "finalizer")],
        &[("cyclic", "1"), ("cleanup", "explicit"), ("fail", "30")],
        &[("keys", "zipf"), ("results", "30")],
        &[("keys", "zipf"), ("results", "30"), ("materialise", "lazy")],
        &[("lifetimes", "on"), ("cyclic", "0.3")],
        &[("preset", "service"), ("heap", "none"), ("live", "2000")],
        &[("preset", "shared-cache"), ("live", "2000")],
    ];
    for case in cases {
        for threads in [1, 2] {
            let counting = run::<RefcountHeap>(case, threads);
            let label = format!("{case:?} on {threads} mutators, seed {SEED}");
            assert_eq!(run::<RefcountAtomicHeap>(case, threads).digest, counting.digest, "{label}");
            let collecting = [
                run::<GenerationalHeap>(case, threads),
                run::<StopTheWorldHeap>(case, threads),
                run::<ConcurrentHeap>(case, threads),
            ];
            for outcome in collecting {
                assert_eq!(outcome.digest, counting.digest, "{label}");
                assert_eq!(outcome.live_after, outcome.live_expected, "{label}");
                if let Some(lifetimes) = outcome.lifetimes {
                    assert_eq!(
                        lifetimes.watched,
                        lifetimes.outlived + lifetimes.buckets.iter().sum::<u64>(),
                        "{label}"
                    );
                }
            }
        }
    }
}

/// Runs `gclab` with these words; one line of JSON.
fn gclab(words: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_gclab")).args(words.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn record_tells_lifetimes_where_they_were_watched() {
    let small =
        "run --heap generational --workload web-requests --json --set heap=none --set live=2000 --set requests=900";
    let record = gclab(&format!("{small} --set lifetimes=on --set cleanup=finalizer"));
    let lifetimes = &record["lifetimes"];
    assert_eq!(lifetimes["every"], 31);
    assert!(lifetimes["buckets"].as_array().unwrap().len() > 6, "{lifetimes}");
    for share in [&lifetimes["died_by_count_share"], &record["died_by_count_share"]] {
        assert!((0.85..1.0).contains(&share.as_f64().unwrap()), "{share}");
    }
    assert!(record["extra"]["resources_held_peak"].as_f64().unwrap() >= 2.0);
    let unwatched = gclab(small);
    assert!(unwatched["lifetimes"].is_null());
    assert!(unwatched["died_by_count_share"].is_f64());
}

#[test]
fn each_workload_has_a_row_of_figures_and_each_column_a_meaning() {
    let stats = gclab("list --stats --json");
    let rows = stats["nominal"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["workload"].as_str().unwrap()).collect();
    assert_eq!(names, catalogue::ENTRIES.iter().map(|entry| entry.name).collect::<Vec<_>>());
    for row in rows {
        let fields = row.as_object().unwrap();
        for field in fields.keys().filter(|field| !["workload", "operation"].contains(&field.as_str())) {
            assert!(stats["columns"][field].is_string(), "{field} has no meaning");
        }
        assert!(row["operations"].as_u64().unwrap() > 0, "{row}");
        // A collection is the operation of one workload, and allocates nothing.
        let allocates = row["operation"] != "collection";
        assert_eq!(row["allocated_per_operation"].as_f64().unwrap() > 0.0, allocates, "{row}");
    }
    let text = Command::new(env!("CARGO_BIN_EXE_gclab")).args(["list", "--stats"]).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    for column in workloads::nominal::COLUMNS {
        assert_eq!(
            text.matches(column.heading).count().min(2),
            2,
            "{} stands above its column and below",
            column.heading
        );
        assert!(text.contains(column.meaning), "{}", column.meaning);
    }
}
