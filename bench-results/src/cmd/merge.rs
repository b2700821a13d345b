//! `gclab merge`: the parts of a sweep that several machines ran, as one run folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::compare;
use crate::comparison::Run;
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
    /// Print each cell's record as a line of JSON, and no table
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    let mut parts = Vec::new();
    for path in &arguments.parts {
        let folder = RunFolder::open(path)?;
        let run: Run = folder.read_run()?;
        parts.push((folder, run));
    }
    let whole = whole(&parts.iter().map(|(_, run)| run).collect::<Vec<_>>())?;
    let mut out = RunFolder::create(&arguments.out)?;
    for (folder, _) in &parts {
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
    out.write_run(&whole)?;
    // Marked before they are printed: what the parts read may differ only from one another.
    out.amend(disagreement::mark)?;
    if arguments.json {
        for record in out.records() {
            super::print(&(serde_json::to_string(record)? + "\n"))?;
        }
    }
    compare::report(&whole, &mut out, arguments.json)
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
        for point in &part.comparison.points {
            if !points.insert(point.id()) {
                bail!(
                    "two parts have the point {}: its cells would be of two machines; merge parts that differ (--shard)",
                    point.title()
                );
            }
        }
        whole.comparison.points.extend(part.comparison.points.iter().cloned());
        let calibrations = part.comparison.calibrations.iter();
        whole.comparison.calibrations.extend(calibrations.map(|(id, calibration)| (id.clone(), calibration.clone())));
        whole.comparison.narrowed.extend(part.comparison.narrowed.clone());
        whole.ended = whole.ended.max(part.ended.clone());
    }
    whole.comparison.shard = None;
    whole.command = std::iter::once("gclab".to_owned()).chain(std::env::args().skip(1)).collect();
    whole.parts = parts.iter().map(|&part| part.clone()).collect();
    Ok(whole)
}
