//! Sweeps: plans, budgets, parts and their union, and what is left after the program was killed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

mod program;
use program::{cells, gclab, lines, output, stderr, stdout};

/// A sweep of four points on two heaps, some seconds long. The rates are given, so that cells do not depend on what the
/// baseline serves at the moment.
const SWEEP: [&str; 13] = [
    "--heaps",
    "refcount,generational",
    "--workloads",
    "web-requests",
    "--set",
    "web-requests.live=1000,2000",
    "--set",
    "web-requests.heap=none",
    "--set",
    "web-requests.requests=400",
    "--rate",
    "4000,8000",
    "--no-twin",
];

fn compare<'a>(folder: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let out = ["--out", folder.to_str().unwrap()];
    std::iter::once("compare").chain(SWEEP).chain(more.iter().copied()).chain(out).collect()
}

/// The names of a run's cells, each as often as it is there.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = cells(folder).iter().map(|cell| cell["cell"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_twin_is_a_cell_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let sweep: Vec<&str> =
        compare(folder.path(), &["--rounds", "1"]).into_iter().filter(|&a| a != "--no-twin").collect();
    let done = output(&sweep);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let cells = cells(folder.path());
    assert_eq!(cells.len(), 12);
    let twins: Vec<_> = cells.iter().filter(|cell| cell["twin"] == true).collect();
    assert_eq!(twins.len(), 4);
    assert!(twins.iter().all(|cell| cell["heap"] == "generational"));
    assert_eq!(names(folder.path()).into_iter().collect::<BTreeSet<_>>().len(), 12, "each cell has a name of its own");
}

#[test]
fn plan_lists_the_cells_that_compare_runs() {
    let folder = tempfile::tempdir().unwrap();
    let plan = std::iter::once("plan").chain(SWEEP).chain(["--rounds", "2", "--json"]).collect::<Vec<_>>();
    let planned = lines(&stdout(&output(&plan)));
    assert_eq!(output(&compare(folder.path(), &["--rounds", "2"])).status.code(), Some(0));
    let run = cells(folder.path());
    let of = |lines: &[serde_json::Value]| -> Vec<_> {
        lines.iter().map(|line| (line["round"].clone(), line["point"].clone(), line["heap"].clone())).collect()
    };
    assert_eq!(of(&planned), of(&run), "the same cells in the same order");
    let text = std::iter::once("plan").chain(SWEEP).collect::<Vec<_>>();
    assert!(stdout(&output(&text)).contains("live=2000"));
}

