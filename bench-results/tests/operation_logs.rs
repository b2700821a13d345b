//! The operation logs recorded on CPython 3.12.1, replayed on the heaps with parallel mutators that collect: step by step the
//! same return values, counters and statistics; the same events and the same members of each generation, in any order.

use std::fs;
use std::path::{Path, PathBuf};

use bench_results::roster::{ConcurrentHeap, StopTheWorldHeap};
use gc_core::{Automatic, Certify, Heap, HeapConfig, Trigger};
use workloads::oplog::{Baseline, Difference, Log, compare, parse_baseline, parse_lines, replay_beside};

/// A log and what was recorded for it.
struct Recorded {
    name: String,
    log: Log,
    outcome: String,
    baseline: Baseline,
}

impl Recorded {
    fn read(path: &Path) -> Self {
        let name = path.file_name().unwrap().to_str().unwrap().trim_end_matches(".ops.jsonl").to_owned();
        let log = Log::parse(&fs::read_to_string(path).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let outcome = fs::read_to_string(path.with_file_name(format!("{name}.out.jsonl"))).unwrap();
        let (frozen, immortal) = parse_baseline(outcome.lines().next().unwrap()).unwrap();
        // The interpreter's own objects where they matter: thousands, made anew for each replay.
        let needed = log.header.group == "unfreeze";
        let baseline = if needed { Baseline { frozen, immortal } } else { Baseline::default() };
        Self { name, log, outcome, baseline }
    }

    /// The first difference, as a sentence.
    fn difference<H: Heap>(&self, config: &HeapConfig) -> Option<String> {
        let recorded = parse_lines(&self.outcome).unwrap_or_else(|damage| panic!("{}: {damage:?}", self.name));
        let mut came = Vec::new();
        replay_beside::<H>(&self.log, config, self.baseline, &recorded, |line| came.push(line)).unwrap();
        let found = compare(&came, &self.outcome, H::ABILITIES.list_order).unwrap();
        let Difference { operation, expected, came, .. } = found?;
        let what = self.log.operations.get(operation);
        Some(format!("{}, operation {operation} {what:?}\n  recorded {expected}\n  came     {came}", self.name))
    }
}

fn logs_in(directory: &Path) -> Vec<Recorded> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.to_str().unwrap().ends_with(".ops.jsonl")).collect();
    paths.sort();
    paths.iter().map(|path| Recorded::read(path)).collect()
}

fn own_logs() -> Vec<Recorded> {
    let logs = logs_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../workloads/tests/oplog"));
    assert_eq!(logs.len(), 52);
    logs
}

/// As on heaps that stop: a due collection runs there and then, and what dies by count is gone when the operation ends.
fn step_by_step() -> HeapConfig {
    HeapConfig { automatic: Automatic::AtTrigger, release_budget: None, reservation: 1 << 26, ..HeapConfig::default() }
}

#[track_caller]
fn assert_agree<H: Heap>(logs: &[Recorded], config: &HeapConfig) {
    let wrong: Vec<String> = logs.iter().filter_map(|log| log.difference::<H>(config)).collect();
    assert!(wrong.is_empty(), "{}: {} of {} logs differ\n{}", H::NAME, wrong.len(), logs.len(), wrong.join("\n"));
}

#[test]
fn stop_the_world_does_what_cpython_did() {
    assert_agree::<StopTheWorldHeap>(&own_logs(), &step_by_step());
}

#[test]
fn concurrent_does_what_cpython_did() {
    assert_agree::<ConcurrentHeap>(&own_logs(), &step_by_step());
}

#[test]
fn concurrent_does_what_cpython_did_when_mutators_stand_still_for_the_certification() {
    assert_agree::<ConcurrentHeap>(&own_logs(), &HeapConfig { certify: Certify::Stopped, ..step_by_step() });
}

/// `GCLAB_OPLOGS` names a directory that `workloads/oracle/make_logs.py` wrote; `GCLAB_OPLOGS_TRIGGER=inside` is for
/// CPython ≤ 3.11.
#[test]
#[ignore = "needs fresh logs: workloads/oracle/make_logs.py"]
fn fresh_logs_agree() {
    let directory = std::env::var("GCLAB_OPLOGS").expect("GCLAB_OPLOGS names a directory of logs and outcomes");
    let inside = std::env::var("GCLAB_OPLOGS_TRIGGER").is_ok_and(|value| value == "inside");
    let trigger = if inside { Trigger::Inside } else { Trigger::After };
    let (logs, config) = (logs_in(Path::new(&directory)), HeapConfig { trigger, ..step_by_step() });
    assert_agree::<StopTheWorldHeap>(&logs, &config);
    assert_agree::<ConcurrentHeap>(&logs, &config);
    let operations: usize = logs.iter().map(|recorded| recorded.log.operations.len()).sum();
    println!("{} logs, {operations} operations agree on both heaps", logs.len());
}

#[test]
fn the_comparison_finds_a_collection_inside_the_allocation() {
    let config = HeapConfig { trigger: Trigger::Inside, ..step_by_step() };
    let caught = own_logs().iter().filter(|log| log.difference::<ConcurrentHeap>(&config).is_some()).count();
    assert!(caught >= 15, "{caught} logs");
}
