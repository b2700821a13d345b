//! `gclab verify`: every heap × workload once, small: digests and live counts must agree.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use workloads::catalogue;

use super::{WrongAnswer, key_value};
use crate::cell::{Cell, Given};
use crate::invocation::invoke;
use crate::record::{Record, Status};
use crate::{roster, table};

/// Run every heap on every workload once, small, and compare what they read and what they left alive
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
    let heaps: Vec<&str> = roster::entries().iter().map(|entry| entry.name).collect();
    let header = ["workload", "seed", "digest"].into_iter().chain(heaps.iter().copied());
    let mut shown = table::plain(header.map(str::to_owned));
    let mut wrong = Vec::new();
    for workload in catalogue::ENTRIES {
        let small: Vec<Given> = workload.small.iter().map(|&(n, v)| (n.to_owned(), v.to_owned())).collect();
        for seed in [arguments.seed, arguments.seed.wrapping_add(1)] {
            let mut records: Vec<Record> = Vec::new();
            for heap in &heaps {
                let cell = Cell::new(heap, &arguments.config, workload.name, &small, seed)?;
                let record = invoke(&cell, None, Duration::from_secs(arguments.timeout))?;
                if arguments.json {
                    super::print(&(serde_json::to_string(&record)? + "\n"))?;
                }
                records.push(record);
            }
            let reference = records.iter().find_map(|record| Some((record.heap.clone(), record.digest.clone()?)));
            let faults: Vec<Option<String>> = records.iter().map(|record| fault(record, reference.as_ref())).collect();
            let digest = reference.map_or_else(|| "n/a".to_owned(), |(_, digest)| digest);
            let verdicts = faults.iter().map(|fault| if fault.is_some() { "WRONG" } else { "ok" }.to_owned());
            shown.add_row([workload.name.to_owned(), seed.to_string(), digest].into_iter().chain(verdicts));
            for (record, fault) in records.iter().zip(faults) {
                let named = |fault| format!("heap {}, workload {}, seed {seed}: {fault}", record.heap, workload.name);
                wrong.extend(fault.map(named));
            }
        }
    }
    if !arguments.json {
        super::print(&format!("{shown}\n"))?;
    }
    if wrong.is_empty() { Ok(()) } else { Err(WrongAnswer(wrong.join("\nwrong answer: ")).into()) }
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
