//! `gclab reproduce` of experiments whose cells end in flat figures: one set of arguments, one way to run them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use super::super::compare::plural;
use super::super::{WrongAnswer, print, progress};
use crate::experiment::live;
use crate::experiment::trial::{
    Cell, Experiment, Plan, Programs, Python, Record, Run, SCHEMA, Size, process, whole_chapter,
};
use crate::invocation::die_with_parent;
use crate::provenance::{Load, Provenance, binary_hash, now_utc};
use crate::record::Status;
use crate::report::chapter::{files, screen};
use crate::report::origin;
use crate::run_folder::{CellFolder, refuse_other, refuse_other_build, refuse_other_machine};
use crate::units;

pub(super) const EXAMPLES: &str = "\
Each cell is a fresh process; rounds are interleaved and shuffled. The run folder gets run.json, cells.jsonl (one record a
cell), and the tables as Markdown, CSV and LaTeX with pictures in plots/. With --python PATH live interpreters are asked the
same in the same rounds, by programs that are built in. --resume DIR goes on with an interrupted run.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A small form of it: less than three minutes
    #[arg(long)]
    quick: bool,
    /// Heaps too small to say anything, to see the experiment run
    #[arg(long, hide = true, conflicts_with = "quick")]
    tiny: bool,
    /// These heaps only
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    heaps: Vec<String>,
    /// A CPython to ask the same, in the same rounds; may be repeated
    #[arg(long, value_name = "PATH")]
    python: Vec<PathBuf>,
    /// Repetitions of each cell
    #[arg(long, value_name = "N", value_parser = rounds)]
    rounds: Option<u32>,
    /// Seed of every random choice, the order of cells included
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds after which a cell is killed
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// The run folder; a new one under gclab-runs if not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in this folder; what it runs is as it was then. Name its interpreters again by --python
    #[arg(long, value_name = "DIR",
        conflicts_with_all = ["quick", "tiny", "heaps", "rounds", "seed", "timeout", "out"])]
    resume: Option<PathBuf>,
    /// Print each cell's record as a line of JSON when it has ended, then each finding as one; no table
    #[arg(long)]
    json: bool,
    /// Run one cell in this process, and print its record
    #[arg(long, value_name = "JSON", hide = true)]
    cell: Option<String>,
    /// Be killed when the process that started this one, which has this number, dies
    #[arg(long, hide = true, value_name = "PID")]
    dies_with_parent: Option<i32>,
}

/// The most rounds: a run's cells are made before the first one runs, and their records kept in memory.
const MOST_ROUNDS: u32 = 1_000;

/// So many rounds.
pub(super) fn rounds(text: &str) -> Result<u32, String> {
    let rounds = text.parse().ok().filter(|rounds| (1..=MOST_ROUNDS).contains(rounds));
    rounds.ok_or_else(|| format!("`{text}` is no number of rounds; give one from 1 to {MOST_ROUNDS}"))
}

pub(super) fn run(experiment: &dyn Experiment, arguments: Arguments) -> Result<()> {
    if let Some(parent) = arguments.dies_with_parent {
        die_with_parent(parent)?;
    }
    if let Some(text) = &arguments.cell {
        let record = process::measure(experiment, &Cell::from_text(text)?)?;
        return print(&(serde_json::to_string(&record)? + "\n"));
    }
    let pythons = pythons(&arguments.python)?;
    let (mut folder, mut run) = match &arguments.resume {
        Some(path) => resume(experiment, path, &pythons)?,
        None => begin(experiment, &arguments, &pythons)?,
    };
    conduct(experiment, &run, &mut folder, &pythons, arguments.json)?;
    run.ended = Some(now_utc());
    run.load_after = Some(Load::now());
    folder.write_run(&run)?;
    publish(experiment, &run, &folder, arguments.json)
}

/// The interpreters at these paths, no version twice.
pub(super) fn pythons(paths: &[PathBuf]) -> Result<Vec<Python>> {
    let mut pythons: Vec<Python> = Vec::new();
    for path in paths {
        let python = Python::find(path)?;
        if pythons.iter().any(|known| known.version == python.version) {
            bail!("{} is named twice by --python; their columns could not be told apart", python.version);
        }
        pythons.push(python);
    }
    Ok(pythons)
}

