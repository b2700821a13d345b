//! `gclab compare`: every heap × the chosen workloads, interleaved, each cell in a fresh process; a table and a folder.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use workloads::catalogue;

use super::{WrongAnswer, key_value};
use crate::cell::{Cell, Given};
use crate::comparison::{Arrivals, BASELINE, Chosen, Comparison, Run};
use crate::invocation::invoke;
use crate::provenance::{Load, Provenance, binary_hash, now_utc};
use crate::record::{Record, SCHEMA, Status};
use crate::run_folder::RunFolder;
use crate::{roster, table, units};

const EXAMPLES: &str = "\
Examples:
  gclab compare                                       all heaps and workloads, about two minutes
  gclab compare --full                                ten rounds
  gclab compare --workloads web-requests --load 0.8   near saturation
  gclab compare --workloads deep-cycles --rounds 5 --out runs/deep
  gclab compare --resume runs/deep                    go on where a run was interrupted

The run folder keeps run.json (command, program, machine), cells.jsonl (one record a cell) and one
.hlog a cell (its histograms). Interrupt at any time: finished cells are kept.";

/// The seconds that a quick comparison aims at, its table included.
const QUICK_S: f64 = 110.0;
/// The most rounds of a quick comparison.
const QUICK_ROUNDS: u32 = 5;
/// The rounds of a full one.
const FULL_ROUNDS: u32 = 10;

/// Compare heaps on workloads: interleaved, each cell in a fresh process
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// As many rounds, 1 to 5, as fit into about two minutes (the default)
    #[arg(long, conflicts_with_all = ["full", "rounds"])]
    quick: bool,
    /// Ten rounds
    #[arg(long, conflicts_with = "rounds")]
    full: bool,
    /// The heaps, with commas; all of them if not given
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    heaps: Vec<String>,
    /// The workloads, with commas; web-requests, frozen-fork and deep-cycles if not given
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    workloads: Vec<String>,
    /// A dial of a workload; may be repeated
    #[arg(long, value_name = "WORKLOAD.NAME=VALUE", value_parser = key_value)]
    set: Vec<Given>,
    /// A setting of every heap; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    config: Vec<Given>,
    /// Mutators of each cell
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: u32,
    /// Repetitions of each cell
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Seed of every random choice, the order of cells included
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Operations that arrive a second, where a workload's can
    #[arg(long, value_name = "PER_SECOND", conflicts_with = "load")]
    rate: Option<f64>,
    /// The same as a share of what the generational heap serves in a closed loop, measured first
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    load: f64,
    /// Seconds after which a cell is killed
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// The run folder; a new one under gclab-runs if not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in this folder; what it runs is as it was then
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = [
            "quick", "full", "heaps", "workloads", "set", "config", "threads", "rounds", "seed", "rate", "load",
            "timeout", "out",
        ]
    )]
    resume: Option<PathBuf>,
    /// Print each cell's record as a line of JSON when it has ended, and no table
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    let (mut folder, mut run) = match &arguments.resume {
        Some(path) => resume(path)?,
        None => begin(&arguments)?,
    };
    let began = Instant::now();
    let path = folder.path().to_owned();
    let plural = |n: usize, name: &str| if n == 1 { format!("1 {name}") } else { format!("{n} {name}s") };
    let expected = match run.comparison.rounds {
        Some(rounds) => format!("{}; how long is known after the first", plural(rounds as usize, "round")),
        None => format!("up to {QUICK_ROUNDS} rounds in about two minutes"),
    };
    eprintln!(
        "{} × {}, {expected}. Each finished cell is kept in {p}; if interrupted, go on with `gclab compare --resume {p}`.",
        plural(run.comparison.heaps.len(), "heap"),
        plural(run.comparison.workloads.len(), "workload"),
        p = path.display()
    );
    measure_saturation(&mut run, &folder)?;
    let mut progress = Progress::new();
    let mut round = 0;
    let mut pace = CellPace::default();
    while run.comparison.rounds.is_none_or(|rounds| round < rounds) {
        let cells = run.comparison.round(round)?;
        for cell in &cells {
            let cell_began = Instant::now();
            if run_cell(cell, &run, &mut folder, &mut progress, arguments.json)? {
                pace.add(cell_began.elapsed());
            }
        }
        round += 1;
        let round_s = pace.mean_s() * cells.len() as f64;
        if run.comparison.rounds.is_none() {
            let left_s = QUICK_S - began.elapsed().as_secs_f64();
            let more = (left_s / round_s.max(0.01)).clamp(0.0, f64::from(QUICK_ROUNDS - 1)) as u32;
            run.comparison.rounds = Some(1 + more);
            folder.write_run(&run)?;
        }
        let left = run.comparison.rounds.map_or(0, |rounds| rounds.saturating_sub(round));
        if left > 0 && round == 1 && round_s > 0.0 {
            let (one, all) = (units::duration(round_s), units::duration(round_s * f64::from(left)));
            progress.say(&format!("A round takes {one}; {left} to go: {all}."));
        }
        progress.rounds(run.comparison.rounds, &run.comparison);
    }
    progress.finish();
    run.ended = Some(now_utc());
    run.load_after = Some(Load::now());
    folder.write_run(&run)?;
    report(&run, &folder, arguments.json)
}

