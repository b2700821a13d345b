//! `gclab merge`: the parts of a sweep that several machines ran, as one run folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::compare;
use crate::cell::Given;
use crate::comparison::{Calibration, Comparison, Point, Run};
use crate::disagreement;
use crate::run_folder::RunFolder;

const EXAMPLES: &str = "\
Examples:
  gclab compare --full --shard 1/2 --out part1        on one machine
  gclab compare --full --shard 2/2 --out part2        on another
  gclab merge part1 part2 --out whole

All cells of a point are in one part, so what is compared was run on one machine.";

/// Join run folders that are parts of one sweep
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The parts
    #[arg(required = true, value_name = "RUN")]
    parts: Vec<PathBuf>,
    /// The folder to be made
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print each cell's record as a line of JSON, then the verdict on each point as one (`kind` is `verdict`); no table
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    let out = &arguments.out;
    refuse_twice(&arguments.parts)?;
    // Said now, not after everything was copied.
    if fs::read_dir(out).is_ok_and(|mut files| files.next().is_some()) {
        bail!("{} holds something already; choose another folder with --out, or remove it", out.display());
    }
    let mut parts = Vec::new();
    for path in &arguments.parts {
        let folder = RunFolder::open(path)?;
        let run: Run = folder.read_run()?;
        parts.push((folder, run));
    }
    let whole = whole(&parts.iter().map(|(_, run)| run).collect::<Vec<_>>())?;
    // Made beside its place and put there whole: a merge that is killed or fails leaves no folder that looks like a run.
    let unfinished = beside(out)?;
    let merged = join(&parts, &whole, &unfinished).and_then(|mut merged| {
        merged.move_to(out)?;
        Ok(merged)
    });
    if merged.is_err() {
        // The cause is what counts; what is left there, if this fails too, is named as unfinished.
        let _ = fs::remove_dir_all(&unfinished);
    }
    let mut merged = merged?;
    if arguments.json {
        for record in merged.records() {
            super::print(&(serde_json::to_string(record)? + "\n"))?;
        }
    }
    compare::report(&whole, &mut merged, arguments.json)
}

fn refuse_twice(parts: &[PathBuf]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for path in parts {
        // One that is not there is told when it is opened.
        if !seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())) {
            bail!("the part {} is given twice; give each part of the sweep once", path.display());
        }
    }
    Ok(())
}

/// Where a folder is made before it is put in its place: beside it, so that it can be renamed.
fn beside(out: &Path) -> Result<PathBuf> {
    let name =
        out.file_name().with_context(|| format!("{} is no name for a new folder; give --out one", out.display()))?;
    let mut unfinished = name.to_owned();
    unfinished.push(format!(".unfinished-{}", std::process::id()));
    Ok(out.with_file_name(unfinished))
}

/// The cells of all parts in one folder, with what belongs to them.
fn join(parts: &[(RunFolder, Run)], whole: &Run, path: &Path) -> Result<RunFolder> {
    let mut out = RunFolder::create(path)?;
    for (folder, _) in parts {
        for record in folder.records() {
            if let Some(hlog) = &record.hlog {
                let from = folder.path().join(hlog);
                fs::copy(&from, out.path().join(hlog)).with_context(|| format!("cannot copy {}", from.display()))?;
            }
            let trace = format!("{}.trace.json", record.cell);
            if folder.path().join(&trace).exists() {
                let copied = fs::copy(folder.path().join(&trace), out.path().join(&trace));
                copied.with_context(|| format!("cannot copy {trace} of {}", folder.path().display()))?;
            }
            out.append(record.clone())?;
        }
    }
    out.write_run(whole)?;
    // Marked before they are printed: what the parts read may differ only from one another.
    out.amend(disagreement::mark)?;
    Ok(out)
}

