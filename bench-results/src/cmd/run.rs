//! `gclab run`: one cell in this process.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;

use super::{WrongAnswer, key_value};
use crate::cell::{Cell, Given};
use crate::histogram::Summary;
use crate::instruments::{Instrument, Instruments};
use crate::invocation::die_with_parent;
use crate::measure::{Measured, measure};
use crate::record::{Record, Status};
use crate::{trace, units};

const EXAMPLES: &str = "\
Examples:
  gclab run --heap generational --workload web-requests
  gclab run --heap refcount --workload web-requests --rate 2000 --json
  gclab run --heap generational --config thresholds=2000,10,10 --config place=side --workload deep-cycles

`gclab list` shows heaps, their settings (--config), workloads and their dials (--set).
Exits 1 if the cell failed (the heap was too small, say), after printing its record; 2 on a wrong answer.";

/// Run one cell in this process and print its record
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The heap
    #[arg(long)]
    heap: String,
    /// A setting of the heap; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    config: Vec<Given>,
    /// The workload
    #[arg(long)]
    workload: String,
    /// A dial of the workload; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    set: Vec<Given>,
    /// Mutators at work
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: u32,
    /// Seed of every random choice
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Which repetition of the cell this is; only recorded
    #[arg(long, value_name = "N", default_value_t = 0)]
    round: u32,
    /// Operations arrive at so many a second on a plan made ahead (open loop); without it each begins when the last has
    /// ended (closed loop)
    #[arg(long, value_name = "PER_SECOND")]
    rate: Option<f64>,
    /// Write the cell's histograms to this file (HdrHistogram interval log)
    #[arg(long, value_name = "FILE")]
    hlog: Option<PathBuf>,
    /// Write the cell's pauses, cascades and collections to this file (Chrome trace events, for ui.perfetto.dev)
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Leave these instruments out: ledger, hiccups, floating, timings, drag
    #[arg(long, value_name = "INSTRUMENT,...", value_delimiter = ',')]
    without: Vec<String>,
    /// Leave all instruments out
    #[arg(long, conflicts_with = "without")]
    bare: bool,
    /// Print the record as one line of JSON
    #[arg(long)]
    json: bool,
    /// It is the second cell of a heap that runs twice a round; only recorded
    #[arg(long, hide = true)]
    twin: bool,
    /// Be killed when the process that started this one, which has this number, dies
    #[arg(long, hide = true, value_name = "PID")]
    dies_with_parent: Option<i32>,
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    if let Some(parent) = arguments.dies_with_parent {
        die_with_parent(parent)?;
    }
    let cell = Cell::new(&arguments.heap, &arguments.config, &arguments.workload, &arguments.set, arguments.seed)?;
    let cell = cell.with_threads(arguments.threads)?.with_rate(arguments.rate)?;
    let instruments = if arguments.bare { Instruments::BARE } else { Instruments::without(&arguments.without)? };
    let cell = Cell { round: arguments.round, twin: arguments.twin, instruments, ..cell };
    if arguments.trace.is_some() && !instruments.has(Instrument::Ledger) {
        bail!("a trace is made of what the ledger sees; leave out --trace, or run with the ledger");
    }
    for (name, path) in [("--hlog", &arguments.hlog), ("--trace", &arguments.trace)] {
        let Some(path) = path else { continue };
        // Said now, not after a cell that may take minutes.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if !folder.is_none_or(Path::is_dir) {
            bail!("there is no folder for {}; give {name} a file in a folder that exists", path.display());
        }
    }
    let Measured { mut record, histograms, began, spans } = measure(&cell)?;
    if let Some(path) = &arguments.hlog {
        let comment = format!("gclab {} cell {}: {} on {}", record.schema, record.cell, record.workload, record.heap);
        histograms.write(path, &comment, began, Duration::from_nanos(record.wall_ns.unwrap_or(0)))?;
        record.hlog = Some(path.display().to_string());
    }
    if let Some(path) = &arguments.trace {
        trace::write(path, &record, &spans)?;
    }
    let text = if arguments.json { serde_json::to_string(&record)? + "\n" } else { readable(&record) };
    super::print(&text)?;
    if record.status == Status::WrongDigest {
        let cause = record.error.as_deref().unwrap_or("no cause known");
        let message = format!("heap {}, workload {}, seed {}: {cause}", record.heap, record.workload, record.seed);
        return Err(WrongAnswer(message).into());
    }
    // Asked for one cell and given none: for the caller of `run` that is a failure. In a comparison it is a row.
    if matches!(record.status, Status::OutOfMemory | Status::Error) {
        bail!("{}: {}", record.status.name(), record.error.as_deref().unwrap_or("no cause known"));
    }
    Ok(())
}

/// The record in some ten lines.
fn readable(record: &Record) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<12}{value}");
    };
    let unknown = || "n/a".to_owned();
    let time = |ns: Option<u64>| ns.map_or_else(unknown, units::time);
    let size = |bytes: Option<u64>| bytes.map_or_else(unknown, units::size);
    let count = |number: Option<u64>| number.map_or_else(unknown, units::count);
    let summary = |summary: &Summary| {
        let Summary { n, p50, p99, p99_9, max, .. } = *summary;
        format!(
            "p50 {}   p99 {}   p99.9 {}   max {}   (n = {})",
            time(p50),
            time(p99),
            time(p99_9),
            time(max),
            units::count(n)
        )
    };
    let mutators = if record.threads == 1 { "1 mutator".to_owned() } else { format!("{} mutators", record.threads) };
    let (workload, heap, status) = (&record.workload, &record.heap, record.status.name());
    line("cell", format!("{workload} on {heap}, {mutators}, seed {}: {status}", record.seed));
    if let Some(error) = &record.error {
        line("", error.clone());
    }
    let operation = record.operation.as_deref().unwrap_or("operation");
    let rate = record.achieved_per_s.map_or_else(unknown, units::rate);
    let offered = record.offered_per_s.map_or(String::new(), |rate| format!(", {} offered", units::rate(rate)));
    line(operation, format!("{} in {}: {rate}{offered}", count(record.operations), time(record.wall_ns)));
    if let Some(response) = &record.response_ns {
        line("response", summary(response));
    }
    if let Some(service) = &record.service_ns {
        line("service", summary(service));
    }
    if let Some(pause) = &record.pause_ns {
        line("pause", format!("{}; sum {}", summary(&pause.summary), units::time(pause.total)));
    }
    if let Some(generations) = &record.collections {
        let list: Vec<String> = generations.iter().map(|figures| units::count(figures.collections)).collect();
        line("collections", format!("g0/g1/g2 {}", list.join(" / ")));
    }
    if let Some(floating) = &record.floating {
        let mean = floating.mean_objects.map_or_else(unknown, |mean| units::count(mean.round() as u64));
        line("floating", format!("{} dead objects at most, {mean} in the mean", count(floating.peak_objects)));
    }
    let (mutators, collecting) = (time(record.mutator_cpu_ns), time(record.collecting_in_place_ns()));
    let (own, all) = (time(record.heap_threads_cpu_ns), time(record.cpu_in_all_ns()));
    line("CPU", format!("{all}: mutators {mutators}, of it collecting {collecting}; the heap's own threads {own}"));
    line("memory", format!("resident {}, heap {}", size(record.peak_rss_bytes), size(record.heap_peak_bytes)));
    line("live", format!("{} after, {} expected", count(record.live_after), count(record.live_expected)));
    line("digest", record.digest.clone().unwrap_or_else(unknown));
    text
}