/// A new run as the command line says.
fn begin(arguments: &Arguments) -> Result<(RunFolder, Run)> {
    let started = now_utc();
    let comparison = comparison(arguments)?;
    let path = arguments.out.clone().unwrap_or_else(|| Path::new("gclab-runs").join(started.replace(':', "")));
    let folder = RunFolder::create(&path)?;
    let run = Run {
        schema: SCHEMA,
        kind: "compare".to_owned(),
        command: std::iter::once("gclab".to_owned()).chain(std::env::args().skip(1)).collect(),
        started,
        ended: None,
        comparison,
        provenance: Provenance::collect(),
        load_before: Load::now(),
        load_after: None,
    };
    folder.write_run(&run)?;
    Ok((folder, run))
}

/// A run to go on with.
fn resume(path: &Path) -> Result<(RunFolder, Run)> {
    let folder = RunFolder::open(path)?;
    let run: Run = folder.read_run()?;
    if run.provenance.binary.as_deref() != Some(binary_hash()?) {
        bail!(
            "{} was begun by another build of gclab, and its cells would not compare; start a new run, or use that build",
            path.display()
        );
    }
    Ok((folder, run))
}

/// Checks the command line as a whole.
fn comparison(arguments: &Arguments) -> Result<Comparison> {
    let chosen_heap =
        |entry: &&roster::Entry| arguments.heaps.is_empty() || arguments.heaps.iter().any(|heap| heap == entry.name);
    arguments.heaps.iter().try_for_each(|heap| roster::entry(heap).map(drop))?;
    arguments.workloads.iter().try_for_each(|workload| catalogue::find(workload).map(drop))?;
    let workloads: Vec<Chosen> = catalogue::ENTRIES
        .iter()
        .filter(|entry| match &arguments.workloads[..] {
            [] => entry.compared,
            chosen => chosen.iter().any(|name| name == entry.name),
        })
        .map(|entry| entry.name)
        .map(|name| Chosen { workload: name.to_owned(), given: dials_of(name, &arguments.set) })
        .collect();
    for (key, value) in &arguments.set {
        let workload = key.split_once('.').map(|(workload, _)| workload);
        if !workloads.iter().any(|chosen| Some(chosen.workload.as_str()) == workload) {
            let known = workloads.iter().map(|chosen| chosen.workload.as_str()).collect::<Vec<_>>().join(", ");
            bail!("--set {key}={value} names none of the workloads compared ({known}); write WORKLOAD.NAME=VALUE");
        }
    }
    let arrivals = match arguments.rate {
        Some(rate) if rate.is_finite() && rate > 0.0 => Arrivals::Rate(rate),
        Some(rate) => bail!("--rate {rate} is not possible; give a number above 0"),
        None if arguments.load > 0.0 && arguments.load <= 2.0 => Arrivals::Load(arguments.load),
        None => bail!("--load {} is not possible; give a share above 0 and at most 2", arguments.load),
    };
    let comparison = Comparison {
        heaps: roster::entries().iter().filter(chosen_heap).map(|entry| entry.name.to_owned()).collect(),
        workloads,
        heap_settings: arguments.config.clone(),
        threads: arguments.threads,
        seed: arguments.seed,
        rounds: if arguments.full { Some(FULL_ROUNDS) } else { arguments.rounds },
        arrivals,
        timeout_s: arguments.timeout,
        saturation: Default::default(),
    };
    // Every setting and dial is checked here, before anything is written.
    for cell in comparison.round(0)? {
        catalogue::try_settings(cell.workload.name, &cell.settings)?;
    }
    Ok(comparison)
}

fn dials_of(workload: &str, set: &[Given]) -> Vec<Given> {
    let dial = |(key, value): &Given| {
        let (named, dial) = key.split_once('.')?;
        (named == workload).then(|| (dial.to_owned(), value.clone()))
    };
    set.iter().filter_map(dial).collect()
}

