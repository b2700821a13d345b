//! `gclab publish`: tables, percentile text and plots from run folders.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::compare::plural;
use crate::publication::{self, Order};
use crate::report::quantity;

const EXAMPLES: &str = "\
Examples:
  gclab publish runs/deep --out published/deep
  gclab publish runs/a runs/b --out published           a folder each: published/a, published/b
  gclab publish runs/live --out live --quantity pause-max
  gclab publish runs/deep --out published/deep --json   one line for each file written
  gclab publish runs/deep --out site --splice README.md

Writes index.html, one page over all runs that needs no network; of each run its tables (of a comparison tables.md,
tables.csv with one line a point, heap and quantity, and tables.tex with booktabs), percentiles/*.hgrm (HdrHistogram's
text), plots/*.svg, and its records and histograms, with paths cut to their last name. The run folders are only read,
unless one is the folder of --out itself: then the rest is put beside its records, if they name no path of this machine.
A folder of --out that holds another run is refused.

--splice replaces what stands between `<!-- gclab:NAME begin -->` and `<!-- gclab:NAME end -->`. NAME is a chapter, such
as web-requests or freeze, or a chapter and a table of it, such as web-requests/in-short or freeze/findings.";

/// Publish run folders: tables, percentiles, plots, and one page
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Run folders, as `gclab compare` and `gclab reproduce` write them
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The folder to write to; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What sweep plots show, by its name in tables.csv; the highest percentile with enough times if not given
    #[arg(long, value_name = "NAME", value_parser = known_quantity)]
    quantity: Option<&'static quantity::Quantity>,
    /// Do not copy histograms: the folder gets small, and cannot be published again
    #[arg(long)]
    no_histograms: bool,
    /// Also put tables between the markers of this text
    #[arg(long, value_name = "FILE")]
    splice: Option<PathBuf>,
    /// Print a line of JSON for each file written: run, kind (table, percentiles, plot, record, page, splice), file
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
    let written = publication::publish(&Order {
        runs: &arguments.runs,
        out: &arguments.out,
        swept: arguments.quantity,
        histograms: !arguments.no_histograms,
        splice: arguments.splice.as_deref(),
    })?;
    if arguments.json {
        for file in &written {
            let line = json!({"run": file.run, "kind": file.kind, "file": file.path});
            super::print(&format!("{line}\n"))?;
        }
        return Ok(());
    }
    let count = |kind: &str| written.iter().filter(|file| file.kind == kind).count();
    let shown = |file: &&publication::Written| {
        ["page", "splice"].contains(&file.kind) || file.path.extension().is_some_and(|end| end == "md")
    };
    for file in written.iter().filter(shown) {
        super::print(&format!("{}\n", file.path.display()))?;
    }
    let (tables, percentiles, plots) = (count("table"), count("percentiles"), count("plot"));
    super::print(&format!(
        "{}, {}, {}, {} in {}\n",
        plural(tables, "table"),
        plural(percentiles, "percentile file"),
        plural(plots, "plot"),
        plural(count("record"), "raw file"),
        arguments.out.display()
    ))
}