#[test]
fn a_budget_chooses_points_rounds_and_the_time_of_a_cell() {
    let plan = |more: &[&str]| {
        let set = ["--set", "web-requests.live=1000,2000,4000,8000,16000", "--heaps", "refcount,generational"];
        let arguments: Vec<&str> =
            ["plan", "--workloads", "web-requests"].into_iter().chain(set).chain(more.iter().copied()).collect();
        output(&arguments)
    };
    // A point is (3 cells × 5 rounds + 1 to calibrate) × 3.5 s.
    let text = stdout(&plan(&["--budget", "3m"]));
    for (live, is_in) in [(1000, true), (2000, false), (4000, true), (8000, false), (16000, true)] {
        let (first, left) = text.split_once("Left out").expect("points are left out");
        assert_eq!(first.contains(&format!("live={live},")), is_in, "{text}");
        assert_eq!(left.contains(&format!("live={live},")), !is_in, "{text}");
    }
    assert!(text.contains("5 rounds"), "{text}");
    assert!(stdout(&plan(&["--budget", "35s"])).contains("3 rounds"));
    let refused = plan(&["--budget", "1s"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("give at least"), "{}", stderr(&refused));
    assert!(stderr(&plan(&["--budget", "soon"])).contains("1h30m"));
}

#[test]
fn parts_of_a_sweep_join_to_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    assert_eq!(output(&compare(&path("whole"), &["--rounds", "1"])).status.code(), Some(0));
    for (name, part) in [("a", "1/2"), ("b", "2/2")] {
        let done = output(&compare(&path(name), &["--rounds", "1", "--shard", part]));
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    }
    let of = |name: &str| path(name).to_str().unwrap().to_owned();
    let merged = output(&["merge", &of("a"), &of("b"), "--out", &of("merged")]);
    assert_eq!(merged.status.code(), Some(0), "{}", stderr(&merged));
    assert_eq!(names(&path("merged")), names(&path("whole")));
    let as_json = output(&["merge", &of("a"), &of("b"), "--json", "--out", &of("as-json")]);
    let (verdicts, records): (Vec<_>, Vec<_>) =
        lines(&stdout(&as_json)).into_iter().partition(|line| line["kind"] == "verdict");
    assert_eq!(records, cells(&path("as-json")), "{}", stderr(&as_json));
    assert_eq!(verdicts.len(), 4, "one a point");
    let hlogs = fs::read_dir(path("merged"))
        .unwrap()
        .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "hlog"));
    assert_eq!(hlogs.count(), 8);
    // All heaps of a point are in one part.
    for name in ["a", "b"] {
        let cells = cells(&path(name));
        let points: BTreeSet<_> = cells.iter().map(|cell| cell["point"].to_string()).collect();
        assert_eq!((points.len(), cells.len()), (2, 4));
    }
    let twice = output(&["merge", &of("a"), &of("a"), "--out", &of("twice")]);
    assert_eq!(twice.status.code(), Some(1));
    assert!(stderr(&twice).contains("is given twice"), "{}", stderr(&twice));
    // A folder that holds something is left as it is, and a merge that is refused leaves nothing.
    let again = output(&["merge", &of("a"), &of("b"), "--out", &of("merged")]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("holds something already"), "{}", stderr(&again));
    let left: BTreeSet<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, BTreeSet::from(["a", "as-json", "b", "merged", "whole"].map(std::ffi::OsString::from)));
    let none = output(&compare(&path("none"), &["--rounds", "1", "--shard", "5/5"]));
    assert!(stderr(&none).contains("smaller number of parts"), "{}", stderr(&none));
}

#[test]
fn parts_of_different_sweeps_are_refused_and_loads_keep_what_their_part_served() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let of = |name: &str| path(name).to_str().unwrap().to_owned();
    let part = |name: &str, part: &str, live: &str| {
        let live = format!("web-requests.live={live}");
        let small = "compare --heaps refcount,generational --no-twin --workloads web-requests --set web-requests.heap=none \
                     --set web-requests.requests=400 --load 0.2 --rounds 1";
        let out = of(name);
        let fixed = small.split_whitespace();
        let done = output(&fixed.chain(["--set", &live, "--shard", part, "--out", &out]).collect::<Vec<_>>());
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    };
    part("a", "1/2", "1000,2000");
    part("b", "2/2", "1000,2000");
    part("other", "2/2", "5000,7000");
    let refused = output(&["merge", &of("a"), &of("other"), "--out", &of("wrong")]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("different sweeps"), "{}", stderr(&refused));
    assert!(!path("wrong").exists());
    let merged = output(&["merge", &of("a"), &of("b"), "--out", &of("merged")]);
    assert_eq!(merged.status.code(), Some(0), "{}", stderr(&merged));
    let run = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(path(name).join("run.json")).unwrap()).unwrap()
    };
    // Each of the two points has what was served in its own part.
    let served = |run: &serde_json::Value| -> BTreeSet<String> {
        let calibrations = run["comparison"]["calibrations"].as_object().unwrap();
        calibrations.values().map(|one| one["record"]["achieved_per_s"].to_string()).collect()
    };
    let parts: BTreeSet<String> = ["a", "b"].iter().flat_map(|name| served(&run(name))).collect();
    assert_eq!((served(&run("merged")), parts.len()), (parts, 2));
}

