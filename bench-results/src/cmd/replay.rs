//! `gclab replay`: an operation log, executed on a heap.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use gc_core::HeapConfig;
use workloads::oplog::{Baseline, Line, Log, replay};

use super::{WrongAnswer, key_value};
use crate::cell::Given;
use crate::heap_settings;
use crate::oracle::trial::{self, MAX_BASELINE, step_by_step};
use crate::roster::{self, for_heap};

const EXAMPLES: &str = "\
Examples:
  gclab replay 120-weak.ops.jsonl                                     prints the outcome, a line an operation
  gclab replay 120-weak.ops.jsonl --expect 120-weak.out.jsonl         compares with what CPython did
  gclab replay 192-unfreeze.ops.jsonl --baseline 8198,375             for logs that unfreeze

Thresholds and whether automatic collection is on are the log's. Logs that unfreeze are compared with order left out of
`gens` and `ev`, as their recording demands; so are all logs on heaps without list order. Of what one operation resurrects
there, `unlimbo` takes first what it took in the recording. So that an operation's line has all that it caused,
`automatic` is at-trigger and `release-budget` is none unless --config says otherwise.";

/// Execute an operation log on a heap and print what each operation did
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The log (JSON lines)
    log: PathBuf,
    /// The heap
    #[arg(long, default_value = "generational")]
    heap: String,
    /// A setting of the heap; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    config: Vec<Given>,
    /// Objects that the recorded interpreter had frozen at the start, and how many of them were immortal
    #[arg(long, value_name = "B,I", value_parser = baseline)]
    baseline: Option<Baseline>,
    /// Compare with this recorded outcome instead of printing; exit 2 at the first difference
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// Accepted for symmetry: the outcome is JSON lines in any case
    #[arg(long, hide = true)]
    json: bool,
}

fn baseline(text: &str) -> Result<Baseline, String> {
    let parts = text.split_once(',').and_then(|(frozen, immortal)| {
        Some(Baseline { frozen: frozen.trim().parse().ok()?, immortal: immortal.trim().parse().ok()? })
    });
    parts
        .filter(|baseline| baseline.immortal <= baseline.frozen && baseline.frozen <= MAX_BASELINE)
        .ok_or_else(|| format!("give two whole numbers, frozen,immortal, the second at most the first: `{text}`"))
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    let heap = roster::entry(&arguments.heap)?;
    let config = heap_settings::change(step_by_step(), &arguments.config)?;
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}; give a readable text file", path.display()))
    };
    let log = Log::parse(&read(&arguments.log)?).with_context(|| format!("{}", arguments.log.display()))?;
    let expected = arguments.expect.as_ref().map(read).transpose()?;
    let baseline = match (arguments.baseline, &expected) {
        (Some(baseline), _) => baseline,
        // Without an unfreeze the interpreter's objects play no part.
        _ if !log.unfreezes() => Baseline::default(),
        (None, Some(expected)) => trial::recorded_baseline(expected)?,
        (None, None) => bail!(
            "the log unfreezes the recorded interpreter's own objects; give their number by --baseline B,I, or the recorded \
             outcome by --expect"
        ),
    };
    match expected {
        None => for_heap!(heap.name, H => print_outcome::<H>(&log, &config, baseline))?,
        Some(expected) => {
            let path = arguments.expect.as_ref().expect("there is an expectation");
            let difference = trial::first_difference(heap, &config, &log, baseline, &expected)
                .with_context(|| format!("{}", path.display()))?;
            if let Some(difference) = difference {
                let message = format!(
                    "heap {}, log {}: operation {} differs\n  expected  {}\n  came      {}",
                    heap.name, log.header.log, difference.operation, difference.expected, difference.came
                );
                return Err(WrongAnswer(message).into());
            }
            super::print(&format!("{}: {} operations, no difference\n", log.header.log, log.operations.len()))
        }
    }
}

fn print_outcome<H: gc_core::Heap>(log: &Log, config: &HeapConfig, baseline: Baseline) -> Result<()> {
    let mut text = String::new();
    let result = replay::<H>(log, config, baseline, |line: Line| {
        text.push_str(&line.print());
        text.push('\n');
    });
    // What was executed before a failure is printed as well.
    super::print(&text)?;
    Ok(result?)
}
