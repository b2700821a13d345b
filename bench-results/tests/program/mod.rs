//! The program under test, as a process.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The program with these arguments.
pub(crate) fn gclab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gclab"));
    command.args(arguments);
    command
}

/// A CPython from 3.8 on; `None`, and says so, where the PATH has none.
pub(crate) fn python3() -> Option<PathBuf> {
    let is_new =
        "import sys, platform; sys.exit(sys.version_info < (3, 8) or platform.python_implementation() != 'CPython')";
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("python3")).find(|path| path.is_file());
    let is_fit = |path: &PathBuf| Command::new(path).args(["-c", is_new]).status().is_ok_and(|status| status.success());
    let fit = found.filter(is_fit);
    if fit.is_none() {
        eprintln!("skipped: no python3 on the PATH that is a CPython from 3.8 on");
    }
    fit
}

/// A stand-in for an interpreter: says that it is a CPython, and answers every program with these shell commands.
pub(crate) fn stand_in(folder: &Path, commands: &str) -> PathBuf {
    let path = folder.join("python");
    let text = format!("#!/bin/sh\nif [ \"$1\" = -c ]; then echo CPython 3.99.0; exit; fi\n{commands}\n");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// The records of live interpreters of a run folder, each held against the published schema.
pub(crate) fn live_cells(run: &Path) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/trial.schema.json");
    let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let cells = cells(&run.join("live"));
    for cell in &cells {
        let errors: Vec<String> = validator.iter_errors(cell).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}: {cell}");
    }
    cells
}

/// What it does with them.
pub(crate) fn output(arguments: &[&str]) -> Output {
    gclab(arguments).output().unwrap()
}

/// What it printed.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What it said beside that.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Lines of JSON.
pub(crate) fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// The records of a run folder.
pub(crate) fn cells(folder: &Path) -> Vec<Value> {
    lines(&fs::read_to_string(folder.join("cells.jsonl")).unwrap())
}

/// Changes each record of a run folder; the first argument is its place.
pub(crate) fn change_cells(run: &Path, change: impl Fn(usize, &mut Value)) {
    let mut text = String::new();
    for (n, mut cell) in cells(run).into_iter().enumerate() {
        change(n, &mut cell);
        text.push_str(&format!("{cell}\n"));
    }
    fs::write(run.join("cells.jsonl"), text).unwrap();
}

/// All files below a folder.
pub(crate) fn files_below(folder: &Path) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.insert(path);
        }
    }
    files
}

/// The lines of a CSV file, by the names of columns.
pub(crate) fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}
