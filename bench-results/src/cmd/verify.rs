//! `gclab verify`: every heap × workload once, small, and with several mutators where they run in parallel: digests and live
//! counts must agree.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use workloads::catalogue;

use super::{WrongAnswer, key_value};
use crate::cell::{Cell, Given};
use crate::invocation::{Files, invoke};
use crate::record::{Record, Status};
use crate::{roster, table};

/// How many mutators run where a heap lets them run in parallel and the workload can run on several.
const MUTATORS: [u32; 3] = [1, 2, 4];

/// Run every heap on every workload once, small, and compare what they read and what they left alive
///
/// Heaps whose mutators run in parallel run on 1, 2 and 4 of them where the workload can; the lowest rung of the ladder then
/// tells, one mutator at a time, what there is to read.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  gclab verify --seed 7\n\nExits 2 and names heap, workload and seed if an answer is wrong."
)]
pub(super) struct Arguments {
    /// The first of two seeds
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A setting of every heap; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    config: Vec<Given>,
    /// Seconds after which a cell is killed
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Print each cell's record as a line of JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    let heaps = roster::entries();
    let header = ["workload", "mutators", "seed", "digest"].map(str::to_owned).into_iter();
    let mut shown = table::plain(header.chain(heaps.iter().map(|heap| table::narrow(heap.name))));
    let mut wrong = Vec::new();
    for (workload, mutators, seed) in rows(arguments.seed) {
        let small: Vec<Given> = workload.small.iter().map(|&(n, v)| (n.to_owned(), v.to_owned())).collect();
        // By heap; none where this number of mutators shows nothing.
        let mut records: Vec<Option<Record>> = Vec::new();
        for (rung, heap) in heaps.iter().enumerate() {
            if mutators > 1 && rung > 0 && !heap.abilities.parallel_mutators {
                records.push(None);
                continue;
            }
            let cell = Cell::new(heap.name, &arguments.config, workload.name, &small, seed)?.with_threads(mutators)?;
            let record = invoke(&cell, Files::default(), Duration::from_secs(arguments.timeout))?;
            if arguments.json {
                super::print(&(serde_json::to_string(&record)? + "\n"))?;
            }
            records.push(Some(record));
        }
        let reference = records.iter().flatten().find_map(|record| Some((record.heap.clone(), record.digest.clone()?)));
        let mut verdicts = Vec::new();
        for record in &records {
            let fault = record.as_ref().map(|record| (record, fault(record, reference.as_ref())));
            verdicts.push(match fault {
                None => "-",
                Some((_, None)) => "ok",
                Some((record, Some(fault))) => {
                    let threads = if mutators > 1 { format!(" on {mutators} mutators") } else { String::new() };
                    wrong.push(format!(
                        "heap {}, workload {}{threads}, seed {seed}: {fault}",
                        record.heap, workload.name
                    ));
                    "WRONG"
                }
            });
        }
        let digest = reference.map_or_else(|| "n/a".to_owned(), |(_, digest)| digest);
        let row = [workload.name.to_owned(), mutators.to_string(), seed.to_string(), digest];
        shown.add_row(row.into_iter().chain(verdicts.into_iter().map(str::to_owned)));
    }
    if !arguments.json {
        super::print(&format!("{shown}\n"))?;
    }
    if wrong.is_empty() { Ok(()) } else { Err(WrongAnswer(wrong.join("\nwrong answer: ")).into()) }
}

/// The rows of the table: each workload on each number of mutators that it can run on, with two seeds.
fn rows(seed: u64) -> impl Iterator<Item = (&'static catalogue::Entry, u32, u64)> {
    let counts = |workload: &catalogue::Entry| if workload.threads { &MUTATORS[..] } else { &MUTATORS[..1] };
    catalogue::ENTRIES.iter().flat_map(move |workload| {
        let seeds = move |&mutators| [seed, seed.wrapping_add(1)].map(|seed| (workload, mutators, seed));
        counts(workload).iter().flat_map(seeds)
    })
}

/// What is wrong with a record; `reference` is another heap of the same cell and its digest.
fn fault(record: &Record, reference: Option<&(String, String)>) -> Option<String> {
    let cause = || record.error.clone().unwrap_or_else(|| "no cause known".to_owned());
    match record.status {
        Status::Ok => {}
        Status::WrongDigest => return Some(cause()),
        status => return Some(format!("{}: {}", status.name(), cause())),
    }
    let (heap, digest) = reference?;
    let own = record.digest.as_ref()?;
    (own != digest).then(|| format!("digest {own}, but {digest} on {heap}"))
}
