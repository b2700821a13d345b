//! `gclab reproduce freeze`: what forked workers copy of a heap, by layout and freeze.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use workloads::graph::HeapGraph;

use super::super::compare::plural;
use super::super::{WrongAnswer, print, progress};
use super::trial::pythons;
use crate::experiment::freeze::live as asked;
use crate::experiment::freeze::{Cell, Content, Part, Plan, Record, Report, Run, Size, parent, write};
use crate::experiment::live::{self, Live};
use crate::experiment::trial::{self, Python};
use crate::invocation::{Failure, die_with_parent, run_for_record};
use crate::process_memory::ProcessMemory;
use crate::provenance::{Load, Provenance, binary_hash, content_hash, now_utc};
use crate::record::Status;
use crate::run_folder::{CellFolder, refuse_other_build, refuse_other_machine};
use crate::{roster, units};

const EXAMPLES: &str = "\
Examples:
  gclab reproduce freeze --quick                           every part on small heaps, less than three minutes
  gclab reproduce freeze                                   a million objects, as many rounds as half an hour holds
  gclab reproduce freeze --quick --parts conditions,reads
  gclab reproduce freeze --parts real-heap --heap-file dump.gcheap.gz
  gclab reproduce freeze --resume gclab-runs/DIR           go on where a run was interrupted

A parent builds a heap, freezes it or not, and forks workers that read it and collect twice. Which memory each of them has
to itself afterwards is asked of the system (Linux: /proc/PID/smaps_rollup and pagemap). The run folder keeps run.json,
cells.jsonl (one record a cell), freeze.md, freeze.csv, freeze.tex and plots/. Figures of CPython 3.12.1 stand beside ours. With
--python PATH live interpreters do the same in the same rounds, by a program that is built in, where they can: no
freeze_immortal, and the parts conditions, objects, reads and workers. They take their time; their records are in live/.";

/// What forked workers copy of a heap, by where the collector keeps its words and by how the heap was frozen
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Small heaps, and one round but of the workers, which have an interval: less than three minutes
    #[arg(long)]
    quick: bool,
    /// Heaps too small to say anything, to see the experiment run
    #[arg(long, hide = true, conflicts_with = "quick")]
    tiny: bool,
    /// Parts of it only: conditions, tables, objects, reads, workers, churn, holes, real-heap
    #[arg(long, value_name = "PART,...", value_delimiter = ',', value_parser = known_part)]
    parts: Vec<Part>,
    /// These heaps only
    #[arg(long, value_name = "HEAP,...", value_delimiter = ',')]
    heaps: Vec<String>,
    /// A GCHEAP file for the part real-heap, loaded once, instead of the built-in heap of a Django process
    #[arg(long, value_name = "FILE")]
    heap_file: Option<PathBuf>,
    /// A CPython to do the same, in the same rounds; may be repeated
    #[arg(long, value_name = "PATH")]
    python: Vec<PathBuf>,
    /// Seconds after which a cell is given up
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// The run folder; a new one under gclab-runs if not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in this folder; what it runs is as it was then. Name its interpreters again by --python
    #[arg(long, value_name = "DIR",
        conflicts_with_all = ["quick", "tiny", "parts", "heaps", "heap_file", "timeout", "out"])]
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