fn measure_saturation(run: &mut Run, folder: &RunFolder) -> Result<()> {
    for cell in run.comparison.saturation_cells()? {
        let record = invoke(&cell, None, Duration::from_secs(run.comparison.timeout_s))?;
        match record.achieved_per_s {
            Some(rate) => eprintln!("{}: {BASELINE} serves {}.", cell.workload.name, units::rate(rate)),
            None => eprintln!(
                "warning: what {BASELINE} serves of {} could not be measured ({}), so its cells are closed loops",
                cell.workload.name,
                record.error.as_deref().unwrap_or("no cause known")
            ),
        }
        run.comparison.saturation.insert(cell.workload.name.to_owned(), record);
        folder.write_run(run)?;
    }
    Ok(())
}

/// Runs a cell unless the folder has it; whether it ran.
fn run_cell(cell: &Cell, run: &Run, folder: &mut RunFolder, progress: &mut Progress, json: bool) -> Result<bool> {
    let hash = cell.record(Some(binary_hash()?)).cell;
    if folder.records().iter().any(|record| record.cell == hash) {
        progress.one_more();
        return Ok(false);
    }
    progress.now(cell);
    let hlog = folder.hlog(&hash);
    let mut record = invoke(cell, Some(&hlog), Duration::from_secs(run.comparison.timeout_s)).with_context(|| {
        let (workload, heap, kept) = (cell.workload.name, cell.heap.name, folder.records().len());
        let path = folder.path().display();
        format!("{workload} on {heap} cannot run ({kept} finished cells are kept for `gclab compare --resume {path}`)")
    })?;
    record.hlog = hlog.exists().then(|| format!("{hash}.hlog"));
    if let Some(other) = folder.records().iter().find(|other| contradicts(other, &record)) {
        record.status = Status::WrongDigest;
        record.error = Some(format!(
            "digest {}, but {} on {} in round {}",
            record.digest.as_deref().unwrap_or("unknown"),
            other.digest.as_deref().unwrap_or("unknown"),
            other.heap,
            other.round
        ));
    }
    if json {
        super::print(&(serde_json::to_string(&record)? + "\n"))?;
    }
    folder.append(record)?;
    progress.one_more();
    Ok(true)
}

/// Whether two records should have the same digest and have not.
fn contradicts(a: &Record, b: &Record) -> bool {
    let same = (&a.workload, &a.params, a.threads, a.seed) == (&b.workload, &b.params, b.threads, b.seed);
    let known = a.digest.is_some() && b.digest.is_some();
    same && known && a.digest != b.digest
}

fn report(run: &Run, folder: &RunFolder, json: bool) -> Result<()> {
    if !json {
        super::print(&format!("\n{}", table::comparison(&run.comparison, folder.records(), folder.path())))?;
    }
    let mut wrong: Vec<String> = folder
        .records()
        .iter()
        .filter(|record| record.status == Status::WrongDigest)
        .map(|record| {
            let cause = record.error.as_deref().unwrap_or("no cause known");
            format!("heap {}, workload {}, seed {}: {cause}", record.heap, record.workload, record.seed)
        })
        .collect();
    for chosen in &run.comparison.workloads {
        let unequal = table::unequal_digests(folder.records(), &chosen.workload);
        let seed = run.comparison.seed;
        wrong.extend(
            unequal.map(|list| format!("workload {}, seed {seed}: digests not equal: {list}", chosen.workload)),
        );
    }
    if wrong.is_empty() { Ok(()) } else { Err(WrongAnswer(wrong.join("\nwrong answer: ")).into()) }
}

/// How long cells take.
#[derive(Default)]
struct CellPace {
    cells: u32,
    total: Duration,
}

impl CellPace {
    fn add(&mut self, took: Duration) {
        self.cells += 1;
        self.total += took;
    }

    /// Seconds of the mean cell; 0 if none has run.
    fn mean_s(&self) -> f64 {
        self.total.as_secs_f64() / f64::from(self.cells.max(1))
    }
}

/// The progress bar on stderr: drawn between cells only, and not at all where stderr is no terminal.
struct Progress {
    bar: ProgressBar,
    done: u64,
}

impl Progress {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:30} {pos} of {len} cells  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, done: 0 }
    }

    fn rounds(&self, rounds: Option<u32>, comparison: &Comparison) {
        let cells = (comparison.heaps.len() * comparison.workloads.len()) as u64;
        self.bar.set_length(cells * u64::from(rounds.unwrap_or(1)));
    }

    fn now(&self, cell: &Cell) {
        self.bar.set_message(format!("{} on {}", cell.workload.name, cell.heap.name));
        self.bar.tick();
    }

    fn one_more(&mut self) {
        self.done += 1;
        self.bar.set_position(self.done);
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
