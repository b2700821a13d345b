//! `gclab tune`, tiny: what it runs, what it leaves, that it goes on where it was cut, and that it refuses a model that does not
//! predict a recording. Its figures say nothing here; the search itself is tested on made-up candidates in the library.

use std::fs;
use std::path::{Path, PathBuf};

use bench_results::experiment::tune::candidate::Candidate;
use bench_results::experiment::tune::python;
use serde_json::{Value, json};

mod program;
use program::{cells, files_below, lines, output, stderr, stdout};

/// A small heap of a real process.
fn heap_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../workloads/tests/gcheap_dumped/planted_leak.gcheap.gz")
}

fn recording() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/small_py312.jsonl")
}

fn assert_valid(answer: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/tune.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(answer).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let mut stranger = answer.clone();
    stranger["stranger"] = json!(1);
    assert!(!validator.is_valid(&stranger));
    let mut contradiction = answer.clone();
    contradiction["verdict"] = json!(if answer["lines"].is_null() { "recommended" } else { "none" });
    assert!(!validator.is_valid(&contradiction), "lines stand with a recommendation, and only there");
}

fn tiny<'a>(out: &'a Path, heap: &'a Path, more: &[&'a str]) -> std::process::Output {
    let fixed = ["tune", "--tiny", "--heap-file", heap.to_str().unwrap(), "--out", out.to_str().unwrap()];
    output(&[&fixed[..], more].concat())
}

fn answer(run: &Path) -> Value {
    let answer = serde_json::from_str(&fs::read_to_string(run.join("answer.json")).unwrap()).unwrap();
    assert_valid(&answer);
    answer
}