fn known_part(name: &str) -> Result<Part, String> {
    Part::ALL.into_iter().find(|part| part.name() == name).ok_or_else(|| {
        let known = Part::ALL.map(Part::name).join(", ");
        format!("no part is called `{name}`; give one of {known}")
    })
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    if let Some(text) = &arguments.cell {
        if let Some(parent) = arguments.dies_with_parent {
            die_with_parent(parent)?;
        }
        let record = parent::run(&Cell::from_text(text)?)?;
        return print(&(serde_json::to_string(&record)? + "\n"));
    }
    ProcessMemory::is_readable().context("the experiment asks the system what memory a process has to itself")?;
    let pythons = pythons(&arguments.python)?;
    let (mut folder, mut run, mut live) = match &arguments.resume {
        Some(path) => resume(path, pythons)?,
        None => begin(&arguments, pythons)?,
    };
    let binary = binary_hash()?;
    let cells = run.plan.all();
    let is_done = |folder: &CellFolder<Record>, cell: &Cell| {
        let hash = cell.hash(binary);
        folder.records().iter().any(|record| record.cell == hash)
    };
    let left: Vec<&Cell> = cells.iter().filter(|cell| !is_done(&folder, cell)).collect();
    let live_s: f64 = live.iter().flat_map(Live::left).map(asked::expected_s).sum();
    let expected_s = live_s + left.iter().map(|cell| run.plan.expected_s(cell)).sum::<f64>();
    let beside = live
        .as_ref()
        .map_or_else(String::new, |live| format!(" and {} of live interpreters", plural(live.left().count(), "cell")));
    let path = folder.path().to_owned();
    eprintln!(
        "{}{beside}, about {}. Each finished cell is kept in {p}; if interrupted, go on with `gclab reproduce freeze --resume {p}`.",
        plural(left.len(), "cell"),
        units::duration(expected_s),
        p = path.display()
    );
    let bar = progress::of_cells(left.len());
    let mut tell = |record: &trial::Record| match arguments.json {
        true => print(&(serde_json::to_string(record)? + "\n")),
        false => Ok(()),
    };
    let (mut round, mut place) = (0, 0);
    for cell in &cells {
        if cell.round != round {
            (round, place) = (cell.round, 0);
        }
        let of = cells.iter().filter(|cell| cell.round == round).count();
        if let Some(live) = &mut live {
            live.turn(round, place, of, &mut tell)?;
        }
        place += 1;
        if is_done(&folder, cell) {
            continue;
        }
        bar.set_message(format!("{}: {} on {}", cell.part.name(), cell.condition.name(), cell.layout.name()));
        let record = run_cell(cell, binary, Duration::from_secs(run.plan.timeout_s))?;
        if arguments.json {
            print(&(serde_json::to_string(&record)? + "\n"))?;
        }
        folder.append(record)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    run.ended = Some(now_utc());
    run.load_after = Some(Load::now());
    folder.write_run(&run)?;
    publish(&run, &folder, arguments.json)
}

/// A new run as the command line says.
fn begin(arguments: &Arguments, pythons: Vec<Python>) -> Result<(CellFolder<Record>, Run, Option<Live>)> {
    let started = now_utc();
    for heap in &arguments.heaps {
        roster::entry(heap)?;
    }
    let size = match (arguments.quick, arguments.tiny) {
        (true, _) => Size::Quick,
        (_, true) => Size::Tiny,
        _ => Size::Standard,
    };
    let mut plan = Plan::new(size, &arguments.parts, &arguments.heaps, arguments.timeout);
    if let Some(file) = &arguments.heap_file {
        if !plan.reads_a_graph() {
            bail!(
                "no part of this run reads --heap-file; leave it out, or add the part real-heap on a heap that collects"
            );
        }
        let graph = HeapGraph::open(file)
            .with_context(|| format!("cannot read {}; give a GCHEAP file with --heap-file", file.display()))?;
        // Whoever goes on with the run may stand in another folder.
        let place = std::path::absolute(file)?;
        let name = place.to_str().context("the name of the file is no text; give it another one")?;
        plan.read_instead(name, graph.node_count() as u64, content_hash(file)?);
    }
    if plan.cells.is_empty() {
        bail!("these parts have no cell on these heaps; leave out --parts or --heaps");
    }
    plan.keep_its_time();
    if !pythons.is_empty() && asked::plan(&plan).asked.is_empty() {
        bail!("nothing of these parts can be asked of an interpreter; leave out --python, or add the part conditions");
    }
    let path = arguments.out.clone().unwrap_or_else(|| Path::new("gclab-runs").join(started.replace(':', "")));
    let folder = CellFolder::create(&path)?;
    let run = Run {
        schema: crate::experiment::freeze::SCHEMA,
        kind: "freeze".to_owned(),
        command: live::without_places(
            std::iter::once("gclab".to_owned()).chain(std::env::args().skip(1)).collect(),
            &pythons,
        ),
        started,
        ended: None,
        plan,
        provenance: Provenance::collect(),
        load_before: Load::now(),
        load_after: None,
    };
    let live = Live::begin(folder.path(), pythons, asked::plan(&run.plan))?;
    folder.write_run(&run)?;
    Ok((folder, run, live))
}

/// A run to go on with.
fn resume(path: &Path, pythons: Vec<Python>) -> Result<(CellFolder<Record>, Run, Option<Live>)> {
    let folder = CellFolder::<Record>::open(path)?;
    let run: Run = folder.read_run()?;
    refuse_other_build(path, &run.provenance)?;
    refuse_other_machine(path, folder.records().iter().map(|record| record.machine.as_deref()))?;
    let binary = binary_hash()?;
    let is_left = |cell: &Cell| !folder.records().iter().any(|record| record.cell == cell.hash(binary));
    let left: Vec<Cell> = run.plan.all().into_iter().filter(is_left).collect();
    refuse_other_heap(path, &run.plan, &left)?;
    let live = Live::resume(path, pythons, asked::plan(&run.plan))?;
    Ok((folder, run, live))
}

/// Asks whether the heap file, if cells that are left read one, is the one that the run began with.
fn refuse_other_heap(path: &Path, plan: &Plan, left: &[Cell]) -> Result<()> {
    let file = left.iter().find_map(|cell| match &cell.content {
        Content::Graph { file, .. } => Some(Path::new(file)),
        Content::Entries { .. } => None,
    });
    let Some((file, begun)) = file.zip(plan.content.as_ref()) else { return Ok(()) };
    let missing = || format!("{} cannot go on without its heap file; put it back", path.display());
    if content_hash(file).with_context(missing)? == *begun {
        return Ok(());
    }
    bail!(
        "{} has another content than when {} was begun, and its cells would not compare; put the old file back, or start a \
         new run",
        file.display(),
        path.display()
    )
}

/// Runs a cell in a fresh process.
fn run_cell(cell: &Cell, binary: &str, timeout: Duration) -> Result<Record> {
    let arguments: [OsString; 4] = ["reproduce".into(), "freeze".into(), "--cell".into(), cell.to_text()?.into()];
    let began = Instant::now();
    let mut record = match run_for_record(&arguments, timeout)? {
        Ok(record) => record,
        Err(Failure { status, error }) => Record { status, error: Some(error), ..Record::of(cell, binary) },
    };
    record.process_ns = Some(began.elapsed().as_nanos() as u64);
    Ok(record)
}

/// The tables into the folder, the findings onto the screen; an error if anything was read wrong, or nothing at all.
fn publish(run: &Run, folder: &CellFolder<Record>, json: bool) -> Result<()> {
    let report = Report::new(run, folder.records(), &live::read(folder.path())?)?;
    let written = write(&report, folder.path())?;
    if json {
        for finding in &report.findings {
            print(&(serde_json::to_string(finding)? + "\n"))?;
        }
    } else {
        print(&format!("\n{}", report.on_screen()))?;
        if let Some(first) = written.first() {
            print(&format!("All tables, with all columns: {}\n", first.display()))?;
        }
    }
    if !report.wrong.is_empty() {
        return Err(WrongAnswer(report.wrong.join("\nwrong answer: ")).into());
    }
    none_ok(folder.records())
}

/// Fails if no cell is ok: a run that measured nothing has not gone well.
fn none_ok(records: &[Record]) -> Result<()> {
    match records.last() {
        Some(last) if records.iter().all(|record| record.status != Status::Ok) => {
            bail!("no cell of this run is ok; the last one: {}", last.error.as_deref().unwrap_or("no cause known"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::freeze::{Condition, Layout};

    #[test]
    fn a_run_without_any_ok_cell_fails() {
        let layout = Layout::new("generational", None);
        let cell = Cell::centre(Part::Conditions, layout, Content::entries(1000), Condition::NOTHING);
        let mut records = vec![Record::of(&cell, "program"), Record::of(&cell, "program")];
        records[1].error = Some("no memory".to_owned());
        assert!(none_ok(&records).unwrap_err().to_string().contains("no memory"));
        records[0].status = Status::Ok;
        none_ok(&records).unwrap();
        none_ok(&[]).unwrap();
    }
}
