//! Experiments whose cells end in flat figures: pauses, floating and release, end to end at tiny size. What is tested hangs on
//! counts, files and causes, never on a time.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use bench_results::experiment::floating::FloatingGarbage;
use bench_results::experiment::pauses::Pauses;
use bench_results::experiment::release::Release;
use bench_results::experiment::trial::{Cell, Experiment, Options, Plan, Record, Size, Subject};
use bench_results::process_memory::ProcessMemory;
use bench_results::record::Status;
use serde_json::{Value, json};

mod program;
use program::{files_below, lines, output, python3, stand_in, stderr, stdout, table};

/// Whether the system tells what memory a process has, which `release` asks.
fn is_measurable() -> bool {
    let readable = ProcessMemory::is_readable();
    if let Err(cause) = &readable {
        eprintln!("skipped: {cause}");
    }
    readable.is_ok()
}

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/trial.schema.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Runs a tiny experiment into a folder.
fn tiny(experiment: &str, run: &Path, more: &[&str]) -> Output {
    output(&[&["reproduce", experiment, "--tiny", "--out", run.to_str().unwrap()][..], more].concat())
}

fn records(run: &Path) -> Vec<Record> {
    let text = fs::read_to_string(run.join("cells.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A tiny run whose cells all come to their end: its records, and the folder.
fn whole(experiment: &str, more: &[&str]) -> (Vec<Record>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let done = tiny(experiment, &run, more);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(stderr(&done).contains("in 1 round, about"), "{}", stderr(&done));
    let records = records(&run);
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    for record in &records {
        assert_eq!(record.status, Status::Ok, "{}: {:?}", record.name(), record.error);
        let errors: Vec<String> = validator.iter_errors(&json!(record)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    for ending in ["md", "csv", "tex"] {
        assert!(run.join(format!("{experiment}.{ending}")).is_file());
    }
    let page = fs::read_to_string(run.join(format!("{experiment}.md"))).unwrap();
    for finding in page.lines().filter(|line| line.starts_with("- **")) {
        assert!(stdout(&done).contains(finding.split("**").nth(1).unwrap()), "{finding}");
    }
    assert!(page.contains("- **") && page.contains("| command |"), "{page}");
    (records, folder)
}

#[test]
fn record_and_schema_have_the_same_fields() {
    let cell = cell("pauses", "generational", &[], &[]);
    let record = json!(Record::of(&cell, "program"));
    let mut described: Vec<String> = schema()["properties"].as_object().unwrap().keys().cloned().collect();
    let mut written: Vec<String> = record.as_object().unwrap().keys().cloned().collect();
    described.sort();
    written.sort();
    assert_eq!(described, written, "add the field to bench-results/schema/trial.schema.json");
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    for (field, wrong) in [("figures", json!({"a_ns": -1})), ("figures", json!({"A": 1})), ("round", json!(-1))] {
        let mut record = record.clone();
        record["binary"] = json!("0".repeat(64));
        record[field] = wrong;
        assert!(!validator.is_valid(&record), "{record}");
    }
}

#[test]
fn the_experiments_take_as_long_as_promised() {
    for experiment in [&Pauses as &dyn Experiment, &FloatingGarbage, &Release] {
        for (size, most_s) in [(Size::Quick, 180.0), (Size::Standard, 1800.0)] {
            let plan = Plan::new(experiment, size, &[], &[], 1, 60).unwrap();
            let s: f64 = plan.all().iter().map(|cell| experiment.expected_s(cell)).sum();
            assert!(s < most_s, "{} {size:?}: {s} s", experiment.name());
        }
    }
}

#[test]
fn pauses_end_in_tables_and_pictures_by_size() {
    let (records, folder) = whole("pauses", &["--heaps", "generational,concurrent"]);
    for record in &records {
        let figure = |name| record.number(name).unwrap();
        assert!(figure("found_objects") <= figure("dying_objects"));
        assert!(record.text("dying") == "half" || figure("dying_objects") == figure("tracked_objects"));
        // Heaps whose mutators take turns stand still throughout.
        let is_turns = record.subject.heap_name() == Some("generational");
        assert!(!is_turns || figure("live_gap_ns") == figure("live_cycle_ns"));
        assert!(figure("live_stop_ns") <= figure("live_gap_ns").max(figure("live_cycle_ns")), "{record:?}");
    }
    let run = folder.path().join("run");
    for picture in ["pauses-ring-10", "pauses-rec-2", "pauses-dead-ring-10", "pauses-dead-rec-2"] {
        let svg = fs::read_to_string(run.join(format!("plots/{picture}.svg"))).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("The gap of a full collection by"), "{picture}");
    }
    let page = fs::read_to_string(run.join("pauses.md")).unwrap();
    for title in [
        "## The gap by size, all dead: rings of 10",
        "## The gap by size, all dead: records",
        "## All alive: CPU time of a collection per object, 4,000 nodes",
        "- **the worst gap**: ",
    ] {
        assert!(page.contains(title), "{title}: {page}");
    }
    assert!(page.contains("| nested lists of 100 (800 nodes) |"), "{page}");
    assert!(page.contains("112.3 ns (1,000,000 nodes)"), "what was recorded says its size: {page}");
    let cells = table(&run.join("pauses.csv"));
    assert!(cells.iter().any(|cell| cell["row"] == "rings of 10" && cell["column"] == "CPython 3.12.1 (recorded)"));
}

#[test]
fn release_frees_what_died_and_asks_the_system() {
    if !is_measurable() {
        return;
    }
    let (records, _folder) = whole("release", &[]);
    for record in records.iter().filter(|record| record.question == "all-dead") {
        let freed = record.number("freed_objects").unwrap();
        assert_eq!(freed, if record.subject.collects() { 20_000.0 } else { 0.0 }, "{}", record.name());
        assert!(record.number("rss_peak_bytes") > record.number("rss_before_bytes"), "{record:?}");
    }
    let kept = records.iter().find(|record| record.question == "few-survive" && record.subject.collects()).unwrap();
    assert_eq!(kept.number("freed_objects"), Some(19_980.0));
}

#[test]
fn a_run_goes_on_where_it_was_cut_and_by_its_own_command_only() {
    let (all, folder) = whole("floating", &["--heaps", "generational", "--rounds", "1", "--json"]);
    let run = folder.path().join("run");
    let text = fs::read_to_string(run.join("cells.jsonl")).unwrap();
    // As if it had been killed in the third cell.
    let kept: String = text.lines().take(2).map(|line| format!("{line}\n")).collect();
    fs::write(run.join("cells.jsonl"), format!("{kept}{{\"schema\"")).unwrap();
    let wrong = output(&["reproduce", "pauses", "--resume", run.to_str().unwrap()]);
    assert!(stderr(&wrong).contains("go on with it by `gclab reproduce floating --resume"), "{}", stderr(&wrong));
    let done = output(&["reproduce", "floating", "--resume", run.to_str().unwrap(), "--json"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(stderr(&done).contains("2 cells"), "{}", stderr(&done));
    assert_eq!(lines(&stdout(&done)).iter().filter(|line| line["experiment"] == "floating").count(), all.len() - 2);
    let cells = |records: &[Record]| records.iter().map(|record| record.cell.clone()).collect::<Vec<_>>();
    assert_eq!(cells(&records(&run)), cells(&all), "the same cells in the same order");
}

fn cell(experiment: &str, heap: &str, settings: &[(&str, &str)], options: &[(&str, &str)]) -> Cell {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Cell {
        experiment: experiment.to_owned(),
        question: "test".to_owned(),
        subject: Subject::Heap { heap: heap.to_owned(), settings: settings.iter().map(owned).collect() },
        options: options.iter().map(owned).collect::<Options>(),
        round: 0,
        seed: 1,
    }
}

#[test]
fn a_heap_that_is_too_small_is_a_row_with_its_cause() {
    let shape = [("shape", "ring"), ("nodes", "200000"), ("k", "10"), ("order", "built"), ("dying", "all")];
    let full = cell("pauses", "generational", &[("limit", "1M")], &shape);
    let done = output(&["reproduce", "pauses", "--cell", &full.to_text().unwrap()]);
    let record: Record = serde_json::from_str(&stdout(&done)).unwrap();
    assert_eq!(record.status, Status::OutOfMemory, "{record:?}");
    assert!(record.error.unwrap().contains("the heap is full") && record.figures.is_empty());
}

#[test]
fn an_interpreter_is_a_column_and_its_path_is_nowhere() {
    if !is_measurable() {
        return;
    }
    let bin = tempfile::tempdir().unwrap();
    let answer = r#"echo '{"program": "release", "figures": {"grown_bytes": 20480, "kept_bytes": -4096, "normal_wall_ns": 5, "os_exit_wall_ns": 4}}'"#;
    let python = stand_in(bin.path(), answer);
    let (records, folder) = whole("release", &["--heaps", "refcount", "--python", python.to_str().unwrap()]);
    let versions = records.iter().filter(|record| record.subject.name() == "CPython 3.99.0").count();
    assert_eq!(versions, 3, "one program measures both ends of a script");
    let path = bin.path().to_str().unwrap();
    for file in files_below(folder.path()) {
        assert!(!fs::read_to_string(&file).unwrap().contains(path), "{}", file.display());
    }
    let page = fs::read_to_string(folder.path().join("run/release.md")).unwrap();
    assert!(page.contains("| CPython 3.99.0 |  | 20.0 KiB |  | −4.00 KiB | 120.0 % |"), "{page}");
    assert!(page.contains("CPython 3.99.0 1 ns of 5 ns (20.0 %)"), "the finding is of whole processes: {page}");
    assert!(page.contains("--python python3.99`"), "by its version's name, wherever it lies: {page}");
    // Its cells are missing, and nobody says where it is.
    let run = folder.path().join("run");
    fs::write(run.join("cells.jsonl"), "").unwrap();
    let done = output(&["reproduce", "release", "--resume", run.to_str().unwrap()]);
    assert!(
        stderr(&done).contains("CPython 3.99.0 is part of this run; name its path by --python"),
        "{}",
        stderr(&done)
    );
}

#[test]
fn an_interpreter_that_fails_is_a_row_and_a_broken_figure_a_wrong_answer() {
    if !is_measurable() {
        return;
    }
    for (commands, status, code, why) in [
        ("echo MemoryError >&2; exit 3", Status::Error, 0, "MemoryError"),
        ("sleep 60", Status::Timeout, 0, "not done after 1 s"),
        ("echo hello", Status::Error, 0, "line of figures"),
        (r#"echo '{"figures": {"collect_ns": -5}}'"#, Status::WrongDigest, 2, "collect_ns cannot be -5"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (python, run) = (stand_in(folder.path(), commands), folder.path().join("run"));
        let more = ["--heaps", "refcount", "--timeout", "1", "--python", python.to_str().unwrap()];
        let done = tiny("release", &run, &more);
        assert_eq!(done.status.code(), Some(code), "{commands}: {}", stderr(&done));
        let records = records(&run);
        let failed: Vec<&Record> = records.iter().filter(|record| record.subject.heap_name().is_none()).collect();
        assert_eq!(failed.len(), 3);
        assert!(failed.iter().all(|record| record.status == status && record.error.as_ref().unwrap().contains(why)));
        let page = fs::read_to_string(run.join("release.md")).unwrap();
        assert!(page.contains("Failed: all-dead on CPython 3.99.0, round 0"), "{page}");
    }
}

#[test]
fn an_interpreter_dies_with_the_program_that_asked_it() {
    let folder = tempfile::tempdir().unwrap();
    let number = folder.path().join("number");
    let python =
        stand_in(folder.path(), &format!("echo $$ > {n}.part; mv {n}.part {n}; exec sleep 600", n = number.display()));
    let run = folder.path().join("run");
    let arguments = ["reproduce", "release", "--tiny", "--heaps", "refcount", "--out", run.to_str().unwrap()];
    let mut program = program::gclab(&[&arguments[..], &["--python", python.to_str().unwrap()]].concat());
    let mut program = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let waited = |holds: &dyn Fn() -> bool| {
        let begin = Instant::now();
        while !holds() && begin.elapsed() < Duration::from_secs(120) {
            thread::sleep(Duration::from_millis(20));
        }
        holds()
    };
    let asked = waited(&|| number.is_file());
    program.kill().unwrap();
    program.wait().unwrap();
    assert!(asked, "the interpreter was never asked");
    let number = fs::read_to_string(&number).unwrap();
    // Gone, or dead and not yet forgotten by whoever adopted it.
    let status = || fs::read_to_string(format!("/proc/{}/status", number.trim())).unwrap_or_default();
    assert!(waited(&|| !status().contains("State:") || status().contains("State:\tZ")), "{}", status());
}

#[test]
fn the_programs_that_are_built_in_run_on_a_real_interpreter() {
    let Some(python) = python3() else { return };
    for experiment in ["pauses", "floating", "release"] {
        if experiment == "release" && !is_measurable() {
            continue;
        }
        let (records, _folder) = whole(experiment, &["--heaps", "generational", "--python", python.to_str().unwrap()]);
        let asked = records.iter().filter(|record| record.subject.heap_name().is_none()).count();
        assert!(asked * 3 >= records.len() - 1, "{experiment}: {asked} of {}", records.len());
        let mut of_python = records.iter().filter(|record| record.subject.heap_name().is_none());
        let figure = match experiment {
            "pauses" => "second_ns",
            "floating" => "floating_max_objects",
            _ => "before_bytes",
        };
        assert!(
            of_python.any(|record| record.number(figure).is_some_and(|value| value > 0.0)),
            "{experiment}: {figure}"
        );
    }
}

#[test]
fn what_cannot_run_is_said_with_what_can() {
    for (arguments, expected) in [
        (&["--heaps", "none"][..], "give one of refcount, generational"),
        (&["--heaps", "refcount"], "leave out --heaps"),
        (&["--rounds", "4294967295"], "give one from 1 to 1000"),
        (&["--rounds", "0"], "give one from 1 to 1000"),
        (&["--python", "/nowhere/python"], "give the executable of a CPython by --python"),
        (&["--python", "/bin/echo"], "is no CPython"),
        (&["--resume", "/nowhere"], "has written"),
        (&["--cell", "{}"], "no cell of an experiment"),
    ] {
        let done = output(&[&["reproduce", "pauses"][..], arguments].concat());
        assert_ne!(done.status.code(), Some(0));
        assert!(stderr(&done).contains(expected), "{arguments:?}: {}", stderr(&done));
    }
}

#[test]
fn an_interpreter_that_vanishes_stops_the_run_which_goes_on_when_it_is_back() {
    if !is_measurable() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // It can be asked once: then it is gone.
    let answer = r#"rm "$0"; echo '{"figures": {"grown_bytes": 4096, "kept_bytes": 0, "normal_wall_ns": 5, "os_exit_wall_ns": 4}}'"#;
    let (python, run) = (stand_in(folder.path(), answer), folder.path().join("run"));
    let python_path = python.to_str().unwrap();
    let done = tiny("release", &run, &["--heaps", "refcount", "--python", python_path]);
    assert_eq!(done.status.code(), Some(1), "{}", stdout(&done));
    for said in ["CPython 3.99.0 is gone", "finished cells are kept", "--python", "--resume"] {
        assert!(stderr(&done).contains(said), "{said}: {}", stderr(&done));
    }
    let kept = records(&run);
    assert!(kept.iter().all(|record| record.status == Status::Ok), "{kept:?}");
    assert_eq!(kept.iter().filter(|record| record.subject.heap_name().is_none()).count(), 1);

    // Interrupted, it says so.
    let site = folder.path().join("site");
    let published = output(&["publish", run.to_str().unwrap(), "--out", site.to_str().unwrap()]);
    assert_eq!(published.status.code(), Some(0), "{}", stderr(&published));
    assert!(fs::read_to_string(site.join("release.md")).unwrap().contains("| rounds | 0 of 1 |"));

    stand_in(folder.path(), &answer["rm \"$0\"; ".len()..]);
    // Another that the run was not begun with would have fewer rounds.
    let further = folder.path().join("further");
    fs::create_dir(&further).unwrap();
    let other = stand_in(&further, "exit 3");
    let text = fs::read_to_string(&other).unwrap().replace("3.99.0", "3.98.0");
    fs::write(&other, text).unwrap();
    let resume = ["reproduce", "release", "--resume", run.to_str().unwrap(), "--python", python_path];
    let refused = output(&[&resume[..], &["--python", other.to_str().unwrap()]].concat());
    assert_eq!(refused.status.code(), Some(1), "{}", stdout(&refused));
    assert!(
        stderr(&refused).contains("CPython 3.98.0 is no part of this run, which has CPython 3.99.0"),
        "{}",
        stderr(&refused)
    );
    let done = output(&resume);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert_eq!(records(&run).iter().filter(|record| record.subject.heap_name().is_none()).count(), 3);
    assert!(records(&run).iter().all(|record| record.status == Status::Ok));
    assert!(fs::read_to_string(run.join("release.md")).unwrap().contains("| rounds | 1 |"));
}

#[test]
fn what_a_killed_run_left_behind_is_removed_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("temporary");
    fs::create_dir(&place).unwrap();
    let asked = folder.path().join("asked");
    let python = stand_in(folder.path(), &format!("touch {}; exec sleep 600", asked.display()));
    let start = |out: &str| {
        let out = folder.path().join(out);
        let arguments = ["reproduce", "release", "--tiny", "--heaps", "refcount", "--python", python.to_str().unwrap()];
        let mut program = program::gclab(&[&arguments[..], &["--out", out.to_str().unwrap()]].concat());
        program.env("TMPDIR", &place).stdout(Stdio::null()).stderr(Stdio::null());
        program
    };
    let mut killed = start("killed").spawn().unwrap();
    let begin = Instant::now();
    while !asked.exists() && begin.elapsed() < Duration::from_secs(120) {
        thread::sleep(Duration::from_millis(20));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(asked.exists(), "the interpreter was never asked");
    assert_eq!(fs::read_dir(&place).unwrap().count(), 1, "the programs for it");
    stand_in(folder.path(), "echo none");
    assert!(start("next").status().unwrap().success());
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
}
