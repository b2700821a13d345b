//! Minimum mutator utilization: the worst share of any window of a length that the mutator had.

use super::super::column::Block;
use super::super::quantity::Unit;
use super::super::svg::chart::{Chart, Series};
use super::super::svg::scale::Axis;
use super::{Plot, look};

pub(super) fn plot(block: &Block<'_>, caption: &str) -> Option<Plot> {
    let mut series = Vec::new();
    for (nth, column) in block.columns.iter().enumerate() {
        let mut worst: Vec<(u64, f64)> = Vec::new();
        for (window, share) in column.complete().filter_map(|record| record.mmu.as_ref()).flatten() {
            match worst.iter_mut().find(|(known, _)| known == window) {
                Some((_, least)) => *least = least.min(*share),
                None => worst.push((*window, *share)),
            }
        }
        worst.sort_by_key(|(window, _)| *window);
        if !worst.is_empty() {
            let points = worst.into_iter().map(|(window, share)| (window as f64, share)).collect();
            series.push(Series { marked: true, ..Series::line(column.name(), look(column, nth), points) });
        }
    }
    let windows = series.iter().flat_map(|series| series.points.iter().map(|point| point.0));
    let x = Axis::logarithmic("length of the window", windows, Unit::Time)?;
    let title = format!("Minimum mutator utilization: {}", block.title());
    let chart = Chart {
        title: title.clone(),
        x,
        y: Axis::linear("least share of any window that the mutator had", 0.0, 1.0, Unit::Share),
        series,
        front: Vec::new(),
        notes: vec!["The worst of all rounds. Higher is better.".to_owned()],
        caption: caption.to_owned(),
    };
    Some(Plot { block: None, stem: format!("mmu-{}", block.stem()), title, svg: chart.render() })
}
