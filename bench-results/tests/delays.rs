//! A delay put into a heap on purpose is seen by every instrument that is meant to see it: with its cause and its size.
//! Needs the feature `faults`: `cargo test -p bench-results --features faults --test delays`.
//!
//! Every 10,000th release sleeps for 20 ms. A sleep never ends early, and on a slow machine it may end late: so all claims
//! are of "at least".

use std::fs;
use std::path::Path;

use bench_results::histogram::Histograms;
use serde_json::Value;

mod program;
use program::{gclab, lines, stderr, stdout};

const DELAY_NS: u64 = 20_000_000;
const REQUESTS: u64 = 2_000;

struct Cell {
    record: Value,
    trace: Value,
}

impl Cell {
    fn run(folder: &Path, rate: Option<&str>) -> Self {
        let (hlog, trace) = (folder.join("cell.hlog"), folder.join("cell.trace.json"));
        let requests = format!("requests={REQUESTS}");
        let run = ["run", "--heap", "generational", "--workload", "web-requests", "--set", "heap=none", "--set"];
        let mut command = gclab(&run);
        command.args([&requests, "--set", "live=1000", "--json"]).arg("--hlog").arg(&hlog).arg("--trace").arg(&trace);
        command.args(rate.iter().flat_map(|rate| ["--rate", rate])).env("GCLAB_FAULT", "generational:Delays");
        let done = command.output().unwrap();
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        let record = lines(&stdout(&done)).remove(0);
        Self { record, trace: serde_json::from_slice(&fs::read(trace).unwrap()).unwrap() }
    }

    fn figure(&self, path: &str) -> u64 {
        self.record.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("{path}: {}", self.record))
    }

    /// How many times of a histogram are at least this long.
    fn at_least(&self, tag: &str, ns: u64) -> u64 {
        let hlog = Histograms::read(Path::new(self.record["hlog"].as_str().unwrap()), tag).unwrap().unwrap();
        hlog.count_between(hlog.lowest_equivalent(ns), u64::MAX)
    }

    /// Each request releases each of its 201 objects at least once.
    fn least_delays(&self) -> u64 {
        REQUESTS * 201 / 10_000
    }
}

#[test]
fn ledger_utilization_and_trace_have_the_delay_with_its_cause_and_size() {
    let folder = tempfile::tempdir().unwrap();
    let cell = Cell::run(folder.path(), None);
    let delays = cell.figure("/pause_by_cause/lock/n");
    assert!(delays >= cell.least_delays(), "{delays} delays");
    // No other lock is waited for on one mutator, so the shortest is a delay too.
    assert!(cell.figure("/pause_by_cause/lock/mean") >= DELAY_NS && cell.figure("/pause_ns/max") >= DELAY_NS);
    assert!(cell.figure("/pause_by_cause/lock/total") >= delays * DELAY_NS);

    let mmu: Vec<(u64, f64)> = serde_json::from_value(cell.record["mmu"].clone()).unwrap();
    let at = |window| mmu.iter().find(|point| point.0 == window).unwrap().1;
    assert_eq!((at(10_000_000), at(DELAY_NS)), (0.0, 0.0), "{mmu:?}");
    assert!(at(100_000_000) <= 0.8, "{mmu:?}");

    let events = cell.trace["traceEvents"].as_array().unwrap();
    let locks: Vec<&Value> = events.iter().filter(|event| event["cat"] == "pause" && event["name"] == "lock").collect();
    assert_eq!(locks.len() as u64, delays);
    assert!(locks.iter().all(|event| event["dur"].as_f64().unwrap() >= 20_000.0));
}

#[test]
fn open_loop_shows_the_queue_behind_a_delay_and_service_time_hides_it() {
    let folder = tempfile::tempdir().unwrap();
    // At 500 a second five requests arrive in the first half of each delay on average, and have at least the other half to
    // wait. The delays take about half of the time: the loop is not saturated by them.
    let open = Cell::run(folder.path(), Some("500"));
    let half = DELAY_NS / 2;
    let (delays, slow) = (open.figure("/pause_by_cause/lock/n"), open.at_least("service", DELAY_NS));
    let late = open.at_least("response", half);
    assert!(slow >= delays - 1, "{slow} requests hold {delays} delays; one may fall between two requests");
    // On a slow machine they are only more.
    assert!(late >= 3 * delays, "{late} requests are late by {delays} delays");
    assert!(late >= 2 * open.at_least("service", half), "{late} are late, and few of them were slow themselves");

    // The closed loop: nobody arrives meanwhile, so of the same delays each makes one request slow and no more is seen.
    let closed = Cell::run(folder.path(), None);
    let (delays, slow) = (closed.figure("/pause_by_cause/lock/n"), closed.at_least("service", half));
    assert!(delays >= closed.least_delays() && closed.record["response_ns"].is_null());
    assert!(closed.figure("/service_ns/max") >= DELAY_NS);
    assert!(late > 2 * slow, "{slow} slow requests in a closed loop, {late} late ones in an open loop");
    // Metered latency tells some of it from the same closed loop.
    assert!(closed.figure("/metered_ns/mean") > closed.figure("/service_ns/mean"));
}
