//! `gclab reproduce`: the experiments by name, one file each.

mod freeze;
mod interpreter;
mod thresholds;
mod trial;

use anyhow::Result;
use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Each experiment says how long it will take before it starts; `--quick` is the short form, `--resume DIR` goes on with an
interrupted run.";

/// Run an experiment that others have claimed results of, and print its table
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    experiment: Experiment,
}

#[derive(Debug, Subcommand)]
enum Experiment {
    Freeze(freeze::Arguments),
    Thresholds(thresholds::Arguments),
    #[command(hide = true)]
    Interpreter(interpreter::Arguments),
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    match arguments.experiment {
        Experiment::Freeze(arguments) => freeze::run(arguments),
        Experiment::Thresholds(arguments) => thresholds::run(arguments),
        Experiment::Interpreter(arguments) => interpreter::run(arguments),
    }
}
