//! What a run is published as: tables (Markdown, CSV, LaTeX), percentile text, plots. Each file says where it comes from.

pub mod all_points;
pub mod chapter;
pub mod column;
pub mod compared;
pub mod edition;
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

use anyhow::Result;

use self::column::Block;
use self::edition::{Edition, Leaf};
use self::quantity::Quantity;
use self::source::Source;
use self::table::Report;

/// A comparison as it will be published. `swept` is the quantity of sweep plots.
///
/// # Errors
/// If a file of the run is damaged.
pub fn edition(source: &Source, swept: Option<&'static Quantity>) -> Result<Edition> {
    let blocks = Block::of_run(source)?;
    let report = Report::new(source, &blocks);
    let mut files = Vec::new();
    let mut leaf = |kind: &'static str, path: String, text: String| files.push(Leaf { kind, path, text });
    let mut stems = BTreeSet::new();
    let mut pictures = Vec::new();
    let plots = plots::all(source, &blocks, swept, &report.origin)?;
    for plot in &plots {
        let file = format!("plots/{}.svg", unique(&mut stems, &plot.stem));
        leaf("plot", file.clone(), plot.svg.clone());
        pictures.push((plot.block.unwrap_or(blocks.len()), plot.title.clone(), file));
    }
    for block in &blocks {
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
                let text = percentile_text::render(&merged.histogram, &remarks);
                leaf("percentiles", format!("percentiles/{stem}.hgrm"), text);
            }
        }
    }
    leaf("table", "tables.csv".to_owned(), tidy::render(&report)?);
    leaf("table", "tables.tex".to_owned(), latex::render(&report));
    leaf("table", "tables.md".to_owned(), markdown::render(&report, &pictures));
    let chapters = compared::chapters(source, &report, &blocks, plots);
    Ok(Edition { name: source.name.clone(), files, chapters })
}

/// A name that no other file has.
fn unique(taken: &mut BTreeSet<String>, stem: &str) -> String {
    let numbered = (2..).map(|n| format!("{stem}-{n}"));
    let mut free = std::iter::once(stem.to_owned()).chain(numbered);
    free.find(|name| taken.insert(name.clone())).unwrap_or_else(|| stem.to_owned())
}
