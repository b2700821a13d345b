//! Claims as an experiment: a point a claim, a cell a claim on a heap, in a process of its own.

use anyhow::{Context, Result, bail};
use gc_core::Heap;
use serde_json::{Value, json};

use super::answer::{Answer, Verdict};
use super::checks::{CLAIMS, answer, measure};
use super::claim::Measured;
use super::figures::Figures as Told;
use super::setup::{Scale, Setup};
use super::{python, report};
use crate::experiment::trial::{Cell, Experiment, Figures, Point, Record, Run, Script, Size, Subject};
use crate::heap_settings;
use crate::record::Status;
use crate::report::chapter::Chapter;
use crate::roster::{self, for_heap};

/// See the [module](super).
#[derive(Clone, Copy, Debug)]
pub struct Claims;

/// A heap's figures in its record, and why there are none.
const TOLD: &str = "told";
const NOT_APPLICABLE: &str = "not_applicable";

impl Experiment for Claims {
    fn name(&self) -> &'static str {
        "claims"
    }

    fn title(&self) -> &'static str {
        "What articles say about Python's collector, and what is so"
    }

    fn question(&self) -> &'static str {
        "Five widely read articles about Python's `gc` module make 42 claims and recommend remedies; a 43rd claim stands beside \
         them. Which of them hold, on CPython and on each heap?"
    }

    fn subjects(&self, _: Size) -> Vec<Subject> {
        roster::entries().iter().map(|entry| Subject::heap(entry.name, None)).collect()
    }

    fn points(&self, size: Size) -> Vec<Point> {
        let scale = match size {
            Size::Tiny => "small",
            Size::Quick => "quick",
            Size::Standard => "standard",
        };
        CLAIMS
            .iter()
            .map(|claim| Point::new(question(claim.key), &[("claim", &claim.key), ("scale", &scale)]))
            .collect()
    }

    fn rounds(&self, size: Size) -> u32 {
        match size {
            Size::Tiny | Size::Quick => 1,
            Size::Standard => 3,
        }
    }

    fn expected_s(&self, cell: &Cell) -> f64 {
        let scale = |quick, standard| match cell.text("scale") {
            "standard" => standard,
            "quick" => quick,
            _ => 0.1,
        };
        let Some(heap) = cell.subject.heap_name() else {
            return match cell.text("claim") {
                "11" | "12" | "14" => 25.0,
                key if python::is_slow(key) => 15.0,
                _ => 0.5,
            };
        };
        let collects = roster::entry(heap).is_ok_and(|entry| entry.abilities.collects_cycles);
        match cell.text("claim") {
            "11" | "12" | "13" | "14" | "16" | "17" | "38" | "39" | "40" if !collects => 0.1,
            "40" => scale(2.0, 12.0),
            "11" | "12" | "14" => scale(5.0, 10.0),
            "13" => scale(1.3, 3.0),
            "38" | "39" => scale(0.9, 4.0),
            "16" | "17" => scale(0.3, 4.0),
            "35" | "36" | "37" => scale(0.6, 2.5),
            "31" => scale(0.7, 0.9),
            "41" => scale(0.3, 1.5),
            "R1" | "R2" | "R3" | "R4" | "R5" => scale(0.3, 1.0),
            _ => scale(0.1, 0.3),
        }
    }

    fn measure(&self, cell: &Cell) -> Result<Figures> {
        let Subject::Heap { heap, settings } = &cell.subject else { bail!("no heap") };
        let scale: Scale = serde_json::from_value(json!(cell.text("scale"))).with_context(|| {
            format!("a scale of `{}` is not possible; give small, quick or standard", cell.text("scale"))
        })?;
        let setup = Setup::new(scale);
        let setup = Setup { config: heap_settings::change(setup.config, settings)?, ..setup };
        let measured = for_heap!(heap.as_str(), H => try_on::<H>(cell.text("claim"), &setup))??;
        Ok(match measured {
            Measured::Figures(told) => {
                Figures::from([(TOLD.to_owned(), json!(told)), (NOT_APPLICABLE.to_owned(), Value::Null)])
            }
            Measured::NotApplicable(reason) => {
                Figures::from([(TOLD.to_owned(), Value::Null), (NOT_APPLICABLE.to_owned(), json!(reason))])
            }
        })
    }

    fn script(&self, cell: &Cell) -> Option<Script> {
        let key = cell.text("claim");
        let is_left_out = python::is_slow(key) && cell.text("scale") != "standard";
        let names = python::asked(key);
        let options: Vec<(&str, &dyn std::fmt::Display)> =
            names.iter().map(|name| ("claim", name as &dyn std::fmt::Display)).collect();
        (!options.is_empty() && !is_left_out).then(|| Script::new("claims.py", &options))
    }

    fn chapter(&self, run: &Run, records: &[Record]) -> Chapter {
        report::chapter(self, run, records)
    }
}

