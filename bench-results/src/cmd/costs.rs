//! `gclab costs`: what memory management costs a workload, rung by rung, and a lower bound on it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use comfy_table::CellAlignment;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use serde_json::json;

use super::{WrongAnswer, key_value};
use crate::cell::{Cell, Given};
use crate::invocation::{Files, invoke};
use crate::record::{Record, Status};
use crate::statistics::bootstrap::{Estimate, NoEstimate, Plan, mean_of_rounds};
use crate::statistics::lower_bound::{Cost, Rungs, lower_bound};
use crate::{roster, table, units};

const EXAMPLES: &str = "\
Examples:
  gclab costs
  gclab costs --workload lru --rounds 10
  gclab costs --workload web-requests --set preset=web-v1 --heap stop-the-world

The rungs: a replay that counts nothing and frees from a tape (uncounted), plain counts, atomic counts, counts with versions and no
collection, and the heap with its collector. A heap whose mutators run one at a time stands on plain counts. Each rung does
the same work in a closed loop. Exits 2 if two rungs read different things.";

/// The rungs below a heap with a collector, as rows name them: heap and whether its thresholds are off. The first
/// [`PLAIN`] of them are below a heap whose mutators run one at a time.
const RUNGS: [(&str, &str, bool); 4] = [
    ("no counting", "uncounted", false),
    ("plain counts", "refcount", false),
    ("atomic counts", "refcount-atomic", false),
    ("versions, no collection", "stop-the-world", true),
];

/// See [`RUNGS`].
const PLAIN: usize = 2;

/// Show what memory management costs a workload: a lower bound, and its parts rung by rung
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The workload
    #[arg(long, default_value = "web-requests")]
    workload: String,
    /// A dial of the workload; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    set: Vec<Given>,
    /// The heap with a collector whose cost is taken apart
    #[arg(long, default_value = "concurrent")]
    heap: String,
    /// Repetitions, interleaved; an interval needs five
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Seed of every random choice
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds after which a cell is killed
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Print each cell's record as a line of JSON, and the figures as the last line
    #[arg(long)]
    json: bool,
}

/// What runs in a round.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    /// As the table names it.
    name: String,
    heap: String,
    without_collections: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    let collects = |name: &str| roster::entry(name).map(|entry| entry.abilities.collects_cycles);
    if !collects(&arguments.heap)? {
        bail!("{} has no collector; give --heap one that has: {}", arguments.heap, collecting().join(", "));
    }
    let rungs = rungs_below(&arguments.heap)?.iter().map(|&(name, heap, without_collections)| Row {
        name: name.to_owned(),
        heap: heap.to_owned(),
        without_collections,
    });
    let heaps = collecting().into_iter().map(|heap| Row { name: heap.clone(), heap, without_collections: false });
    let rows: Vec<Row> = rungs.chain(heaps).collect();
    let mut records: BTreeMap<&str, Vec<Record>> = BTreeMap::new();
    let mut random = Pcg64::seed_from_u64(arguments.seed);
    for round in 0..arguments.rounds {
        let mut order: Vec<&Row> = rows.iter().collect();
        order.shuffle(&mut random);
        eprintln!("round {} of {}", round + 1, arguments.rounds);
        for row in order {
            let record = one(&arguments, row, round)?;
            if arguments.json {
                super::print(&(serde_json::to_string(&record)? + "\n"))?;
            }
            let first = records.values().flatten().next();
            if let Some(first) = first.filter(|first| first.digest != record.digest) {
                let digest = |record: &Record| record.digest.clone().unwrap_or_else(|| "unknown".to_owned());
                let (ours, theirs) = (digest(&record), digest(first));
                let what = format!("digest {ours} on {}, but {theirs} on {}", record.heap, first.heap);
                return Err(wrong(&arguments, &record.heap, &what));
            }
            records.entry(&row.name).or_default().push(record);
        }
    }
    let text = report(&arguments, &rows, &records)?;
    super::print(&text)
}

/// The rungs that a heap with a collector stands on.
fn rungs_below(heap: &str) -> Result<&'static [(&'static str, &'static str, bool)]> {
    let parallel = roster::entry(heap)?.abilities.parallel_mutators;
    Ok(if parallel { &RUNGS } else { &RUNGS[..PLAIN] })
}

fn wrong(arguments: &Arguments, heap: &str, what: &str) -> anyhow::Error {
    WrongAnswer(format!("heap {heap}, workload {}, seed {}: {what}", arguments.workload, arguments.seed)).into()
}

fn collecting() -> Vec<String> {
    let able = roster::entries().iter().filter(|entry| entry.abilities.collects_cycles);
    able.map(|entry| entry.name.to_owned()).collect()
}

fn one(arguments: &Arguments, row: &Row, round: u32) -> Result<Record> {
    let off = [("thresholds".to_owned(), "0,10,10".to_owned())];
    let settings = if row.without_collections { &off[..] } else { &[] };
    let cell = Cell::new(&row.heap, settings, &arguments.workload, &arguments.set, arguments.seed)?;
    let record = invoke(&Cell { round, ..cell }, Files::default(), Duration::from_secs(arguments.timeout))?;
    if record.status != Status::Ok {
        let cause = record.error.as_deref().unwrap_or("no cause known");
        if record.status == Status::WrongDigest {
            return Err(wrong(arguments, &row.heap, cause));
        }
        bail!(
            "{}: {}: {cause}; every rung must finish: make the workload smaller with --set",
            row.name,
            record.status.name()
        );
    }
    Ok(record)
}