#[test]
fn a_goal_that_the_default_meets_is_confirmed_with_fresh_seeds_resumed_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let heap = folder.path().join("some body/dump.gcheap.gz");
    fs::create_dir_all(heap.parent().unwrap()).unwrap();
    fs::copy(heap_file(), &heap).unwrap();
    let run = folder.path().join("run");
    // So wide that no machine is too busy for it: a closed loop, half of its requests in an hour each.
    let goal = ["--slo", "p50=3600s", "--memory", "+500%", "--closed", "--heaps", "stop-the-world"];
    let done = tiny(&run, &heap, &goal);
    assert_eq!(done.status.code(), Some(0), "{}\n{}", stderr(&done), stdout(&done));
    let said = stderr(&done);
    assert!(said.contains("4 settings: 700,10,10 /") && said.contains("gclab tune --resume"), "{said}");
    let text = stdout(&done);
    for part in ["All that was tried", "Finalists", "nothing to change", "import gc", "stop-the-world", "p50"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let first = answer(&run);
    assert_eq!((&first["verdict"], &first["recommended"]), (&json!("default-meets"), &json!("700,10,10")));
    let default = &first["candidates"][0];
    assert_eq!((&default["search_runs"], &default["confirmed_runs"]), (&json!(2), &json!(5)));
    assert_eq!((&default["search_counted"], &default["confirmed_counted"]), (&json!(2), &json!(5)));
    // Two rounds of all four; then the default, the other heap and one more, five times.
    let all = cells(&run);
    assert_eq!(all.len(), 4 * 2 + 3 * 5);
    let seeds = |heap: &str| -> Vec<u64> {
        let mut seeds: Vec<u64> =
            all.iter().filter(|cell| cell["heap"] == heap).map(|cell| cell["seed"].as_u64().unwrap()).collect();
        seeds.sort_unstable();
        seeds
    };
    assert_eq!(seeds("stop-the-world"), [1, 2, 1001, 1002, 1003, 1004, 1005]);
    let other = first["candidates"].as_array().unwrap().iter().find(|one| one["heap"] == "stop-the-world").unwrap();
    assert!(other["lines"].is_null() && other["finalist"]["standing"] == "meets", "{other}");
    let page = fs::read_to_string(run.join("tune.md")).unwrap();
    for part in [
        "```python\nimport gc",
        "| seeds of the confirmation | 1001 to 1005 |",
        "plots/tune-pareto.svg",
        "a better collector",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains(folder.path().to_str().unwrap()), "paths are nobody's business");
    assert!(page.contains("7 of 7") && page.contains("5 of 5"), "runs that count: {page}");
    let command = default["command"].as_str().unwrap();
    assert!(command.contains(heap.to_str().unwrap()), "the answer's own command runs as it is: {command}");
    published_without_paths(folder.path(), &run);

    // As if it had been killed in the middle of a line.
    let path = run.join("cells.jsonl");
    let written = fs::read_to_string(&path).unwrap();
    let half: String = written.split_inclusive('\n').take(6).collect();
    fs::write(&path, format!("{half}{{\"schema\":")).unwrap();
    fs::remove_file(run.join("answer.json")).unwrap();
    let resumed = output(&["tune", "--json", "--resume", run.to_str().unwrap()]);
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    assert!(stderr(&resumed).contains("6 runs are there"), "{}", stderr(&resumed));
    let printed = lines(&stdout(&resumed));
    let last = printed.last().unwrap();
    assert_valid(last);
    assert_eq!((printed.len(), &last["verdict"]), (23 - 6 + 1, &json!("default-meets")));
    let before: Vec<&Value> = all.iter().take(8).map(|cell| &cell["cell"]).collect();
    let again = cells(&run);
    assert!(again.iter().take(8).all(|cell| before.contains(&&cell["cell"])), "the search is the same");

    // A recorded figure that no run can have is outside; one that every run has is inside.
    let check = |low: u64, high: u64| {
        let mut told = answer(&run);
        for held in told["candidates"][0]["finalist"]["held"].as_array_mut().unwrap() {
            held["prediction"]["low"] = json!(low);
            held["prediction"]["high"] = json!(high);
        }
        fs::write(run.join("answer.json"), told.to_string()).unwrap();
        let done = output(&["tune", "--check", run.to_str().unwrap(), "--seed", "70"]);
        (done.status.code(), stdout(&done))
    };
    let (code, text) = check(1, u64::from(u32::MAX) * 1_000);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("seeds 70 to 72") && text.contains("All lie inside."), "{text}");
    let (code, text) = check(1, 2);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("Outside: run 1: p50; run 1: peak-memory; run 2"), "{text}");
    assert_eq!(cells(&run).len(), 23 + 3, "runs of the first check are there, and not run again");

    assert!(text.contains("3 of 3 runs are kept from an earlier check"), "{text}");
    for used in ["1", "1000", "1005"] {
        let refused = output(&["tune", "--check", run.to_str().unwrap(), "--seed", used]);
        assert_eq!(refused.status.code(), Some(1), "{used}");
        assert!(stderr(&refused).contains("would prove nothing"), "{used}: {}", stderr(&refused));
    }

    // What a run that goes on would not heed is refused.
    for (option, verb) in [("--timeout", "--resume"), ("--seed", "--resume"), ("--timeout", "--check")] {
        let refused = output(&["tune", verb, run.to_str().unwrap(), option, "9"]);
        assert_eq!(refused.status.code(), Some(1), "{verb} {option}");
        assert!(stderr(&refused).contains("cannot be used with"), "{verb} {option}: {}", stderr(&refused));
    }
    let other = output(&["compare", "--resume", run.to_str().unwrap()]);
    assert!(stderr(&other).contains("gclab tune --resume"), "{}", stderr(&other));
    another_heap_under_the_same_name(&heap, &run);
}

/// A run is of one heap: neither goes on nor is checked with another one.
fn another_heap_under_the_same_name(heap: &Path, run: &Path) {
    let old = fs::read(heap).unwrap();
    let before = cells(run).len();
    // The same, and a byte that no reader of gzip looks at.
    fs::write(heap, [&old[..], &[0]].concat()).unwrap();
    for verb in ["--resume", "--check"] {
        let refused = output(&["tune", verb, run.to_str().unwrap()]);
        assert_eq!(refused.status.code(), Some(1), "{verb}: {}", stderr(&refused));
        let said = stderr(&refused);
        for part in ["is another heap than when this run began", "put the old file back", "start a new run"] {
            assert!(said.contains(part), "{verb}: {said}");
        }
    }
    fs::remove_file(heap).unwrap();
    let gone = output(&["tune", "--check", run.to_str().unwrap()]);
    assert!(stderr(&gone).contains("must lie where it was when the run began"), "{}", stderr(&gone));
    assert_eq!(cells(run).len(), before, "nothing ran");
    fs::write(heap, old).unwrap();
    let resumed = output(&["tune", "--resume", run.to_str().unwrap()]);
    assert_eq!(resumed.status.code(), Some(0), "{}", stderr(&resumed));
    let hash = answer(run)["heap"]["sha256"].as_str().map(str::len);
    assert_eq!(hash, Some(64));
}

