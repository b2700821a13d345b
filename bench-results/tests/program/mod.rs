//! The program under test, as a process.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The program with these arguments.
pub(crate) fn gclab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gclab"));
    command.args(arguments);
    command
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
