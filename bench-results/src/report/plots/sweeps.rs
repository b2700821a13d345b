//! Sweeps: a quantity against the dial that was swept, all else equal.

use super::super::column::Block;
use super::super::origin::Origin;
use super::super::quantity::{Quantity, Unit, quantity};
use super::super::svg::chart::{Chart, Series};
use super::super::svg::scale::{Axis, Kind, Tick, label_of};
use super::super::sweeps::{Sweep, others};
use super::{Plot, capital, look};

pub(super) fn plots(blocks: &[Block<'_>], chosen: Option<&'static Quantity>, origin: &Origin) -> Vec<Plot> {
    let sweeps = Sweep::of(blocks);
    let swept = sweeps.iter().filter_map(|sweep| {
        // Values that are no numbers have no place on an axis.
        let numbers = sweep.numbers()?;
        let at: Vec<(f64, &Block<'_>)> = numbers.into_iter().map(|(value, place)| (value, &blocks[place])).collect();
        let caption = origin.caption(at.first()?.1.number);
        plot(&sweep.dial, &at, chosen, &caption)
    });
    swept.collect()
}

/// The highest percentile that most columns have enough times for.
pub(super) fn telling(blocks: &[&Block<'_>]) -> Option<&'static Quantity> {
    let tag = blocks.first()?.main_tag();
    let columns: Vec<_> = blocks.iter().flat_map(|block| &block.columns).collect();
    let keys = ["p99.9", "p99", "p90", "p50"].into_iter().filter_map(|name| quantity(&format!("{tag}-{name}")));
    let known = |quantity: &Quantity| columns.iter().filter(|column| quantity.number(column).is_some()).count();
    // Saturated columns have no response times at all: they are not counted.
    let may = columns.iter().filter(|column| column.merged.contains_key(tag)).count();
    keys.into_iter().find(|quantity| known(quantity) > 0 && 2 * known(quantity) >= may)
}

fn plot(dial: &str, blocks: &[(f64, &Block<'_>)], chosen: Option<&'static Quantity>, caption: &str) -> Option<Plot> {
    let only: Vec<&Block<'_>> = blocks.iter().map(|(_, block)| *block).collect();
    let quantity = chosen.or_else(|| telling(&only))?;
    let first = blocks.first()?.1;
    let mut series = Vec::new();
    let mut missing = Vec::new();
    for (nth, column) in first.columns.iter().enumerate() {
        let same = |block: &&Block<'_>| {
            let column = block.columns.iter().find(|other| (other.heap, other.twin) == (column.heap, column.twin))?;
            quantity.number(column)
        };
        let points: Vec<(f64, f64)> = blocks
            .iter()
            .filter_map(|(value, block)| Some((*value, same(block)?)))
            .filter(|point| point.1 > 0.0)
            .collect();
        if points.len() < blocks.len() {
            missing.push(format!("{} at {} of {}", column.name(), blocks.len() - points.len(), blocks.len()));
        }
        if !points.is_empty() {
            series.push(Series { marked: true, ..Series::line(column.name(), look(column, nth), points) });
        }
    }
    let y = Axis::logarithmic(
        quantity.name,
        series.iter().flat_map(|series| series.points.iter().map(|point| point.1)),
        quantity.unit,
    )?;
    let others = others(first, dial);
    let title = format!("{} against {dial}: {}{others}", capital(quantity.name), first.point.workload);
    let mut notes = vec![format!("Each place: {}.", quantity.over.name())];
    if !missing.is_empty() {
        notes.push(format!("No figure, as saturated, failed or too few times: {}.", missing.join(", ")));
    }
    let values: Vec<f64> = blocks.iter().map(|(value, _)| *value).collect();
    let chart = Chart {
        title: title.clone(),
        x: dial_axis(dial, &values),
        y,
        series,
        front: Vec::new(),
        notes,
        caption: caption.to_owned(),
    };
    let stem = format!("sweep-{dial}-{}{}", first.point.workload, others.replace([' ', ',', '(', ')'], "_"));
    let stem = stem.replace("__", "_").trim_end_matches('_').replace('/', "-");
    Some(Plot { block: None, stem, title, svg: chart.render() })
}

/// An axis with a tick at each value that was measured.
fn dial_axis(dial: &str, values: &[f64]) -> Axis {
    let (low, high) = (values[0], values[values.len() - 1]);
    let ticks: Vec<Tick> = values.iter().map(|&value| (value, tick(value))).collect();
    // Room on both sides, so that no shape stands on the frame.
    if low > 0.0 && high / low >= 8.0 {
        let room = (high / low).powf(0.06);
        Axis::with_ticks(dial, Kind::Logarithmic, (low / room, high * room), ticks)
    } else {
        let room = (high - low) * 0.06;
        Axis::with_ticks(dial, Kind::Linear, (low - room, high + room), ticks)
    }
}

fn tick(value: f64) -> String {
    if value < 1_000.0 { value.to_string() } else { label_of(value, Unit::Count("")) }
}
