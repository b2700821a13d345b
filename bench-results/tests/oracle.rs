//! `gclab oracle`, on a stand-in for an interpreter that hands out committed logs and outcomes, and on the machine's Python where
//! there is one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

mod program;
use program::{gclab, lines, stderr, stdout};

/// Of `--seed 1 --logs 52`: logs are the same on every Python.
const DIGEST: &str = "8819dea2af7a7708";

/// A shell script that does as the interpreter of the recorded outcomes did. `change` is a sed expression for the outcome of
/// one log.
fn stand_in(folder: &Path, describes: &str, change: Option<(&str, &str)>) -> PathBuf {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workloads/tests/oplog");
    let recorded = recorded.display();
    let (log, expression) = change.unwrap_or(("none", ""));
    let text = format!(
        r#"#!/bin/sh
# Called as: PYTHON -I -S PROGRAM ARGUMENT...
case "$3" in
*/describe_interpreter.py) echo '{describes}' ;;
*/fresh_logs.py) cp '{recorded}'/*-plain.ops.jsonl '{recorded}'/*-weak.ops.jsonl '{recorded}'/*-unfreeze.ops.jsonl "$4" ;;
*/record_outcome.py)
    name=$(basename "$4" .ops.jsonl)
    outcome="{recorded}/$name.out.jsonl"
    [ -f "$outcome" ] || {{ echo "no outcome of $name" >&2; exit 1; }}
    if [ "$name" = '{log}' ]; then sed '{expression}' "$outcome"; else cat "$outcome"; fi ;;
*) exit 9 ;;
esac
"#
    );
    let path = folder.join("python");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

const CPYTHON: &str =
    r#"{"implementation": "CPython", "version": [3, 12, 1], "release": "final", "flags": "", "machine": "x86_64"}"#;

fn oracle(python: &Path, more: &[&str]) -> Output {
    gclab(&["oracle", "--python", python.to_str().unwrap()]).args(more).output().unwrap()
}

#[test]
fn an_interpreter_that_does_as_recorded_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let python = stand_in(folder.path(), CPYTHON, None);
    let done = oracle(&python, &[]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let text = stdout(&done);
    assert!(text.starts_with("CPython 3.12.1 at "), "{text}");
    assert!(text.contains("trigger=after weak-order=before-finalizers nested-deaths=cpython-3.12"), "{text}");
    assert!(text.contains("12 logs, ") && text.ends_with("no difference\n"), "{text}");
    // Another rule, another heap.
    let kept = folder.path().join("kept");
    let wrong = oracle(&python, &["--config", "trigger=inside", "--keep", kept.to_str().unwrap()]);
    assert_eq!(wrong.status.code(), Some(2), "{}", stderr(&wrong));
    let unordered = oracle(&python, &["--heap", "stop-the-world", "--json"]);
    assert_eq!(unordered.status.code(), Some(0), "{}", stderr(&unordered));
    let line = &lines(&stdout(&unordered))[0];
    assert_eq!((&line["logs"], &line["differing"], &line["first_difference"]), (&12.into(), &0.into(), &Value::Null));
}

