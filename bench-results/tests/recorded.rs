//! `gclab recorded` on a recording that `python/gclab_record.py` made with CPython 3.12.1.

use std::fs;
use std::path::{Path, PathBuf};

use bench_results::histogram::Histograms;
use serde_json::Value;

mod program;
use program::{lines, output, stderr, stdout};

fn recording() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/small_py312.jsonl")
}

/// Start and end of each line of a kind.
fn spans(kind: &str) -> Vec<(u64, u64)> {
    lines(&fs::read_to_string(recording()).unwrap())
        .iter()
        .filter(|line| line["kind"] == kind)
        .map(|line| (line["start_ns"].as_u64().unwrap(), line["end_ns"].as_u64().unwrap()))
        .collect()
}

#[test]
fn figures_are_those_of_the_lines() {
    let file = recording();
    let done = output(&["recorded", file.to_str().unwrap(), "--json"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let told: Value = lines(&stdout(&done)).remove(0);
    let (pauses, requests) = (spans("collection"), spans("request"));
    assert!(pauses.len() >= 5 && requests.len() == 22);
    let sum = |spans: &[(u64, u64)]| spans.iter().map(|(start, end)| end - start).sum::<u64>();
    assert_eq!(told["pause_ns"]["n"], pauses.len());
    assert_eq!(told["pause_ns"]["total"], sum(&pauses));
    assert_eq!(told["paused_ns"], sum(&pauses), "one interpreter's collections do not overlap");
    let by_generation =
        told["generations"].as_array().unwrap().iter().map(|one| one["pause_ns"]["n"].as_u64().unwrap());
    assert_eq!(by_generation.sum::<u64>(), pauses.len() as u64);
    // Each request against each pause.
    let overlapped: Vec<(u64, u64)> = requests
        .iter()
        .copied()
        .filter(|(start, end)| pauses.iter().any(|(begin, stop)| begin < end && start < stop))
        .collect();
    assert!(!overlapped.is_empty() && overlapped.len() < requests.len());
    assert_eq!(told["request_with_pause_ns"]["n"], overlapped.len());
    assert_eq!(told["request_with_pause_ns"]["total"], sum(&overlapped));
    assert_eq!(told["request_without_pause_ns"]["n"], requests.len() - overlapped.len());
    assert_eq!(told["request_ns"]["total"], sum(&requests));
    let longest = pauses.iter().map(|(start, end)| end - start).max().unwrap();
    for window in told["mmu"].as_array().unwrap() {
        let (length, share) = (window[0].as_u64().unwrap(), window[1].as_f64().unwrap());
        assert!(share <= 1.0 - longest.min(length) as f64 / length as f64 + 1e-9, "{window}");
    }
}

#[test]
fn tables_and_histograms_are_written() {
    let (file, folder) = (recording(), tempfile::tempdir().unwrap());
    let out = folder.path().join("out");
    let done = output(&["recorded", file.to_str().unwrap(), file.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let text = stdout(&done);
    for part in ["generation 2", "with a pause", "without", "MMU", "of the worst process", "CPython 3.12.1"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let count = |tag| Histograms::read(&out.join("recorded.hlog"), tag).unwrap().unwrap().len();
    assert_eq!(count("pause"), 2 * spans("collection").len() as u64);
    assert_eq!(count("pause-g0") + count("pause-g1") + count("pause-g2"), count("pause"));
    assert_eq!(count("service-with-pause") + count("service-without-pause"), count("service"));
}

#[test]
fn bad_input_is_refused_with_its_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.jsonl");
    let good = fs::read_to_string(recording()).unwrap();
    let mut broken: Vec<&str> = good.lines().collect();
    broken[3] = "{\"kind\":\"collection\"}";
    for (text, wanted) in [(broken.join("\n"), "line 4"), (String::new(), "empty"), ("[]\n".to_owned(), "line 1")] {
        fs::write(&path, text).unwrap();
        let done = output(&["recorded", path.to_str().unwrap()]);
        assert_eq!(done.status.code(), Some(1));
        assert!(stderr(&done).contains("bad.jsonl") && stderr(&done).contains(wanted), "{}", stderr(&done));
    }
    let done = output(&["recorded", folder.path().join("none").to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(1));
    assert!(stderr(&done).contains("cannot open"), "{}", stderr(&done));
}