/// Publishes it: no file says where the heap was.
fn published_without_paths(folder: &Path, run: &Path) {
    let out = folder.join("published");
    let done = output(&["publish", run.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert!(done.status.success(), "{}", stderr(&done));
    for (file, lines) in [
        ("tune.md", "```python\nimport gc"),
        ("tune.tex", "\\begin{verbatim}\nimport gc"),
        ("index.html", "<code>import gc"),
    ] {
        let found = files_below(&out).into_iter().find(|path| path.ends_with(file)).unwrap();
        assert!(fs::read_to_string(&found).unwrap().contains(lines), "{} lacks the lines to paste", found.display());
    }
    // What is published is a run folder again: from there, and in its place.
    let again = folder.join("published-again");
    for (from, to) in [(&out, &again), (&again, &again), (&out, &out)] {
        let done = output(&["publish", from.to_str().unwrap(), "--out", to.to_str().unwrap()]);
        assert!(done.status.success(), "{}", stderr(&done));
    }
    for file in ["answer.json", "tune.json", "tune.md", "tune.csv", "run.json", "cells.jsonl"] {
        let read = |folder: &Path| fs::read_to_string(folder.join(file)).unwrap();
        assert_eq!(read(&out), read(&again), "{file}");
    }
    assert_eq!(answer(&again)["heap"], answer(run)["heap"]);
    let mut named = 0;
    let mut folders = vec![out, again];
    while let Some(folder_of_files) = folders.pop() {
        for entry in fs::read_dir(folder_of_files).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            named += usize::from(text.contains("dump.gcheap.gz"));
            for secret in [folder.to_str().unwrap(), "some body", "body/"] {
                assert!(!text.contains(secret), "{} says {secret}", path.display());
            }
        }
    }
    assert!(named >= 8, "the heap's own name stays, in {named} files");
}

#[test]
fn a_goal_that_nothing_meets_ends_in_no_recommendation() {
    let (folder, heap) = (tempfile::tempdir().unwrap(), heap_file());
    let run = folder.path().join("run");
    let done = tiny(&run, &heap, &["--slo", "p50=1ns", "--closed"]);
    assert_eq!(done.status.code(), Some(3), "{}", stderr(&done));
    let text = stdout(&done);
    assert!(text.contains("None: no setting was shown to meet the goal") && text.contains("× the limit"), "{text}");
    assert!(!text.contains("Lines to paste"), "{text}");
    let answer = answer(&run);
    assert_eq!(
        (&answer["verdict"], &answer["nearest"], &answer["lines"]),
        (&json!("none"), &json!("700,10,10"), &json!(null))
    );
    let left: Vec<&Value> = answer["candidates"].as_array().unwrap()[1..].iter().map(|one| &one["left"]).collect();
    assert!(left.iter().all(|left| left.as_str().unwrap().contains("× the limit")), "{left:?}");
}

/// A recording with so many requests and collections; pauses of each generation as long as given.
fn doctored(folder: &Path, threshold: [u64; 3], pauses_ns: [u64; 3]) -> PathBuf {
    let mut text = json!({
        "kind": "start", "schema": 1, "runtime": "CPython 3.12.1", "process": 7, "started": "2026-01-01T00:00:00Z",
        "threshold": threshold, "enabled": true,
    })
    .to_string();
    text.push('\n');
    let mut now = 0;
    for n in 0..2_000_u64 {
        let end = now + 50_000;
        text.push_str(&format!(r#"{{"kind":"request","start_ns":{now},"end_ns":{end},"thread":1,"name":"GET"}}"#));
        text.push('\n');
        now = end + 10_000;
        if n % 20 == 0 {
            let generation = if n % 400 == 0 { 2 } else { usize::from(n % 200 == 0) };
            let end = now + pauses_ns[generation];
            text.push_str(&format!(
                r#"{{"kind":"collection","start_ns":{now},"end_ns":{end},"generation":{generation},"collected":400,"uncollectable":0}}"#
            ));
            text.push('\n');
            now = end;
        }
    }
    text.push_str(&format!("{{\"kind\":\"end\",\"ns\":{now},\"dropped\":0}}\n"));
    let path = folder.join("pauses.jsonl");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_recording_that_the_model_does_not_predict_stops_it_unless_it_must_go_on() {
    let (folder, heap) = (tempfile::tempdir().unwrap(), heap_file());
    // Ten seconds for a young collection: on no machine.
    let file = doctored(folder.path(), [700, 10, 10], [10_000_000_000; 3]);
    let goal = ["--slo", "p50=3600s", "--closed", "--recording", file.to_str().unwrap()];
    let run = folder.path().join("refused");
    let done = tiny(&run, &heap, &goal);
    assert_eq!(done.status.code(), Some(3), "{}", stderr(&done));
    let text = stdout(&done);
    for part in [
        "Back-test on CPython 3.12.1",
        "the model does not predict what was recorded",
        "--despite",
        "median pause, generation 0",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("import gc"), "{text}");
    assert_eq!(cells(&run).len(), 2, "nothing was searched");
    let refused = answer(&run);
    assert_eq!((&refused["verdict"], &refused["back_test"]["trusted"]), (&json!("untrusted"), &json!(false)));
    assert_eq!(refused["back_test"]["fitted"], json!([["cyclic", "0.09950"]]), "{refused}");
    assert_eq!(output(&["tune", "--check", run.to_str().unwrap()]).status.code(), Some(1));

    let run = folder.path().join("despite");
    let done = tiny(&run, &heap, &[&goal[..], &["--despite"]].concat());
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let despite = answer(&run);
    assert_eq!(despite["verdict"], "default-meets");
    let notes = despite["notes"].to_string();
    assert!(notes.contains("because of --despite") && !notes.contains("No recording was given"), "{notes}");
    assert!(cells(&run).iter().filter(|cell| cell["seed"] == 2001).count() == 2, "the back-test has a seed of its own");
}

#[test]
fn what_the_service_has_now_comes_before_the_default_and_a_relative_path_is_found_from_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(heap_file(), folder.path().join("dump.gcheap.gz")).unwrap();
    let file = doctored(folder.path(), [2000, 20, 20], [50_000, 100_000, 1_000_000]);
    let begun = program::gclab(&["tune", "--tiny", "--slo", "p50=3600s", "--memory", "+500%", "--closed", "--despite"])
        .args(["--heap-file", "dump.gcheap.gz", "--out", "run", "--recording"])
        .arg(file)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(begun.status.code(), Some(0), "{}", stderr(&begun));
    let text = stdout(&begun);
    for part in [
        "What the service has now (`2000,20,20`) meets the goal (p50 ≤ 3600 s, peak memory ≤ the service's + 500 %)",
        "nothing to change",
        "CPU over the service's",
        "gc.set_threshold(2000, 20, 20)",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("The default"), "{text}");
    let run = folder.path().join("run");
    let answer = answer(&run);
    assert_eq!((&answer["service_has"], &answer["recommended"]), (&json!("2000,20,20"), &json!("2000,20,20")));
    let names: Vec<&Value> = answer["candidates"].as_array().unwrap().iter().map(|one| &one["name"]).take(2).collect();
    assert_eq!(names, ["2000,20,20", "700,10,10"], "the default is tried too");
    // From another folder than the one that it was begun in; inside or not, it runs.
    let checked = output(&["tune", "--check", run.to_str().unwrap()]);
    assert!(matches!(checked.status.code(), Some(0 | 3)), "{}", stderr(&checked));
    assert!(stdout(&checked).contains("the machine's own longest hiccup"), "{}", stdout(&checked));
}

#[test]
fn what_a_setting_costs_has_an_interval_and_tables_say_what_they_are_of() {
    let (folder, heap) = (tempfile::tempdir().unwrap(), heap_file());
    let run = folder.path().join("run");
    // All meet it; one is confirmed beside the default.
    let done = tiny(&run, &heap, &["--slo", "p50=3600s", "--closed", "--heaps", "stop-the-world"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let answer = answer(&run);
    let candidates = answer["candidates"].as_array().unwrap();
    assert!(candidates[0]["cost"].is_null(), "the first one is what others are held against");
    for one in &candidates[1..] {
        let pairs = one["confirmed_counted"].as_u64().filter(|&runs| runs > 0).unwrap_or(2);
        let cost = &one["cost"];
        assert_eq!((&cost["cpu"]["pairs"], &cost["memory"]["pairs"]), (&json!(pairs), &json!(pairs)), "{one}");
        let (mean, low) = (&cost["memory"]["mean"], &cost["memory"]["low"]);
        assert_eq!(mean, &one["memory_over_default"]);
        assert!(low.as_i64() <= mean.as_i64() && mean.as_i64() <= cost["memory"]["high"].as_i64(), "{cost}");
        let is_confirmed = one["confirmed_runs"] != 0;
        assert_eq!(one["seen_in"], if is_confirmed { "confirmation" } else { "search" });
        assert!(one["beside"]["hiccup_ns"].as_u64().is_some_and(|ns| ns > 0), "{one}");
    }
    let collections = candidates[0]["beside"]["collections"].as_array().unwrap();
    assert!(collections.len() == 3 && collections[0].as_f64().unwrap() > 0.0, "{collections:?}");
    let text = stdout(&done);
    for part in ["means of", "confirmation", "search", "longest hiccup", "collections", "floating"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let left = candidates.iter().find_map(|one| one["left"].as_str()).unwrap();
    assert!(left.contains("others took less CPU time for a request, in 2 runs"), "{left}");
}

#[test]
fn a_remedy_is_an_option_that_tune_has() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    // Requests that no machine serves in a second.
    let tight = ["--slo", "p50=1s", "--timeout", "1", "--set", "nodes=200000", "--closed"];
    let done = tiny(&run, &heap_file(), &tight);
    assert_eq!(done.status.code(), Some(1), "{}", stderr(&done));
    let said = stderr(&done);
    assert!(said.contains("could not be measured") && said.contains("a longer --timeout"), "{said}");
    assert!(!said.contains("--rate"), "{said}");
}

#[test]
fn requests_that_are_too_slow_without_any_pause_are_no_setting_s_to_mend() {
    let (folder, heap) = (tempfile::tempdir().unwrap(), heap_file());
    let recording = recording();
    let out = folder.path().join("run");
    // Of 22 requests, the slowest without a pause.
    let done =
        tiny(&out, &heap, &["--slo", "max=1us", "--closed", "--recording", recording.to_str().unwrap(), "--despite"]);
    assert_eq!(done.status.code(), Some(3), "{}", stderr(&done));
    assert!(stdout(&done).contains("no setting of the collector brings it below that"), "{}", stdout(&done));
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let run = run.to_str().unwrap();
    for (arguments, cause) in [
        (vec![], "--slo"),
        (vec!["--slo", "p98=5ms"], "give one of p50, p90"),
        (vec!["--slo", "p99=5"], "is no time"),
        (vec!["--slo", "p99=5ms", "--slo", "p99=6ms"], "is given twice"),
        (vec!["--slo", "p99=5ms", "--memory", "10%"], "is no limit of memory"),
        (vec!["--slo", "p99=5ms", "--heaps", "refcount"], "collects no cycles"),
        (vec!["--slo", "p99=5ms", "--heaps", "none"], "no heap is called"),
        (vec!["--slo", "p99=5ms", "--heap-file", "/nowhere/x.gcheap.gz"], "there is no file"),
        (vec!["--slo", "p99=5ms", "--heap-file", "Cargo.toml"], "Cargo.toml"),
        (vec!["--slo", "p99=5ms", "--recording", "/nowhere/x.jsonl"], "cannot open"),
        (vec!["--slo", "p99=5ms", "--set", "steering=off"], "would change what is tried"),
        (vec!["--slo", "p99=5ms", "--set", "live=x"], "live=x is not possible"),
        (vec!["--slo", "p99=5ms", "--load", "2"], "is no load"),
        (vec!["--slo", "p99=5ms", "--load", "0.5", "--closed"], "cannot be used with"),
        (vec!["--slo", "p99=5ms", "--scale", "2"], "--recording"),
    ] {
        let refused = output(&[&["tune", "--out", run][..], &arguments].concat());
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}: {}", stderr(&refused));
        assert!(stderr(&refused).contains(cause), "{arguments:?}: {}", stderr(&refused));
        assert!(!Path::new(run).exists(), "{arguments:?}");
    }
    let nothing = output(&["tune", "--resume", run]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(stderr(&nothing).contains("name a folder that `gclab tune` has written"), "{}", stderr(&nothing));
}

#[test]
fn what_no_cpython_can_do_has_no_lines() {
    let without = Candidate::all().into_iter().filter(|candidate| python::lines(candidate).is_none());
    assert_eq!(without.map(|candidate| candidate.name()).collect::<Vec<_>>(), ["bytes:4M"]);
}
