//! What `gclab` promises on the command line: output, exit codes, and what a run folder keeps.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use bench_results::roster;
use serde_json::Value;

mod program;
use program::{cells, gclab, lines, output, stderr, stdout};

/// The workload these tests run, an open loop.
const WORKLOAD: &str = "web-requests";
/// A dial of it: how many operations.
const OPERATIONS: &str = "requests";

/// A comparison of one short workload into `folder`, on two heaps unless others are named.
fn compare(folder: &Path, more: &[&str]) -> Vec<String> {
    let operations = format!("{WORKLOAD}.{OPERATIONS}=2000");
    let folder = folder.to_str().unwrap();
    let fixed = ["compare", "--workloads", WORKLOAD, "--set", &operations, "--no-twin", "--out", folder];
    let heaps = if more.contains(&"--heaps") { &[][..] } else { &["--heaps", "refcount,generational"] };
    fixed.iter().chain(heaps).chain(more).map(|&argument| argument.to_owned()).collect()
}

fn run(arguments: &[String]) -> Output {
    output(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn list_is_one_line_of_json_with_all_that_can_be_chosen() {
    let list = lines(&stdout(&output(&["list", "--json"])));
    let [list] = list.as_slice() else { panic!("{} lines", list.len()) };
    let names = |key: &str| -> Vec<&str> {
        list[key].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect()
    };
    assert_eq!(names("heaps")[..2], ["refcount", "generational"]);
    assert!(names("workloads").contains(&WORKLOAD));
    let of_all = "thresholds trigger weak-order untrack-tuples free-lists nested-deaths place limit reservation";
    let of_parallel_ones = "release-budget automatic certify duty scheduling full-every";
    for name in of_all.split(' ').chain(of_parallel_ones.split(' ')) {
        assert!(names("heap_settings").contains(&name), "{name}");
    }
    let text = stdout(&output(&["list"]));
    for dial in list["workloads"].as_array().unwrap().iter().flat_map(|workload| workload["dials"].as_array().unwrap())
    {
        for key in ["name", "meaning", "range"] {
            assert!(text.contains(dial[key].as_str().unwrap()), "{dial}");
        }
    }
}

#[test]
fn record_has_every_field_of_the_schema() {
    let small = format!("{OPERATIONS}=2000");
    let run = ["run", "--heap", "generational", "--workload", WORKLOAD, "--set", &small, "--rate", "20000", "--json"];
    let done = output(&run);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let records = lines(&stdout(&done));
    let record = records[0].as_object().unwrap();
    assert_eq!(records.len(), 1);
    let fields = "schema cell status error heap heap_config workload params threads seed round operations wall_ns \
        mutator_cpu_ns collector_cpu_ns user_ns system_ns offered_per_s achieved_per_s backlog_end response_ns \
        service_ns pause_ns pause_by_cause cascade_ns involuntary_switches mmu platform_hiccup_ns collections floating \
        drag_ns allocated_objects freed_by_count freed_by_collector live_after live_expected peak_rss_bytes \
        heap_peak_bytes digest hlog";
    let expected: Vec<&str> = fields.split_whitespace().collect();
    for field in &expected {
        assert!(record.contains_key(*field), "{field} is missing");
    }
    let null = expected.iter().filter(|&&field| record[field].is_null()).copied().collect::<Vec<_>>();
    // A busy machine may fall behind, and then that is the error.
    let unknown = if record["status"] == "saturated" { &["hlog"][..] } else { &["error", "hlog"] };
    assert_eq!(null, unknown, "what is known is recorded, what is not is null");
    assert_eq!(record["schema"], 1);
    assert_eq!(record["params"][OPERATIONS], 2000);
    assert_eq!(record["heap_config"]["thresholds"], serde_json::json!([700, 10, 10]));
    for (summary, more) in [("response_ns", &[][..]), ("pause_ns", &["total"])] {
        for figure in ["n", "mean", "p50", "p90", "p99", "p99_9", "p99_99", "max"].iter().chain(more) {
            assert!(record[summary].as_object().unwrap().contains_key(*figure), "{summary}.{figure}");
        }
    }
    for cause in ["stop", "safepoint", "handshake", "barrier", "stall", "lock"] {
        assert!(record["pause_by_cause"][cause].is_object(), "{cause}");
    }
    assert_eq!(record["collections"].as_array().unwrap().len(), 3);
    assert_eq!(record["response_ns"]["n"], 2000);
    assert!(record["response_ns"]["p99_9"].is_null(), "2,000 times say nothing about p99.9");
}

#[test]
fn bad_input_exits_1_and_says_what_is_possible() {
    let unknown_dial = format!("{WORKLOAD}.depth=1");
    for (arguments, remedy) in [
        (&["run", "--heap", "none", "--workload", WORKLOAD][..], "give one of refcount, generational"),
        (&["run", "--heap", "refcount", "--workload", "none"], "there are: web-requests"),
        (&["run", "--heap", "refcount", "--workload", WORKLOAD, "--set", "depth=1"], OPERATIONS),
        (&["run", "--heap", "refcount", "--workload", WORKLOAD, "--set", "depth"], "key=value"),
        (&["run", "--heap", "refcount", "--workload", WORKLOAD, "--config", "place=here"], "inline, side"),
        (&["run", "--heap", "refcount", "--workload", WORKLOAD, "--rate", "0"], "0.001"),
        (&["run", "--heap", "refcount", "--workload", WORKLOAD, "--threads", "0"], "give 1 to 1024"),
        (&["run", "--heap", "refcount", "--workload", "deep-cycles", "--threads", "2"], "runs on one mutator"),
        (&["run", "--nonsense"], "--help"),
        (&["compare", "--heaps", "none"], "give one of refcount, generational"),
        (&["compare", "--workloads", "none"], "there are: web-requests"),
        (&["compare", "--set", "depth=1"], "WORKLOAD.NAME=VALUE"),
        (&["compare", "--set", &unknown_dial], OPERATIONS),
        (&["compare", "--load", "0"], "above 0"),
        (&["run", "--heap", "refcount", "--workload", WORKLOAD, "--hlog", "/nonexistent/x"], "a folder that exists"),
        (&["compare", "--set", "web-requests.keys=zipf,zipf"], "are the same"),
        (&["compare", "--set", "web-requests.live=1000,01000"], "are the same"),
        (&["compare", "--load", "0.1,0.10"], "are the same"),
        (&["compare", "--config", "limit=1G,1024M"], "are the same"),
        (&["compare", "--threads", "1,1"], "are the same"),
        (&["compare", "--shard", "1/2"], "--rounds N"),
        (&["compare", "--resume", "no-such-folder"], "name a folder that `gclab compare` has written"),
    ] {
        let done = output(arguments);
        assert_eq!(done.status.code(), Some(1), "{arguments:?}");
        let message = stderr(&done);
        assert!(message.starts_with("error: ") && message.contains(remedy), "{arguments:?}: {message}");
        assert!(done.stdout.is_empty(), "{arguments:?}");
    }
    for asked in [&["--help"][..], &["--version"], &["compare", "--help"]] {
        assert_eq!(output(asked).status.code(), Some(0), "{asked:?}");
    }
}

#[test]
fn heap_that_cannot_be_reserved_is_an_error_with_its_remedy() {
    let limited =
        format!("ulimit -v 4000000; {} run --heap refcount --workload {WORKLOAD}", env!("CARGO_BIN_EXE_gclab"));
    let done = Command::new("sh").args(["-c", &limited]).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(stderr(&done).contains("smaller reservation"), "{}", stderr(&done));
}

#[test]
fn full_heap_is_a_record_and_exit_1() {
    // It fits to begin with; what leaks in the timed part does not.
    let full = "run --heap refcount --workload web-requests --set heap=none --set live=1000 --config limit=2M --json";
    let done = output(&full.split(' ').collect::<Vec<_>>());
    assert_eq!(done.status.code(), Some(1));
    assert!(stderr(&done).contains("raise the heap limit"), "{}", stderr(&done));
    let record = &lines(&stdout(&done))[0];
    assert_eq!(record["status"], "out-of-memory");
    assert!(record["error"].as_str().unwrap().contains("raise the heap limit"));
    assert!(record["pause_by_cause"]["stall"]["n"].as_u64() > Some(0), "a stall is in the ledger");
}

#[test]
fn verify_passes_on_one_two_and_four_mutators() {
    let done = output(&["verify"]);
    assert_eq!(done.status.code(), Some(0), "{}{}", stdout(&done), stderr(&done));
    let rows = stdout(&done);
    for mutators in ["1", "2", "4"] {
        let row = |line: &&str| line.split_whitespace().take(2).eq([WORKLOAD, mutators]);
        let verdicts: Vec<&str> = rows.lines().find(row).unwrap().split_whitespace().skip(4).collect();
        // Heaps with one mutator at a time run on several only where one of them tells what there is to read.
        let parallel = roster::entries().iter().filter(|entry| entry.abilities.parallel_mutators).count();
        let run = if mutators == "1" { roster::entries().len() } else { 1 + parallel };
        let ok = verdicts.iter().filter(|verdict| **verdict == "ok").count();
        assert_eq!((ok, verdicts.len()), (run, roster::entries().len()), "{rows}");
    }
}

#[test]
fn collections_of_a_heaps_own_thread_are_in_the_record() {
    // Thresholds start none: what is collected, the heap's own thread does.
    let run = "run --heap HEAP --workload web-requests --threads 2 --set live=2000 --set requests=3000 --rate 3000 \
               --config thresholds=0,10,10 --config full-every=50 --json";
    for heap in ["stop-the-world", "concurrent"] {
        let done = output(&run.replace("HEAP", heap).split_whitespace().collect::<Vec<_>>());
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        let record = &lines(&stdout(&done))[0];
        assert_eq!((&record["threads"], &record["heap_config"]["full-every"]), (&Value::from(2), &Value::from(50)));
        let figure = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{heap}: {record}"));
        assert!(figure(&record["collections"][2]["collections"]) > 0, "{heap}: {record}");
        assert!(figure(&record["freed_by_collector"]) > 10_000, "{heap}: {record}");
        let (own, all) = (figure(&record["heap_threads_cpu_ns"]), figure(&record["collector_cpu_ns"]));
        assert!(own > 0 && own <= all, "{heap}: {record}");
    }
}

#[test]
fn cycles_that_are_left_are_a_wrong_answer_only_where_cycles_are_collected() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../workloads/data/django_garbage_py313.gcheap.gz");
    for entry in roster::entries() {
        let done = output(&["heap", file, "--collect", "--heap", entry.name, "--json"]);
        assert_eq!(done.status.code(), Some(0), "{}: {}", entry.name, stderr(&done));
        let found = &lines(&stdout(&done))[0];
        let expected = if entry.abilities.collects_cycles { (12_888, 0) } else { (0, 12_888) };
        assert_eq!((&found["found"], &found["missing"]), (&expected.0.into(), &expected.1.into()), "{}", entry.name);
    }
}

#[test]
fn replay_is_step_by_step_on_every_heap() {
    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/../workloads/tests/oplog/017-resurrect.ops.jsonl");
    for entry in roster::entries().iter().filter(|entry| entry.abilities.collects_cycles) {
        let done = output(&["replay", log, "--heap", entry.name, "--expect", &log.replace(".ops.", ".out.")]);
        assert_eq!(done.status.code(), Some(0), "{}: {}", entry.name, stderr(&done));
    }
}

#[test]
fn compare_ends_with_a_table_and_a_whole_folder() {
    let folder = tempfile::tempdir().unwrap();
    let done = run(&compare(folder.path(), &["--rounds", "2"]));
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let table = stdout(&done);
    for row in
        ["refcount", "generational", "response p99", "pause max", "collections g0", "CPU in all", "peak RSS", "digest"]
    {
        assert!(table.contains(row), "{row} is not in:\n{table}");
    }
    let cells = cells(folder.path());
    assert_eq!(cells.len(), 4);
    for cell in &cells {
        // On a busy machine a cell may come too late; it is complete all the same.
        assert!(["ok", "saturated"].contains(&cell["status"].as_str().unwrap()), "{cell}");
        assert!(folder.path().join(cell["hlog"].as_str().unwrap()).is_file());
        assert!(cell["offered_per_s"].is_number(), "the loop is open");
        assert_eq!(cell["digest"], cells[0]["digest"]);
    }
    let run: Value = serde_json::from_slice(&fs::read(folder.path().join("run.json")).unwrap()).unwrap();
    assert_eq!((&run["schema"], &run["comparison"]["seed"]), (&Value::from(1), &Value::from(1)));
    assert!(run["provenance"]["machine"]["cores"].is_number() && run["load_after"].is_object());
}

#[test]
fn json_is_all_that_compare_prints_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let done = run(&compare(folder.path(), &["--rounds", "1", "--json", "--rate", "5000"]));
    let printed = lines(&stdout(&done));
    let (verdicts, records): (Vec<_>, Vec<_>) = printed.into_iter().partition(|line| line["kind"] == "verdict");
    assert_eq!(records, cells(folder.path()));
    let points: BTreeSet<&str> = records.iter().map(|record| record["point"].as_str().unwrap()).collect();
    assert_eq!(verdicts.iter().map(|line| line["point"].as_str().unwrap()).collect::<BTreeSet<_>>(), points);
}

