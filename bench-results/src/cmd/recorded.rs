//! `gclab recorded`: pauses and requests of real Python processes, in the histograms and figures that our own runs have.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use clap::Args;
use comfy_table::CellAlignment;
use serde::Serialize;

use crate::histogram::{Histograms, PAUSES_BY_GENERATION, Summary, SummaryWithTotal, Timings};
use crate::mmu::{Pauses, WINDOWS_NS};
use crate::recorded::{GENERATIONS, Recording, Requests};
use crate::{table, units};

const EXAMPLES: &str = "\
Examples:
  gclab recorded pauses-4711.jsonl
  gclab recorded pauses-*.jsonl --out recorded          with recorded/recorded.hlog: every pause and request
  gclab recorded pauses-*.jsonl --json

python/gclab_record.py writes such files in a running Python service. Several files are several processes: their pauses
and requests are counted together, and utilization is that of the worst of them.";

/// Show pauses and requests that were recorded in real Python processes
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Files that gclab_record.py wrote
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A folder for the histograms, recorded.hlog; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// Everything that the recordings say together: the line that `--json` prints. Times in nanoseconds.
#[derive(Debug, Serialize)]
struct Figures {
    files: Vec<FileFigures>,
    /// Lengths of all recordings together.
    wall_ns: u64,
    /// Time in pauses together; pauses that overlap count once.
    paused_ns: u64,
    /// Its share of the lengths; unknown when nothing lasted.
    paused_share: Option<f64>,
    pause_ns: SummaryWithTotal,
    /// Pauses by generation collected, 0 first.
    generations: Vec<GenerationFigures>,
    request_ns: SummaryWithTotal,
    /// Requests that a pause overlapped.
    request_with_pause_ns: SummaryWithTotal,
    /// Requests that none did.
    request_without_pause_ns: SummaryWithTotal,
    /// (window, least share of any window of that length that the program could run), of the worst process.
    mmu: Vec<(u64, f64)>,
    /// As `mmu`, of this window or any longer.
    bmu: Vec<(u64, f64)>,
}

#[derive(Debug, Serialize)]
struct FileFigures {
    file: PathBuf,
    runtime: String,
    process: u64,
    started: String,
    threshold: Vec<i64>,
    enabled: bool,
    wall_ns: u64,
    cut_short: bool,
    dropped: Option<u64>,
}

#[derive(Debug, Default, Serialize)]
struct GenerationFigures {
    pause_ns: SummaryWithTotal,
    collected: u64,
    uncollectable: u64,
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    let recordings = arguments.files.iter().map(|path| Recording::open(path)).collect::<Result<Vec<_>>>()?;
    let (figures, histograms) = add_up(&recordings);
    if let Some(folder) = &arguments.out {
        let why = || format!("cannot make the folder {}; name one that can be made", folder.display());
        fs::create_dir_all(folder).with_context(why)?;
        let wall = Duration::from_nanos(recordings.iter().map(|one| one.wall_ns).max().unwrap_or(0));
        let comment = format!("recorded in {} Python processes", recordings.len());
        histograms.write(&folder.join("recorded.hlog"), &comment, SystemTime::now(), wall)?;
    }
    if arguments.json {
        return super::print(&(serde_json::to_string(&figures)? + "\n"));
    }
    super::print(&readable(&figures))
}

fn add_up(recordings: &[Recording]) -> (Figures, Histograms) {
    let (mut all, mut requests) = (Timings::default(), Requests::default());
    let mut by_generation: [Timings; GENERATIONS] = Default::default();
    let mut generations: [GenerationFigures; GENERATIONS] = Default::default();
    for recording in recordings {
        for one in &recording.collections {
            let ns = one.end_ns - one.start_ns;
            all.record(ns);
            by_generation[one.generation].record(ns);
            let figures = &mut generations[one.generation];
            figures.collected = figures.collected.saturating_add(one.collected);
            figures.uncollectable = figures.uncollectable.saturating_add(one.uncollectable);
        }
        recording.add_requests(&mut requests);
    }
    for (figures, timings) in generations.iter_mut().zip(&by_generation) {
        figures.pause_ns = timings.summary_with_total();
    }
    let pauses: Vec<Pauses> = recordings.iter().map(Recording::pauses).collect();
    let worst = |share: fn(&Pauses, u64) -> Option<f64>| {
        let of_window = |&window| Some((window, pauses.iter().filter_map(|one| share(one, window)).reduce(f64::min)?));
        WINDOWS_NS.iter().filter_map(of_window).collect()
    };
    let sum = |each: &mut dyn Iterator<Item = u64>| each.fold(0, u64::saturating_add);
    let wall_ns = sum(&mut recordings.iter().map(|one| one.wall_ns));
    let paused_ns = sum(&mut pauses.iter().map(Pauses::paused_ns));
    let figures = Figures {
        files: recordings.iter().map(FileFigures::of).collect(),
        wall_ns,
        paused_ns,
        paused_share: (wall_ns > 0).then(|| paused_ns as f64 / wall_ns as f64),
        pause_ns: all.summary_with_total(),
        generations: generations.into(),
        request_ns: requests.all.summary_with_total(),
        request_with_pause_ns: requests.paused.summary_with_total(),
        request_without_pause_ns: requests.unpaused.summary_with_total(),
        mmu: worst(Pauses::mmu),
        bmu: worst(Pauses::bmu),
    };
    let mut histograms = Histograms::default();
    histograms.insert("pause", all);
    for (tag, timings) in PAUSES_BY_GENERATION.into_iter().zip(by_generation) {
        histograms.insert(tag, timings);
    }
    histograms.insert("service", requests.all);
    histograms.insert("service-with-pause", requests.paused);
    histograms.insert("service-without-pause", requests.unpaused);
    (figures, histograms)
}

