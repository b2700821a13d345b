//! What `gclab publish` makes of a run, and what it says when it cannot.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::json;
use tempfile::TempDir;

mod program;
use program::{cells, change_cells, files_below, lines, output, stderr, stdout, table};

/// A sweep of one short workload: two points, two heaps and a twin, two rounds. Run once, and copied for each test.
fn compare(folder: &Path) -> PathBuf {
    static MADE: LazyLock<TempDir> = LazyLock::new(|| {
        let made = tempfile::tempdir().unwrap();
        let arguments = ["compare", "--workloads", "web-requests", "--heaps", "refcount,generational", "--rounds", "2"];
        let dials = ["--set", "web-requests.requests=500", "--set", "web-requests.live=500,5000", "--rate", "2000"];
        let done = output(&[&arguments[..], &dials, &["--out", made.path().join("run").to_str().unwrap()]].concat());
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        made
    });
    let run = folder.join("run_1 & co");
    fs::create_dir(&run).unwrap();
    for file in files_below(&MADE.path().join("run")) {
        fs::copy(&file, run.join(file.file_name().unwrap())).unwrap();
    }
    run
}

fn publish(run: &Path, out: &Path) -> Output {
    output(&["publish", run.to_str().unwrap(), "--out", out.to_str().unwrap(), "--json"])
}

#[test]
fn every_format_has_every_column_with_its_provenance_and_failed_cells_are_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (compare(folder.path()), folder.path().join("out"));
    let failed = cells(&run)[3].clone();
    let cause = "killed at 50 % of a|b_c & {d}";
    change_cells(&run, |n, cell| {
        // A busy machine may fall behind: that is not what is looked at here.
        if cell["status"] == "saturated" {
            cell["status"] = json!("ok");
            cell["error"] = json!(null);
        }
        if n == 3 {
            cell["status"] = json!("timeout");
            cell["error"] = json!(cause);
            cell["hlog"] = json!(null);
        }
        if cell["heap"] == "generational" {
            cell["mmu"] = json!([[1_000_000, 0.25], [100_000_000, 0.75]]);
            cell["trash"] = json!([[0, 0], [50_000, 700]]);
        }
    });
    let traced = cells(&run).into_iter().find(|cell| cell["heap"] == "generational").unwrap();
    let trace = json!({"traceEvents": [{"name": "stop", "ph": "X", "ts": 5.0, "dur": 12.5, "pid": 1, "tid": 1}]});
    let trace_file = format!("{}.trace.json", traced["cell"].as_str().unwrap());
    fs::write(run.join(trace_file), trace.to_string()).unwrap();
    let before = files_below(&run);
    let done = publish(&run, &out);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert_eq!(files_below(&run), before, "a run that is published is only read");
    let said: BTreeSet<PathBuf> =
        lines(&stdout(&done)).iter().map(|line| PathBuf::from(line["file"].as_str().unwrap())).collect();
    assert_eq!(said, files_below(&out));

    // Two points × three columns × the same quantities, and the failed cell.
    let rows = table(&out.join("tables.csv"));
    let field = |row: &&BTreeMap<String, String>, name: &str| row[name].clone();
    let of_kind = |kind: &str| rows.iter().filter(|row| row["kind"] == kind).collect::<Vec<_>>();
    let (status, figures) = (of_kind("status"), of_kind("figure"));
    let keys: BTreeSet<String> = figures.iter().map(|row| field(row, "quantity")).collect();
    assert_eq!(figures.len(), 2 * 3 * keys.len());
    let [status] = status.as_slice() else { panic!("{status:?}") };
    assert_eq!(field(status, "heap"), failed["heap"]);
    assert_eq!(field(status, "round"), failed["round"].to_string());
    assert_eq!(field(status, "text"), format!("timeout: {cause}"));
    let total = |key: &str| -> u64 {
        let of_key = figures.iter().filter(|row| field(row, "quantity") == key);
        of_key.map(|row| field(row, "value").parse::<u64>().unwrap()).sum()
    };
    assert_eq!((total("cells"), total("cells-ok"), total("cells-failed")), (12, 11, 1));
    let responses: u64 = cells(&run)
        .iter()
        .filter(|cell| cell["status"] == "ok")
        .map(|cell| cell["response_ns"]["n"].as_u64().unwrap())
        .sum();
    let max = figures.iter().filter(|row| field(row, "quantity") == "response-max");
    assert_eq!(max.map(|row| field(row, "n").parse::<u64>().unwrap_or(0)).sum::<u64>(), responses);
    assert!(figures.iter().all(|row| !field(row, "machine").is_empty() && field(row, "rounds") == "2"));

    let text = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let (markdown, latex) = (text("tables.md"), text("tables.tex"));
    for format in [&markdown, &latex] {
        for said in [
            "No ratios",
            "Verdict",
            "timeout",
            "Void as to full collections",
            "generational (twin)",
            "gclab compare",
            "seed",
        ] {
            assert!(format.contains(said), "{said}");
        }
        assert!(!format.contains(folder.path().to_str().unwrap()), "a path of this machine is published");
    }
    assert!(markdown.contains("killed at 50 % of a\\|b\\_c & {d}"), "{markdown}");
    assert!(latex.contains("killed at 50 \\% of a\\textbar{}b\\_c \\& \\{d\\}"), "{latex}");

    let plots: Vec<PathBuf> =
        said.iter().filter(|file| file.extension().is_some_and(|e| e == "svg")).cloned().collect();
    for kind in ["percentiles-", "pauses-", "mmu-", "trash-", "sweep-live-", "pareto-cpu-", "pareto-memory-"] {
        let is = |file: &&PathBuf| file.file_name().unwrap().to_str().unwrap().starts_with(kind);
        let plot = plots.iter().find(is).unwrap_or_else(|| panic!("no plot {kind}"));
        let svg = fs::read_to_string(plot).unwrap();
        let picture = plot.strip_prefix(&out).unwrap().to_str().unwrap();
        assert!(markdown.contains(&format!("]({picture})")), "{picture} is not shown");
        for said in ["prefers-color-scheme:dark", "<title>", "<desc>", "commit", "seed 1"] {
            assert!(svg.contains(said), "{said} in {picture}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{picture}");
    }
    let hgrm = said.iter().find(|file| file.to_str().unwrap().ends_with("generational.response.hgrm")).unwrap();
    assert!(fs::read_to_string(hgrm).unwrap().contains("# AMD").eq(&markdown.contains("| machine | AMD")));
}

