//! Tables as CSV in the tidy form: one line a point × heap × quantity, and one a cell that is not ok. Figures are as
//! measured, in nanoseconds, bytes, or what the column `unit` says; nothing is rounded.

use anyhow::{Context, Result};

use super::quantity::Figure;
use super::table::{Report, Table};

/// The columns.
pub const HEADER: [&str; 24] = [
    "run",
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
    "n",
    "text",
    "machine",
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
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for table in &report.tables {
        rows(&mut writer, report, table)?;
    }
    let bytes = writer.into_inner().context("cannot make CSV")?;
    String::from_utf8(bytes).context("CSV that is no text")
}

/// What a line says beside its point, heap and origin.
#[derive(Default)]
struct Line<'l> {
    round: String,
    quantity: &'l str,
    over: &'l str,
    unit: &'l str,
    value: String,
    least: String,
    most: String,
    n: String,
    text: String,
}

fn rows(writer: &mut csv::Writer<Vec<u8>>, report: &Report, table: &Table) -> Result<()> {
    for (place, column) in table.columns.iter().enumerate() {
        for row in &table.rows {
            let quantity = row.quantity;
            let (over, unit) = (quantity.over.name(), quantity.unit.name());
            let mut line = Line { quantity: quantity.key, over, unit, ..Line::default() };
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
            write(writer, report, table, (&column.heap, column.twin), line)?;
        }
        for failure in table.failures.iter().filter(|failure| failure.column == *column) {
            let line = Line {
                round: failure.round.to_string(),
                quantity: "status",
                text: format!("{}: {}", failure.status.name(), failure.cause),
                ..Line::default()
            };
            write(writer, report, table, (&column.heap, column.twin), line)?;
        }
    }
    Ok(())
}

fn write(
    writer: &mut csv::Writer<Vec<u8>>,
    report: &Report,
    table: &Table,
    (heap, twin): (&str, bool),
    line: Line<'_>,
) -> Result<()> {
    let origin = &report.origin;
    let fact = |name: &str| origin.facts().into_iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
    let (kind, value) = table.arrivals;
    let fields = [
        &report.name,
        &table.workload,
        &table.dials,
        &table.threads.to_string(),
        kind,
        &value.map_or_else(String::new, |value| value.to_string()),
        heap,
        &twin.to_string(),
        &line.round,
        line.quantity,
        line.over,
        line.unit,
        &line.value,
        &line.least,
        &line.most,
        &line.n,
        &line.text,
        &origin.machine,
        &origin.commit,
        &origin.rounds,
        &origin.seed.to_string(),
        fact("started"),
        fact("program (SHA-256)"),
        &origin.command,
    ];
    writer.write_record(fields)?;
    Ok(())
}
