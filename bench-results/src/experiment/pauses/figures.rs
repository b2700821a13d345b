//! Figures of a point in the form of tables: per object, and as an exponent over sizes.

use super::anchors::{self, Anchor};
use super::slope::{Exponent, exponent};
use crate::experiment::trial::{Cell, Rows, Subject};

/// Whether what a collection met was alive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// All of it.
    Live,
    /// Nothing of it, or of half as many structures.
    Dead,
}

impl State {
    /// The figure of its gap.
    pub(super) fn gap(self) -> &'static str {
        match self {
            Self::Live => "live_gap_ns",
            Self::Dead => "dead_gap_ns",
        }
    }

    /// The figure of its control's gap.
    pub(super) fn control(self) -> &'static str {
        match self {
            Self::Live => "live_control_ns",
            Self::Dead => "dead_control_ns",
        }
    }

    /// The figure of its whole collection.
    pub(super) fn cycle(self) -> &'static str {
        match self {
            Self::Live => "live_cycle_ns",
            Self::Dead => "dead_cycle_ns",
        }
    }

    /// What was recorded of it.
    pub(super) fn recorded_ms(self, line: &Anchor) -> Option<f64> {
        match self {
            Self::Live => Some(line.live_ms),
            Self::Dead => line.dead_ms,
        }
    }
}

/// Points that differ only in how many nodes there are: `ring` of 10, in order, all dying.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Series {
    pub(super) shape: String,
    /// Nodes of one structure; `None`: all of them.
    pub(super) k: Option<u32>,
    pub(super) order: String,
    pub(super) dying: String,
}

impl Series {
    /// That of a cell.
    pub(super) fn of(cell: &Cell) -> Self {
        let k = cell.integer("k").ok().filter(|k| cell.integer("nodes").ok() != Some(*k));
        let text = |option| cell.text(option).to_owned();
        Self { shape: text("shape"), k, order: text("order"), dying: text("dying") }
    }

    /// For people: `rings of 10, shuffled`.
    pub(super) fn name(&self) -> String {
        let (one, many) = match self.shape.as_str() {
            "ring" => ("one ring", "rings of"),
            "dll" => ("one doubly linked list", "doubly linked lists of"),
            "tree" => ("one tree", "trees of"),
            "nested" => ("one nested list", "nested lists of"),
            _ => ("records", "records of"),
        };
        let name = match self.k {
            _ if self.shape == "rec" => "records".to_owned(),
            Some(k) => format!("{many} {}", crate::units::count(u64::from(k))),
            None => one.to_owned(),
        };
        let more = [("shuffled", &self.order), ("half", &self.dying)];
        let more = more.map(|(word, given)| if word == given { format!(", {word}") } else { String::new() });
        name + &more.concat()
    }

    /// Its cells' sizes and questions, smallest first.
    pub(super) fn sizes<'r>(&self, rows: &Rows<'r>) -> Vec<(u32, &'r str)> {
        let mut sizes: Vec<(u32, &str)> = rows
            .cells(|cell| Self::of(cell) == *self)
            .into_iter()
            .filter_map(|cell| Some((cell.integer("nodes").ok()?, cell.question.as_str())))
            .collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// Recorded lines of it, smallest first.
    pub(super) fn recorded(&self) -> Vec<Anchor> {
        let mut lines = anchors::all();
        lines.retain(|line| {
            let k = Some(line.k).filter(|k| *k != line.nodes);
            (line.shape.as_str(), k, line.order.as_str()) == (&self.shape, self.k, &self.order)
        });
        lines.sort_by_key(|line| line.nodes);
        lines
    }
}

/// The median over rounds of a figure, whatever an interpreter's program calls it. That measures CPU time, from the call to
/// the end of a collection.
pub(super) fn median(rows: &Rows<'_>, question: &str, subject: &Subject, figure: &str) -> Option<f64> {
    rows.median(question, subject, called_by(subject, figure))
}

/// Whether the gaps of a point are [told](is_told) from its control's, and the control's median; `None` where there is none.
pub(super) fn beside_control(
    rows: &Rows<'_>,
    question: &str,
    subject: &Subject,
    gap: &str,
    control: &str,
) -> Option<(bool, f64)> {
    let of_control = rows.median(question, subject, control)?;
    let told = is_told(&rows.numbers(question, subject, gap), &rows.numbers(question, subject, control));
    Some((told, of_control))
}

/// Rounds from which on each gap being longer than each control's is no chance: of three and three it happens in one of twenty.
const ROUNDS: usize = 3;
/// In fewer rounds gaps must be so many times as long.
const TIMES: f64 = 10.0;

/// Whether gaps are told from their controls: each is longer than each of them, and ten times as long in fewer than three rounds.
fn is_told(gaps: &[f64], controls: &[f64]) -> bool {
    let longest = controls.iter().copied().fold(0.0, f64::max);
    let least = if gaps.len().min(controls.len()) < ROUNDS { TIMES } else { 1.0 };
    !gaps.is_empty() && gaps.iter().all(|gap| *gap > least * longest)
}

/// What a subject's program calls a figure.
pub(super) fn called_by<'f>(subject: &Subject, figure: &'f str) -> &'f str {
    if subject.heap_name().is_some() {
        return figure;
    }
    match figure.split_once('_') {
        Some(("first", _)) => "first_ns",
        Some(("second", _)) => "second_ns",
        Some(("live", _)) => "live_median_ns",
        Some(("dead", _)) => "dead_ns",
        Some(("found", _)) => "collected_objects",
        _ => figure,
    }
}

/// A time per object that was examined: the median over rounds.
pub(super) fn per_object(rows: &Rows<'_>, question: &str, subject: &Subject, figure: &str) -> Option<f64> {
    let time = median(rows, question, subject, figure)?;
    // Of what died, what a collection found, unless counts freed it before.
    let objects = if figure.starts_with("dead") { "found_objects" } else { "tracked_objects" };
    let objects = median(rows, question, subject, objects).filter(|objects| *objects > 0.0)?;
    Some(time / objects)
}

/// How a time grows with the objects, from all rounds of all sizes.
pub(super) fn growth(rows: &Rows<'_>, series: &Series, subject: &Subject, figure: &str) -> Option<Exponent> {
    let figure = called_by(subject, figure);
    let records = series.sizes(rows).into_iter().flat_map(|(_, question)| rows.of(question, subject));
    let points: Vec<(f64, f64)> =
        records.filter_map(|record| Some((record.number("tracked_objects")?, record.number(figure)?))).collect();
    exponent(&points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_the_collectors_only_if_no_control_has_one_as_long() {
        assert!(is_told(&[5.0, 4.0, 6.0], &[3.0, 2.0, 3.0]));
        assert!(!is_told(&[5.0, 2.5, 6.0], &[3.0, 2.0, 3.0]), "in one round the machine alone made a longer one");
        assert!(!is_told(&[3.0; 3], &[3.0; 3]));
        assert!(!is_told(&[], &[3.0]));
        assert!(!is_told(&[9.0], &[3.0]) && is_told(&[31.0], &[3.0]), "one round says little");
    }
}