/// CPU of a record and of it what is known to be collecting, in nanoseconds an operation.
fn cost(record: &Record) -> Option<(f64, f64)> {
    let operations = record.operations.filter(|&operations| operations > 0)? as f64;
    Some((record.cpu_in_all_ns()? as f64 / operations, record.collector_cpu_ns? as f64 / operations))
}

fn report(arguments: &Arguments, rows: &[Row], records: &BTreeMap<&str, Vec<Record>>) -> Result<String> {
    let costs = |name: &str| -> Vec<(f64, f64)> { records[name].iter().filter_map(cost).collect() };
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let total = |name: &str| mean(costs(name).into_iter().map(|(total, _)| total).collect());
    let explicit = |name: &str| mean(costs(name).into_iter().map(|(_, explicit)| explicit).collect());
    let all: Vec<Cost> = rows
        .iter()
        .map(|row| Cost {
            heap: row.name.clone(),
            total_ns: total(&row.name).round() as u64,
            explicit_ns: explicit(&row.name).round() as u64,
        })
        .collect();
    let bound = lower_bound(&all).context("no lower bound")?;
    let plan = Plan { seed: arguments.seed, ..Plan::default() };
    let interval =
        |name: &str| mean_of_rounds(&plan, &costs(name).into_iter().map(|(total, _)| total).collect::<Vec<_>>());
    let ns = |name: &str| records.contains_key(name).then(|| total(name).round() as u64);
    let chosen = |figure: fn(&Record) -> Option<u64>| {
        let of = |record: &Record| Some(figure(record)? as f64 / record.operations? as f64);
        Some(mean(records[arguments.heap.as_str()].iter().filter_map(of).collect()).round() as u64)
    };
    let rungs = Rungs {
        no_counts_ns: ns(RUNGS[0].0),
        refcount_ns: ns(RUNGS[1].0),
        refcount_atomic_ns: ns(RUNGS[2].0),
        versioned_ns: ns(RUNGS[3].0),
        below_ns: rungs_below(&arguments.heap)?.last().and_then(|&(name, ..)| ns(name)),
        collected_ns: ns(&arguments.heap),
        stopped_ns: chosen(Record::collecting_in_place_ns),
        own_threads_ns: chosen(|record| record.heap_threads_cpu_ns),
    };
    let parts = rungs.parts();
    let named = [
        ("the program itself", parts.program_ns),
        ("counting", parts.counting_ns),
        ("counts are atomic", parts.atomic_ns),
        ("versions", parts.versions_ns),
        ("collections in the mutators' place", parts.stopped_ns),
        ("collections on the heap's own threads", parts.own_threads_ns),
        ("beside collections", parts.beside_ns),
    ];
    if arguments.json {
        let overheads: Vec<_> = bound
            .overheads
            .iter()
            .map(|one| json!({"row": one.heap, "total_ns": all.iter().find(|cost| cost.heap == one.heap).map(|cost| cost.total_ns), "distilled_ns": one.distilled_ns, "at_least": one.factor}))
            .collect();
        let parts: BTreeMap<_, _> = named.into_iter().collect();
        return Ok(format!(
            "{}\n",
            json!({"workload": arguments.workload, "heap": arguments.heap, "rows": overheads, "parts_ns": parts})
        ));
    }
    let mut text = String::new();
    let operation = records.values().flatten().find_map(|record| record.operation.clone());
    let operation = operation.unwrap_or_else(|| "operation".to_owned());
    let header = [arguments.workload.as_str(), &format!("CPU a {operation}"), "95 %", "of it collecting", "at least"];
    let mut shown = table::plain(header.map(str::to_owned));
    for (row, overhead) in rows.iter().zip(&bound.overheads) {
        shown.add_row([
            row.name.clone(),
            units::time(total(&row.name).round() as u64),
            range(interval(&row.name)),
            units::time(explicit(&row.name).round() as u64),
            format!("× {:.2}", overhead.factor),
        ]);
    }
    for column in shown.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{shown}");
    let _ = writeln!(
        text,
        "At least: CPU over {} a {operation}, the least of any row less what it knows to spend on collecting ({}).\n\
         No counting: the same program on a heap that counts nothing and frees what a recorded run on plain counts freed,\n\
         when it did. A row without collections lets dead cycles lie, and pays for new memory instead.\n",
        units::time(bound.minimum_ns),
        bound.cheapest
    );
    let mut shown = table::plain([format!("{}, CPU a {operation}", arguments.heap), String::new()]);
    let off_its_ladder = ["counts are atomic", "versions"];
    let plain = rungs_below(&arguments.heap)?.len() == PLAIN;
    for (name, part) in named.into_iter().filter(|(name, _)| !(plain && off_its_ladder.contains(name))) {
        let part = part.map_or_else(
            || "n/a".to_owned(),
            |ns| format!("{}{}", if ns < 0 { "−" } else { "" }, units::time(ns.unsigned_abs())),
        );
        shown.add_row([name.to_owned(), part]);
    }
    for column in shown.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let _ = writeln!(text, "{shown}\nThe parts add up to {}.", units::time(total(&arguments.heap).round() as u64));
    Ok(text)
}

fn range(interval: Result<Estimate, NoEstimate>) -> String {
    match interval {
        Ok(interval) => {
            let time = |ns: f64| units::time(ns.max(0.0).round() as u64);
            format!("{}–{}", time(interval.low), time(interval.high))
        }
        Err(_) => "n/a".to_owned(),
    }
}