#[test]
fn a_planted_difference_is_found_at_its_operation() {
    let folder = tempfile::tempdir().unwrap();
    let log = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../workloads/tests/oplog")).unwrap();
    let mut names: Vec<String> = log.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let log = names.iter().find(|name| name.ends_with("-weak.ops.jsonl")).unwrap().trim_end_matches(".ops.jsonl");
    // Line 9 is operation 7, after the baseline's line.
    let python = stand_in(folder.path(), CPYTHON, Some((log, r#"9s/"cnt":\[[0-9]*/"cnt":[4321/"#)));
    let kept = folder.path().join("kept");
    let done = oracle(&python, &["--keep", kept.to_str().unwrap(), "--json"]);
    let said = stderr(&done);
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("heap generational, log {log}: operation 7 differs in `cnt`")), "{said}");
    assert!(said.contains("CPython 3.12.1 [4321,") && said.contains("1 of 12 logs differ"), "{said}");
    let found = &lines(&stdout(&done))[0]["first_difference"];
    assert_eq!((&found["log"], &found["operation"], &found["field"]), (&log.into(), &7.into(), &"cnt".into()));
    // The command that it prints shows the difference again.
    let again: Vec<&str> = found["again"].as_str().unwrap().split(' ').skip(1).collect();
    let again = gclab(&again).output().unwrap();
    assert_eq!(again.status.code(), Some(2), "{}", stderr(&again));
    assert!(stderr(&again).contains("operation 7 differs"), "{}", stderr(&again));
}

#[test]
fn what_is_no_fit_interpreter_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (describes, why) in [
        (CPYTHON.replace("CPython", "PyPy"), "give a CPython"),
        (CPYTHON.replace("3, 12, 1", "3, 14, 2"), "incremental"),
        (CPYTHON.replace(r#""flags": """#, r#""flags": "t""#), "global lock"),
        ("hello".to_owned(), "is no Python"),
    ] {
        let done = oracle(&stand_in(folder.path(), &describes, None), &[]);
        assert_eq!(done.status.code(), Some(1), "{}", stderr(&done));
        assert!(stderr(&done).contains(why), "{}", stderr(&done));
    }
    let done = oracle(&folder.path().join("nothing"), &[]);
    assert!(done.status.code() == Some(1) && stderr(&done).contains("cannot start"), "{}", stderr(&done));
    let full = oracle(&stand_in(folder.path(), CPYTHON, None), &["--keep", folder.path().to_str().unwrap()]);
    assert!(full.status.code() == Some(1) && stderr(&full).contains("not empty"), "{}", stderr(&full));
    for given in [["--group", "nonsense"], ["--threshold", "1,2"], ["--threshold", "-1,2,3"], ["--logs", "0"]] {
        assert_eq!(oracle(&folder.path().join("python"), &given).status.code(), Some(1), "{given:?}");
    }
    let unfit = oracle(&folder.path().join("python"), &["--heap", "refcount"]);
    assert!(stderr(&unfit).contains("collects no cycles"), "{}", stderr(&unfit));
}

#[test]
fn untried_versions_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let python = stand_in(folder.path(), &CPYTHON.replace("3, 12, 1", "3, 15, 2"), None);
    let done = oracle(&python, &["--json"]);
    assert!(stderr(&done).contains("CPython 3.15.2 was never tried"), "{}", stderr(&done));
    let line = &lines(&stdout(&done))[0];
    assert_eq!(line["heap_config"]["weak-order"], "plain-after-finalizers");
    assert_eq!(line["heap_config"]["nested-deaths"], "cpython-3.13");
}

/// The real one, where the machine has it; the committed outcomes carry the other tests.
#[test]
fn the_machines_python_agrees_on_a_few_logs() {
    let python = Path::new("python3");
    let version = Command::new(python).args(["-I", "-c", "import sys; print(sys.version_info[:2])"]).output();
    let Ok(version) = version else { return println!("there is no python3 here: not tried") };
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    if !["(3, 11)", "(3, 12)", "(3, 13)"].contains(&version.as_str()) {
        return println!("python3 is {version} here: not tried");
    }
    let done = oracle(python, &["--logs", "2", "--group", "weak"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    // All groups, but only their texts are held against what they always are.
    let folder = tempfile::tempdir().unwrap();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workloads/oracle/fresh_logs.py");
    let groups = bench_results::oracle::programs::GROUPS.join(",");
    let wrote = Command::new(python)
        .args(["-I", "-S", "-B"])
        .args([sources.as_os_str(), folder.path().as_os_str()])
        .args(["1", "52", &groups])
        .status()
        .unwrap();
    assert!(wrote.success());
    assert_eq!(digest(folder.path()), DIGEST);
}

/// As the program computes it: of all logs, in order of their numbers.
fn digest(folder: &Path) -> String {
    use sha2::{Digest, Sha256};
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut hash = Sha256::new();
    paths.iter().for_each(|path| hash.update(fs::read(path).unwrap()));
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