#[test]
fn resume_runs_what_is_missing_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(&compare(folder.path(), &["--rounds", "2"])).status.code(), Some(0));
    let path = folder.path().join("cells.jsonl");
    let before = cells(folder.path());
    let text = fs::read_to_string(&path).unwrap();
    let last = text.trim_end().rfind('\n').unwrap() + 1;
    // The last line is gone, or torn.
    for kept in [last, last + 100] {
        fs::write(&path, &text[..kept]).unwrap();
        let done = output(&["compare", "--resume", folder.path().to_str().unwrap(), "--json"]);
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        let ran = lines(&stdout(&done)).into_iter().filter(|line| line["kind"] != "verdict");
        assert_eq!(ran.count(), 1, "one cell was missing");
        let after = cells(folder.path());
        assert_eq!(after[..3], before[..3]);
        assert_eq!(after[3]["cell"], before[3]["cell"]);
    }
    let again = run(&compare(folder.path(), &[]));
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("--resume"), "{}", stderr(&again));
}

#[test]
fn unequal_digests_are_a_wrong_answer() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(&compare(folder.path(), &["--rounds", "1", "--rate", "5000"])).status.code(), Some(0));
    let path = folder.path().join("cells.jsonl");
    let mut changed = cells(folder.path());
    let heaps = [0, 1].map(|place| changed[place]["heap"].as_str().unwrap().to_owned());
    let digest = changed[0]["digest"].as_str().unwrap().to_owned();
    changed.truncate(1);
    changed[0]["digest"] = "0x00000000deadbeef".into();
    fs::write(&path, format!("{}\n", changed[0])).unwrap();
    let resume = ["compare", "--resume", folder.path().to_str().unwrap()];
    for _ in 0..2 {
        // The second time there is nothing left to run, and the answer is as wrong.
        let done = output(&resume);
        assert_eq!(done.status.code(), Some(2), "{}", stderr(&done));
        assert!(stdout(&done).contains("WRONG"), "{}", stdout(&done));
        // Of two heaps that differ nobody can tell which is wrong: the later is not to blame for having come later.
        for (heap, own, other) in [(&heaps[0], "0x00000000deadbeef", &*digest), (&heaps[1], &*digest, "deadbeef")] {
            let named = format!("heap {heap}, workload {WORKLOAD}, seed 1: digest {own}, but ");
            let message = stderr(&done);
            let line =
                message.lines().find(|line| line.contains(&named)).unwrap_or_else(|| panic!("{named}: {message}"));
            assert!(line.contains(other) && line.contains("no digest is that of most heaps"), "{line}");
        }
    }
    let cells = cells(folder.path());
    for (cell, digest) in cells.iter().zip(["0x00000000deadbeef", &digest]) {
        assert_eq!((&cell["status"], &cell["digest"]), (&Value::from("wrong-digest"), &Value::from(digest)));
    }
}

