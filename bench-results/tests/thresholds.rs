//! `gclab reproduce thresholds`, small: what it runs, what it leaves, and that it goes on where it was interrupted.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

mod program;
use program::{cells, lines, output, stderr, stdout, table};

/// Three settings on two heaps, a second or two.
fn small<'a>(folder: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = "reproduce thresholds --quick --heaps refcount,generational --settings 700,10,10/off/freeze --set live=2000 --set \
                 requests=600 --set ballast=0 --set warm-up=20";
    let out = ["--out", folder.to_str().unwrap()];
    fixed.split_whitespace().chain(more.iter().copied()).chain(out).collect()
}

#[test]
fn a_run_is_interleaved_resumed_and_ends_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let done = output(&small(&run, &["--rounds", "2"]));
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let said = stderr(&done);
    assert!(said.contains("2 rounds of 8 cells take about"), "{said}");
    assert!(said.contains("gclab reproduce thresholds --resume"), "{said}");
    // refcount collects nothing: it stands at the first setting alone, in both loops.
    let all = cells(&run);
    assert_eq!(all.len(), 2 * (2 + 3 * 2));
    let of = |heap: &str| all.iter().filter(|cell| cell["heap"] == heap).count();
    assert_eq!((of("refcount"), of("generational")), (4, 12));
    assert!(all.iter().all(|cell| cell["status"] == "ok" || cell["status"] == "saturated"), "{all:?}");
    let loops: BTreeSet<bool> = all.iter().map(|cell| cell["offered_per_s"].is_null()).collect();
    assert_eq!(loops.len(), 2, "a closed loop and an open one");

    let csv = table(&run.join("thresholds.csv"));
    let value = |heap: &str, setting: &str, of: &str, quantity: &str| {
        let is = |line: &&std::collections::BTreeMap<String, String>| {
            line["heap"] == heap && line["setting"] == setting && line["loop"] == of && line["quantity"] == quantity
        };
        csv.iter().find(is).unwrap_or_else(|| panic!("{heap} {setting} {of} {quantity}"))["value"].clone()
    };
    assert_eq!(value("generational", "off", "closed", "collections-0"), "0");
    assert!(value("generational", "700,10,10", "closed", "collections-0").parse::<f64>().unwrap() > 0.0);
    assert!(value("generational", "off", "closed", "floating-peak").parse::<f64>().unwrap() > 1000.0);
    assert!(value("generational", "700,10,10", "open", "throughput").parse::<f64>().unwrap() > 0.0);
    assert!(csv.iter().all(|line| line["cpython"].is_empty()), "CPython ran another cache");
    let text = fs::read_to_string(run.join("thresholds.md")).unwrap();
    for expected in ["on generational", "on refcount", "| freeze |", "| machine |", "collections 0/1/2"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!text.contains("CPython 3.12.1 (recorded)"), "no row of CPython: {text}");
    assert!(!text.contains("requests a CPU second") && !stdout(&done).contains("requests a CPU second"), "{text}");
    assert!(!text.contains("know no free lists"), "generational knows them: {text}");
    let latex = fs::read_to_string(run.join("thresholds.tex")).unwrap();
    for expected in ["on generational", "on refcount", "freeze & ", "collections 0/1/2", "\\end{document}"] {
        assert!(latex.contains(expected), "{expected}: {latex}");
    }
    assert!(stdout(&done).contains("thresholds.md"));
    let plot = fs::read_dir(&run).unwrap().any(|file| file.unwrap().path().extension().is_some_and(|end| end == "svg"));
    assert!(plot, "no plot");

    // As if it had been killed in the middle of a line.
    let path = run.join("cells.jsonl");
    let written = fs::read_to_string(&path).unwrap();
    let half: String = written.split_inclusive('\n').take(9).collect();
    fs::write(&path, format!("{half}{{\"schema\":")).unwrap();
    fs::remove_file(run.join("thresholds.md")).unwrap();
    let resumed = output(&["reproduce", "thresholds", "--json", "--resume", run.to_str().unwrap()]);
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    assert!(stderr(&resumed).contains("9 of 16 cells are there"), "{}", stderr(&resumed));
    let names =
        |cells: &[serde_json::Value]| cells.iter().map(|cell| cell["cell"].to_string()).collect::<BTreeSet<_>>();
    let again = cells(&run);
    assert_eq!(again.len(), 16);
    assert_eq!(names(&again), names(&all), "the same cells as without the interruption");
    assert!(run.join("thresholds.md").exists());
    // Seven records, then a row each: three settings on generational, one on refcount.
    let printed = lines(&stdout(&resumed));
    assert_eq!(printed.len(), 7 + 4);
    let row = printed.iter().find(|line| line["setting"] == "freeze").unwrap();
    assert!(
        row["closed"]["peak-rss"].as_f64().unwrap() > 0.0 && row["cpython"].as_array().unwrap().is_empty(),
        "{row}"
    );

    let other = output(&["compare", "--resume", run.to_str().unwrap()]);
    assert_eq!(other.status.code(), Some(1));
    assert!(stderr(&other).contains("gclab reproduce thresholds --resume"), "{}", stderr(&other));
    let published = output(&["publish", run.to_str().unwrap(), "--out", folder.path().join("all").to_str().unwrap()]);
    assert_eq!(published.status.code(), Some(0), "{}", stderr(&published));
}

