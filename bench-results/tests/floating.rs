//! The floating experiment: heaps and interpreters run the same program, and the baseline collects by CPython's rules. What is
//! tested are counts.

use std::fs;

use bench_results::experiment::floating::{FloatingGarbage, Recorded, recorded};
use bench_results::experiment::trial::{Cell, Experiment, Options, Point, Record, Size, Subject};
use serde_json::{Value, json};

mod program;
use program::{output, stderr};

fn cell(point: Point, subject: Subject) -> Cell {
    let Point { question, options } = point;
    Cell { experiment: "floating".to_owned(), question, subject, options, round: 0, seed: 1 }
}

/// The points of a size at which a version was asked, where few enough objects die and live.
fn small(size: Size, version: &str) -> Vec<(Point, Recorded)> {
    let all = recorded();
    let is = |options: &Options, option: &str, value: u32| options[option] == value.to_string();
    let there = |point: Point| {
        let options = &point.options;
        let mut rows = all.iter().filter(|row| row.version == version && row.ring <= 10_000);
        let row = rows.find(|row| {
            is(options, "ring", row.ring) && is(options, "live", row.live) && is(options, "requests", row.requests)
        });
        Some((point.clone(), row?.clone()))
    };
    FloatingGarbage.points(size).into_iter().filter_map(there).collect()
}

/// The baseline with a version's thresholds collects as often as that version did, within two of each generation, and its
/// garbage floats as far, within one ring.
fn assert_as_recorded(version: &str, settings: Option<(&str, &str)>, points: usize) {
    let mut held = 0;
    for (point, recorded) in small(Size::Tiny, version).into_iter().chain(small(Size::Quick, version)) {
        let figures = FloatingGarbage.measure(&cell(point, Subject::heap("generational", settings))).unwrap();
        let number = |name: &str| figures[name].as_f64().unwrap();
        let collections = ["collections_0", "collections_1", "collections_2"].map(|name| number(name) as u64);
        let most = number("floating_max_objects") as u64;
        println!("{recorded:?}: {collections:?}, {most} at most, {} on average", number("floating_mean_objects"));
        for (ours, theirs) in collections.iter().zip(recorded.collections()) {
            assert!(ours.abs_diff(theirs) <= 2, "{collections:?}; {recorded:?}");
        }
        assert!(most.abs_diff(recorded.max_objects) <= u64::from(recorded.ring), "{most}; {recorded:?}");
        assert_eq!(most % u64::from(recorded.ring), 0, "rings die whole");
        held += 1;
    }
    assert_eq!(held, points);
}

#[test]
fn the_baseline_does_as_cpython_3_12() {
    assert_as_recorded("CPython 3.12.1", None, 14);
}

#[test]
fn with_its_thresholds_the_baseline_does_as_cpython_3_13() {
    assert_as_recorded("CPython 3.13.0", Some(("thresholds", "2000,10,10")), 14);
}

#[test]
fn a_run_has_rows_of_what_was_recorded_and_counts_whole_rings() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let done = output(&[
        "reproduce",
        "floating",
        "--tiny",
        "--heaps",
        "generational,stop-the-world",
        "--out",
        run.to_str().unwrap(),
    ]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let text = fs::read_to_string(run.join("cells.jsonl")).unwrap();
    let records: Vec<Record> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let most = |question: &str| {
        let of = records.iter().filter(|record| record.question == question);
        of.map(|record| record.number("floating_max_objects").unwrap()).collect::<Vec<_>>()
    };
    // Generation 0 is due at more than 700 net allocations, of which half are witnesses.
    assert_eq!(most("ring-1-live-0").len(), 2);
    for count in most("ring-1-live-0") {
        assert!((350.0..=370.0).contains(&count), "{count}");
    }
    for count in most("ring-100-live-0") {
        assert!((700.0..20_000.0).contains(&count) && count % 100.0 == 0.0, "whole rings: {count}");
    }
    assert!(run.join("plots/floating-live-1000.svg").is_file());
    let page = fs::read_to_string(run.join("floating.md")).unwrap();
    for (version, rows) in [("3.8.18", 4), ("3.10.13", 4), ("3.11.7", 4), ("3.12.1", 4), ("3.13.0", 4)] {
        // Two tables beside each of two live heaps.
        assert_eq!(page.matches(&format!("| CPython {version} (recorded) | ")).count(), rows, "{page}");
    }
    assert!(page.contains("Each ring also holds a witness, on heaps as on interpreters"), "{page}");
    assert!(page.contains("Collections beside 1,000 live objects, of each generation"), "{page}");
}

/// Makes another run of this one.
fn changed(run: &std::path::Path, change: impl Fn(&mut Value)) {
    let path = run.join("run.json");
    let mut value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

#[test]
fn a_run_from_before_heaps_had_witnesses_is_read_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let done = output(&["reproduce", "floating", "--tiny", "--heaps", "generational", "--out", run.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    changed(&run, |value| {
        for cell in value["plan"]["cells"].as_array_mut().unwrap() {
            let options = cell["options"].as_object_mut().unwrap();
            assert_eq!(options.remove("witness"), Some(json!("on")));
            assert!(options.remove("ballast").is_some());
        }
    });
    let out = folder.path().join("published");
    let done = output(&["publish", run.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let page = fs::read_to_string(out.join("floating.md")).unwrap();
    assert!(page.contains("cannot be held against each other"), "{page}");
    assert!(!page.contains("on heaps as on interpreters"), "{page}");
}

#[test]
fn where_every_cell_failed_nothing_is_said_of_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let done = output(&["reproduce", "floating", "--tiny", "--heaps", "generational", "--out", run.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let path = run.join("cells.jsonl");
    let failed = fs::read_to_string(&path).unwrap();
    let failed = failed.lines().map(|line| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        (record["status"], record["error"], record["figures"]) = (json!("error"), json!("it failed"), json!({}));
        format!("{record}\n")
    });
    let failed: String = failed.collect();
    fs::write(&path, failed).unwrap();
    let out = folder.path().join("published");
    let done = output(&["publish", run.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let page = fs::read_to_string(out.join("floating.md")).unwrap();
    assert!(!page.contains("died: .") && !page.contains("At most so many"), "{page}");
}
