//! `gclab reproduce`: the experiments by name, one file each.

mod freeze;
mod interpreter;
mod thresholds;
mod trial;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::experiment::claims::Claims;
use crate::experiment::floating::FloatingGarbage;
use crate::experiment::pauses::Pauses;
use crate::experiment::release::Release;

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
    /// What five widely read articles claim about Python's collector: which of it holds, on CPython and on each heap
    #[command(after_help = trial::EXAMPLES)]
    Claims(trial::Arguments),
    /// How long a full collection stops a program, by size and shape of the heap, beside CPython
    #[command(after_help = trial::EXAMPLES)]
    Pauses(trial::Arguments),
    /// How many dead objects wait for a collection, by size of the cycles and of the live heap, beside CPython
    #[command(after_help = trial::EXAMPLES)]
    Floating(trial::Arguments),
    /// How much memory goes back to the system when objects die, and what a tidy end costs a short script
    #[command(after_help = trial::EXAMPLES)]
    Release(trial::Arguments),
    #[command(hide = true)]
    Interpreter(interpreter::Arguments),
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    match arguments.experiment {
        Experiment::Freeze(arguments) => freeze::run(arguments),
        Experiment::Thresholds(arguments) => thresholds::run(arguments),
        Experiment::Claims(arguments) => trial::run(&Claims, arguments),
        Experiment::Pauses(arguments) => trial::run(&Pauses, arguments),
        Experiment::Floating(arguments) => trial::run(&FloatingGarbage, arguments),
        Experiment::Release(arguments) => trial::run(&Release, arguments),
        Experiment::Interpreter(arguments) => interpreter::run(arguments),
    }
}
