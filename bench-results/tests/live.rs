//! Live interpreters in the experiments that have cells of their own: asked in the same rounds, kept, gone on with, and shown
//! beside the heaps. What is tested hangs on counts, files and causes, never on a time.

use std::fs;
use std::path::Path;

use bench_results::process_memory::ProcessMemory;
use serde_json::Value;

mod program;
use program::{cells, files_below, lines, live_cells, output, python3, stand_in, stderr, stdout, table};

/// Three settings on one heap, of which interpreters can be asked two.
fn thresholds<'a>(run: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = "reproduce thresholds --quick --heaps generational --settings 700,10,10/off/bytes:4M --set live=2000 --set \
                 requests=600";
    fixed.split_whitespace().chain(["--out", run.to_str().unwrap()]).chain(more.iter().copied()).collect()
}

fn freeze<'a>(run: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = "reproduce freeze --tiny --parts conditions,reads --heaps generational";
    fixed.split_whitespace().chain(["--out", run.to_str().unwrap()]).chain(more.iter().copied()).collect()
}

fn names(cells: &[Value]) -> Vec<String> {
    let mut names: Vec<String> = cells.iter().map(|cell| cell["cell"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// No file of a run says where the interpreter is.
fn assert_no_place(run: &Path, place: &Path) {
    for file in files_below(run) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        assert!(!text.contains(place.to_str().unwrap()), "{}", file.display());
    }
}

/// Cuts the live cells after so many, as if the run had been killed in the next, and goes on: by its interpreter only.
fn assert_goes_on(run: &Path, experiment: &str, python: &Path, kept: usize) {
    let all = live_cells(run);
    let path = run.join("live/cells.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let half: String = text.split_inclusive('\n').take(kept).collect();
    fs::write(&path, format!("{half}{{\"schema\":")).unwrap();
    let resume = ["reproduce", experiment, "--json", "--resume", run.to_str().unwrap()];
    let refused = output(&resume);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("is part of this run; name its path by --python"), "{}", stderr(&refused));
    let own = cells(run).len();
    let done = output(&[&resume[..], &["--python", python.to_str().unwrap()]].concat());
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert_eq!(names(&live_cells(run)), names(&all), "the same cells as without the interruption");
    assert_eq!(cells(run).len(), own);
    let printed = lines(&stdout(&done)).iter().filter(|line| line["subject"]["kind"] == "interpreter").count();
    assert_eq!(printed, all.len() - kept);
    // All is there: nobody has to say where the interpreter is.
    assert_eq!(output(&resume).status.code(), Some(0));
}

#[test]
fn thresholds_have_a_row_of_an_interpreter_beside_the_baselines() {
    let Some(python) = python3() else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let done = output(&thresholds(&run, &["--rounds", "2", "--json", "--python", python.to_str().unwrap()]));
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let said = stderr(&done);
    assert!(said.contains("2 rounds of 6 cells and 4 cells in all on live interpreters take about"), "{said}");
    let live = live_cells(&run);
    assert_eq!((live.len(), cells(&run).len()), (4, 12));
    assert!(live.iter().all(|cell| cell["status"] == "ok"), "{live:?}");
    let version = live[0]["subject"]["version"].as_str().unwrap();
    // In the order in which they ended: each round has cells of both.
    let ended: Vec<(u64, bool)> = lines(&stdout(&done))
        .iter()
        .filter_map(|line| Some((line["round"].as_u64()?, line["subject"].is_object())))
        .collect();
    assert_eq!(ended.len(), 16);
    assert!(ended.iter().map(|(round, _)| round).is_sorted(), "{ended:?}");
    let first_live = ended.iter().position(|(_, live)| *live).unwrap();
    assert!(first_live < 5, "they are not all at the end of a round: {ended:?}");

    let csv = table(&run.join("thresholds.csv"));
    let name = format!("{version}, live");
    let value = |setting: &str, of: &str, quantity: &str| {
        let line = csv.iter().find(|line| {
            (line["heap"] == name && line["setting"] == setting) && (line["loop"] == of && line["quantity"] == quantity)
        });
        let line = line.unwrap_or_else(|| panic!("{setting} {of} {quantity}"));
        (line["value"].parse::<f64>().ok(), line["over_rounds"].clone(), line["n"].clone())
    };
    assert_eq!(value("off", "closed", "collections-0"), (Some(0.0), "median over rounds".to_owned(), "2".to_owned()));
    assert!(value("700,10,10", "closed", "collections-0").0.unwrap() > 1.0);
    assert!(value("700,10,10", "open", "response-p50").0.unwrap() > 0.0);
    assert_eq!(value("700,10,10", "closed", "service-p99").0, None, "600 requests have none");
    assert!(!csv.iter().any(|line| line["heap"] == name && line["setting"] == "bytes:4M"));
    let page = fs::read_to_string(run.join("thresholds.md")).unwrap();
    assert_eq!(page.matches(&format!("| ↳ {name} |")).count(), 2, "{page}");
    let unlike = "Counts can be held against CPython's, times cannot";
    assert!(page.find(unlike).unwrap() < page.find("| ↳").unwrap(), "above the tables: {page}");
    assert_eq!(value("700,10,10", "closed", "service-max").1, "most over rounds");
    assert!(page.contains("median over rounds of CPU times") && page.contains("4 cells, 0 failed"), "{page}");
    let rows: Vec<Value> = lines(&stdout(&done)).into_iter().filter(|line| line["heap"] == name.as_str()).collect();
    assert_eq!(rows.len(), 2);
    assert!(
        rows.iter().all(|row| row["live"] == true && row["closed"]["peak-rss"].as_f64().unwrap() > 0.0),
        "{rows:?}"
    );

    assert_no_place(&run, &python);
    assert_goes_on(&run, "thresholds", &python, 1);
    // What is published is a run again, with what interpreters said.
    let out = folder.path().join("published");
    let published = output(&["publish", run.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!(published.status.code(), Some(0), "{}", stderr(&published));
    let page = fs::read_to_string(out.join("thresholds.md")).unwrap();
    assert!(page.contains(&format!("| ↳ {name} |")), "{page}");
    assert_eq!(names(&live_cells(&out)), names(&live));
    let shown = output(&["reproduce", "thresholds", "--resume", run.to_str().unwrap()]);
    let screen = stdout(&shown);
    assert!(screen.find(unlike).unwrap() < screen.find(&name).unwrap(), "{screen}");
    let html = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(html.contains("times cannot: a heap"), "the page says it, too");
}

#[test]
fn freeze_has_rows_of_an_interpreter_beside_the_recorded_ones() {
    let Some(python) = python3().filter(|_| ProcessMemory::is_readable().is_ok()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let done = output(&freeze(&run, &["--python", python.to_str().unwrap()]));
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    // Five conditions; four shares in two lengths, nothing and frozen.
    assert!(stderr(&done).contains("cells and 21 cells of live interpreters, about"), "{}", stderr(&done));
    let live = live_cells(&run);
    assert_eq!(live.len(), 21);
    assert!(live.iter().all(|cell| cell["status"] == "ok"), "{live:?}");
    let name = format!("{}, live", live[0]["subject"]["version"].as_str().unwrap());
    let page = fs::read_to_string(run.join("freeze.md")).unwrap();
    for row in ["nothing", "off", "collect, freeze", "freeze", "off, freeze", "collect, freeze, 5 %, runs of 20"] {
        assert_eq!(page.matches(&format!("| {name}, {row} |")).count(), 1, "{row}: {page}");
    }
    assert!(page.contains("| CPython 3.12.1 (recorded), nothing, N = 1,000,000 |"), "{page}");
    assert!(page.contains("shares are of the whole process (RSS)") && page.contains("| live interpreters |"), "{page}");
    assert!(stdout(&done).contains(&format!("{name}, off")), "{}", stdout(&done));
    let csv = table(&run.join("freeze.csv"));
    let value = |condition: &str, quantity: &str| {
        let is = |line: &&std::collections::BTreeMap<String, String>| {
            (line["heap"] == name && line["part"] == "conditions")
                && (line["condition"] == condition && line["quantity"] == quantity)
        };
        csv.iter().find(is).unwrap_or_else(|| panic!("{condition} {quantity}"))["value"].parse::<f64>().ok()
    };
    // 20,000 objects take more than a MiB, and a collection writes to each that is not frozen.
    assert!(value("nothing", "collected").unwrap() > 1e6);
    assert!(value("collect, freeze", "collected").unwrap() < value("nothing", "collected").unwrap() / 2.0);
    assert!(value("nothing", "control").unwrap() > 0.0);
    assert_eq!(value("nothing", "objects"), None, "nothing tells its objects' pages apart");
    assert_no_place(&run, &python);
    assert_goes_on(&run, "freeze", &python, 3);
}

#[test]
fn an_interpreter_that_fails_is_a_row_with_its_cause() {
    let bin = tempfile::tempdir().unwrap();
    let python = stand_in(bin.path(), "echo MemoryError >&2; exit 3");
    let python = ["--python", python.to_str().unwrap()];
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("thresholds");
    let done = output(&thresholds(&run, &python));
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(live_cells(&run).iter().all(|cell| cell["status"] == "error"));
    let page = fs::read_to_string(run.join("thresholds.md")).unwrap();
    assert!(page.contains("| ↳ CPython 3.99.0, live | n/a |"), "{page}");
    assert!(
        page.contains("CPython 3.99.0, live, off: error in 1 of 1 cells") && page.contains("MemoryError"),
        "{page}"
    );
    assert!(page.contains("CPython 3.99.0: 2 cells, 2 failed"), "{page}");
    if ProcessMemory::is_readable().is_err() {
        return;
    }
    let run = folder.path().join("freeze");
    let done = output(&freeze(&run, &python));
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let page = fs::read_to_string(run.join("freeze.md")).unwrap();
    assert!(page.contains("| CPython 3.99.0, live, nothing | n/a |"), "{page}");
    assert!(page.contains("Failed: CPython 3.99.0, live, nothing:") && page.contains("MemoryError"), "{page}");
}

#[test]
fn what_cannot_be_asked_is_refused_before_anything_is_written() {
    let bin = tempfile::tempdir().unwrap();
    let python = stand_in(bin.path(), "exit 3");
    let python = python.to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let out = run.to_str().unwrap();
    for (arguments, cause) in [
        (vec!["thresholds", "--settings", "bytes:4M", "--python", python], "nothing of this run can be asked"),
        (vec!["thresholds", "--python", python, "--python", python], "is named twice by --python"),
        (vec!["thresholds", "--python", "/bin/echo"], "is no CPython"),
        (vec!["freeze", "--parts", "churn", "--python", python], "nothing of these parts can be asked"),
        (vec!["freeze", "--python", "/nowhere/python"], "give the executable of a CPython by --python"),
    ] {
        let refused = output(&[&["reproduce"][..], &arguments, &["--out", out]].concat());
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&refused).contains(cause), "{arguments:?}: {}", stderr(&refused));
        assert!(!run.exists(), "{arguments:?}");
    }
    // A run without interpreters is gone on with without them.
    let begun =
        output(&["reproduce", "freeze", "--tiny", "--parts", "conditions", "--heaps", "refcount", "--out", out]);
    if ProcessMemory::is_readable().is_ok() {
        assert_eq!(begun.status.code(), Some(0), "{}", stderr(&begun));
        assert!(!run.join("live").exists());
        let refused = output(&["reproduce", "freeze", "--resume", out, "--python", python]);
        assert!(stderr(&refused).contains("which was begun without --python"), "{}", stderr(&refused));
    }
}
