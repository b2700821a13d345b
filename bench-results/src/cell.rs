//! What a cell is: one heap, one workload with its dials, one seed, one round; and the command line that runs it.

use anyhow::{Result, bail};
use gc_core::HeapConfig;
use serde_json::{Map, Value, json};
use workloads::catalogue;
use workloads::workload::{Dial, Range, Settings};

use crate::instruments::Instruments;
use crate::provenance::{machine_hash, sha256_hex};
use crate::record::{Record, SCHEMA, Status};
use crate::{heap_settings, roster};

/// Most mutators of a cell.
const MAX_THREADS: u32 = 1024;
/// Operations a second that can be asked for: from one in a quarter of an hour to one a nanosecond.
const MIN_RATE: f64 = 0.001;
const MAX_RATE: f64 = 1e9;

/// Name and value of a setting, as given on the command line.
pub type Given = (String, String);

/// One cell, its parts checked.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The heap.
    pub heap: &'static roster::Entry,
    /// The heap's settings that were given.
    pub heap_settings: Vec<Given>,
    /// The heap's configuration that they make.
    pub heap_config: HeapConfig,
    /// The workload.
    pub workload: &'static catalogue::Entry,
    /// The workload's dials that were given.
    pub given: Vec<Given>,
    /// All dials of the workload.
    pub settings: Settings,
    /// Mutators at work.
    pub threads: u32,
    /// Of every random choice.
    pub seed: u64,
    /// Which repetition.
    pub round: u32,
    /// Arrivals a second over all threads; `None` for a closed loop.
    pub rate: Option<f64>,
    /// It is the second cell of a heap that runs twice a round.
    pub twin: bool,
    /// What is measured.
    pub instruments: Instruments,
}

impl Cell {
    /// A closed loop on one thread in round 0.
    ///
    /// # Errors
    /// An unknown heap, workload, setting or dial, or an impossible value.
    pub fn new(heap: &str, heap_settings: &[Given], workload: &str, given: &[Given], seed: u64) -> Result<Self> {
        let pairs: Vec<(&str, &str)> = given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Ok(Self {
            heap: roster::entry(heap)?,
            heap_settings: heap_settings.to_vec(),
            heap_config: heap_settings::parse(heap_settings)?,
            workload: catalogue::find(workload)?,
            given: given.to_vec(),
            settings: catalogue::settings(workload, &pairs)?,
            threads: 1,
            seed,
            round: 0,
            rate: None,
            twin: false,
            instruments: Instruments::ALL,
        })
    }

    /// The same with so many mutators.
    ///
    /// # Errors
    /// If there are none or more than 1,024, or several for a workload that runs on one.
    pub fn with_threads(mut self, threads: u32) -> Result<Self> {
        if !(1..=MAX_THREADS).contains(&threads) {
            bail!("--threads {threads} is not possible; give 1 to {MAX_THREADS}");
        }
        if threads > 1 && !self.workload.threads {
            let able = catalogue::ENTRIES.iter().filter(|entry| entry.threads).map(|entry| entry.name);
            let able = able.collect::<Vec<_>>().join(", ");
            bail!(
                "{} runs on one mutator; give --threads 1, or a workload that runs on several: {able}",
                self.workload.name
            );
        }
        self.threads = threads;
        Ok(self)
    }

    /// The same with operations that arrive at this rate, if one is given.
    ///
    /// # Errors
    /// If the workload's operations cannot arrive on a plan, or the rate is no positive number.
    pub fn with_rate(mut self, rate: Option<f64>) -> Result<Self> {
        if let Some(rate) = rate {
            if !self.workload.open_loop {
                bail!("the operations of {} do not arrive at a rate; leave it out", self.workload.name);
            }
            if !(MIN_RATE..=MAX_RATE).contains(&rate) {
                bail!(
                    "a rate of {rate} operations a second is not possible; give a number from {MIN_RATE} to {MAX_RATE}"
                );
            }
        }
        self.rate = rate;
        Ok(self)
    }