/// A new run as the command line says.
fn begin(experiment: &dyn Experiment, arguments: &Arguments, pythons: &[Python]) -> Result<(CellFolder<Record>, Run)> {
    let started = now_utc();
    let size = match (arguments.quick, arguments.tiny) {
        (true, _) => Size::Quick,
        (_, true) => Size::Tiny,
        _ => Size::Standard,
    };
    let versions: Vec<String> = pythons.iter().map(|python| python.version.clone()).collect();
    let mut plan = Plan::new(experiment, size, &arguments.heaps, &versions, arguments.seed, arguments.timeout)?;
    plan.rounds = arguments.rounds.unwrap_or(plan.rounds);
    let path = arguments.out.clone().unwrap_or_else(|| Path::new("gclab-runs").join(started.replace(':', "")));
    let folder = CellFolder::create(&path)?;
    let command = std::iter::once("gclab".to_owned()).chain(std::env::args().skip(1)).collect();
    let command = live::without_places(command, pythons);
    let run = Run {
        schema: SCHEMA,
        kind: experiment.name().to_owned(),
        command: command.iter().map(|word| origin::word_without_paths(word)).collect(),
        started,
        ended: None,
        plan,
        provenance: Provenance::collect(),
        load_before: Load::now(),
        load_after: None,
    };
    folder.write_run(&run)?;
    Ok((folder, run))
}

/// A run to go on with.
fn resume(experiment: &dyn Experiment, path: &Path, pythons: &[Python]) -> Result<(CellFolder<Record>, Run)> {
    refuse_other(path, experiment.name())?;
    let folder = CellFolder::<Record>::open(path)?;
    let run: Run = folder.read_run()?;
    refuse_other_build(path, &run.provenance)?;
    refuse_other_machine(path, folder.records().iter().map(|record| record.machine.as_deref()))?;
    live::refuse_further(pythons, &run.plan.versions())?;
    Ok((folder, run))
}

/// Runs the cells that have no record yet.
fn conduct(
    experiment: &dyn Experiment,
    run: &Run,
    folder: &mut CellFolder<Record>,
    pythons: &[Python],
    json: bool,
) -> Result<()> {
    let binary = binary_hash()?;
    let done: Vec<String> = folder.records().iter().map(|record| record.cell.clone()).collect();
    let mut left = run.plan.all();
    left.retain(|cell| !done.contains(&cell.hash(binary)));
    let missing = |version: &&str| !pythons.iter().any(|python| python.version == **version);
    if let Some(version) = run.plan.versions().into_iter().find(missing).filter(|_| !left.is_empty()) {
        bail!("{version} is part of this run; name its path by --python");
    }
    let expected_s: f64 = left.iter().map(|cell| experiment.expected_s(cell)).sum();
    eprintln!(
        "{} in {}, about {}. Each finished cell is kept in {p}; if interrupted, go on with `gclab reproduce {} --resume {p}`.",
        plural(left.len(), "cell"),
        plural(run.plan.rounds as usize, "round"),
        units::duration(expected_s),
        experiment.name(),
        p = folder.path().display()
    );
    let programs = Programs::write()?;
    let bar = progress::of_cells(left.len());
    for cell in left {
        bar.set_message(format!("{} on {}", cell.question, cell.subject.name()));
        let record = process::run(experiment, &cell, pythons, &programs, Duration::from_secs(run.plan.timeout_s))?;
        if json {
            print(&(serde_json::to_string(&record)? + "\n"))?;
        }
        folder.append(record)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

/// The chapter into the folder and onto the screen; an error if a heap was wrong.
fn publish(experiment: &dyn Experiment, run: &Run, folder: &CellFolder<Record>, json: bool) -> Result<()> {
    let records = folder.records();
    let chapter = whole_chapter(experiment, run, records);
    let written = files::write(&chapter, folder.path())?;
    if json {
        for finding in &chapter.findings {
            print(&format!("{}\n", json!({"about": finding.about, "text": finding.text})))?;
        }
    } else {
        print(&format!("\n{}", screen::render(&chapter)))?;
        if let Some(first) = written.first() {
            print(&format!("All tables and pictures: {}\n", first.display()))?;
        }
    }
    let wrong = records.iter().filter(|record| record.status == Status::WrongDigest);
    let wrong: Vec<String> = wrong.map(|record| format!("{}: {}", record.name(), record.cause())).collect();
    if wrong.is_empty() { Ok(()) } else { Err(WrongAnswer(wrong.join("\nwrong answer: ")).into()) }
}
