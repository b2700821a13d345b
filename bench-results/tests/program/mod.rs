//! The program under test, as a process.
#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::Path;
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
