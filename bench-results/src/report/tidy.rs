//! Tables as CSV in the tidy form. The column `kind` says what a line is:
//!
//! | kind | one a | says |
//! |---|---|---|
//! | `figure` | point × heap × quantity | `value`, and what single rounds said: `least_round`, `most_round` |
//! | `status` | cell that is not ok | its end and cause in `text` |
//! | `interval` | point × heap × axis | `value` between `low` and `high` (95 %) |
//! | `ratio` | point × heap × axis | the same over `reference`, paired by round; `standing` says what follows |
//! | `noise` | point × axis | the ratio of a heap to itself: the noise floor |
//! | `verdict` | sentence of a verdict | `text` |
//! | `setting` | swept setting × heap × axis | that heap's ratio to itself with the setting `reference` |
//! | `setting-noise` | sweep × heap × axis | the noise floor that it was held against |
//! | `mean` | heap × axis | geometric mean of the ratios of all points of a machine |
//! | `note` | remark on the run | what was left out, and what else must be known |
//!
//! Figures are as measured, in nanoseconds, bytes, or what the column `unit` says; nothing is rounded. Where there is no figure,
//! `text` says why.

use anyhow::{Context, Result};

use super::all_points::{AXES, AllPoints};
use super::quantity::Figure;
use super::ratios::{Ratios, key, standing_name};
use super::settings::Settings;
use super::table::{Report, Table};
use crate::statistics::axis::Axis;
use crate::statistics::bootstrap::{Estimate, NoEstimate};
use crate::statistics::comparison::Difference;

/// The columns.
pub const HEADER: [&str; 30] = [
    "run",
    "kind",
    "workload",
    "dials",
    "threads",
    "arrivals",
    "arrivals_value",
    "heap",
    "twin",
    "round",
    "quantity",
    "over_rounds",
    "unit",
    "value",
    "least_round",
    "most_round",
    "low",
    "high",
    "n",
    "reference",
    "standing",
    "text",
    "machine",
    "machine_id",
    "commit",
    "rounds",
    "seed",
    "started",
    "program",
    "command",
];

/// The report.
///
/// # Errors
/// If the text cannot be made, which memory alone can cause.
pub fn render(report: &Report) -> Result<String> {
    let mut writer = Writer { csv: csv::Writer::from_writer(Vec::new()), report };
    writer.csv.write_record(HEADER)?;
    for table in &report.tables {
        figures(&mut writer, table)?;
        judged(&mut writer, table)?;
    }
    for settings in &report.settings {
        of_settings(&mut writer, settings)?;
    }
    for all in &report.all_points {
        means(&mut writer, all)?;
    }
    for note in &report.notes {
        writer.line(None, Line { kind: "note", text: note.clone(), ..Line::default() })?;
    }
    let bytes = writer.csv.into_inner().context("cannot make CSV")?;
    String::from_utf8(bytes).context("CSV that is no text")
}

/// What a line says beside its point and origin.
#[derive(Clone, Default)]
struct Line<'l> {
    kind: &'l str,
    heap: &'l str,
    twin: bool,
    round: String,
    quantity: String,
    over: &'l str,
    unit: &'l str,
    value: String,
    least: String,
    most: String,
    low: String,
    high: String,
    n: String,
    reference: &'l str,
    standing: &'l str,
    text: String,
    machine: &'l str,
}

impl Line<'_> {
    /// The same with a figure and its interval, or why there is none.
    fn with(self, estimate: &Result<Estimate, NoEstimate>) -> Self {
        match estimate {
            Ok(Estimate { point, low, high, rounds }) => Self {
                value: point.to_string(),
                low: low.to_string(),
                high: high.to_string(),
                n: rounds.to_string(),
                ..self
            },
            Err(why) => Self { text: why.to_string(), ..self },
        }
    }
}

fn figures(writer: &mut Writer<'_>, table: &Table) -> Result<()> {
    for (place, column) in table.columns.iter().enumerate() {
        let of_column = Line { heap: &column.heap, twin: column.twin, ..Line::default() };
        for row in &table.rows {
            let quantity = row.quantity;
            let (over, unit) = (quantity.over.name(), quantity.unit.name());
            let mut line = Line { kind: "figure", quantity: quantity.key.to_owned(), over, unit, ..of_column.clone() };
            match &row.figures[place] {
                None => {}
                Some(Figure::Text(text)) => line.text = text.clone(),
                Some(Figure::Number { value, rounds, n }) => {
                    line.value = value.to_string();
                    line.least = rounds.map_or_else(String::new, |(least, _)| least.to_string());
                    line.most = rounds.map_or_else(String::new, |(_, most)| most.to_string());
                    line.n = if *n > 0 { n.to_string() } else { String::new() };
                }
            }
            writer.line(Some(table), line)?;
        }
        for failure in table.failures.iter().filter(|failure| failure.column == *column) {
            let text = format!("{}: {}", failure.status.name(), failure.cause);
            let round = failure.round.to_string();
            writer.line(Some(table), Line { kind: "status", round, text, ..of_column.clone() })?;
        }
    }
    Ok(())
}