#[test]
fn latex_compiles_where_there_is_a_pdflatex() {
    if Command::new("pdflatex").arg("--version").output().is_err() {
        eprintln!("skipped: no pdflatex on this machine");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (compare(folder.path()), folder.path().join("out"));
    change_cells(&run, |n, cell| {
        if n < 2 {
            cell["status"] = json!("error");
            cell["error"] = json!("\\ { } _ % & # $ ^ ~ < > | \" ` µ – × ≥ λ é");
        }
    });
    assert_eq!(publish(&run, &out).status.code(), Some(0));
    let set = ["-interaction=nonstopmode", "-halt-on-error", "tables.tex"];
    let done = Command::new("pdflatex").args(set).current_dir(&out).output().unwrap();
    assert!(done.status.success(), "{}", stdout(&done));
    assert!(out.join("tables.pdf").exists());
}

#[test]
fn several_runs_have_a_folder_each_even_with_one_name() {
    let folder = tempfile::tempdir().unwrap();
    let run = compare(folder.path());
    let (run, out) = (run.to_str().unwrap(), folder.path().join("out"));
    let done = output(&["publish", run, run, "--out", out.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    for name in ["run_1 & co", "run_1 & co-2"] {
        assert!(out.join(name).join("tables.md").exists(), "{name}");
    }
}

#[test]
fn errors_name_cause_and_remedy_and_leave_no_half_of_a_publication() {
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (compare(folder.path()), folder.path().join("out"));
    let fails = |run: &Path, out: &Path, said: &[&str]| {
        let done = publish(run, out);
        assert_eq!(done.status.code(), Some(1), "{}", stdout(&done));
        assert!(said.iter().all(|said| stderr(&done).contains(said)), "{}", stderr(&done));
        assert_eq!(stdout(&done), "");
    };
    fails(folder.path(), &out, &["is no run folder", "gclab compare --out"]);
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    fails(&run, &file.join("below"), &["cannot write", "--out"]);
    let hlog = run.join(cells(&run)[1]["hlog"].as_str().unwrap());
    let whole = fs::read_to_string(&hlog).unwrap();
    fs::write(&hlog, &whole[..whole.len() - 30]).unwrap();
    fails(&run, &out, &["is damaged", "gclab compare --resume"]);
    fs::remove_file(&hlog).unwrap();
    fails(&run, &out, &["cannot read", "gclab compare --resume"]);
    assert!(!out.exists());
    fs::write(&hlog, whole).unwrap();
    // What was interrupted while it learned what the baseline serves, and what has no description.
    let begun = folder.path().join("begun");
    fs::create_dir(&begun).unwrap();
    fs::write(begun.join("cells.jsonl"), "").unwrap();
    fs::copy(run.join("run.json"), begun.join("run.json")).unwrap();
    fails(&begun, &out, &["has no finished cell; go on with `gclab compare --resume", "begun`, then publish it"]);
    change_run(&begun, |run| {
        run["kind"] = json!("thresholds");
        run["comparison"]["rounds"] = json!(null);
    });
    fails(&begun, &out, &["begun, and begin again"]);
    fs::remove_file(begun.join("run.json")).unwrap();
    fs::write(begun.join("cells.jsonl"), json!({"experiment": "pauses", "question": "x"}).to_string() + "\n").unwrap();
    fails(&begun, &out, &["begun/run.json is gone", "put it back"]);
    let unknown = output(&["publish", run.to_str().unwrap(), "--out", out.to_str().unwrap(), "--quantity", "speed"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("give one of"), "{}", stderr(&unknown));
}

/// Changes `run.json`.
fn change_run(run: &Path, change: impl Fn(&mut serde_json::Value)) {
    let path = run.join("run.json");
    let mut value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

#[test]
fn paths_with_blanks_and_what_interpreters_said_are_cut_in_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (compare(folder.path()), folder.path().join("out"));
    let words = ["gclab", "compare", "--out=/x/janedoe the one/x1", "--set", "heap=/x/janedoe the one/sec ret/f"];
    change_run(&run, |run| run["command"] = json!(words));
    change_cells(&run, |n, cell| {
        if n == 0 {
            cell["status"] = json!("error");
            cell["error"] = json!("cannot read /x/janedoe the one/sec ret/other.gz: gone");
        }
    });
    fs::create_dir(run.join("live")).unwrap();
    fs::write(run.join("live/cells.jsonl"), json!({"error": "/x/janedoe the one/file.py: no"}).to_string() + "\n")
        .unwrap();
    let done = publish(&run, &out);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    for file in files_below(&out) {
        let text = fs::read_to_string(&file).unwrap();
        for said in ["janedoe", "the one", "sec ret"] {
            assert!(!text.contains(said), "{said} in {}", file.display());
        }
    }
    let text = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    assert!(text("tables.md").contains("`gclab compare --out=x1 --set heap=f`"), "{}", text("tables.md"));
    assert!(text("tables.md").contains("cannot read other.gz: gone"));
    assert_eq!(text("live/cells.jsonl"), "{\"error\":\"file.py: no\"}\n");
}

#[test]
fn a_folder_holds_one_run_and_all_that_it_has_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (compare(folder.path()), folder.path().join("out"));
    fs::create_dir(run.join("live")).unwrap();
    fs::write(run.join("live/cells.jsonl"), "{}\n").unwrap();
    let published = |run: &Path| {
        let done = publish(run, &out);
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    };
    published(&run);
    assert!(out.join("live/cells.jsonl").exists());
    // The same run, which has gone on without what was there.
    fs::remove_file(run.join("live/cells.jsonl")).unwrap();
    published(&run);
    assert!(!out.join("live/cells.jsonl").exists(), "it would be published as this run's");

    let refused = |run: &Path, out: &Path| {
        let before: BTreeMap<PathBuf, Vec<u8>> =
            files_below(out).into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect();
        let done = publish(run, out);
        assert_eq!(done.status.code(), Some(1), "{}", stdout(&done));
        assert!(stderr(&done).contains("holds another run") && stderr(&done).contains("--out"), "{}", stderr(&done));
        assert!(before.iter().all(|(file, bytes)| fs::read(file).unwrap() == *bytes));
        assert_eq!(files_below(out).len(), before.len());
    };
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    for file in files_below(&run) {
        fs::copy(&file, other.join(file.file_name().unwrap())).unwrap();
    }
    change_run(&other, |run| run["started"] = json!("2026-01-01T00:00:00Z"));
    refused(&run, &other);
    refused(&other, &out);
    change_run(&other, |run| {
        run["started"] = run["ended"].clone();
        run["provenance"]["binary"] = json!("0".repeat(64));
    });
    refused(&other, &out);
    fs::remove_file(other.join("run.json")).unwrap();
    refused(&other, &out);
    refused(&run, &other);
    // Nor is its page replaced by one over several.
    let (one, two) = (run.to_str().unwrap(), other.to_str().unwrap());
    let done = output(&["publish", one, two, "--out", out.to_str().unwrap()]);
    assert!(stderr(&done).contains("holds a run, whose page would be lost"), "{}", stderr(&done));
}

#[test]
fn files_of_a_folder_that_holds_no_run_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (compare(folder.path()), folder.path().join("out"));
    fs::create_dir_all(out.join("live")).unwrap();
    let theirs = ["answer.json", "tune.json", "live/run.json", "live/cells.jsonl"];
    theirs.iter().for_each(|name| fs::write(out.join(name), name).unwrap());
    let done = publish(&run, &out);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    for name in theirs {
        assert_eq!(fs::read_to_string(out.join(name)).unwrap(), name);
    }
    assert!(out.join("cells.jsonl").is_file());
}

#[test]
fn a_copy_of_a_run_that_was_gone_on_with_keeps_its_cells() {
    let folder = tempfile::tempdir().unwrap();
    let (run, out) = (compare(folder.path()), folder.path().join("out"));
    let done = publish(&run, &out);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let whole = fs::read_to_string(out.join("cells.jsonl")).unwrap();
    let refused = || {
        let before: BTreeMap<PathBuf, Vec<u8>> =
            files_below(&out).into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect();
        let done = publish(&run, &out);
        assert_eq!(done.status.code(), Some(1), "{}", stdout(&done));
        for said in ["cells.jsonl holds cells of this run", "would be lost", "--out"] {
            assert!(stderr(&done).contains(said), "{}", stderr(&done));
        }
        assert!(before.iter().all(|(file, bytes)| fs::read(file).unwrap() == *bytes));
        assert_eq!(files_below(&out).len(), before.len());
    };
    // One more than the run has, and one otherwise.
    let last = whole.lines().last().unwrap();
    fs::write(out.join("cells.jsonl"), format!("{whole}{last}\n")).unwrap();
    refused();
    fs::write(out.join("cells.jsonl"), format!("{last}\n")).unwrap();
    refused();
    // The first of them, and half of the second.
    let (first, second) = whole.split_once('\n').unwrap();
    fs::write(out.join("cells.jsonl"), format!("{first}\n{}", &second[..20])).unwrap();
    let done = publish(&run, &out);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert_eq!(fs::read_to_string(out.join("cells.jsonl")).unwrap(), whole);
}

#[test]
fn a_run_whose_records_name_paths_is_not_published_in_its_own_folder() {
    let folder = tempfile::tempdir().unwrap();
    let run = compare(folder.path());
    let before = files_below(&run);
    let done = publish(&run, &run);
    assert_eq!(done.status.code(), Some(1), "{}", stdout(&done));
    assert!(stderr(&done).contains("run.json names paths of this machine"), "{}", stderr(&done));
    assert_eq!(files_below(&run), before);
    change_run(&run, |run| run["command"] = json!(["gclab", "compare", "--out", "runs/deep"]));
    let done = publish(&run, &run);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(run.join("index.html").is_file());
}
