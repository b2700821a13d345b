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
            let seed = self.seed.wrapping_add(u64::from(round));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Figures, Options, Record, Run, Script};
    use super::*;
    use crate::report::chapter::Chapter;

    /// Two points, of which interpreters are asked the second.
    struct Stub;

    impl Experiment for Stub {
        fn name(&self) -> &'static str {
            "stub"
        }
        fn title(&self) -> &'static str {
            "A stub"
        }
        fn question(&self) -> &'static str {
            "Nothing."
        }
        fn points(&self, _: Size) -> Vec<Point> {
            vec![Point::new("one", &[]), Point::new("two", &[("n", &2)])]
        }
        fn expected_s(&self, _: &Cell) -> f64 {
            1.0
        }
        fn measure(&self, _: &Cell) -> Result<Figures> {
            Ok(Figures::new())
        }
        fn script(&self, cell: &Cell) -> Option<Script> {
            (cell.question == "two").then(|| Script::new("x.py", &[]))
        }
        fn chapter(&self, _: &Run, _: &[Record]) -> Chapter {
            unreachable!("no run ends here")
        }
    }

    fn plan(heaps: &[&str], versions: &[&str]) -> Result<Plan> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Plan::new(&Stub, Size::Standard, &owned(heaps), &owned(versions), 7, 60)
    }

    #[test]
    fn every_subject_is_asked_what_it_can_be_asked() {
        let plan = plan(&["generational", "concurrent"], &["CPython 3.12.1"]).unwrap();
        let asked: Vec<(&str, String)> =
            plan.cells.iter().map(|cell| (cell.question.as_str(), cell.subject.name())).collect();
        let expected = [
            ("one", "generational"),
            ("one", "concurrent"),
            ("two", "generational"),
            ("two", "concurrent"),
            ("two", "CPython 3.12.1"),
        ];
        assert_eq!(asked, expected.map(|(question, subject)| (question, subject.to_owned())));
        assert_eq!(plan.cells[2].options, Options::from([("n".to_owned(), "2".to_owned())]));
        assert_eq!(plan.versions(), ["CPython 3.12.1"]);
    }

    #[test]
    fn rounds_follow_one_another_each_in_an_order_of_its_own() {
        let plan = Plan { rounds: 8, ..plan(&[], &[]).unwrap() };
        let all = plan.all();
        assert_eq!(all, plan.all(), "the seed decides");
        assert!(all.iter().map(|cell| cell.round).is_sorted());
        let order = |round: u32| -> Vec<String> {
            all.iter()
                .filter(|cell| cell.round == round)
                .map(|cell| cell.question.clone() + &cell.subject.name())
                .collect()
        };
        let orders: BTreeSet<Vec<String>> = (0..8).map(order).collect();
        assert!(orders.len() > 4, "8 rounds have {} orders", orders.len());
        let hashes: BTreeSet<String> = all.iter().map(|cell| cell.hash("program")).collect();
        assert_eq!(hashes.len(), all.len());
    }

    #[test]
    fn heaps_that_are_unknown_or_not_asked_are_refused() {
        assert!(plan(&["none"], &[]).unwrap_err().to_string().contains("give one of refcount"));
        assert!(plan(&["refcount"], &[]).unwrap_err().to_string().contains("leave out --heaps"));
    }
}
