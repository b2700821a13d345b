//! Candidates as fresh processes of this program, each run kept in the folder.

use anyhow::{Context, Result};

use super::super::compare::{Asked, Progress, run_cell};
use crate::cell::Cell;
use crate::comparison::{BASELINE, Run};
use crate::experiment::tune::backtest::BackTest;
use crate::experiment::tune::measured::{measured, predicted};
use crate::experiment::tune::plan::{BACK_TEST_ROUND, Plan};
use crate::experiment::tune::search::Bench;
use crate::experiment::tune::track::Measured;
use crate::provenance::binary_hash;
use crate::record::Record;
use crate::run_folder::RunFolder;
use crate::sweep::Point;

/// See the [module](self).
pub(super) struct Processes {
    pub(super) folder: RunFolder,
    pub(super) run: Run,
    pub(super) plan: Plan,
    pub(super) progress: Progress,
    /// By which measured times are multiplied.
    pub(super) scale: f64,
    asked: Asked,
}

impl Processes {
    pub(super) fn new(folder: RunFolder, run: Run, plan: Plan, asked: Asked) -> Self {
        Self { folder, run, plan, progress: Progress::new(), scale: 1.0, asked }
    }

    /// The record of a cell, which runs unless the folder has it.
    fn record(&mut self, point: &Point, cell: &Cell) -> Result<Record> {
        run_cell(cell, &point.id(), &self.run, &mut self.folder, &mut self.progress, self.asked)?;
        let hash = cell.record(Some(binary_hash()?)).cell;
        let record = self.folder.records().iter().find(|record| record.cell == hash);
        record.cloned().context("a run that ended is not in its folder; start a new one")
    }

    /// One run of a candidate, by its place; with another seed than the round's, if one is given.
    pub(super) fn measure_with(&mut self, candidate: usize, round: u32, seed: Option<u64>) -> Result<Measured> {
        let one = self.plan.candidates.get(candidate).context("a candidate that there is not")?.clone();
        let point = self.plan.point(&one);
        let mut cell = Plan::cell(&self.run.comparison, &point, &one.heap, round)?;
        cell.seed = seed.unwrap_or(cell.seed);
        let record = self.record(&point, &cell)?;
        Ok(measured(&record, &one, &self.plan, self.scale))
    }

    /// Holds the model against the recording, if there is one.
    pub(super) fn back_test(&mut self) -> Result<Option<BackTest>> {
        let Some(asked) = self.plan.recording.clone() else { return Ok(None) };
        let mut records = Vec::new();
        for point in self.plan.back_test_points() {
            let cell = Plan::cell(&self.run.comparison, &point, BASELINE, BACK_TEST_ROUND)?;
            records.push(self.record(&point, &cell)?);
        }
        let [own, full] = records.as_slice() else { return Ok(None) };
        let predicted = predicted(own, full, self.folder.path())?;
        Ok(Some(BackTest::of(&asked.recorded, &predicted, asked.scale, asked.factor)))
    }
}

impl Bench for Processes {
    fn measure(&mut self, candidate: usize, round: u32) -> Result<Measured> {
        self.measure_with(candidate, round, None)
    }
}
