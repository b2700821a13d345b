//! What the instruments record, what is left when they are switched off, and the trace.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

mod program;
use program::{lines, output, stderr, stdout};

fn record(run: &str) -> Value {
    let done = output(&run.split_whitespace().collect::<Vec<_>>());
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    lines(&stdout(&done)).remove(0)
}

#[test]
fn every_axis_is_in_the_record() {
    let record = record(
        "run --heap generational --workload web-requests --set requests=4000 --set live=2000 --rate 10000 --json",
    );
    // 0.4 s and more: windows up to 0.3 s, each share within [0, 1], and BMU never above MMU.
    let curve = |name: &str| -> Vec<(u64, f64)> { serde_json::from_value(record[name].clone()).unwrap() };
    let (mmu, bmu) = (curve("mmu"), curve("bmu"));
    assert!(mmu.len() >= 15 && mmu.len() == bmu.len(), "{mmu:?}");
    assert!(mmu.iter().zip(&bmu).all(|(mmu, bmu)| mmu.0 == bmu.0 && 0.0 <= bmu.1 && bmu.1 <= mmu.1 && mmu.1 <= 1.0));
    assert!(record["mmu_by_mutator"].is_null(), "there is one mutator");
    assert_eq!((&record["metered_ns"]["n"], &record["spans_dropped"]), (&Value::from(4000), &Value::from(0)));
    let trash = record["trash"].as_array().unwrap();
    assert!((1_000..=2_000).contains(&trash.len()), "{} points", trash.len());
    let highest = trash.iter().map(|point| point[1].as_u64().unwrap()).max();
    assert!(highest <= record["floating"]["peak_objects"].as_u64() && highest > Some(100));
    assert!(record["floating_trend"]["steady"].is_boolean());
    let units = record["drag_ns"]["n"].as_u64().unwrap() + record["drag_outstanding"].as_u64().unwrap();
    assert!(units > 200 && record["drag_allocations"]["n"] == record["drag_ns"]["n"], "{units}");
    let (live, held) = (record["live_bytes_after"].as_u64(), record["held_bytes_after"].as_u64());
    assert!(live > Some(100_000) && live < held, "{live:?} of {held:?}");
    assert_eq!(record["cascade_objects"]["n"], record["cascade_ns"]["n"]);
    assert_eq!(record["instruments_off"], serde_json::json!([]));
}

#[test]
fn bare_measures_nothing_that_it_need_not() {
    for rate in ["", "--rate 20000"] {
        let run = "run --heap generational --workload web-requests --set requests=2000 --set live=1000 --json";
        let (usual, bare) = (record(&format!("{run} {rate}")), record(&format!("{run} {rate} --bare")));
        assert_eq!((&usual["digest"], &usual["operations"]), (&bare["digest"], &bare["operations"]));
        assert_ne!(usual["cell"], bare["cell"], "a cell without instruments is another one");
        for off in [
            "response_ns",
            "service_ns",
            "metered_ns",
            "pause_ns",
            "pause_by_cause",
            "cascade_ns",
            "collections",
            "mmu",
            "floating",
            "trash",
            "drag_ns",
            "platform_hiccup_ns",
            "control_cpu_ns",
            "collector_cpu_ns",
            "ledger_ns_per_pause",
            "spans_dropped",
        ] {
            assert!(bare[off].is_null(), "{off}: {}", bare[off]);
        }
        for on in ["wall_ns", "mutator_cpu_ns", "user_ns", "peak_rss_bytes", "live_after", "achieved_per_s"] {
            assert!(bare[on].is_number(), "{on}");
        }
        assert_eq!(bare["backlog_end"].is_null(), rate.is_empty());
        assert_eq!(bare["instruments_off"].as_array().unwrap().len(), 5);
    }
}

#[test]
fn one_instrument_can_be_left_out_and_the_rest_stays() {
    let run = "run --heap generational --workload ring-churn --set requests=20000 --set live=0 --json --without";
    let fields = [
        ("ledger", "pause_ns"),
        ("hiccups", "platform_hiccup_ns"),
        ("floating", "trash"),
        ("timings", "service_ns"),
        ("drag", "drag_ns"),
    ];
    for (left_out, its) in fields {
        let record = record(&format!("{run} {left_out}"));
        for (_, field) in fields {
            assert_eq!(record[field].is_null(), field == its, "without {left_out}: {field}");
        }
    }
    let done = output(&format!("{run} clock").split_whitespace().collect::<Vec<_>>());
    assert_eq!(done.status.code(), Some(1));
    assert!(stderr(&done).contains("ledger, hiccups, floating, timings, drag"), "{}", stderr(&done));
}

