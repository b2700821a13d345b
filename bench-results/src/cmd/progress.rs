//! The bar that shows how far a long work is.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// For so many cells. It is drawn between them, as drawing would disturb what they measure, and not at all where stderr is no
/// terminal.
pub(super) fn of_cells(cells: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(cells as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} cells  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
