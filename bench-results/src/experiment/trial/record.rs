//! What is kept of a cell, a line of `cells.jsonl`, and of a run, `run.json`.

use serde::{Deserialize, Serialize};

use super::cell::{Cell, Options, Subject};
use super::figures::{Figures, number};
use super::plan::Plan;
use crate::provenance::{Load, Provenance, machine_hash};
use crate::record::Status;
use crate::report::origin;
use crate::run_folder::Line;
use crate::units;

/// The version of the schema of these records.
pub const SCHEMA: u32 = 1;

/// The record of a cell.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The experiment's name.
    pub experiment: String,
    /// The cell's hash.
    pub cell: String,
    /// The point's name.
    pub question: String,
    /// Who was asked.
    pub subject: Subject,
    /// What it was asked with.
    pub options: Options,
    /// Which repetition.
    pub round: u32,
    /// Of every random choice.
    pub seed: u64,
    /// How it ended.
    pub status: Status,
    /// Why, unless `ok`.
    pub error: Option<String>,
    /// What was measured; empty unless it came to its end.
    pub figures: Figures,
    /// SHA-256 of the program that ran.
    pub binary: Option<String>,
    /// Tells machines apart; a hash.
    pub machine: Option<String>,
    /// How long the process of the cell took.
    pub process_ns: Option<u64>,
}

impl Record {
    /// Of a cell that has not run.
    pub fn of(cell: &Cell, binary: &str) -> Self {
        let Cell { experiment, question, subject, options, round, seed } = cell.clone();
        Self {
            schema: SCHEMA,
            experiment,
            cell: cell.hash(binary),
            question,
            subject,
            options,
            round,
            seed,
            status: Status::Error,
            error: None,
            figures: Figures::new(),
            binary: Some(binary.to_owned()),
            machine: machine_hash().map(str::to_owned),
            process_ns: None,
        }
    }

    /// A figure that is a number, or `process_ns`; `None` where it is not known, or the cell did not come to its end.
    pub fn number(&self, name: &str) -> Option<f64> {
        let own = || self.process_ns.filter(|_| name == "process_ns").map(|ns| ns as f64);
        number(&self.figures, name).or_else(own).filter(|_| self.status == Status::Ok)
    }

    /// An option; empty if there is none.
    pub fn text(&self, option: &str) -> &str {
        self.options.get(option).map_or("", String::as_str)
    }

    /// Why it did not come to its end.
    pub fn cause(&self) -> String {
        self.error.clone().unwrap_or_else(|| self.status.name().to_owned())
    }

    /// Who was asked what, for people.
    pub fn name(&self) -> String {
        format!("{} on {}, round {}", self.question, self.subject.name(), self.round)
    }
}

impl Line for Record {
    const VERB: &'static str = "reproduce EXPERIMENT";
}

/// `run.json`: what was asked for, of which program, on which machine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The experiment's name.
    pub kind: String,
    /// The command line; paths are cut to their last name.
    pub command: Vec<String>,
    /// When it began, in UTC.
    pub started: String,
    /// When it ended.
    pub ended: Option<String>,
    /// What it runs.
    pub plan: Plan,
    /// Program and machine.
    pub provenance: Provenance,
    /// How busy the machine was before.
    pub load_before: Load,
    /// And after.
    pub load_after: Option<Load>,
}

impl Run {
    /// Where it comes from, as a chapter says it.
    pub fn facts(&self, records: &[Record]) -> Vec<(String, String)> {
        let machine = &self.provenance.machine;
        let unknown = || "unknown".to_owned();
        let commit =
            self.provenance.git_commit.as_ref().map_or_else(unknown, |commit| commit.chars().take(12).collect());
        let failed = records.iter().filter(|record| record.status != Status::Ok).count();
        let planned = self.plan.rounds as usize * self.plan.cells.len();
        let cells = format!("{} of {planned}, {failed} failed", records.len());
        let load = |load: &Load| load.averages.map_or_else(unknown, |averages| format!("{:.2}", averages[0]));
        let after = self.load_after.as_ref().map_or_else(unknown, load);
        let facts = [
            ("machine", origin::words(machine)),
            ("command", origin::command(&self.command)),
            ("commit", commit),
            ("rounds", self.rounds(records)),
            ("seed", self.plan.seed.to_string()),
            ("cells", cells),
            ("started", self.started.clone()),
            ("ended", self.ended.clone().unwrap_or_else(|| "not finished".to_owned())),
            ("gclab", format!("{}, {} build", self.provenance.version, self.provenance.profile)),
            ("kernel", machine.kernel.clone().unwrap_or_else(unknown)),
            ("memory", machine.memory_bytes.map_or_else(unknown, units::size)),
            ("huge pages", machine.huge_pages.clone().unwrap_or_else(unknown)),
            ("load before and after", format!("{}, {after}", load(&self.load_before))),
        ];
        facts.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// Repetitions of each cell; of a run that was cut short, how many ended with all their cells, `of` how many.
    fn rounds(&self, records: &[Record]) -> String {
        let of_round = |round: u32| records.iter().filter(|record| record.round == round).count();
        let finished = (0..self.plan.rounds).filter(|round| of_round(*round) >= self.plan.cells.len()).count();
        match self.plan.rounds {
            planned if finished < planned as usize => format!("{finished} of {planned}"),
            planned => planned.to_string(),
        }
    }

    /// What stands below a picture.
    pub fn caption(&self) -> String {
        let facts = self.facts(&[]).into_iter().take(5);
        let facts = facts.map(|(name, value)| match name.as_str() {
            // Which records there are is not known here.
            "rounds" if self.ended.is_none() => format!("rounds: up to {}, not finished", self.plan.rounds),
            "rounds" => format!("rounds: {}", self.plan.rounds),
            _ => format!("{name}: {value}"),
        });
        facts.collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Size;
    use super::*;

    #[test]
    fn a_run_that_was_cut_short_says_how_many_rounds_it_has() {
        let cell = Cell {
            experiment: "stub".to_owned(),
            question: "one".to_owned(),
            subject: Subject::heap("refcount", None),
            options: Options::new(),
            round: 0,
            seed: 1,
        };
        let cells = ["one", "two"].map(|question| Cell { question: question.to_owned(), ..cell.clone() });
        let plan = Plan { size: Size::Tiny, rounds: 3, seed: 1, timeout_s: 1, cells: cells.to_vec() };
        let mut run = Run {
            schema: SCHEMA,
            kind: "stub".to_owned(),
            command: vec!["gclab".to_owned()],
            started: String::new(),
            ended: None,
            plan,
            provenance: Provenance::collect(),
            load_before: Load::now(),
            load_after: None,
        };
        let records: Vec<Record> = run.plan.all().iter().map(|cell| Record::of(cell, "program")).collect();
        let fact = |run: &Run, records: &[Record], name: &str| {
            run.facts(records).into_iter().find(|(fact, _)| fact == name).map(|(_, value)| value)
        };
        for (kept, rounds, cells) in [(0, "0 of 3", "0 of 6"), (3, "1 of 3", "3 of 6"), (6, "3", "6 of 6")] {
            let kept = &records[..kept];
            assert_eq!(fact(&run, kept, "rounds").as_deref(), Some(rounds));
            assert!(fact(&run, kept, "cells").unwrap().starts_with(cells));
        }
        assert!(run.caption().contains("rounds: up to 3, not finished; seed: 1"), "{}", run.caption());
        run.ended = Some("now".to_owned());
        assert!(run.caption().contains("rounds: 3; seed: 1"), "{}", run.caption());
    }
}
