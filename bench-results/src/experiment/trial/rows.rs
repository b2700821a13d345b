//! Records as a table has them: who was asked, what, and the median over rounds.

use super::cell::{Cell, Subject};
use super::record::{Record, Run};
use crate::record::Status;
use crate::report::grid::Word;
use crate::report::quantity::Unit;

/// The records of a run.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'r> {
    run: &'r Run,
    records: &'r [Record],
}

impl<'r> Rows<'r> {
    /// Of these.
    pub fn new(run: &'r Run, records: &'r [Record]) -> Self {
        Self { run, records }
    }

    /// The cells of round 0 that a condition holds for, in the order of the plan.
    pub fn cells(&self, holds: impl Fn(&Cell) -> bool) -> Vec<&'r Cell> {
        self.run.plan.cells.iter().filter(|cell| holds(cell)).collect()
    }

    /// The subjects of these cells, each once, in the order of the plan.
    pub fn subjects(&self, holds: impl Fn(&Cell) -> bool) -> Vec<&'r Subject> {
        let mut subjects = Vec::new();
        for cell in self.cells(holds) {
            if !subjects.contains(&&cell.subject) {
                subjects.push(&cell.subject);
            }
        }
        subjects
    }

    /// The questions of these cells, each once, in the order of the plan.
    pub fn questions(&self, holds: impl Fn(&Cell) -> bool) -> Vec<&'r str> {
        let mut questions = Vec::new();
        for cell in self.cells(holds) {
            if !questions.contains(&cell.question.as_str()) {
                questions.push(&cell.question);
            }
        }
        questions
    }

    /// The records of a question asked of a subject, a round each.
    pub fn of(&self, question: &str, subject: &Subject) -> impl Iterator<Item = &'r Record> {
        let wanted = |record: &&Record| record.question == question && record.subject == *subject;
        self.records.iter().filter(wanted).collect::<Vec<_>>().into_iter()
    }

    /// The figures of all rounds.
    pub fn numbers(&self, question: &str, subject: &Subject, figure: &str) -> Vec<f64> {
        self.of(question, subject).filter_map(|record| record.number(figure)).collect()
    }

    /// Their median; `None` if none is known.
    pub fn median(&self, question: &str, subject: &Subject, figure: &str) -> Option<f64> {
        median(self.numbers(question, subject, figure))
    }

    /// The median as a word of a table; where there is none, why.
    pub fn word(&self, question: &str, subject: &Subject, figure: &str, unit: Unit) -> Word {
        match self.median(question, subject, figure) {
            Some(value) => Word::plain(unit.show(value)),
            None => self.missing(question, subject),
        }
    }

    /// What stands where no figure is known.
    pub fn missing(&self, question: &str, subject: &Subject) -> Word {
        let failed = self.of(question, subject).find(|record| record.status != Status::Ok);
        Word::plain(failed.map_or("", |record| record.status.name()))
    }
}

/// The median; the mean of the two in the middle where there is none.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some((low + high) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
    }
}
