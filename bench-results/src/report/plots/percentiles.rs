//! Times by percentile: the curve on which tails are seen.

use super::super::column::Block;
use super::super::quantity::Unit;
use super::super::svg::chart::{Chart, Series};
use super::super::svg::scale::{Axis, Kind, Reading, Tick};
use super::{Plot, capital, look};

/// Points for each halving of the distance to 100 %.
const TICKS_PER_HALF_DISTANCE: u32 = 8;

pub(super) fn plot(block: &Block<'_>, caption: &str) -> Option<Plot> {
    let tag = block.main_tag();
    let mut series = Vec::new();
    let mut rightmost = 10.0f64;
    for (nth, column) in block.columns.iter().enumerate() {
        let Some(merged) = column.merged.get(tag).filter(|merged| !merged.histogram.is_empty()) else { continue };
        let n = merged.histogram.len() as f64;
        let max = merged.summary().max.unwrap_or(u64::MAX);
        let steps = merged.histogram.iter_quantiles(TICKS_PER_HALF_DISTANCE);
        let point = |quantile: f64, ns: u64| ((1.0 / (1.0 - quantile).max(1.0 / n)).min(n), ns.min(max) as f64);
        let mut points: Vec<(f64, f64)> =
            steps.map(|step| point(step.quantile_iterated_to(), step.value_iterated_to())).collect();
        points.dedup();
        rightmost = rightmost.max(n);
        let pale_from = Some(n / 10.0);
        series.push(Series { pale_from, ..Series::line(column.name(), look(column, nth), points) });
    }
    let y = Axis::logarithmic(
        &format!("{tag} time"),
        series.iter().flat_map(|series| series.points.iter().map(|point| point.1)),
        Unit::Time,
    )?;
    let title = format!("{} time by percentile: {}", capital(tag), block.title());
    let mut notes = vec!["A pale end of a line: fewer than 10 times lie beyond, which is no evidence.".to_owned()];
    if block.columns.iter().any(|column| column.twin) {
        notes.push("Thin: the twin. What it differs in from its heap is the noise floor.".to_owned());
    }
    let missing: Vec<String> = block
        .columns
        .iter()
        .filter(|column| series.iter().all(|series| series.name != column.name()))
        .map(|column| column.name())
        .collect();
    if !missing.is_empty() {
        notes.push(format!("No line, as a cell was saturated or none ended: {}.", missing.join(", ")));
    }
    let chart = Chart {
        title: title.clone(),
        x: percentile_axis(rightmost),
        y,
        series,
        front: Vec::new(),
        notes,
        caption: caption.to_owned(),
    };
    Some(Plot { block: None, stem: format!("percentiles-{}", block.stem()), title, svg: chart.render() })
}

/// An axis of 1 / (1 − q), with the percentiles as labels.
fn percentile_axis(rightmost: f64) -> Axis {
    let decades = rightmost.log10().ceil().max(1.0) as i32;
    let mut ticks: Vec<Tick> = vec![(2.0, "50 %".to_owned())];
    for decade in 1..=decades {
        let digits = "9".repeat(decade as usize);
        let label = match decade {
            1 => "90 %".to_owned(),
            2 => "99 %".to_owned(),
            _ => format!("{}.{} %", &digits[..2], &digits[2..]),
        };
        ticks.push((10f64.powi(decade), label));
    }
    // Close to the right end there is no room for long labels.
    let high = 10f64.powi(decades).min(rightmost * 1.05);
    ticks.retain(|(at, _)| *at <= high);
    Axis::with_ticks("percentile, as 1 / (1 − q)", Kind::Logarithmic, (1.0, high), ticks).read_as(Reading::Percentile)
}
