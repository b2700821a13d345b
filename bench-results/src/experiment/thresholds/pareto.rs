//! The trade: response time in the open loop against memory, a place a setting and heap.

use super::figures::{Loop, place};
use super::table::OfWork;
use crate::report::origin::Origin;
use crate::report::plots::front;
use crate::report::quantity::{Quantity, quantity};
use crate::report::svg::chart::{Chart, Series};
use crate::report::svg::palette::Look;
use crate::report::svg::scale::Axis;
use crate::roster;

/// The times to plot, the best first: a percentile needs enough of them.
const TIMES: [&str; 3] = ["response-p99.9", "response-p99", "response-p50"];

/// The plot of a work; `None` where fewer than two settings have what it needs.
pub fn plot(work: &OfWork, origin: &Origin) -> Option<String> {
    let cost = quantity("peak-rss")?;
    let known = |key: &str| work.rows().filter(|(_, row)| row.number(Loop::Open, key).is_some()).count();
    let time = quantity(TIMES.into_iter().find(|key| place(Loop::Open, key).is_some() && known(key) > 1)?)?;
    let series = series(work, cost, time);
    let collecting = |heap: &str| roster::entry(heap).is_ok_and(|entry| entry.abilities.collects_cycles);
    let judged = || series.iter().filter(|series| !series.look.thin() && collecting(&series.name));
    let all: Vec<(f64, f64)> = judged().flat_map(|series| series.points.clone()).collect();
    let front = front(&all);
    let mut members: Vec<String> = Vec::new();
    for series in judged() {
        let labelled = series.points.iter().zip(&series.labels).filter(|(point, _)| front.contains(point));
        members.extend(labelled.map(|(_, label)| format!("{} {label}", series.name)));
    }
    let figures = |of: fn(&(f64, f64)) -> f64| series.iter().flat_map(move |series| series.points.iter().map(of));
    let x = Axis::logarithmic(cost.name, figures(|point| point.0), cost.unit)?;
    let y = Axis::logarithmic(time.name, figures(|point| point.1), time.unit)?;
    let mut notes = vec![format!(
        "Less is better on both axes. On the front (dotted), beaten by none on both: {}.",
        members.join("; ")
    )];
    let floors: Vec<&str> = series
        .iter()
        .map(|series| series.name.as_str())
        .filter(|name| roster::entry(name).is_ok() && !collecting(name))
        .collect();
    if !floors.is_empty() {
        notes.push(format!("No part of the front, as they collect no cycles: {}.", floors.join(", ")));
    }
    if series.iter().any(|series| series.look.thin()) {
        notes.push("Differences that a heap and its twin have too are noise.".to_owned());
    }
    let title = format!("What settings trade on {}: {} in the open loop against {}", work.name, time.name, cost.name);
    Some(Chart { title, x, y, series, front, notes, caption: origin.caption(None) }.render())
}

/// A series a heap, a place a setting.
fn series(work: &OfWork, cost: &Quantity, time: &Quantity) -> Vec<Series> {
    let mut all: Vec<Series> = Vec::new();
    for (nth, table) in work.tables.iter().enumerate() {
        for twin in [false, true] {
            let mut points = Vec::new();
            let mut labels = Vec::new();
            for row in table.rows.iter().filter(|row| row.twin == twin) {
                let (Some(x), Some(y)) = (row.number(Loop::Open, cost.key), row.number(Loop::Open, time.key)) else {
                    continue;
                };
                points.push((x, y));
                labels.push(row.setting.key.to_owned());
            }
            if points.is_empty() {
                continue;
            }
            let name = if twin { format!("{} (twin)", table.heap) } else { table.heap.clone() };
            let line = Series::line(name, Look::of_heap(&table.heap, nth, twin), points);
            all.push(Series { joined: false, marked: true, labels, ..line });
        }
    }
    all
}
