//! What experiments have in common whose cells end in flat figures: the plan, fresh processes in interleaved rounds, live
//! interpreters beside the heaps, records, and chapters made from the records alone.
//!
//! An experiment is an [`Experiment`]: its question, the points it asks at, how one cell is measured in this process, which
//! Python program asks an interpreter the same, and what its records say. [`Plan`] makes cells of it, [`process`] runs one
//! in a process of its own, [`Record`] is what is kept.
//!
//! # Figures
//! The name of a figure ends in its unit: `_ns`, `_bytes`, `_objects`; counts and shares have none. What is not known is
//! `null`, never 0. A cell that fails is a record too, with its cause.

mod cell;
mod figures;
mod interpreter;
mod looks;
mod plan;
pub mod process;
mod programs;
mod record;
mod rows;

use anyhow::Result;

pub use cell::{Cell, Options, Point, Subject};
pub use figures::{Figures, WrongFigures, check, number};
pub use interpreter::{Answer, Python, Script};
pub use looks::looks;
pub use plan::{Plan, Size};
pub use programs::Programs;
pub use record::{Record, Run, SCHEMA};
pub use rows::{Rows, median};

use crate::record::Status;
use crate::report::chapter::Chapter;
use crate::roster;

/// An experiment whose cells end in flat figures; see the [module](self).
pub trait Experiment: Sync {
    /// Its name on the command line and of its files.
    fn name(&self) -> &'static str;

    /// What is above its chapter.
    fn title(&self) -> &'static str;

    /// What it asks, in a sentence or two.
    fn question(&self) -> &'static str;

    /// Heaps with their settings; every heap of the ladder that collects cycles, as it is, if not said otherwise.
    fn subjects(&self, size: Size) -> Vec<Subject> {
        let _ = size;
        let collecting = roster::entries().iter().filter(|entry| entry.abilities.collects_cycles);
        collecting.map(|entry| Subject::heap(entry.name, None)).collect()
    }

    /// What each of them is asked, in the order of tables.
    fn points(&self, size: Size) -> Vec<Point>;

    /// Whether this subject is asked that; every one is, if not said otherwise. Interpreters are asked only where there is a
    /// [script](Self::script).
    fn is_asked(&self, subject: &Subject, point: &Point) -> bool {
        let _ = (subject, point);
        true
    }

    /// Rounds, unless the command line says how many.
    fn rounds(&self, size: Size) -> u32 {
        match size {
            Size::Tiny | Size::Quick => 1,
            Size::Standard => 5,
        }
    }

    /// About how many seconds a cell takes, on a virtual machine of 2024 with two cores.
    fn expected_s(&self, cell: &Cell) -> f64;

    /// Measures a cell of a heap, in this process.
    ///
    /// # Errors
    /// That it fails is a record: [`gc_core::HeapFull`] is out of memory, [`WrongFigures`] a wrong answer, anything else an
    /// error.
    fn measure(&self, cell: &Cell) -> Result<Figures>;

    /// The Python program that asks an interpreter what the cell asks; `None`: there is none.
    fn script(&self, cell: &Cell) -> Option<Script> {
        let _ = cell;
        None
    }

    /// What the records say. Where the run comes from is added to its facts.
    fn chapter(&self, run: &Run, records: &[Record]) -> Chapter;
}

/// What the records say, where they come from, and which cells failed.
pub fn whole_chapter(experiment: &dyn Experiment, run: &Run, records: &[Record]) -> Chapter {
    let mut chapter = experiment.chapter(run, records);
    chapter.facts.extend(run.facts(records));
    let failed = records.iter().filter(|record| record.status != Status::Ok);
    chapter.notes.extend(failed.map(|record| format!("Failed: {}: {}", record.name(), record.cause())));
    chapter
}
