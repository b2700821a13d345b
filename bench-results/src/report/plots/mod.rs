//! The plots of a run: one file a kind. A plot without anything on it is not made.

mod pareto;
mod percentiles;
mod sweeps;
mod timeline;
mod trash;
mod utilization;

use anyhow::Result;

pub(crate) use self::pareto::front;

use super::column::{Block, Column};
use super::origin::Origin;
use super::quantity::Quantity;
use super::source::Source;
use super::svg::palette::Look;

/// One plot.
#[derive(Clone, Debug)]
pub struct Plot {
    /// The place of its block in the run; `None` where it is of several.
    pub block: Option<usize>,
    /// The name of its file, without `.svg`.
    pub stem: String,
    /// Its title.
    pub title: String,
    /// The drawing.
    pub svg: String,
}

/// Every plot for which a run has what it needs. `swept` is what sweep plots show; without it, the highest percentile of the times
/// that matter most.
///
/// # Errors
/// If a trace is damaged.
pub fn all(
    source: &Source,
    blocks: &[Block<'_>],
    swept: Option<&'static Quantity>,
    origin: &Origin,
) -> Result<Vec<Plot>> {
    let mut plots = Vec::new();
    for (place, block) in blocks.iter().enumerate() {
        let caption = &origin.caption(block.number);
        let of_block = |plot: Plot| Plot { block: Some(place), ..plot };
        plots.extend(percentiles::plot(block, caption).map(of_block));
        plots.extend(timeline::plot(source, block, caption)?.map(of_block));
        plots.extend(utilization::plot(block, caption).map(of_block));
        plots.extend(trash::plot(block, caption).map(of_block));
    }
    plots.extend(sweeps::plots(blocks, swept, origin));
    plots.extend(pareto::plots(blocks, origin));
    Ok(plots)
}

/// How a column looks.
fn look(column: &Column<'_>, nth: usize) -> Look {
    Look::of_heap(column.heap, nth, column.twin)
}

/// A word with a great first letter.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