#[test]
fn a_run_goes_on_as_it_was_begun_and_only_on_its_machine() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    assert_eq!(run(&compare(folder.path(), &["--rounds", "1", "--trace"])).status.code(), Some(0));
    let [_, last] = cells(folder.path()).try_into().unwrap();
    let text = fs::read_to_string(path("cells.jsonl")).unwrap();
    let trace = path(&format!("{}.trace.json", last["cell"].as_str().unwrap()));
    fs::remove_file(&trace).unwrap();
    fs::write(path("cells.jsonl"), text.lines().next().unwrap().to_owned() + "\n").unwrap();
    let resume = ["compare", "--resume", folder.path().to_str().unwrap()];
    assert_eq!(output(&resume).status.code(), Some(0));
    assert!(trace.is_file(), "the cell that was missing has its trace too");

    // Killed while it calibrated, it has no cell yet, but what the baseline serves is of another machine.
    let mut begun: Value = serde_json::from_slice(&fs::read(path("run.json")).unwrap()).unwrap();
    let calibrations = begun["comparison"]["calibrations"].as_object_mut().unwrap();
    calibrations.values_mut().for_each(|calibration| calibration["record"]["machine"] = "another".into());
    fs::write(path("run.json"), begun.to_string()).unwrap();
    fs::write(path("cells.jsonl"), "").unwrap();
    let elsewhere = output(&resume);
    assert_eq!(elsewhere.status.code(), Some(1), "{}", stderr(&elsewhere));
    assert!(stderr(&elsewhere).contains("begun on another machine"), "{}", stderr(&elsewhere));
}

