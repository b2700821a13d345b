//! `gclab compare`: every heap × the chosen workloads, interleaved, each cell in a fresh process; a table and a folder.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::WrongAnswer;
use super::selection::{self, QUICK_ROUNDS, QUICK_S, Selection, expected_s};
use crate::cell::Cell;
use crate::comparison::{BASELINE, Calibration, Comparison, Run, of_point};
use crate::experiment::tune;
use crate::invocation::{Files, invoke};
use crate::judgement::judge;
use crate::provenance::{Load, Provenance, binary_hash, now_utc};
use crate::record::{SCHEMA, Status};
use crate::report::verdict_line::VerdictLine;
use crate::run_folder::{RunFolder, refuse_other, refuse_other_build, refuse_other_machine, remedy, words_to_resume};
use crate::{disagreement, table, units};

/// What `run.json` calls a comparison.
const KIND: &str = "compare";

const EXAMPLES: &str = "\
Examples:
  gclab compare                                       all heaps, three workloads, about two minutes
  gclab compare --full                                all workloads, five rounds, half an hour
  gclab compare --workloads web-requests --load 0.2,0.5,0.8 --budget 20m
  gclab compare --workloads web-requests --set web-requests.live=10000,100000,1000000
  gclab compare --workloads deep-cycles --rounds 5 --out runs/deep
  gclab compare --resume runs/deep                    go on where a run was interrupted

The run folder keeps run.json (command, program, machine), cells.jsonl (one record a cell) and one
.hlog a cell (its histograms). Interrupt at any time: finished cells are kept.
`gclab plan` with the same arguments lists the cells without running any.";

/// Compare heaps on workloads: interleaved, each cell in a fresh process
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// The run folder; a new one under gclab-runs if not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in this folder; what it runs is as it was then
    #[arg(long, value_name = "DIR", conflicts_with_all = selection::NAMES)]
    resume: Option<PathBuf>,
    /// Print each cell's record as a line of JSON when it has ended, then the verdict on each point as one; no table
    #[arg(long)]
    json: bool,
    /// Write a trace of each cell to the run folder as well: CELL.trace.json, for ui.perfetto.dev
    #[arg(long)]
    trace: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    let (mut folder, mut run) = match &arguments.resume {
        Some(path) => resume(path, KIND)?,
        None => begin(&arguments)?,
    };
    let trace = arguments.trace || was_traced(&run);
    let began = Instant::now();
    let path = folder.path().to_owned();
    eprintln!(
        "{} at {}, {}. Each finished cell is kept in {p}; if interrupted, go on with `gclab compare --resume {p}`.",
        plural(run.comparison.heaps.len(), "heap"),
        plural(run.comparison.points.len(), "point"),
        expectation(&run.comparison),
        p = path.display()
    );
    if !run.comparison.left_out.is_empty() {
        eprintln!("The budget leaves out {}.", plural(run.comparison.left_out.len(), "point"));
    }
    calibrate(&mut run, &folder)?;
    let asked = Asked { trace, json: arguments.json };
    run_rounds(&mut run, &mut folder, began, asked, &mut |_, _, _| Ok(Duration::ZERO))?;
    report(&run, &mut folder, arguments.json)
}