#[test]
fn counts_of_heaps_that_know_no_free_lists_say_so() {
    let young = |heap: &str, free_lists: &str| {
        let dials = ["preset=web-v1", "live=2000", "requests=2000", "warm-up=20"].map(|dial| ["--set", dial]).concat();
        let config = format!("free-lists={free_lists}");
        let run = ["run", "--workload", "web-requests", "--heap", heap, "--config", &config, "--json"];
        let done = output(&[&run[..], &dials].concat());
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        let record = &lines(&stdout(&done))[0];
        let all = record["collections"].as_array().unwrap();
        all.iter().find(|of| of["generation"] == 0).unwrap()["collections"].as_u64().unwrap()
    };
    for (heap, knows) in [("generational", true), ("stop-the-world", false)] {
        assert_eq!(young(heap, "cpython-3.12") < young(heap, "none"), knows, "{heap}");
    }
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let fixed = "reproduce thresholds --quick --heaps generational,stop-the-world,concurrent --settings 700,10,10 --rounds 1 --set \
                 live=2000 --set requests=600 --set ballast=0 --set warm-up=20";
    let out = ["--out", run.to_str().unwrap()];
    let done = output(&fixed.split_whitespace().chain(out).collect::<Vec<_>>());
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let text = fs::read_to_string(run.join("thresholds.md")).unwrap();
    for (heap, is_said) in [("generational", false), ("stop-the-world", true), ("concurrent", true)] {
        let said = text.contains(&format!("The counters of {heap} know no free lists"));
        assert_eq!(said, is_said, "{heap}: {text}");
    }
    assert!(text.contains("1188/108/6"), "{text}");
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let run = run.to_str().unwrap();
    for (arguments, cause) in [
        (vec!["--settings", "700,10"], "no setting is called `700,10`"),
        (vec!["--heaps", "none"], "no heap is called"),
        (vec!["--heaps", "uncounted"], "names an instrument"),
        (vec!["--set", "steering=off"], "choose with --settings"),
        (vec!["--set", "live=x"], "live=x is not possible"),
        (vec!["--quick", "--grid"], "cannot be used with"),
    ] {
        let refused = output(&[&["reproduce", "thresholds", "--out", run][..], &arguments].concat());
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&refused).contains(cause), "{arguments:?}: {}", stderr(&refused));
        assert!(!Path::new(run).exists(), "{arguments:?}");
    }
    let nothing = output(&["reproduce", "thresholds", "--resume", run]);
    assert_eq!(nothing.status.code(), Some(1));
}
