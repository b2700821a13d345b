//! `gclab list`: heaps and their settings, workloads and their dials.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value, json};
use workloads::catalogue;

use crate::{heap_settings, roster};

/// Print heaps and their settings, workloads and their dials
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gclab list\n  gclab list --json | jq '.workloads[].name'")]
pub(super) struct Arguments {
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    if arguments.json { super::print(&format!("{}\n", as_json())) } else { super::print(&as_text()) }
}

fn as_text() -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "Heaps (--heap), each with what sets it apart from the one above:");
    for entry in roster::entries() {
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
            let _ = writeln!(text, "  preset={:<11}{}\n  {:<18}{}", preset.name, preset.meaning, "", values.join(" "));
        }
    }
    text
}

fn dial(text: &mut String, name: &str, meaning: &str, default: &str, range: &str) {
    let default = if default.is_empty() { "nothing" } else { default };
    let _ = writeln!(text, "  {name:<18}{meaning}\n  {:<18}default {default}; {range}", "");
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