fn judged(writer: &mut Writer<'_>, table: &Table) -> Result<()> {
    let (ratios, verdict) = match &table.judged {
        Ok((ratios, verdict)) => (ratios, verdict.clone()),
        Err(cause) => {
            let text = format!("No verdict: {cause}.");
            return writer.line(Some(table), Line { kind: "verdict", text, ..Line::default() });
        }
    };
    for axis in &ratios.axes {
        for row in &axis.rows {
            let of_heap = Line { heap: &row.heap, quantity: key(axis.axis), ..Line::default() };
            let mut interval = Line { kind: "interval", unit: unit(axis.axis), ..of_heap.clone() }.with(&row.value);
            if let (Err(_), Some(point)) = (&row.value, row.point) {
                interval.value = point.to_string();
            }
            writer.line(Some(table), interval)?;
            if let Some(difference) = &row.ratio {
                writer.line(Some(table), ratio(Line { kind: "ratio", ..of_heap }, &ratios.reference, difference))?;
            }
        }
    }
    noise(writer, table, ratios, Line { kind: "noise", twin: true, ..Line::default() })?;
    for text in verdict {
        writer.line(Some(table), Line { kind: "verdict", text, ..Line::default() })?;
    }
    Ok(())
}

fn of_settings(writer: &mut Writer<'_>, settings: &Settings) -> Result<()> {
    let tables = &writer.report.tables;
    let of = Line { kind: "setting", heap: &settings.heap, ..Line::default() };
    let ratios = match &settings.ratios {
        Ok(ratios) => ratios,
        Err(cause) => {
            let at = settings.tables.first().map(|place| &tables[*place]);
            return writer.line(at, Line { text: format!("No ratios: {cause}."), ..of });
        }
    };
    for axis in &ratios.axes {
        for (name, place) in ratios.columns.iter().zip(&settings.tables) {
            let difference = axis.rows.iter().find(|row| row.heap == *name).and_then(|row| row.ratio);
            if let Some(difference) = difference {
                let line = Line { quantity: key(axis.axis), ..of.clone() };
                writer.line(Some(&tables[*place]), ratio(line, &ratios.reference, &difference))?;
            }
        }
    }
    let first = ratios.columns.iter().position(|name| *name == ratios.reference).unwrap_or(0);
    let line = Line { kind: "setting-noise", twin: true, reference: &ratios.reference, ..Line::default() };
    noise(writer, &tables[settings.tables[first]], ratios, line)?;
    for note in &settings.notes {
        let text = format!("{}: {note}", settings.title);
        writer.line(None, Line { kind: "note", heap: &settings.heap, text, ..Line::default() })?;
    }
    Ok(())
}

fn noise(writer: &mut Writer<'_>, table: &Table, ratios: &Ratios, line: Line<'_>) -> Result<()> {
    for axis in &ratios.axes {
        let Some(noise) = &axis.noise else { continue };
        let line = Line { heap: &noise.heap, quantity: key(axis.axis), over: PAIRED, unit: "ratio", ..line.clone() };
        writer.line(Some(table), line.with(&noise.ratio))?;
    }
    Ok(())
}

fn means(writer: &mut Writer<'_>, all: &AllPoints) -> Result<()> {
    let report = writer.report;
    for (heap, axes) in &all.heaps {
        for (name, mean) in AXES.iter().zip(axes) {
            let excluded = mean.excluded.iter().map(|(point, why)| format!("{point} ({why})"));
            let excluded = excluded.collect::<Vec<_>>().join("; ");
            let text = if excluded.is_empty() { String::new() } else { format!("Not in it: {excluded}.") };
            let quantity = name.to_lowercase().replace(' ', "-");
            let machine = report.origin.machine_of(all.number);
            let line = Line { kind: "mean", heap, quantity, unit: "ratio", ..Line::default() };
            let line = Line { over: "geometric mean of points", reference: &all.reference, machine, ..line };
            let line = mean.ratio.map_or(line.clone(), |ratio| line.with(&Ok(ratio)));
            writer.line(None, Line { text, ..line })?;
        }
    }
    Ok(())
}

/// How ratios come from rounds.
const PAIRED: &str = "paired by round";

fn ratio<'l>(line: Line<'l>, reference: &'l str, difference: &Difference) -> Line<'l> {
    let standing = standing_name(difference.standing);
    Line { over: PAIRED, unit: "ratio", reference, standing, ..line }.with(&difference.ratio)
}

fn unit(axis: Axis) -> &'static str {
    match axis {
        Axis::Response(_) | Axis::Service(_) | Axis::Cpu => "ns",
        Axis::Memory => "bytes",
        Axis::Throughput => "per s",
    }
}

struct Writer<'r> {
    csv: csv::Writer<Vec<u8>>,
    report: &'r Report,
}

impl Writer<'_> {
    /// A line of a table's point, or of no point.
    fn line(&mut self, table: Option<&Table>, line: Line<'_>) -> Result<()> {
        let origin = &self.report.origin;
        let fact =
            |name: &str| origin.facts().into_iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        let (kind, value) = table.map_or(("", None), |table| table.arrivals);
        let machine = match table {
            Some(table) => table.machine.as_str(),
            None if line.machine.is_empty() => origin.machine.as_str(),
            None => line.machine,
        };
        let twin = if line.heap.is_empty() { String::new() } else { line.twin.to_string() };
        let fields = [
            self.report.name.as_str(),
            line.kind,
            table.map_or("", |table| table.workload.as_str()),
            table.map_or("", |table| table.dials.as_str()),
            &table.map_or_else(String::new, |table| table.threads.to_string()),
            kind,
            &value.map_or_else(String::new, |value| value.to_string()),
            line.heap,
            &twin,
            &line.round,
            &line.quantity,
            line.over,
            line.unit,
            &line.value,
            &line.least,
            &line.most,
            &line.low,
            &line.high,
            &line.n,
            line.reference,
            line.standing,
            &line.text,
            machine,
            table.and_then(|table| table.machine_id.as_deref()).unwrap_or(""),
            &origin.commit,
            &origin.rounds,
            &origin.seed.to_string(),
            fact("started"),
            fact("program (SHA-256)"),
            &origin.command,
        ];
        self.csv.write_record(fields)?;
        Ok(())
    }
}
