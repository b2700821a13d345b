//! `gclab publish`: tables, percentile text and plots from run folders.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::compare::plural;
use crate::report::{self, quantity};

const EXAMPLES: &str = "\
Examples:
  gclab publish runs/deep --out published/deep
  gclab publish runs/a runs/b --out published           a folder each: published/a, published/b
  gclab publish runs/live --out live --quantity pause-max
  gclab publish runs/deep --out published/deep --json   one line for each file written

Writes tables.md, tables.csv (one line a point, heap and quantity), tables.tex (booktabs),
percentiles/*.hgrm (HdrHistogram's text) and plots/*.svg. The run folders are only read.";

/// Publish run folders: tables, percentiles, plots
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Run folders, as `gclab compare --out` writes them
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The folder to write to; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What sweep plots show, by its name in tables.csv; the highest percentile with enough times if not given
    #[arg(long, value_name = "NAME", value_parser = known_quantity)]
    quantity: Option<&'static quantity::Quantity>,
    /// Print a line of JSON for each file written: run, kind (table, percentiles, plot), file
    #[arg(long)]
    json: bool,
}

fn known_quantity(name: &str) -> Result<&'static quantity::Quantity, String> {
    quantity::quantity(name).filter(|quantity| quantity.unit != quantity::Unit::Text).ok_or_else(|| {
        let numbers = quantity::ALL.iter().filter(|quantity| quantity.unit != quantity::Unit::Text);
        let known = numbers.map(|quantity| quantity.key).collect::<Vec<_>>().join(", ");
        format!("no quantity is called `{name}`; give one of {known}")
    })
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    let written = report::publish(&arguments.runs, &arguments.out, arguments.quantity)?;
    if arguments.json {
        for file in &written {
            let line = json!({"run": file.run, "kind": file.kind, "file": file.path});
            super::print(&format!("{line}\n"))?;
        }
        return Ok(());
    }
    let count = |kind: &str| written.iter().filter(|file| file.kind == kind).count();
    let tables = written.iter().filter(|file| file.path.ends_with("tables.md"));
    for file in tables {
        super::print(&format!("{}\n", file.path.display()))?;
    }
    let (tables, percentiles, plots) = (count("table"), count("percentiles"), count("plot"));
    super::print(&format!(
        "{}, {}, {} in {}\n",
        plural(tables, "table"),
        plural(percentiles, "percentile file"),
        plural(plots, "plot"),
        arguments.out.display()
    ))
}