#[test]
fn costs_of_a_heap_on_plain_counts_are_of_the_rungs_below_it() {
    let costs = |heap: &str| {
        let small = "costs --workload ring-churn --set requests=2000 --set live=0 --rounds 1 --json --heap";
        let done = output(&small.split(' ').chain([heap]).collect::<Vec<_>>());
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        lines(&stdout(&done)).pop().unwrap()
    };
    let rows = |costs: &Value| -> Vec<String> {
        costs["rows"].as_array().unwrap().iter().map(|row| row["row"].as_str().unwrap().to_owned()).collect()
    };
    let (plain, parallel) = (costs("generational"), costs("stop-the-world"));
    assert_eq!(rows(&plain)[..3], ["no counting", "plain counts", "generational"]);
    assert_eq!(rows(&parallel)[..4], ["no counting", "plain counts", "atomic counts", "versions, no collection"]);
    assert!(plain["parts_ns"]["versions"].is_null() && parallel["parts_ns"]["versions"].is_number());
    let parts: i64 = plain["parts_ns"].as_object().unwrap().values().filter_map(Value::as_i64).sum();
    let total = plain["rows"][2]["total_ns"].as_i64().unwrap();
    // Each part is rounded by itself.
    assert!((parts - total).abs() <= 4, "the parts add up to {parts}, the heap took {total}");
}

