//! The command line: one file a verb, each a set of arguments and a function that runs them.

mod compare;
mod completions;
mod conformance;
mod costs;
mod heap;
mod list;
mod merge;
mod oracle;
mod overhead;
mod plan;
mod progress;
mod publish;
mod recorded;
mod replay;
mod reproduce;
mod run;
mod selection;
mod tune;
mod verify;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::cell::Given;

const EXAMPLES: &str = "\
Examples:
  gclab compare                     the main table, in about two minutes
  gclab publish RUN --out DIR       tables and plots from what `compare` wrote
  gclab list                        heaps, workloads, their dials
  gclab run --heap generational --workload deep-cycles
  gclab verify                      every heap gives the right answers
  gclab conformance                 CPython's own tests, row by row, on every heap
  gclab heap django                 the shape of a real heap
  gclab recorded FILE               the pauses of a real Python service
  gclab tune --slo p99.9=5ms        the setting of Python's gc for that goal, as lines to paste
  gclab replay LOG --expect OUT     an operation log, held against what CPython did
  gclab oracle --python PATH        fresh logs, held against a live CPython
  gclab overhead                    what each instrument costs

Exit codes: 0 done (a failed cell is a result); 1 bad input or environment; 2 a wrong answer; 3 `tune` recommends nothing.";

/// A laboratory for reference-counted heaps and their cycle collectors.
#[derive(Debug, Parser)]
#[command(name = "gclab", version, after_help = EXAMPLES, max_term_width = 110)]
struct Program {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Compare(compare::Arguments),
    Plan(plan::Arguments),
    Merge(merge::Arguments),
    Costs(costs::Arguments),
    Publish(publish::Arguments),
    Run(run::Arguments),
    Verify(verify::Arguments),
    Conformance(conformance::Arguments),
    Heap(heap::Arguments),
    Recorded(recorded::Arguments),
    Replay(replay::Arguments),
    Reproduce(reproduce::Arguments),
    Tune(tune::Arguments),
    Oracle(oracle::Arguments),
    Overhead(overhead::Arguments),
    List(list::Arguments),
    Completions(completions::Arguments),
}

/// Runs the verb that the command line names.
pub fn main() -> ExitCode {
    let program = match Program::try_parse() {
        Ok(program) => program,
        Err(error) => {
            // Without a place to print to there is only the exit code.
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked { ExitCode::SUCCESS } else { ExitCode::from(1) };
        }
    };
    let done = match program.verb {
        Verb::Compare(arguments) => compare::run(arguments),
        Verb::Plan(arguments) => plan::run(arguments),
        Verb::Merge(arguments) => merge::run(arguments),
        Verb::Costs(arguments) => costs::run(arguments),
        Verb::Publish(arguments) => publish::run(arguments),
        Verb::Run(arguments) => run::run(arguments),
        Verb::Verify(arguments) => verify::run(arguments),
        Verb::Conformance(arguments) => conformance::run(arguments),
        Verb::Heap(arguments) => heap::run(arguments),
        Verb::Recorded(arguments) => recorded::run(arguments),
        Verb::Replay(arguments) => replay::run(arguments),
        Verb::Reproduce(arguments) => reproduce::run(arguments),
        Verb::Tune(arguments) => tune::run(arguments),
        Verb::Oracle(arguments) => oracle::run(arguments),
        Verb::Overhead(arguments) => overhead::run(arguments),
        Verb::List(arguments) => list::run(arguments),
        Verb::Completions(arguments) => completions::run(arguments, Program::command()),
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    // A reader that has seen enough, such as `head`, is no error.
    if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    if error.is::<NoRecommendation>() {
        // It has been said in full already.
        return ExitCode::from(3);
    }
    let _ = writeln!(io::stderr(), "error: {error:#}");
    if error.is::<WrongAnswer>() { ExitCode::from(2) } else { ExitCode::from(1) }
}

/// `tune` recommends nothing; the program exits 3.
#[derive(Debug)]
struct NoRecommendation;

impl std::fmt::Display for NoRecommendation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no recommendation")
    }
}

impl std::error::Error for NoRecommendation {}

/// A heap gave a wrong answer; the program exits 2.
#[derive(Debug)]
struct WrongAnswer(String);

impl std::fmt::Display for WrongAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "wrong answer: {}", self.0)
    }
}

impl std::error::Error for WrongAnswer {}

/// Prints to stdout, each piece at once.
fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// Splits `key=value`.
fn key_value(text: &str) -> Result<Given, String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("`{text}` has no `=`; write key=value"))?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}
