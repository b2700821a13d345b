//! `gclab list`: heaps and their settings, workloads and their dials; what each workload is like.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use clap::Args;
use comfy_table::CellAlignment;
use serde_json::{Map, Value, json};
use workloads::catalogue;
use workloads::nominal::{self, Row};

use super::compare::plural;
use crate::roster::for_heap;
use crate::{heap_settings, roster, table};

/// Print heaps and their settings, workloads and their dials
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gclab list\n  gclab list --json | jq '.workloads[].name'\n  gclab list --stats    what each \
                  workload is like, in a row of numbers"
)]
pub(super) struct Arguments {
    /// Run each workload once, small, and print what it is like: nominal statistics
    #[arg(long)]
    stats: bool,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    match (arguments.stats, arguments.json) {
        (false, false) => super::print(&as_text()),
        (false, true) => super::print(&format!("{}\n", as_json())),
        (true, false) => super::print(&stats_as_text(&rows()?)),
        (true, true) => super::print(&format!("{}\n", stats_as_json(&rows()?))),
    }
}

/// The first heap of the ladder that collects cycles and runs one mutator at a time: it can be walked as it collects.
fn walked_heap() -> Result<&'static roster::Entry> {
    let fit = |entry: &&roster::Entry| entry.abilities.collects_cycles && !entry.abilities.parallel_mutators;
    roster::entries()
        .iter()
        .find(fit)
        .context("no heap collects cycles for one mutator at a time; add one to the roster")
}

fn rows() -> Result<Vec<Row>> {
    let heap = walked_heap()?;
    let row = |entry| for_heap!(heap.name, H => nominal::row::<H>(entry));
    catalogue::ENTRIES.iter().map(|entry| Ok(row(entry)??)).collect()
}

fn stats_as_text(rows: &[Row]) -> String {
    let names = nominal::COLUMNS.iter().map(|column| column.heading.to_owned());
    let mut shown = table::plain(std::iter::once("workload".to_owned()).chain(names));
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
    let percent = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", 100.0 * share));
    shown.column_iter_mut().skip(1).for_each(|column| {
        column.set_cell_alignment(CellAlignment::Right);
    });
    for row in rows {
        shown.add_row([
            row.workload.to_owned(),
            plural(row.operations as usize, row.operation),
            number(Some(row.allocated_per_operation)),
            number(row.bytes_per_object),
            number(row.references_per_object),
            percent(row.died_by_count_share),
            percent(row.on_cycles_share),
            row.live_objects.to_string(),
            row.largest_cycle.map_or_else(|| "-".to_owned(), |objects| objects.to_string()),
        ]);
    }
    let mut text =
        format!("{shown}\n\nEach with its small dials and seed 1, on one mutator, without automatic collection:\n");
    for column in nominal::COLUMNS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {:<14} {}", column.heading, column.meaning);
    }
    text
}

fn stats_as_json(rows: &[Row]) -> Value {
    let meanings: Map<String, Value> =
        nominal::COLUMNS.iter().map(|column| (column.field.to_owned(), Value::from(column.meaning))).collect();
    let rows = rows.iter().map(|row| {
        json!({
            "workload": row.workload,
            "operation": row.operation,
            "operations": row.operations,
            "allocated_per_operation": row.allocated_per_operation,
            "bytes_per_object": row.bytes_per_object,
            "references_per_object": row.references_per_object,
            "died_by_count_share": row.died_by_count_share,
            "on_cycles_share": row.on_cycles_share,
            "live_objects": row.live_objects,
            "largest_cycle": row.largest_cycle,
        })
    });
    json!({"nominal": rows.collect::<Vec<_>>(), "columns": meanings})
}

fn as_text() -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "Heaps (--heap), each with what sets it apart from the one above:");
    for entry in roster::entries() {
        let _ = writeln!(text, "  {:<22}  {}", entry.name, entry.summary);
    }
    let _ = writeln!(text, "\nNo rung of that ladder, and run by its name only:");
    for entry in roster::INSTRUMENTS {
        let _ = writeln!(text, "  {:<22}  {}", entry.name, entry.summary);
    }
    let _ = writeln!(text, "\nSettings of a heap (--config name=value):");
    for setting in heap_settings::SETTINGS {
        dial(&mut text, setting.name, setting.meaning, setting.default, setting.range);
    }
    for entry in catalogue::ENTRIES {
        let loops = if entry.open_loop { "open or closed loop" } else { "closed loop" };
        let _ = writeln!(text, "\nWorkload {} ({loops}): {}\n  dials (--set name=value):", entry.name, entry.summary);
        for one in entry.dials {
            dial(&mut text, one.name, one.meaning, one.default, &one.range.to_string());
        }
        for preset in entry.presets {
            let values = preset.settings.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
            let _ = writeln!(text, "  preset={:<13}{}\n  {:<20}{}", preset.name, preset.meaning, "", values.join(" "));
        }
    }
    text
}

fn dial(text: &mut String, name: &str, meaning: &str, default: &str, range: &str) {
    let default = if default.is_empty() { "nothing" } else { default };
    let _ = writeln!(text, "  {name:<20}{meaning}\n  {:<20}default {default}; {range}", "");
}

fn as_json() -> Value {
    let setting = |name: &str, meaning: &str, default: &str, range: &str| json!({"name": name, "meaning": meaning, "default": default, "range": range});
    let heaps = roster::entries().iter().map(|entry| {
        json!({
            "name": entry.name,
            "summary": entry.summary,
            "collects_cycles": entry.abilities.collects_cycles,
            "list_order": entry.abilities.list_order,
            "parallel_mutators": entry.abilities.parallel_mutators,
        })
    });
    let settings = heap_settings::SETTINGS.map(|one| setting(one.name, one.meaning, one.default, one.range));
    let workloads = catalogue::ENTRIES.iter().map(|entry| {
        let dials = entry.dials.iter().map(|one| setting(one.name, one.meaning, one.default, &one.range.to_string()));
        let values = |settings: &[(&str, &str)]| -> Map<String, Value> {
            settings.iter().map(|&(name, value)| (name.to_owned(), Value::from(value))).collect()
        };
        let presets = entry
            .presets
            .iter()
            .map(|preset| json!({"name": preset.name, "meaning": preset.meaning, "settings": values(preset.settings)}));
        json!({
            "name": entry.name,
            "summary": entry.summary,
            "open_loop": entry.open_loop,
            "dials": dials.collect::<Vec<_>>(),
            "presets": presets.collect::<Vec<_>>(),
            "small": values(entry.small),
        })
    });
    json!({
        "heaps": heaps.collect::<Vec<_>>(),
        "heap_settings": settings,
        "workloads": workloads.collect::<Vec<_>>(),
        "experiments": [],
    })
}