#[test]
fn folder_that_cannot_be_written_is_an_error_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    let done = run(&compare(&file.join("run"), &[]));
    assert_eq!(done.status.code(), Some(1));
    assert!(stderr(&done).contains("choose another one with --out"), "{}", stderr(&done));
}

#[test]
fn cell_that_takes_too_long_is_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let endless = format!("{WORKLOAD}.{OPERATIONS}=1000000000");
    let more = ["--set", &endless, "--rounds", "1", "--heaps", "generational", "--rate", "1000", "--timeout", "1"];
    let done = run(&compare(folder.path(), &more));
    assert_eq!(done.status.code(), Some(0), "a failed cell is a result: {}", stderr(&done));
    let cells = cells(folder.path());
    assert_eq!((cells.len(), &cells[0]["status"]), (1, &Value::from("timeout")));
    assert!(cells[0]["wall_ns"].is_null() && cells[0]["hlog"].is_null());
    assert!(stdout(&done).contains("timeout: not done after 1 s"), "{}", stdout(&done));
}

#[test]
fn killed_cell_is_a_row_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let endless = format!("{WORKLOAD}.{OPERATIONS}=1000000000");
    let more = ["--set", &endless, "--rounds", "1", "--rate", "1000", "--timeout", "5"];
    let arguments = compare(folder.path(), &more);
    let mut program = gclab(&[]);
    let mut program = program.args(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let cell = cell_of(program.id());
    assert!(Command::new("kill").args(["-9", &cell.to_string()]).status().unwrap().success());
    assert_eq!(program.wait().unwrap().code(), Some(0));
    let cells = cells(folder.path());
    assert_eq!(cells.len(), 2);
    assert_eq!(cells[0]["status"], "error");
    assert!(cells[0]["error"].as_str().unwrap().contains("signal 9"), "{}", cells[0]["error"]);
    assert_eq!(cells[1]["status"], "timeout", "the second cell ran and was not done in time");
}

#[test]
fn cell_dies_with_the_program_that_runs_it() {
    let folder = tempfile::tempdir().unwrap();
    let endless = format!("{WORKLOAD}.{OPERATIONS}=1000000000");
    let arguments = compare(folder.path(), &["--set", &endless, "--rate", "1000"]);
    let mut program = gclab(&[]);
    let mut program = program.args(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let cell = cell_of(program.id());
    // It asks to die with its parent before anything else, but not before it is there at all.
    std::thread::sleep(Duration::from_millis(200));
    program.kill().unwrap();
    program.wait().unwrap();
    let begin = Instant::now();
    while parent(cell).is_some() {
        assert!(begin.elapsed() < Duration::from_secs(10), "the cell outlives the program");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn completions_know_the_verbs() {
    let done = output(&["completions", "bash"]);
    assert!(stdout(&done).contains("compare"));
}

/// Waits for that process to start the process of a cell.
fn cell_of(process: u32) -> u32 {
    let begin = Instant::now();
    loop {
        let processes =
            fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let is_cell = |id: &u32| {
            let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            parent(*id) == Some(process) && command.windows(4).any(|part| part == b"run\0")
        };
        if let Some(cell) = processes.into_iter().find(is_cell) {
            return cell;
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "no cell was started");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The parent of a process that is there and running.
fn parent(process: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = status.rsplit_once(')')?.1.split_whitespace().collect();
    (fields[0] != "Z").then(|| fields[1].parse().ok())?
}