#[test]
fn a_baseline_that_cannot_be_calibrated_ends_the_run_and_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let endless = "compare --heaps refcount,generational --no-twin --workloads web-requests --set web-requests.heap=none \
                   --set web-requests.live=1000 --set web-requests.requests=1000000000 --load 0.2,0.8 --rounds 1 --timeout 1";
    let out = ["--out", run.to_str().unwrap()];
    let done = output(&endless.split_whitespace().chain(out).collect::<Vec<_>>());
    assert_eq!(done.status.code(), Some(1), "{}", stderr(&done));
    assert!(stderr(&done).contains("in two tries") && stderr(&done).contains("--resume"), "{}", stderr(&done));
    assert!(cells(&run).is_empty(), "no cell is run at a load that is not known");
    let mut kept: serde_json::Value = serde_json::from_slice(&fs::read(run.join("run.json")).unwrap()).unwrap();
    assert_eq!(kept["comparison"]["calibrations"], serde_json::json!({}), "a failure is not kept");
    // With time enough it goes on: what can be done is shown by work that has an end.
    for point in kept["comparison"]["points"].as_array_mut().unwrap() {
        for dial in point["given"].as_array_mut().unwrap() {
            if dial[0] == "requests" {
                dial[1] = "400".into();
            }
        }
    }
    kept["comparison"]["timeout_s"] = 600.into();
    fs::write(run.join("run.json"), kept.to_string()).unwrap();
    let done = output(&["compare", "--resume", run.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let rates: BTreeSet<String> = cells(&run).iter().map(|cell| cell["offered_per_s"].to_string()).collect();
    assert_eq!((cells(&run).len(), rates.len()), (4, 2), "{rates:?}");
}

#[test]
fn a_folder_that_was_killed_before_its_run_was_begun_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cells.jsonl"), "").unwrap();
    let done = output(&["compare", "--resume", folder.path().to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(1));
    assert!(stderr(&done).contains("same arguments and --out"), "{}", stderr(&done));
    assert_eq!(output(&compare(folder.path(), &["--rounds", "1"])).status.code(), Some(0));
}

#[test]
fn a_cell_whose_starter_is_gone_does_not_run() {
    // No process that started it has this number.
    let run = ["run", "--heap", "refcount", "--workload", "web-requests", "--dies-with-parent", "1999999999"];
    let done = output(&run);
    assert_eq!(done.status.code(), Some(1));
    assert!(stderr(&done).contains("is gone"), "{}", stderr(&done));
}

#[test]
fn parts_of_a_budgeted_sweep_agree_and_join() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    // A point takes (2 cells × 1 round + 1 to calibrate) × 0.6 s: of seven points there is room for two in each part.
    let budget = "--heaps refcount,generational --no-twin --workloads web-requests --rate 2000 --set web-requests.heap=none \
                  --set web-requests.live=1000,2000,3000,4000,5000,6000,7000 --rounds 1 --cell-time 0.1 --budget 4s";
    for (name, part) in [("a", "1/2"), ("b", "2/2")] {
        let out = of(name);
        let fixed = ["compare", "--shard", part, "--out", &out];
        let done = output(&fixed.into_iter().chain(budget.split_whitespace()).collect::<Vec<_>>());
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        assert_eq!(cells(&folder.path().join(name)).len(), 4, "two points on two heaps");
        assert!(stderr(&done).contains("leaves out 3 points"), "{}", stderr(&done));
    }
    let merged = output(&["merge", &of("a"), &of("b"), "--out", &of("merged")]);
    assert_eq!(merged.status.code(), Some(0), "{}", stderr(&merged));
    assert_eq!(cells(&folder.path().join("merged")).len(), 8);
}

#[test]
fn a_run_killed_three_times_ends_with_the_cells_of_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    assert_eq!(output(&compare(&path("whole"), &["--rounds", "3"])).status.code(), Some(0));
    let seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    println!("seed {seed}");
    let (whole, killed) = (path("whole"), path("killed"));
    for n in 0..3u32 {
        let mut command = gclab(&[]);
        if n == 0 {
            command.args(compare(&killed, &["--rounds", "3"]));
        } else {
            command.args(["compare", "--resume", killed.to_str().unwrap()]);
        }
        let mut program = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while !killed.join("run.json").is_file() {
            std::thread::sleep(Duration::from_millis(1));
        }
        // Any moment of the first second.
        std::thread::sleep(Duration::from_millis(seed.rotate_right(n * 16) % 1000));
        // It may have ended by now.
        let _ = program.kill();
        program.wait().unwrap();
    }
    let done = output(&["compare", "--resume", killed.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert_eq!(names(&killed), names(&whole));
    for cell in cells(&killed) {
        assert!(killed.join(cell["hlog"].as_str().unwrap()).is_file());
    }
}