/// Begin and end in nanoseconds, by track.
fn tracks(trace: &Value) -> BTreeMap<u64, Vec<(u64, u64)>> {
    let mut tracks: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
    for event in trace["traceEvents"].as_array().unwrap().iter().filter(|event| event["ph"] == "X") {
        let ns = |key: &str| (event[key].as_f64().unwrap() * 1_000.0).round() as u64;
        tracks.entry(event["tid"].as_u64().unwrap()).or_default().push((ns("ts"), ns("ts") + ns("dur")));
    }
    tracks
}

fn sum(trace: &Value, is: impl Fn(&Value) -> bool) -> u64 {
    let events = trace["traceEvents"].as_array().unwrap().iter();
    events.filter(|event| is(event)).map(|event| (event["dur"].as_f64().unwrap() * 1_000.0).round() as u64).sum()
}

#[test]
fn traces_are_nested_and_say_what_the_ledger_says() {
    let folder = tempfile::tempdir().unwrap();
    for (heap, more) in [
        ("generational", "--threads 1"),
        ("generational", "--threads 2"),
        ("stop-the-world", "--threads 2"),
        ("concurrent", "--threads 2 --config full-every=50"),
    ] {
        let path = folder.path().join("cell.trace.json");
        let run = format!(
            "run --heap {heap} --workload web-requests --set live=2000 --set requests=4000 {more} --json --trace {}",
            path.display()
        );
        let record = record(&run);
        let trace: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!((&trace["otherData"]["dropped"], &trace["otherData"]["cell"]), (&Value::from(0), &record["cell"]));
        for events in tracks(&trace).values_mut() {
            // Outer before inner: an event begins in the one that is open or after it, and ends no later than it.
            events.sort_unstable_by_key(|&(begin, end)| (begin, std::cmp::Reverse(end)));
            let mut open: Vec<(u64, u64)> = Vec::new();
            for &event in events.iter() {
                while open.pop_if(|outer| outer.1 <= event.0).is_some() {}
                assert!(open.last().is_none_or(|outer| event.1 <= outer.1), "{heap}: {event:?} is not in {open:?}");
                open.push(event);
            }
        }
        let by_cause = record["pause_by_cause"].as_object().unwrap();
        for (cause, summary) in by_cause {
            let of_cause = |event: &Value| event["cat"] == "pause" && event["name"] == cause.as_str();
            assert_eq!(sum(&trace, of_cause), summary["total"].as_u64().unwrap(), "{heap} {more}: {cause}");
        }
        let cascades = sum(&trace, |event| event["cat"] == "cascade");
        assert_eq!(cascades, record["cascade_ns"]["total"].as_u64().unwrap());
        let named = trace["traceEvents"].as_array().unwrap().iter().filter(|event| event["name"] == "thread_name");
        assert_eq!(named.count(), tracks(&trace).len(), "each track has a name");
        let own = sum(&trace, |event| event["cat"] == "collection");
        assert_eq!(own > 0, heap == "concurrent", "collections on the heap's own thread");
        if more == "--threads 2" && heap == "generational" {
            assert!(!record["mmu_by_mutator"].as_array().unwrap().is_empty());
        }
    }
}

#[test]
fn compare_writes_traces_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let run = format!(
        "compare --workloads web-requests --heaps generational --no-twin --rounds 1 --rate 5000 --set \
         web-requests.requests=500 --set web-requests.live=500 --trace --out {out}"
    );
    let done = output(&run.split_whitespace().collect::<Vec<_>>());
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let cell = program::cells(folder.path()).remove(0);
    let path = folder.path().join(format!("{}.trace.json", cell["cell"].as_str().unwrap()));
    let trace: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert!(trace["traceEvents"].as_array().unwrap().len() > 2);
}

#[test]
fn overhead_has_a_row_for_each_instrument_with_its_interval() {
    let run = "overhead --set requests=300 --set live=500 --set heap=none --rounds 5 --json";
    let done = output(&run.split_whitespace().collect::<Vec<_>>());
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let rows = lines(&stdout(&done));
    let names: Vec<&str> = rows.iter().map(|row| row["instruments"].as_str().unwrap()).collect();
    assert_eq!(names, ["none", "ledger", "hiccups", "floating", "timings", "drag", "all"]);
    for row in &rows {
        let figure = |key: &str| row[key].as_f64().unwrap();
        let ratio = figure("mutator_cpu_ratio");
        assert!(ratio > 0.0 && figure("low") <= ratio && ratio <= figure("high"), "{row}");
    }
    let table =
        output(&run.replace("--json", "").replace("--rounds 5", "--rounds 1").split_whitespace().collect::<Vec<_>>());
    assert!(stdout(&table).contains("n/a") && stderr(&table).contains("needs 5 rounds"), "{}", stdout(&table));
}
