//! What a comparison is: heaps × workloads × rounds, in which order, at which rates; as `run.json` keeps it.

use std::collections::BTreeMap;

use anyhow::Result;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use crate::cell::{Cell, Given};
use crate::provenance::{Load, Provenance};
use crate::record::Record;

/// The heap whose saturation sets the rate of open loops, whichever heaps are compared.
pub const BASELINE: &str = "generational";

/// One workload of a comparison.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Chosen {
    /// Its name.
    pub workload: String,
    /// Its dials as given.
    pub given: Vec<Given>,
}

/// How fast operations arrive, where they can.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// So many a second.
    Rate(f64),
    /// At this share of what the baseline can serve.
    Load(f64),
}

/// See the [module](self).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Comparison {
    /// The heaps, in order of the ladder.
    pub heaps: Vec<String>,
    /// The workloads.
    pub workloads: Vec<Chosen>,
    /// Settings of every heap, as given.
    pub heap_settings: Vec<Given>,
    /// Mutators of each cell.
    pub threads: u32,
    /// Of every random choice, the order of cells included.
    pub seed: u64,
    /// Repetitions of each cell; `null` while that is still to be found from the time one takes.
    pub rounds: Option<u32>,
    /// How fast operations arrive.
    pub arrivals: Arrivals,
    /// Seconds after which a cell is killed.
    pub timeout_s: u64,
    /// What the baseline can serve of each open-loop workload: the record of a closed loop.
    pub saturation: BTreeMap<String, Record>,
}

impl Comparison {
    /// The closed-loop cells that are to be run for the rates of open loops, and have not been.
    pub fn saturation_cells(&self) -> Result<Vec<Cell>> {
        let mut cells = Vec::new();
        for chosen in &self.workloads {
            let cell = Cell::new(BASELINE, &self.heap_settings, &chosen.workload, &chosen.given, self.seed)?;
            let needed = matches!(self.arrivals, Arrivals::Load(_)) && cell.workload.open_loop;
            if needed && !self.saturation.contains_key(&chosen.workload) {
                cells.push(cell.with_threads(self.threads)?);
            }
        }
        Ok(cells)
    }

    /// Arrivals a second of a workload; `None`: a closed loop, because its operations cannot arrive on a plan or the
    /// baseline's capacity could not be measured.
    pub fn rate(&self, cell: &Cell) -> Option<f64> {
        if !cell.workload.open_loop {
            return None;
        }
        match self.arrivals {
            Arrivals::Rate(rate) => Some(rate),
            // To a tenth, so that the figure in tables is the one in use.
            Arrivals::Load(load) => {
                let capacity = self.saturation.get(cell.workload.name)?.achieved_per_s?;
                Some((capacity * load * 10.0).round() / 10.0).filter(|&rate| rate > 0.0)
            }
        }
    }

    /// The cells of a round in the order to run them: workloads shuffled, and in each the heaps shuffled, so that
    /// neighbours in time are what is compared, and no heap always comes first.
    pub fn round(&self, round: u32) -> Result<Vec<Cell>> {
        // One stream a round, so that a round's order does not depend on how many there are.
        let mut random = Pcg64::seed_from_u64(self.seed ^ u64::from(round).rotate_left(32));
        let mut workloads: Vec<&Chosen> = self.workloads.iter().collect();
        workloads.shuffle(&mut random);
        let mut cells = Vec::new();
        for chosen in workloads {
            let mut heaps: Vec<&String> = self.heaps.iter().collect();
            heaps.shuffle(&mut random);
            for heap in heaps {
                let cell = Cell::new(heap, &self.heap_settings, &chosen.workload, &chosen.given, self.seed)?;
                let cell = cell.with_threads(self.threads)?;
                let rate = self.rate(&cell);
                cells.push(Cell { round, ..cell.with_rate(rate)? });
            }
        }
        Ok(cells)
    }
}

/// The content of `run.json`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// The schema of this file and of its cells.
    pub schema: u32,
    /// What was run: `compare`.
    pub kind: String,
    /// The command line.
    pub command: Vec<String>,
    /// When it was started, UTC.
    pub started: String,
    /// When its last cell ended, UTC; `null` while it has not.
    pub ended: Option<String>,
    /// What is compared.
    pub comparison: Comparison,
    /// The program and the machine.
    pub provenance: Provenance,
    /// How busy the machine was before the first cell.
    pub load_before: Load,
    /// And after the last.
    pub load_after: Option<Load>,
}

#[cfg(test)]
mod tests {
    use workloads::catalogue;

    use super::*;
    use crate::roster;

    fn comparison(seed: u64) -> Comparison {
        Comparison {
            heaps: roster::entries().iter().map(|entry| entry.name.to_owned()).collect(),
            workloads: catalogue::ENTRIES
                .iter()
                .map(|entry| Chosen { workload: entry.name.to_owned(), given: Vec::new() })
                .collect(),
            heap_settings: Vec::new(),
            threads: 1,
            seed,
            rounds: None,
            arrivals: Arrivals::Rate(10.0),
            timeout_s: 1,
            saturation: BTreeMap::new(),
        }
    }

    fn order(comparison: &Comparison, round: u32) -> Vec<(&'static str, &'static str)> {
        comparison.round(round).unwrap().iter().map(|cell| (cell.workload.name, cell.heap.name)).collect()
    }

    #[test]
    fn each_round_has_every_cell_once_in_an_order_that_the_seed_fixes() {
        let all = comparison(1);
        let mut orders = Vec::new();
        for round in 0..20 {
            let cells = order(&all, round);
            assert_eq!(cells, order(&comparison(1), round));
            let mut sorted = cells.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), all.heaps.len() * all.workloads.len());
            orders.push(cells);
        }
        orders.sort();
        orders.dedup();
        assert!(orders.len() > 1, "every round has the same order");
    }
}
