//! The answers of a run, by claim and by who was asked; and what was recorded on CPython 3.12.1.

use super::answer::{Answer, Verdict};
use super::checks::answer;
use super::claim::{Claim, Measured};
use super::figures::Figures;
use super::names::name;
use super::trials::{answer_of, common, question};
use crate::comparison::BASELINE;
use crate::experiment::trial::{Record, Rows, Run, Subject};
use crate::report::grid::Word;

/// What stands over CPython's recorded verdicts.
pub(super) const RECORDED: &str = "CPython 3.12.1, recorded";

/// Where claims were measured before.
pub(super) const BUILDS: &str = "seven CPythons";

/// The answers of a run.
pub(super) struct Told<'r> {
    pub(super) rows: Rows<'r>,
    pub(super) subjects: Vec<&'r Subject>,
}

impl<'r> Told<'r> {
    pub(super) fn new(run: &'r Run, records: &'r [Record]) -> Self {
        let rows = Rows::new(run, records);
        Self { rows, subjects: rows.subjects(|_| true) }
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.subjects.iter().map(|subject| subject.name()).collect()
    }

    /// What most rounds say; how many do, of how many.
    pub(super) fn of(&self, claim: &Claim, subject: &Subject) -> Option<(Answer, usize, usize)> {
        let answers: Vec<Answer> = self.rows.of(&question(claim.key), subject).filter_map(answer_of).collect();
        common(&answers).map(|(answer, rounds)| (answer.clone(), rounds, answers.len()))
    }

    pub(super) fn verdict(&self, claim: &Claim, subject: &Subject) -> Option<Verdict> {
        self.of(claim, subject).map(|(answer, ..)| answer.verdict)
    }

    /// A verdict as a word, which stands out where the answer is not `usual`.
    pub(super) fn word(&self, claim: &Claim, subject: &Subject, usual: Option<&Answer>) -> Word {
        match self.of(claim, subject) {
            Some((answer, rounds, all)) => {
                let of = if rounds < all { format!(" ({rounds} of {all})") } else { String::new() };
                let differs = usual.is_some_and(|usual| !answer.agrees(usual));
                Word { text: answer.shown() + &of, bold: differs }
            }
            None => self.rows.missing(&question(claim.key), subject),
        }
    }

    pub(super) fn baseline(&self) -> Option<&'r Subject> {
        self.subjects.iter().copied().find(|subject| subject.heap_name() == Some(BASELINE))
    }
}

/// What the rule says of the figures that were recorded on CPython 3.12.1.
pub(super) fn recorded(claim: &Claim) -> Option<Answer> {
    answer(claim.key, &Measured::Figures(Figures::from_json(claim.cpython?.recorded)?))
}

/// A claim with its number, in few words.
pub(super) fn says(claim: &Claim) -> String {
    format!("{} {}", claim.key, name(claim))
}
