//! The conformance table: CPython's own tests as rows, heaps as columns, and what is documented of each pair.
//!
//! What is documented needs no run; [`Column::prove`] runs a row and holds the heap to it.

use std::fmt::Write as _;

use gc_core::conformance::python::{Row, Source, Verdict, rows};
use gc_core::{Abilities, HeapConfig};

use crate::roster::{self, UnknownHeap, for_heap};

/// One heap of the table.
pub struct Column {
    /// Its name.
    pub name: &'static str,
    abilities: Abilities,
    /// Every row, with the check for this heap. The rows of all heaps are in the same order.
    pub rows: Vec<Row>,
}

impl Column {
    /// The column of the heap called `name`.
    ///
    /// # Errors
    /// [`UnknownHeap`] if there is none.
    pub fn of(name: &str) -> Result<Self, UnknownHeap> {
        let entry = roster::entry(name)?;
        let rows = for_heap!(name, H => rows::<H>())?;
        Ok(Self { name: entry.name, abilities: entry.abilities, rows })
    }

    /// What is documented of a row.
    pub fn documented(&self, row: usize) -> Verdict {
        self.rows[row].documented(self.abilities)
    }

    /// Runs a row.
    ///
    /// # Errors
    /// A sentence, if the heap does not do what is documented.
    pub fn prove(&self, row: usize) -> Result<Verdict, String> {
        self.rows[row].prove(self.abilities, HeapConfig::default())
    }

    /// How many of these rows are documented as the same, as different, as not applicable.
    pub fn totals(&self, chosen: &[usize]) -> [usize; 3] {
        let mut totals = [0; 3];
        for &row in chosen {
            totals[match self.documented(row) {
                Verdict::Same => 0,
                Verdict::Differs(_) => 1,
                Verdict::NotApplicable(_) => 2,
            }] += 1;
        }
        totals
    }
}

/// The columns of all heaps, in order of the ladder.
pub fn columns() -> Vec<Column> {
    let column = |entry: &roster::Entry| Column::of(entry.name).expect("the roster names it");
    roster::entries().iter().map(column).collect()
}

/// Reasons, each once, numbered from 1 in the order in which they come up.
#[derive(Default)]
pub struct Reasons(Vec<&'static str>);

impl Reasons {
    /// A verdict in a cell: its name, and the number of its reason.
    pub fn cell(&mut self, verdict: Verdict) -> String {
        let Some(reason) = verdict.reason() else { return verdict.name().to_owned() };
        let known = self.0.iter().position(|other| *other == reason);
        let number = known.unwrap_or_else(|| {
            self.0.push(reason);
            self.0.len() - 1
        });
        format!("{} [{}]", verdict.name(), number + 1)
    }

    /// The reasons with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &'static str)> {
        (1..).zip(self.0.iter().copied())
    }
}

/// A row's class and name.
pub fn short_name(row: &Row) -> String {
    format!("{}.{}", row.class(), row.name())
}

/// Which releases behave so, and how that is known.
pub fn version_rule(row: &Row) -> String {
    let Some(evidence) = row.evidence() else { return "not asked".to_owned() };
    let rule = row.change().unwrap_or("the same in all");
    format!("{rule}; {}", evidence.name())
}

const HEAD: &str = "\
# Conformance: CPython's own tests, row by row

Each row is a test of CPython 3.12 to 3.15 (`Lib/test/test_gc.py`, `test_finalization.py`, `test_weakref.py`), told for a heap
without a language: allocate, set slots, drop roots, weak references, finalizers, collect. A row is stricter than its test
where that only asks that nothing crash: return values, counts, order and messages are asserted. The code is in
`src/conformance/python/`; `python_tests!` makes each row a test of a heap, which fails also when a difference that is written
here is none any more. `gclab conformance` runs all of them and prints this table; this page is
`gclab conformance --markdown`, and a test keeps the two the same.

- **same**: the heap does exactly what CPython does, with the settings of each release from 3.11 to 3.15 (`trigger`,
  `thresholds`, `weak-order`). **differs**: it does not, for the reason of that number. **n/a**: it cannot be asked.
- **releases**: what changed, if anything did. *Live*: confirmed on CPython 3.11.7, 3.12.1 and 3.13.0, by their own test of that
  name or, where the test is newer than one of them, by `workloads/oracle/newer_tests.py`, which says ok to it on all three; for
  3.14 and 3.15, which were not at hand, \"the same in all\" is by reading. *By reading*: the row is about 3.14 or 3.15 alone, or
  those three skip its test. What the row asks beyond its test is by reading too, where `newer_tests.py` does not ask it.
- A collector with a thread of its own collects where the trigger says, as heaps that stop do (`automatic=at-trigger`); else no
  row could say when its collection comes.
";

/// The page of the documentation.
pub fn markdown(columns: &[Column]) -> String {
    let mut text = HEAD.to_owned();
    let mut reasons = Reasons::default();
    let Some(first) = columns.first() else { return text };
    let all: Vec<usize> = (0..first.rows.len()).collect();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n## Totals\n\n| heap | same | differs | n/a |\n|---|---|---|---|");
    for column in columns {
        let [same, differs, absent] = column.totals(&all);
        let _ = writeln!(text, "| `{}` | {same} | {differs} | {absent} |", column.name);
    }
    for source in Source::ALL {
        let names = columns.iter().map(|column| format!(" `{}` |", column.name)).collect::<String>();
        let _ = writeln!(text, "\n## {}.py\n\n| row | meaning | releases |{names}", source.name());
        let _ = writeln!(text, "|---|---|---|{}", "---|".repeat(columns.len()));
        for &index in all.iter().filter(|&&index| first.rows[index].source() == source) {
            let row = &first.rows[index];
            let stand_in = row.stand_in().map_or(String::new(), |one| format!(" *Stand-in: {one}.*"));
            let _ = write!(
                text,
                "| {}.<wbr>{} | {}.{stand_in} | {} |",
                row.class(),
                row.name(),
                row.meaning(),
                version_rule(row)
            );
            for column in columns {
                let _ = write!(text, " {} |", reasons.cell(column.documented(index)));
            }
            text.push('\n');
        }
    }
    text.push_str("\n## Reasons\n\n");
    for (number, reason) in reasons.numbered() {
        let _ = writeln!(text, "- [{number}] {reason}.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_the_documentation_is_up_to_date() {
        let page = include_str!("../../gc-core/CONFORMANCE.md");
        assert!(
            page == markdown(&columns()),
            "gc-core/CONFORMANCE.md is outdated; write it with `gclab conformance --markdown > gc-core/CONFORMANCE.md`"
        );
    }

    #[test]
    fn all_heaps_have_the_same_rows() {
        let names = |column: &Column| column.rows.iter().map(Row::to_string).collect::<Vec<_>>();
        let columns = columns();
        assert!(columns.iter().all(|column| names(column) == names(&columns[0])));
    }

    #[test]
    fn reasons_are_numbered_once() {
        let mut reasons = Reasons::default();
        let cells = [Verdict::Differs("a"), Verdict::Same, Verdict::NotApplicable("b"), Verdict::Differs("a")]
            .map(|verdict| reasons.cell(verdict));
        assert_eq!(cells, ["differs [1]", "same", "n/a [2]", "differs [1]"]);
        assert_eq!(reasons.numbered().collect::<Vec<_>>(), [(1, "a"), (2, "b")]);
    }
}
