//! Pareto fronts: response time against CPU or memory, for configurations that did the same work.
//!
//! Points of a sweep that differ in the workload, its dials, its load or its threads did different work: each such group has a
//! plot of its own, and so has each machine. Those that differ in settings of the heap share one.

use std::collections::BTreeMap;

use super::super::column::Block;
use super::super::origin::Origin;
use super::super::quantity::{Quantity, quantity};
use super::super::svg::chart::{Chart, Series};
use super::super::svg::scale::Axis;
use super::sweeps::telling;
use super::{Plot, capital, look};
use crate::sweep::Point;

pub(super) fn plots(blocks: &[Block<'_>], origin: &Origin) -> Vec<Plot> {
    let mut groups: BTreeMap<(Option<usize>, String), Vec<&Block<'_>>> = BTreeMap::new();
    for block in blocks {
        let work = Point { heap_settings: Vec::new(), ..block.point.clone() };
        groups.entry((block.number, work.id())).or_default().push(block);
    }
    let mut plots = Vec::new();
    for ((number, _), blocks) in &groups {
        let caption = origin.caption(*number);
        for (key, name) in [("cpu-per-operation", "cpu"), ("peak-rss", "memory")] {
            plots.extend(quantity(key).and_then(|cost| plot(blocks, cost, name, &caption)));
        }
    }
    plots
}

fn plot(blocks: &[&Block<'_>], cost: &'static Quantity, name: &str, caption: &str) -> Option<Plot> {
    let time = telling(blocks)?;
    let mut series: Vec<Series> = Vec::new();
    // A heap that collects no cycles leaks what the others work to free: a floor, and on no front.
    let mut floors: Vec<String> = Vec::new();
    for block in blocks {
        let settings = block.point.heap_settings.iter().map(|(name, value)| format!("{name}={value}"));
        let label = settings.collect::<Vec<_>>().join(" ");
        for (nth, column) in block.columns.iter().enumerate() {
            let (Some(x), Some(y)) = (cost.number(column), time.number(column)) else { continue };
            let column_name = column.name();
            if column.collects_cycles() == Some(false) && !floors.contains(&column_name) {
                floors.push(column_name.clone());
            }
            let label = if blocks.len() > 1 { label.clone() } else { column_name.clone() };
            match series.iter_mut().find(|series| series.name == column_name) {
                Some(series) => {
                    series.points.push((x, y));
                    series.labels.push(label);
                }
                None => {
                    let line = Series::line(column_name, look(column, nth), vec![(x, y)]);
                    series.push(Series { joined: false, marked: true, labels: vec![label], ..line });
                }
            }
        }
    }
    // A front of one configuration says nothing.
    let once: Vec<&Series> = series.iter().filter(|series| !series.look.thin()).collect();
    if once.iter().map(|series| series.points.len()).sum::<usize>() < 2 {
        return None;
    }
    let judged: Vec<&Series> = once.into_iter().filter(|series| !floors.contains(&series.name)).collect();
    let all: Vec<(f64, f64)> = judged.iter().flat_map(|series| series.points.clone()).collect();
    let figures = |of: fn(&(f64, f64)) -> f64| series.iter().flat_map(move |series| series.points.iter().map(of));
    let x = Axis::logarithmic(cost.name, figures(|point| point.0), cost.unit)?;
    let y = Axis::logarithmic(time.name, figures(|point| point.1), time.unit)?;
    let front = front(&all);
    let mut members: Vec<String> = Vec::new();
    for series in judged {
        for (point, label) in series.points.iter().zip(&series.labels) {
            if front.contains(point) {
                members.push(if *label == series.name { label.clone() } else { format!("{} {label}", series.name) });
            }
        }
    }
    let mut notes = vec![if members.is_empty() {
        "Less is better on both axes.".to_owned()
    } else {
        format!("Less is better on both axes. On the front (dotted), beaten by none on both: {}.", members.join(", "))
    }];
    if !floors.is_empty() {
        notes.push(format!("No part of the front, as they collect no cycles: {}.", floors.join(", ")));
    }
    if series.iter().any(|series| series.look.thin()) {
        notes.push("Differences that a heap and its twin have too are noise.".to_owned());
    }
    let work = blocks[0].empty_at(blocks[0].point);
    let (work_title, work_stem) =
        if blocks.len() > 1 { (without_settings(&work), without_settings(&work)) } else { (work.title(), work.stem()) };
    let title = format!("{} against {}: {work_title}", capital(time.name), cost.name);
    let chart = Chart { title: title.clone(), x, y, series, front, notes, caption: caption.to_owned() };
    let stem =
        format!("pareto-{name}-{}", work_stem.replace([' ', ','], "_").replace("__", "_").replace(['(', ')'], ""));
    Some(Plot { block: None, stem, title, svg: chart.render() })
}

/// The work as a title, without settings of the heap.
fn without_settings(block: &Block<'_>) -> String {
    let point = Point { heap_settings: Vec::new(), ..block.point.clone() };
    block.empty_at(&point).title()
}

/// The points that no other beats on both axes, from the least x on.
pub(crate) fn front(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut front: Vec<(f64, f64)> = Vec::new();
    for point in sorted {
        if front.last().is_none_or(|last| point.1 < last.1) {
            front.push(point);
        }
    }
    front
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_has_what_nothing_beats_on_both_axes() {
        let points = [(3.0, 1.0), (1.0, 9.0), (2.0, 5.0), (2.5, 6.0), (2.0, 7.0), (4.0, 1.0)];
        assert_eq!(front(&points), [(1.0, 9.0), (2.0, 5.0), (3.0, 1.0)]);
        for point in points.iter().filter(|point| !front(&points).contains(point)) {
            assert!(points.iter().any(|other| other != point && other.0 <= point.0 && other.1 <= point.1));
        }
    }
}
