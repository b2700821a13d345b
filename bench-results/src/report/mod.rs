//! What a run is published as: tables (Markdown, CSV, LaTeX), percentile text, plots. Each file says where it comes from.

pub mod all_points;
pub mod chapter;
pub mod column;
pub mod grid;
pub mod latex;
pub mod markdown;
pub mod merged;
pub mod older_runs;
pub mod origin;
pub mod percentile_text;
pub mod plots;
pub mod quantity;
pub mod ratios;
pub mod settings;
pub mod source;
pub mod svg;
pub mod sweeps;
pub mod table;
pub mod tidy;
pub mod verdict_line;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use self::column::Block;
use self::quantity::Quantity;
use self::source::Source;
use self::table::Report;
use crate::histogram::write_whole;

/// A file that was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// The run that it is of.
    pub run: String,
    /// `table`, `percentiles` or `plot`.
    pub kind: &'static str,
    /// Where it is.
    pub path: PathBuf,
}

/// Publishes runs into a folder; several of them into folders below it, by their names. `swept` is the quantity of sweep plots.
///
/// # Errors
/// If a folder holds no run, a file of it is damaged, or the place to write to cannot be written.
pub fn publish(runs: &[PathBuf], out: &Path, swept: Option<&'static Quantity>) -> Result<Vec<Written>> {
    // All are read before anything is written: a damaged run leaves no half of a publication behind.
    let sources: Vec<Source> = runs.iter().map(|run| Source::read(run)).collect::<Result<_>>()?;
    let blocks: Vec<Vec<Block<'_>>> = sources.iter().map(Block::of_run).collect::<Result<_>>()?;
    let mut written = Vec::new();
    let mut names = BTreeSet::new();
    for (source, blocks) in sources.iter().zip(&blocks) {
        let mut folder = out.to_owned();
        if sources.len() > 1 {
            // Runs of different places may have one name.
            let numbered = (2..).map(|n| format!("{}-{n}", source.name));
            let mut free = std::iter::once(source.name.clone()).chain(numbered);
            folder.push(free.find(|name| names.insert(name.clone())).unwrap_or_default());
        }
        one(source, blocks, &folder, swept, &mut written)?;
    }
    Ok(written)
}

fn one(
    source: &Source,
    blocks: &[Block<'_>],
    folder: &Path,
    swept: Option<&'static Quantity>,
    written: &mut Vec<Written>,
) -> Result<()> {
    let report = Report::new(source, blocks);
    let mut write = |kind: &'static str, name: &str, text: &str| -> Result<()> {
        let path = folder.join(name);
        let unwritable = || format!("cannot write {}; choose a folder that can be written with --out", path.display());
        fs::create_dir_all(path.parent().unwrap_or(folder)).with_context(unwritable)?;
        write_whole(&path, text.as_bytes()).with_context(unwritable)?;
        written.push(Written { run: source.name.clone(), kind, path });
        Ok(())
    };
    let mut stems = BTreeSet::new();
    let mut pictures = Vec::new();
    for plot in plots::all(source, blocks, swept, &report.origin)? {
        let file = format!("plots/{}.svg", unique(&mut stems, &plot.stem));
        write("plot", &file, &plot.svg)?;
        pictures.push((plot.block.unwrap_or(blocks.len()), plot.title, file));
    }
    for block in blocks {
        for column in &block.columns {
            for (tag, merged) in column.merged.iter().filter(|(_, merged)| !merged.histogram.is_empty()) {
                let twin = if column.twin { "-twin" } else { "" };
                let stem = unique(&mut stems, &format!("{}.{}{twin}.{tag}", block.stem(), column.heap));
                let mut remarks = vec![
                    format!(
                        "{tag} {}, {} on {}, all rounds merged",
                        percentile_text::unit(tag),
                        block.title(),
                        column.name()
                    ),
                    report.origin.caption(block.number),
                ];
                if let Some(max) = merged.summary().max.filter(|_| merged::RECORDED.contains(&tag.as_str())) {
                    remarks.push(format!("the exact maximum is {max} ns"));
                }
                write(
                    "percentiles",
                    &format!("percentiles/{stem}.hgrm"),
                    &percentile_text::render(&merged.histogram, &remarks),
                )?;
            }
        }
    }
    write("table", "tables.csv", &tidy::render(&report)?)?;
    write("table", "tables.tex", &latex::render(&report))?;
    write("table", "tables.md", &markdown::render(&report, &pictures))
}

/// A name that no other file has.
fn unique(taken: &mut BTreeSet<String>, stem: &str) -> String {
    let numbered = (2..).map(|n| format!("{stem}-{n}"));
    let mut free = std::iter::once(stem.to_owned()).chain(numbered);
    free.find(|name| taken.insert(name.clone())).unwrap_or_else(|| stem.to_owned())
}
