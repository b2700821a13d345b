//! Trash over time: objects dead and not reclaimed, in the first round that has samples.

use super::super::column::Block;
use super::super::quantity::Unit;
use super::super::svg::chart::{Chart, Series};
use super::super::svg::scale::Axis;
use super::{Plot, look};

pub(super) fn plot(block: &Block<'_>, caption: &str) -> Option<Plot> {
    let mut series = Vec::new();
    let mut round = None;
    for (nth, column) in block.columns.iter().enumerate() {
        let Some(line) = column.lines.iter().find(|line| !line.trash.is_empty()) else { continue };
        round = round.or(Some(line.record.round));
        // A logarithmic axis has no place for none at all: that is drawn as one.
        let points = line.trash.iter().map(|&(ns, objects)| (ns, objects.max(1.0))).collect();
        series.push(Series::line(column.name(), look(column, nth), points));
    }
    let points = || series.iter().flat_map(|series| &series.points);
    let y = Axis::logarithmic("dead objects, not reclaimed", points().map(|point| point.1), Unit::Count("objects"))?;
    let last = points().map(|point| point.0).fold(0.0, f64::max);
    let title = format!("Trash over time: {}", block.title());
    let chart = Chart {
        title: title.clone(),
        x: Axis::linear("time since the timed part began", 0.0, last, Unit::Time),
        y,
        series,
        front: Vec::new(),
        notes: vec![format!("Round {}. None at all is drawn as 1.", round.unwrap_or(0))],
        caption: caption.to_owned(),
    };
    Some(Plot { block: None, stem: format!("trash-{}", block.stem()), title, svg: chart.render() })
}
