//! Pauses by size: one picture a shape, one line a heap.

use super::anchors;
use super::figures::{Series as Sizes, median};
use crate::experiment::trial::Rows;
use crate::report::chapter::Picture;
use crate::report::quantity::Unit;
use crate::report::svg::chart::{Chart, Series};
use crate::report::svg::palette::Look;
use crate::report::svg::scale::Axis;

/// The longest gap of a collection of live structures, by how many objects there are.
pub(super) fn by_size(rows: &Rows<'_>, sizes: &Sizes, caption: &str) -> Option<Picture> {
    let questions = sizes.sizes(rows);
    let mut series = Vec::new();
    for (nth, subject) in rows.subjects(|_| true).into_iter().enumerate() {
        let point = |(_, question): &(u32, &str)| {
            let figure = |name| median(rows, question, subject, name).filter(|figure| *figure > 0.0);
            Some((figure("tracked_objects")?, figure("live_gap_ns")?))
        };
        let points: Vec<(f64, f64)> = questions.iter().filter_map(point).collect();
        if !points.is_empty() {
            let has_settings = subject.name().contains(", ");
            let look = Look::of_heap(subject.heap_name().unwrap_or_default(), nth, has_settings);
            series.push(Series { marked: true, ..Series::line(subject.name(), look, points) });
        }
    }
    if series.is_empty() {
        return None;
    }
    let recorded: Vec<(f64, f64)> =
        sizes.recorded().iter().map(|line| (line.tracked as f64, line.live_ms * 1e6)).collect();
    if !recorded.is_empty() {
        let look = Look { place: 6, thin: false };
        series.push(Series { marked: true, ..Series::line(anchors::NAME.to_owned(), look, recorded) });
    }
    let of = |axis: fn(&(f64, f64)) -> f64| series.iter().flat_map(|series| &series.points).map(axis);
    let (x, y) = (
        Axis::logarithmic("live objects", of(|point| point.0), Unit::Count("objects"))?,
        Axis::logarithmic("longest time that a program stood still", of(|point| point.1), Unit::Time)?,
    );
    let title = format!("The stop of a full collection by live objects: {}", sizes.name());
    let chart = Chart {
        title: title.clone(),
        x,
        y,
        series,
        front: Vec::new(),
        notes: vec!["Less is better. Thin: the same heap with a setting. All objects live.".to_owned()],
        caption: caption.to_owned(),
    };
    let k = sizes.k.map_or_else(|| "all".to_owned(), |k| k.to_string());
    Some(Picture { stem: format!("pauses-{}-{k}", sizes.shape), title, svg: chart.render() })
}