/// Runs the cells that the folder has not yet, round by round, and writes down that all have ended. A run that does not say how
/// many rounds it has gets as many as fit into the time of a quick one since `began`. Behind each cell, whether it ran or was there,
/// comes what is `beside`: it is told the round, the place of the cell in it and how many cells it has, and returns how long it
/// took.
pub(super) fn run_rounds(
    run: &mut Run,
    folder: &mut RunFolder,
    began: Instant,
    asked: Asked,
    beside: &mut dyn FnMut(u32, usize, usize) -> Result<Duration>,
) -> Result<()> {
    let mut progress = Progress::new();
    progress.rounds(run.comparison.rounds, &run.comparison);
    let mut round = 0;
    let mut pace = CellPace::default();
    while run.comparison.rounds.is_none_or(|rounds| round < rounds) {
        let cells = run.comparison.round(round)?;
        let mut beside_s = 0.0;
        for (nth, (place, cell)) in cells.iter().enumerate() {
            let cell_began = Instant::now();
            let point = run.comparison.points[*place].id();
            if run_cell(cell, &point, run, folder, &mut progress, asked)? {
                pace.add(cell_began.elapsed());
            }
            beside_s += beside(round, nth, cells.len())?.as_secs_f64();
        }
        round += 1;
        let round_s = pace.mean_s() * cells.len() as f64 + beside_s;
        if run.comparison.rounds.is_none() {
            let left_s = QUICK_S - began.elapsed().as_secs_f64();
            let more = (left_s / round_s.max(0.01)).clamp(0.0, f64::from(QUICK_ROUNDS - 1)) as u32;
            run.comparison.rounds = Some(1 + more);
            folder.write_run(run)?;
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
    folder.write_run(run)
}

/// So many of something: `1 push`, `2 pushes`.
pub(super) fn plural(n: usize, name: &str) -> String {
    let hisses = ["s", "x", "z", "ch", "sh"].iter().any(|end| name.ends_with(end));
    match n {
        1 => format!("1 {name}"),
        _ if hisses => format!("{n} {name}es"),
        _ => format!("{n} {name}s"),
    }
}

/// How many rounds, and how long they take as far as that is known.
pub(super) fn expectation(comparison: &Comparison) -> String {
    match (comparison.rounds, expected_s(comparison)) {
        (Some(rounds), Some(s)) => format!("{}, about {}", plural(rounds as usize, "round"), units::duration(s)),
        (Some(rounds), None) => format!("{}; how long is known after the first", plural(rounds as usize, "round")),
        (None, _) => format!("up to {QUICK_ROUNDS} rounds in about two minutes"),
    }
}

/// A new run as the command line says.
fn begin(arguments: &Arguments) -> Result<(RunFolder, Run)> {
    new_run(KIND, arguments.selection.comparison()?, arguments.out.as_deref())
}

/// A new run of this kind in a new folder, under `gclab-runs` if none is given.
pub(super) fn new_run(kind: &str, comparison: Comparison, out: Option<&Path>) -> Result<(RunFolder, Run)> {
    let started = now_utc();
    let path = out.map_or_else(|| Path::new("gclab-runs").join(started.replace(':', "")), Path::to_owned);
    let run = Run {
        schema: SCHEMA,
        kind: kind.to_owned(),
        command: std::iter::once("gclab".to_owned()).chain(std::env::args().skip(1)).collect(),
        started,
        ended: None,
        comparison,
        provenance: Provenance::collect(),
        load_before: Load::now(),
        load_after: None,
        parts: Vec::new(),
    };
    // Made when all that it begins with is known: the shortest time in which a kill leaves a folder without a run.
    let folder = RunFolder::create(&path)?;
    folder.write_run(&run)?;
    Ok((folder, run))
}

/// A run of this kind to go on with.
pub(super) fn resume(path: &Path, kind: &str) -> Result<(RunFolder, Run)> {
    refuse_other(path, kind)?;
    let folder = RunFolder::open(path)?;
    let run: Run = folder.read_run()?;
    refuse_other_build(path, &run.provenance)?;
    if !run.parts.is_empty() {
        bail!("{} was merged from other runs; go on with those, and merge them again", path.display());
    }
    // What the baseline serves is of a machine too, and is measured before the first cell.
    let calibrated = run.comparison.calibrations.values().map(|calibration| &calibration.record);
    refuse_other_machine(path, folder.records().iter().chain(calibrated).map(|record| record.machine.as_deref()))?;
    Ok((folder, run))
}

/// One try at what the baseline serves, whatever comes of it.
fn calibration(cell: &Cell, comparison: &Comparison) -> Result<Calibration> {
    let began = Instant::now();
    let mut record = invoke(cell, Files::default(), Duration::from_secs(comparison.timeout_s))?;
    // Of no use for calibrating, and long.
    record.trash = None;
    Ok(Calibration { record, process_s: began.elapsed().as_secs_f64() })
}

/// Measures what the baseline serves where that is needed and not known. A failure is not kept, so that a run that goes on
/// tries again.
pub(super) fn calibrate(run: &mut Run, folder: &RunFolder) -> Result<()> {
    for (point, cell) in run.comparison.to_calibrate()? {
        let first = calibration(&cell, &run.comparison)?;
        // What killed it may be gone by now, such as a neighbour that took the memory.
        let calibration = if first.is_usable() { first } else { calibration(&cell, &run.comparison)? };
        let (name, record) = (cell.workload.name, &calibration.record);
        let cause = record.error.as_deref().unwrap_or("it timed no operation");
        if record.status == Status::WrongDigest {
            let message = format!("heap {BASELINE}, workload {name}, seed {}: {cause}", record.seed);
            return Err(WrongAnswer(message).into());
        }
        // Without it no load could be offered: cells of all loads would be one and the same closed loop.
        let Some(rate) = record.achieved_per_s.filter(|_| calibration.is_usable()) else {
            bail!(
                "what {BASELINE} serves of {name} could not be measured in two tries, so loads and lengths of cells are not \
                 known ({}: {cause}); mend that, then {}, or start a new run with other dials or a longer --timeout{}",
                record.status.name(),
                remedy(&run.kind, run.comparison.rounds.is_some(), folder.path()),
                if run.kind == tune::NAME { "" } else { ", or with --rate in place of --load" }
            );
        };
        eprintln!("{name}: {BASELINE} serves {}.", units::rate(rate));
        run.comparison.calibrations.insert(point, calibration);
        folder.write_run(run)?;
    }
    Ok(())
}

/// Whether the run was begun with `--trace`: its command line says so, and a run that goes on is as it was.
fn was_traced(run: &Run) -> bool {
    run.command.iter().any(|word| word == "--trace")
}

/// What is asked for of each cell beside its record.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    /// A trace.
    pub(super) trace: bool,
    /// That its record is printed.
    pub(super) json: bool,
}

/// Runs a cell unless the folder has it; whether it ran.
pub(super) fn run_cell(
    cell: &Cell,
    point: &str,
    run: &Run,
    folder: &mut RunFolder,
    progress: &mut Progress,
    asked: Asked,
) -> Result<bool> {
    let hash = cell.record(Some(binary_hash()?)).cell;
    if folder.records().iter().any(|record| record.cell == hash) {
        progress.one_more();
        return Ok(false);
    }
    progress.now(cell);
    let (hlog, trace) = (folder.hlog(&hash), folder.trace(&hash));
    let files = Files { hlog: Some(&hlog), trace: asked.trace.then_some(trace.as_path()) };
    let mut record = invoke(cell, files, Duration::from_secs(run.comparison.timeout_s)).with_context(|| {
        let (workload, heap, kept) = (cell.workload.name, cell.heap.name, folder.records().len());
        let path = folder.path().display();
        let resume = words_to_resume(&run.kind);
        format!("{workload} on {heap} cannot run ({kept} finished cells are kept for `{resume} {path}`)")
    })?;
    record.hlog = hlog.exists().then(|| format!("{hash}.hlog"));
    record.point = Some(point.to_owned());
    if asked.json {
        super::print(&(serde_json::to_string(&record)? + "\n"))?;
    }
    folder.append(record)?;
    progress.one_more();
    Ok(true)
}

/// The table; an error if anything was read wrong. Cells that read something else than the others are marked first.
pub(super) fn report(run: &Run, folder: &mut RunFolder, json: bool) -> Result<()> {
    folder.amend(disagreement::mark)?;
    if json {
        for point in &run.comparison.points {
            let judged = judge(&run.comparison, point, folder.records(), folder.path());
            let line = VerdictLine::new(&run.comparison, point, &of_point(folder.records(), point), &judged);
            super::print(&(serde_json::to_string(&line)? + "\n"))?;
        }
    } else {
        super::print(&format!("\n{}", table::comparison(&run.comparison, folder.records(), folder.path())))?;
    }
    right_answers(folder)
}

/// An error if anything was read wrong.
pub(super) fn right_answers(folder: &RunFolder) -> Result<()> {
    let mut wrong: Vec<String> = Vec::new();
    for record in folder.records().iter().filter(|record| record.status == Status::WrongDigest) {
        let cause = record.error.as_deref().unwrap_or("no cause known");
        let what = format!("heap {}, workload {}, seed {}: {cause}", record.heap, record.workload, record.seed);
        // Rounds repeat the same work, and its fault.
        if !wrong.contains(&what) {
            wrong.push(what);
        }
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
pub(super) struct Progress {
    bar: ProgressBar,
    done: u64,
}

impl Progress {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:30} {pos} of {len} cells  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, done: 0 }
    }

    fn rounds(&self, rounds: Option<u32>, comparison: &Comparison) {
        let cells = comparison.cells_of_a_round() as u64;
        self.cells(cells * u64::from(rounds.unwrap_or(1)));
    }

    /// How many cells there will be, as far as that is known.
    pub(super) fn cells(&self, cells: u64) {
        self.bar.set_length(cells);
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

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
