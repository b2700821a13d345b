//! `gclab overhead`: what each instrument costs, measured.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;

use super::{WrongAnswer, key_value};
use crate::cell::{Cell, Given};
use crate::instruments::{Instrument, Instruments};
use crate::invocation::{Files, invoke};
use crate::record::{Record, Status};
use crate::statistics::bootstrap::{Estimate, NoEstimate, Plan, ROUNDS_LEAST, paired_ratio};
use crate::table::plain;

const EXAMPLES: &str = "\
Examples:
  gclab overhead
  gclab overhead --heap concurrent --rounds 20
  gclab overhead --workload ring-churn --set requests=100000 --json

Each row is a cell with some instruments over the same cell without any, by CPU time of its mutators: the geometric mean
over rounds with its 95 % interval. In each round every cell runs once, each in a process of its own, in an order that the
seed shuffles. The row `none` is a cell without instruments over another one without: what it differs from 1 by is noise.
The interval needs 5 rounds.";

/// Measure what the instruments cost
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The heap
    #[arg(long, default_value = "generational")]
    heap: String,
    /// A setting of the heap; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    config: Vec<Given>,
    /// The workload
    #[arg(long, default_value = "web-requests")]
    workload: String,
    /// A dial of the workload; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    set: Vec<Given>,
    /// Mutators at work
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: u32,
    /// Operations arrive at so many a second (open loop); without it the loop is closed
    #[arg(long, value_name = "PER_SECOND")]
    rate: Option<f64>,
    /// Seed of every random choice
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often each cell runs
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Seconds after which a cell is killed
    #[arg(long, value_name = "S", default_value_t = 120)]
    timeout: u64,
    /// Print each row as a line of JSON
    #[arg(long)]
    json: bool,
}

/// One row: some instruments, and the CPU time of mutators in each round.
struct Variant {
    name: &'static str,
    meaning: &'static str,
    instruments: Instruments,
    cpu_ns: Vec<f64>,
}

/// The reference, then the rows.
fn variants() -> Vec<Variant> {
    let variant = |name, meaning, instruments| Variant { name, meaning, instruments, cpu_ns: Vec::new() };
    let mut all = vec![
        variant("", "", Instruments::BARE),
        variant("none", "nothing: how much such cells differ by themselves", Instruments::BARE),
    ];
    all.extend(Instrument::ALL.map(|one| variant(one.name(), one.meaning(), Instruments::only(one))));
    all.push(variant("all", "what is usual", Instruments::ALL));
    all
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    let Arguments { heap, config, workload, set, threads, rate, seed, rounds, timeout, json } = arguments;
    let cell = Cell::new(&heap, &config, &workload, &set, seed)?.with_threads(threads)?.with_rate(rate)?;
    let mut variants = variants();
    let mut random = Pcg64::seed_from_u64(seed);
    let (mut first_digest, mut saturated) = (None::<String>, 0);
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..variants.len()).collect();
        order.shuffle(&mut random);
        for place in order {
            let cell = Cell { round, instruments: variants[place].instruments, ..cell.clone() };
            let record = invoke(&cell, Files::default(), Duration::from_secs(timeout))?;
            check(&record, first_digest.as_deref())?;
            saturated += u32::from(record.status == Status::Saturated);
            first_digest = first_digest.or_else(|| record.digest.clone());
            let Some(cpu_ns) = record.mutator_cpu_ns.filter(|&ns| ns > 0) else {
                // A round counts only whole, and one that fails is likely to fail again.
                let cause = record.error.as_deref().unwrap_or("its mutators used no CPU time that the system counts");
                bail!("{workload} on {heap} has no figure in round {round}: {cause}");
            };
            variants[place].cpu_ns.push(cpu_ns as f64);
        }
        eprintln!("round {} of {rounds} done", round + 1);
    }
    if saturated > 0 {
        eprintln!(
            "warning: {saturated} cells were saturated: more arrived than was served. Their CPU counts, as the work is fixed; \
             lower --rate for response times that mean something."
        );
    }
    let (reference, rows) = variants.split_first().expect("the reference is one of them");
    let mut cells = Vec::new();
    for row in rows {
        let ratio = paired_ratio(&Plan::default(), &row.cpu_ns, &reference.cpu_ns);
        if json {
            let line = serde_json::json!({
                "instruments": row.name, "heap": heap, "workload": workload, "threads": threads, "rounds": rounds,
                "mutator_cpu_ratio": geometric_mean(&row.cpu_ns, &reference.cpu_ns),
                "low": ratio.ok().map(|ratio| ratio.low), "high": ratio.ok().map(|ratio| ratio.high),
            });
            super::print(&format!("{line}\n"))?;
        }
        let shown = geometric_mean(&row.cpu_ns, &reference.cpu_ns);
        cells.push(vec![row.name.to_owned(), format!("{shown:.3}"), interval(ratio), row.meaning.to_owned()]);
    }
    if !json {
        let heading = format!("{workload} on {heap}: mutator CPU with these instruments over without any");
        let mut table = plain(["on", "CPU ratio", "95 % interval", "measures"].map(str::to_owned));
        table.add_rows(cells);
        super::print(&format!("{heading}\n\n{table}\n"))?;
        if (rounds as usize) < ROUNDS_LEAST {
            eprintln!("An interval needs {ROUNDS_LEAST} rounds; give --rounds.");
        }
    }
    Ok(())
}