fn try_on<H: Heap>(key: &str, setup: &Setup) -> Result<Measured> {
    measure::<H>(key, setup)
}

/// The name of a claim's point.
pub(super) fn question(key: &str) -> String {
    match key.strip_prefix('R') {
        Some(number) => format!("remedy-{number}"),
        None => format!("claim-{key}"),
    }
}

/// What a record says of its claim; `None` if it did not come to its end, or a figure is missing.
pub(super) fn answer_of(record: &Record) -> Option<Answer> {
    let key = record.text("claim");
    if record.status != Status::Ok {
        return None;
    }
    if let Some(reason) = record.figures.get(NOT_APPLICABLE).and_then(Value::as_str) {
        return Some(Answer::new(Verdict::NotApplicable, reason));
    }
    let told = match record.figures.get(TOLD) {
        Some(told) => serde_json::from_value::<Told>(told.clone()).ok()?,
        None => python::figures(key, &record.figures)?,
    };
    answer(key, &Measured::Figures(told))
}

/// Of one answer a round, the one whose verdict most rounds have, the first of such; and how many have it.
pub(super) fn common(answers: &[Answer]) -> Option<(&Answer, usize)> {
    let alike = |answer: &Answer| answers.iter().filter(|other| other.verdict == answer.verdict).count();
    let most = answers.iter().map(alike).max()?;
    answers.iter().find(|answer| alike(answer) == most).map(|answer| (answer, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_rounds_decide() {
        let answers = [Verdict::Partly, Verdict::Not, Verdict::Not].map(|verdict| Answer::new(verdict, "x"));
        assert_eq!(common(&answers).map(|(answer, rounds)| (answer.verdict, rounds)), Some((Verdict::Not, 2)));
        assert_eq!(common(&[]), None);
    }

    #[test]
    fn the_short_form_says_that_it_takes_less_than_three_minutes() {
        let cell = |point: &Point, subject: &Subject| Cell {
            experiment: "claims".to_owned(),
            question: point.question.clone(),
            subject: subject.clone(),
            options: point.options.clone(),
            round: 0,
            seed: 1,
        };
        let (points, subjects) = (Claims.points(Size::Quick), Claims.subjects(Size::Quick));
        let of_point =
            |point: &Point| -> f64 { subjects.iter().map(|subject| Claims.expected_s(&cell(point, subject))).sum() };
        let expected_s: f64 = points.iter().map(of_point).sum();
        assert!((60.0..160.0).contains(&expected_s), "{expected_s} s, and an interpreter needs some as well");
    }

    #[test]
    fn a_record_is_judged_by_its_figures_alone() {
        let point = &Claims.points(Size::Tiny)[7];
        let cell = Cell {
            experiment: "claims".to_owned(),
            question: point.question.clone(),
            subject: Subject::heap("generational", Some(("thresholds", "700,9,10"))),
            options: point.options.clone(),
            round: 0,
            seed: 1,
        };
        let mut record = Record::of(&cell, "0");
        record.status = Status::Ok;
        record.figures = Claims.measure(&cell).unwrap();
        crate::experiment::trial::check(&record.figures).unwrap();
        // A middle threshold of 9 is exceeded by the tenth collection: the claim that is wrong by one becomes right.
        assert_eq!(answer_of(&record).unwrap().verdict, Verdict::Reproduced);
        record.status = Status::Error;
        assert_eq!(answer_of(&record), None);
        let refcount = Cell { subject: Subject::heap("refcount", None), ..cell };
        record.status = Status::Ok;
        record.figures = Claims.measure(&refcount).unwrap();
        assert_eq!(answer_of(&record).unwrap().verdict, Verdict::NotApplicable);
    }
}