impl FileFigures {
    fn of(recording: &Recording) -> Self {
        Self {
            file: recording.path.clone(),
            runtime: recording.runtime.clone(),
            process: recording.process,
            started: recording.started.clone(),
            threshold: recording.threshold.clone(),
            enabled: recording.enabled,
            wall_ns: recording.wall_ns,
            cut_short: recording.cut_short,
            dropped: recording.dropped,
        }
    }
}

fn readable(figures: &Figures) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for file in &figures.files {
        let enabled = if file.enabled { "" } else { ", collector off at the start" };
        let (runtime, path) = (&file.runtime, file.file.display());
        let thresholds = file.threshold.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        let wall = units::time(file.wall_ns);
        let _ = writeln!(text, "{path}: {runtime}, process {}, {wall}, thresholds {thresholds}{enabled}", file.process);
        if file.cut_short {
            let _ =
                writeln!(text, "  It has no end: the process was killed or still runs. It counts to its last event.");
        }
        if let Some(dropped @ 1..) = file.dropped {
            let _ = writeln!(
                text,
                "  {} collections and requests were left out: writing did not keep up.",
                units::count(dropped)
            );
        }
    }
    let share = figures.paused_share.map_or_else(|| "unknown".to_owned(), |share| format!("{:.2} %", share * 100.0));
    let paused = units::time(figures.paused_ns);
    let _ = writeln!(text, "\nCollector: {paused} in pauses, {share} of {}\n", units::time(figures.wall_ns));
    text.push_str(&pauses_table(figures));
    if figures.request_ns.summary.n > 0 {
        text.push_str("\nRequests: service time, from the call of the application to the end of its answer\n\n");
        text.push_str(&requests_table(figures));
    }
    if !figures.mmu.is_empty() {
        let whose = if figures.files.len() > 1 { ", of the worst process" } else { "" };
        let _ = writeln!(text, "\nUtilization: the least share of any window in which the program could run{whose}\n");
        text.push_str(&utilization_table(figures));
    }
    text
}

const PERCENTILES: [&str; 8] = ["n", "mean", "p50", "p90", "p99", "p99.9", "max", "sum"];

fn header(first: &str, last: &[&str]) -> Vec<String> {
    std::iter::once(&first).chain(&PERCENTILES).chain(last).map(|&name| name.to_owned()).collect()
}

fn row(name: &str, timings: &SummaryWithTotal) -> Vec<String> {
    let Summary { n, mean, p50, p90, p99, p99_9, max, .. } = timings.summary;
    let mut row = vec![name.to_owned(), units::count(n)];
    // Too few times say nothing about a percentile.
    row.extend([mean, p50, p90, p99, p99_9, max].map(|time| time.map_or_else(|| "—".to_owned(), units::time)));
    row.push(units::time(timings.total));
    row
}

fn lines(mut table: comfy_table::Table) -> String {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{table}\n")
}

fn pauses_table(figures: &Figures) -> String {
    let mut table = table::plain(header("pauses", &["collected", "uncollectable"]));
    let sum = |of: fn(&GenerationFigures) -> u64| figures.generations.iter().map(of).fold(0, u64::saturating_add);
    for (number, generation) in figures.generations.iter().enumerate() {
        let mut cells = row(&format!("generation {number}"), &generation.pause_ns);
        cells.extend([generation.collected, generation.uncollectable].map(units::count));
        table.add_row(cells);
    }
    let mut cells = row("all", &figures.pause_ns);
    cells.extend([sum(|one| one.collected), sum(|one| one.uncollectable)].map(units::count));
    table.add_row(cells);
    lines(table)
}

fn requests_table(figures: &Figures) -> String {
    let mut table = table::plain(header("requests", &[]));
    table.add_row(row("with a pause", &figures.request_with_pause_ns));
    table.add_row(row("without", &figures.request_without_pause_ns));
    table.add_row(row("all", &figures.request_ns));
    lines(table)
}

fn utilization_table(figures: &Figures) -> String {
    let mut table = table::plain(["window", "MMU", "BMU"].map(str::to_owned));
    for (&(window, mmu), &(_, bmu)) in figures.mmu.iter().zip(&figures.bmu) {
        let share = |share: f64| format!("{:.1} %", share * 100.0);
        table.add_row([units::time(window), share(mmu), share(bmu)]);
    }
    lines(table)
}