/// Refuses a cell that failed: its CPU would be that of other work. One that is saturated has done all of its own.
fn check(record: &Record, first_digest: Option<&str>) -> Result<()> {
    let Record { heap, workload, seed, round, .. } = record;
    let cause = || record.error.as_deref().unwrap_or("no cause known");
    let wrong = match (record.status, record.digest.as_deref(), first_digest) {
        (Status::WrongDigest, ..) => cause().to_owned(),
        (Status::Ok | Status::Saturated, Some(digest), Some(first)) if digest != first => {
            format!("digest {digest} with {} off, but {first} before", record.instruments_off.join(", "))
        }
        (Status::Ok | Status::Saturated, ..) => return Ok(()),
        (status, ..) => bail!("{workload} on {heap} failed in round {round}: {}: {}", status.name(), cause()),
    };
    Err(WrongAnswer(format!("heap {heap}, workload {workload}, seed {seed}: {wrong}")).into())
}

/// Of the ratios within each round, however many there are.
fn geometric_mean(ours: &[f64], reference: &[f64]) -> f64 {
    let logs = ours.iter().zip(reference).map(|(ours, reference)| (ours / reference).ln());
    (logs.sum::<f64>() / ours.len() as f64).exp()
}

fn interval(ratio: Result<Estimate, NoEstimate>) -> String {
    ratio.map_or_else(|_| "n/a".to_owned(), |ratio| format!("{:.3} to {:.3}", ratio.low, ratio.high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_failed_is_no_figure() {
        let mut record = Cell::new("refcount", &[], "growth", &[], 1).unwrap().record(None);
        let mut ended = |status, digest: &str| {
            (record.status, record.digest) = (status, Some(digest.to_owned()));
            check(&record, Some("a"))
        };
        assert!(ended(Status::Ok, "a").is_ok() && ended(Status::Saturated, "a").is_ok());
        assert!(ended(Status::Ok, "b").unwrap_err().is::<WrongAnswer>());
        assert!(ended(Status::WrongDigest, "a").unwrap_err().is::<WrongAnswer>());
        for failed in [Status::Timeout, Status::OutOfMemory, Status::Error] {
            let error = ended(failed, "a").unwrap_err();
            assert!(!error.is::<WrongAnswer>() && error.to_string().contains("growth on refcount failed in round 0"));
        }
    }
}
