//! The process that becomes an interpreter: hidden, started by the experiments.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::invocation::die_with_parent;

/// Becomes an interpreter that runs a program, and is killed with the process that asked for it
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The interpreter
    #[arg(long)]
    python: PathBuf,
    /// What it runs
    #[arg(long)]
    program: PathBuf,
    /// An argument of the program; may be repeated
    #[arg(long = "argument", allow_hyphen_values = true)]
    arguments: Vec<String>,
    /// Be killed when the process that started this one, which has this number, dies
    #[arg(long, value_name = "PID")]
    dies_with_parent: Option<i32>,
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    if let Some(parent) = arguments.dies_with_parent {
        die_with_parent(parent)?;
    }
    // Nothing of the environment, and no files left beside the programs.
    let mut command = Command::new(&arguments.python);
    command.args(["-E", "-s", "-B"]).arg(&arguments.program).arg("--json").args(&arguments.arguments);
    // It returns only if it fails.
    Err(command.exec()).with_context(|| format!("cannot start {}", arguments.python.display()))
}
