//! `gclab conformance`: CPython's own tests on each heap, held against what is documented.

use std::fmt::Write as _;
use std::panic;

use anyhow::{Result, bail};
use clap::Args;
use comfy_table::{ColumnConstraint, ContentArrangement, Width};
use gc_core::conformance::python::{Row, Source, Verdict};
use serde_json::json;

use super::WrongAnswer;
use crate::conformance::{Column, Reasons, columns, markdown, short_name, version_rule};
use crate::table;

const EXAMPLES: &str = "\
Examples:
  gclab conformance
  gclab conformance --heap generational --heap concurrent --row resurrect
  gclab conformance --json | jq -r 'select(.heaps.concurrent.documented != \"same\").row'
  gclab conformance --markdown > gc-core/CONFORMANCE.md

Exits 2 if a heap does not do what is documented of it: a row that fails, or a difference that is none any more.";

/// The widest column of text.
const TEXT_WIDTH: u16 = 56;
/// The widest table.
const TABLE_WIDTH: u16 = 190;

/// Run CPython's own tests of `gc`, finalizers and `weakref` on each heap, and print the table of what is the same
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// A heap; may be repeated; all of the ladder if not given
    #[arg(long, value_name = "NAME")]
    heap: Vec<String>,
    /// Only rows whose name has this in it
    #[arg(long, value_name = "NAME")]
    row: Option<String>,
    /// Print each row as a line of JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print the page of the documentation, and run nothing
    #[arg(long, conflicts_with = "row")]
    markdown: bool,
}

/// What came out of one row on one heap.
type Outcome = Result<Verdict, String>;

pub(super) fn run(arguments: Arguments) -> Result<()> {
    let columns = match arguments.heap.as_slice() {
        [] => columns(),
        names => names.iter().map(|name| Column::of(name)).collect::<Result<_, _>>()?,
    };
    if arguments.markdown {
        return super::print(&markdown(&columns));
    }
    let wanted = arguments.row.as_deref().unwrap_or_default();
    let chosen: Vec<usize> = columns[0]
        .rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.to_string().contains(wanted))
        .map(|(index, _)| index)
        .collect();
    if chosen.is_empty() {
        bail!("no row has `{wanted}` in its name; `gclab conformance --markdown` names them all");
    }
    let outcomes: Vec<Vec<Outcome>> = in_silence(|| columns.iter().map(|column| prove(column, &chosen)).collect());
    if arguments.json {
        for (place, &index) in chosen.iter().enumerate() {
            super::print(&format!("{}\n", as_json(&columns, index, place, &outcomes)))?;
        }
    } else {
        super::print(&as_text(&columns, &chosen, &outcomes))?;
    }
    let wrong: Vec<String> = columns
        .iter()
        .zip(&outcomes)
        .flat_map(|(column, outcomes)| {
            outcomes.iter().filter_map(|outcome| Some(format!("heap {}: {}", column.name, outcome.as_ref().err()?)))
        })
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(WrongAnswer(wrong.join("\nwrong answer: ")).into()) }
}

/// Runs `f` without the messages of panics: rows that differ end in one, and some provoke them.
fn in_silence<R>(f: impl FnOnce() -> R) -> R {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let returned = f();
    panic::set_hook(hook);
    returned
}

fn prove(column: &Column, chosen: &[usize]) -> Vec<Outcome> {
    eprintln!("{}: {} rows", column.name, chosen.len());
    chosen.iter().map(|&index| column.prove(index)).collect()
}

fn as_text(columns: &[Column], chosen: &[usize], outcomes: &[Vec<Outcome>]) -> String {
    let mut text = String::new();
    let mut reasons = Reasons::default();
    for source in Source::ALL {
        let header = [source.name(), "meaning", "releases"].map(str::to_owned).into_iter();
        let mut shown = table::plain(header.chain(columns.iter().map(|column| table::narrow(column.name))));
        shown.set_content_arrangement(ContentArrangement::Dynamic).set_width(TABLE_WIDTH);
        for column in shown.column_iter_mut().skip(1).take(2) {
            column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(TEXT_WIDTH)));
        }
        let mut rows = 0;
        for (place, &index) in chosen.iter().enumerate() {
            let row = &columns[0].rows[index];
            if row.source() != source {
                continue;
            }
            rows += 1;
            let cells = outcomes.iter().map(|outcomes| match &outcomes[place] {
                Ok(verdict) => reasons.cell(*verdict),
                Err(_) => "WRONG".to_owned(),
            });
            shown.add_row([short_name(row), meaning(row), version_rule(row)].into_iter().chain(cells));
        }
        if rows > 0 {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{shown}\n");
        }
    }
    let header = ["heap", "same", "differs", "n/a", "WRONG"].map(str::to_owned);
    let mut totals = table::plain(header);
    for (column, outcomes) in columns.iter().zip(outcomes) {
        let right: Vec<usize> =
            chosen.iter().zip(outcomes).filter(|(_, outcome)| outcome.is_ok()).map(|(&index, _)| index).collect();
        let [same, differs, absent] = column.totals(&right);
        let figures = [same, differs, absent, chosen.len() - right.len()];
        totals.add_row(std::iter::once(column.name.to_owned()).chain(figures.map(|figure| figure.to_string())));
    }
    let _ = writeln!(text, "{totals}");
    for (number, reason) in reasons.numbered() {
        let _ = writeln!(text, "[{number}] {reason}");
    }
    text
}

fn meaning(row: &Row) -> String {
    match row.stand_in() {
        Some(stand_in) => format!("{} (stand-in: {stand_in})", row.meaning()),
        None => row.meaning().to_owned(),
    }
}

fn as_json(columns: &[Column], index: usize, place: usize, outcomes: &[Vec<Outcome>]) -> serde_json::Value {
    let row = &columns[0].rows[index];
    let heaps: serde_json::Map<String, serde_json::Value> = columns
        .iter()
        .zip(outcomes)
        .map(|(column, outcomes)| {
            let documented = column.documented(index);
            let found = json!({
                "documented": documented.name(),
                "because": documented.reason(),
                "as_documented": outcomes[place].is_ok(),
                "error": outcomes[place].as_ref().err(),
            });
            (column.name.to_owned(), found)
        })
        .collect();
    json!({
        "row": row.to_string(),
        "meaning": row.meaning(),
        "stand_in": row.stand_in(),
        "change": row.change(),
        "evidence": row.evidence().map(|evidence| evidence.name()),
        "heaps": heaps,
    })
}
