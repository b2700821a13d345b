//! Which cells a run has: every subject at every point, in interleaved rounds.

use anyhow::{Result, bail};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use super::Experiment;
use super::cell::{Cell, Point, Subject};
use crate::roster;

/// How much is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// For tests: the shape of everything, the figures of nothing.
    Tiny,
    /// Less than three minutes.
    Quick,
    /// Less than half an hour.
    Standard,
}

/// What a run consists of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// How much was asked for.
    pub size: Size,
    /// Repetitions of each cell.
    pub rounds: u32,
    /// Of every random choice, the order of cells included.
    pub seed: u64,
    /// Seconds after which a cell is given up.
    pub timeout_s: u64,
    /// The cells of round 0.
    pub cells: Vec<Cell>,
}

impl Plan {
    /// An experiment at this size, on these heaps only if any are named, beside interpreters of these versions.
    ///
    /// # Errors
    /// A heap is unknown, or nothing is left.
    pub fn new(
        experiment: &dyn Experiment,
        size: Size,
        heaps: &[String],
        versions: &[String],
        seed: u64,
        timeout_s: u64,
    ) -> Result<Self> {
        for heap in heaps {
            roster::entry(heap)?;
        }
        let mut subjects = experiment.subjects(size);
        subjects.retain(|subject| {
            heaps.is_empty() || subject.heap_name().is_some_and(|name| heaps.iter().any(|heap| heap == name))
        });
        if subjects.is_empty() {
            bail!("the experiment {} asks none of these heaps; leave out --heaps", experiment.name());
        }
        subjects.extend(versions.iter().map(|version| Subject::Interpreter { version: version.clone() }));
        let mut cells = Vec::new();
        for point in experiment.points(size) {
            let asked = subjects.iter().filter(|subject| experiment.is_asked(subject, &point));
            let cells_there = asked.map(|subject| cell(experiment, subject, &point, seed));
            cells.extend(
                cells_there.filter(|cell| cell.subject.heap_name().is_some() || experiment.script(cell).is_some()),
            );
        }
        Ok(Self { size, rounds: experiment.rounds(size), seed, timeout_s, cells })
    }

    /// The cells of all rounds in the order in which they run: a round after the other, each shuffled, so that whatever the
    /// machine does in the meantime falls on all alike.
    pub fn all(&self) -> Vec<Cell> {
        let of_round = |round: u32| {
            let seed = self.seed + u64::from(round);
            let mut cells: Vec<Cell> = self.cells.iter().map(|cell| Cell { round, seed, ..cell.clone() }).collect();
            cells.shuffle(&mut Pcg64::seed_from_u64(seed));
            cells
        };
        (0..self.rounds).flat_map(of_round).collect()
    }

    /// The interpreters that are asked.
    pub fn versions(&self) -> Vec<&str> {
        let mut versions: Vec<&str> = self
            .cells
            .iter()
            .filter_map(|cell| match &cell.subject {
                Subject::Interpreter { version } => Some(version.as_str()),
                Subject::Heap { .. } => None,
            })
            .collect();
        versions.sort_unstable();
        versions.dedup();
        versions
    }
}

fn cell(experiment: &dyn Experiment, subject: &Subject, point: &Point, seed: u64) -> Cell {
    Cell {
        experiment: experiment.name().to_owned(),
        question: point.question.clone(),
        subject: subject.clone(),
        options: point.options.clone(),
        round: 0,
        seed,
    }
}