/// Checks that each part of the sweep is there once, and finished.
fn check_shards(parts: &[&Run]) -> Result<()> {
    let mut there = BTreeSet::new();
    let mut of = None;
    for part in parts {
        if part.ended.is_none() {
            bail!("the part begun {} is not finished; go on with it (--resume), then merge", part.started);
        }
        let Some(shard) = part.comparison.shard else {
            bail!("the run begun {} is no part of a sweep: it was run without --shard", part.started);
        };
        if *of.get_or_insert(shard.of) != shard.of || !there.insert(shard.number) {
            bail!("part {}/{} does not go with the others: give each part of one sweep once", shard.number, shard.of);
        }
    }
    let of = of.unwrap_or(0);
    let missing: Vec<String> =
        (1..=of).filter(|number| !there.contains(number)).map(|number| format!("{number}/{of}")).collect();
    if !missing.is_empty() {
        bail!("parts are missing: {}; run them (--shard), then merge all", missing.join(", "));
    }
    Ok(())
}

/// The run that these are parts of.
///
/// # Errors
/// If they are parts of different ones, or have a point in common.
fn whole(parts: &[&Run]) -> Result<Run> {
    let (first, others) = parts.split_first().context("no part is given")?;
    let mut whole = (*first).clone();
    let mut points: BTreeSet<String> = whole.comparison.points.iter().map(|point| point.id()).collect();
    check_shards(parts)?;
    for part in others {
        let (a, b) = (&whole.comparison, &part.comparison);
        if part.provenance.binary != whole.provenance.binary {
            bail!("the parts were run by different builds of gclab, and their cells do not compare; run them with one");
        }
        if (&a.heaps, &a.twin, a.seed, a.rounds, a.cell_s) != (&b.heaps, &b.twin, b.seed, b.rounds, b.cell_s) {
            bail!("the parts are of different sweeps: heaps, seed, rounds or time of a cell are not the same");
        }
        if let Some(what) = other_sweep(a, b) {
            bail!("the parts are of different sweeps: {what}; merge the parts of one, begun with the same arguments");
        }
        for point in &part.comparison.points {
            if !points.insert(point.id()) {
                bail!(
                    "two parts have the point {}: its cells would be of two machines; merge parts that differ (--shard)",
                    point.title()
                );
            }
        }
        whole.comparison.points.extend(part.comparison.points.iter().cloned());
        whole.comparison.narrowed.extend(part.comparison.narrowed.clone());
        whole.ended = whole.ended.max(part.ended.clone());
    }
    whole.comparison.calibrations = parts.iter().flat_map(|part| calibrations(&part.comparison)).collect();
    whole.comparison.shard = None;
    whole.command = std::iter::once("gclab".to_owned()).chain(std::env::args().skip(1)).collect();
    whole.parts = parts.iter().map(|&part| part.clone()).collect();
    Ok(whole)
}

/// What tells that two parts are of different sweeps; `None` if nothing does. Parts of before the whole sweep was named tell it
/// by what they were given alone.
fn other_sweep(a: &Comparison, b: &Comparison) -> Option<&'static str> {
    if let (Some(a), Some(b)) = (&a.grid, &b.grid) {
        return (a != b).then_some("their points are not shares of one grid");
    }
    if a.left_out != b.left_out {
        return Some("the budget left out different points");
    }
    // In a grid all points of a workload are given the same dials and settings.
    let names = |comparison: &Comparison| -> BTreeMap<String, Vec<String>> {
        let of = |given: &[Given]| given.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let points = comparison.points.iter();
        points.map(|point| (point.workload.clone(), [of(&point.given), of(&point.heap_settings)].concat())).collect()
    };
    let (a, b) = (names(a), names(b));
    let differ = a.iter().any(|(workload, names)| b.get(workload).is_some_and(|other| other != names));
    differ.then_some("a workload was given different dials or settings")
}

/// What the baseline did at each point of a part, by the point's own name: parts of several machines share the names of what is
/// calibrated, and not what was served.
fn calibrations(part: &Comparison) -> BTreeMap<String, Calibration> {
    let of = |point: &Point| Some((point.id(), part.calibration(point)?.clone()));
    part.points.iter().filter_map(of).collect()
}