    /// The arguments of `gclab` that run it.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["run".to_owned()];
        let mut add = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        add("--heap", self.heap.name.to_owned());
        self.heap_settings.iter().for_each(|(name, value)| add("--config", format!("{name}={value}")));
        add("--workload", self.workload.name.to_owned());
        self.given.iter().for_each(|(name, value)| add("--set", format!("{name}={value}")));
        add("--threads", self.threads.to_string());
        add("--seed", self.seed.to_string());
        add("--round", self.round.to_string());
        if let Some(rate) = self.rate {
            add("--rate", rate.to_string());
        }
        if self.twin {
            arguments.push("--twin".to_owned());
        }
        let off = self.instruments.off();
        if !off.is_empty() {
            arguments.extend(["--without".to_owned(), off.join(",")]);
        }
        arguments
    }

    /// Its record before it has run, for a program with this hash: everything else unknown.
    pub fn record(&self, binary: Option<&str>) -> Record {
        let mut record = Record {
            schema: SCHEMA,
            cell: String::new(),
            status: Status::Error,
            error: None,
            heap: self.heap.name.to_owned(),
            heap_config: heap_settings::recorded(&self.heap_config),
            workload: self.workload.name.to_owned(),
            params: recorded(self.workload.dials, &self.settings),
            threads: self.threads,
            seed: self.seed,
            round: self.round,
            operations: None,
            wall_ns: None,
            mutator_cpu_ns: None,
            collector_cpu_ns: None,
            user_ns: None,
            system_ns: None,
            offered_per_s: self.rate,
            achieved_per_s: None,
            backlog_end: None,
            response_ns: None,
            service_ns: None,
            pause_ns: None,
            pause_by_cause: None,
            cascade_ns: None,
            involuntary_switches: None,
            mmu: None,
            platform_hiccup_ns: None,
            collections: None,
            floating: None,
            drag_ns: None,
            allocated_objects: None,
            freed_by_count: None,
            freed_by_collector: None,
            live_after: None,
            live_expected: None,
            peak_rss_bytes: None,
            heap_peak_bytes: None,
            digest: None,
            hlog: None,
            operation: None,
            pause_unmarked_ns: None,
            collections_outside: None,
            pause_by_generation: None,
            callback_panics: None,
            ledger_ns_per_pause: None,
            heap_threads_cpu_ns: None,
            control_cpu_ns: None,
            process_involuntary_switches: None,
            minor_faults: None,
            died_by_count_share: None,
            lifetimes: None,
            extra: Default::default(),
            bmu: None,
            mmu_by_mutator: None,
            spans_dropped: None,
            metered_ns: None,
            cascade_objects: None,
            floating_trend: None,
            trash: None,
            drag_allocations: None,
            drag_outstanding: None,
            live_bytes_after: None,
            held_bytes_after: None,
            count_traffic: None,
            instruments_off: self.instruments.off().into_iter().map(str::to_owned).collect(),
            point: None,
            twin: self.twin,
            machine: machine_hash().map(str::to_owned),
            binary: binary.map(str::to_owned),
        };
        let mut determined_by = json!({
            "schema": SCHEMA,
            "heap": record.heap,
            "heap_config": record.heap_config,
            "workload": record.workload,
            "params": record.params,
            "threads": record.threads,
            "seed": record.seed,
            "round": record.round,
            "offered_per_s": record.offered_per_s,
            "binary": record.binary,
        });
        if self.twin {
            determined_by["twin"] = json!(true);
        }
        if !record.instruments_off.is_empty() {
            determined_by["without"] = json!(record.instruments_off);
        }
        record.cell = sha256_hex(determined_by.to_string().as_bytes())[..16].to_owned();
        record
    }
}

/// The dials as records hold them: numbers where the dial is one.
fn recorded(dials: &[Dial], settings: &Settings) -> Map<String, Value> {
    let value = |name: &str, text: &str| {
        let number = match dials.iter().find(|dial| dial.name == name).map(|dial| dial.range) {
            Some(Range::Integer(..)) => text.parse::<u64>().ok().map(Value::from),
            Some(Range::Number(..)) => text.parse::<f64>().ok().map(Value::from),
            _ => None,
        };
        number.unwrap_or_else(|| Value::from(text))
    };
    settings.iter().map(|(name, text)| (name.to_owned(), value(name, text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn hash_of_a_cell_changes_with_each_thing_that_determines_it() {
        let workload = &catalogue::ENTRIES[0];
        let small: Vec<Given> = workload.small.iter().map(|&(n, v)| (n.to_owned(), v.to_owned())).collect();
        let limit = [("limit".to_owned(), "1G".to_owned())];
        let cell = |heap, config: &[Given], dials: &[Given], seed| Cell::new(heap, config, workload.name, dials, seed);
        let first = || cell("refcount", &[], &[], 1).unwrap();
        let cells = [
            first(),
            cell("generational", &[], &[], 1).unwrap(),
            cell("refcount", &limit, &[], 1).unwrap(),
            cell("refcount", &[], &small, 1).unwrap(),
            cell("refcount", &[], &[], 2).unwrap(),
            first().with_threads(2).unwrap(),
            Cell { round: 1, ..first() },
            Cell { rate: Some(10.0), ..first() },
            Cell { twin: true, ..first() },
            Cell { instruments: Instruments::BARE, ..first() },
        ];
        let mut hashes: Vec<String> = cells.iter().map(|cell| cell.record(Some("a program")).cell).collect();
        hashes.push(first().record(Some("another program")).cell);
        let (n, again) = (hashes.len(), first().record(Some("a program")).cell);
        assert_eq!(hashes[0], again);
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), n);
    }
}
