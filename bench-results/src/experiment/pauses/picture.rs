//! Gaps by size: a picture a shape and state, a line a heap.

use super::anchors;
use super::figures::{Series as Sizes, State, median};
use crate::experiment::trial::{Rows, looks};
use crate::report::chapter::Picture;
use crate::report::quantity::Unit;
use crate::report::svg::chart::{Chart, Series};
use crate::report::svg::palette::Look;
use crate::report::svg::scale::Axis;

/// The longest gap of a collection of live or of dead structures, by how many objects there are.
pub(super) fn by_size(rows: &Rows<'_>, sizes: &Sizes, state: State, caption: &str) -> Option<Picture> {
    let questions = sizes.sizes(rows);
    let mut series = Vec::new();
    let subjects = rows.subjects(|_| true);
    for (look, subject) in looks(&subjects).into_iter().zip(subjects) {
        let point = |(_, question): &(u32, &str)| {
            let figure = |name| median(rows, question, subject, name).filter(|figure| *figure > 0.0);
            Some((figure("tracked_objects")?, figure(state.gap())?))
        };
        let points: Vec<(f64, f64)> = questions.iter().filter_map(point).collect();
        if !points.is_empty() {
            series.push(Series { marked: true, ..Series::line(subject.name(), look, points) });
        }
    }
    if series.is_empty() {
        return None;
    }
    let recorded = sizes.recorded();
    let recorded: Vec<(f64, f64)> =
        recorded.iter().filter_map(|line| Some((line.tracked as f64, state.recorded_ms(line)? * 1e6))).collect();
    if !recorded.is_empty() {
        series.push(Series { marked: true, ..Series::line(anchors::NAME.to_owned(), Look::of_recorded(0), recorded) });
    }
    let of = |axis: fn(&(f64, f64)) -> f64| series.iter().flat_map(|series| &series.points).map(axis);
    let (objects, what, title, stem) = match state {
        State::Live => ("live objects", "All objects live.", "The gap of a full collection by live objects", "pauses"),
        State::Dead => (
            "objects, all dead",
            "All objects have died.",
            "The gap of a full collection by dead objects",
            "pauses-dead",
        ),
    };
    let (x, y) = (
        Axis::logarithmic(objects, of(|point| point.0), Unit::Count("objects"))?,
        Axis::logarithmic("longest time that a program stood still", of(|point| point.1), Unit::Time)?,
    );
    let title = format!("{title}: {}", sizes.name());
    let chart = Chart {
        title: title.clone(),
        x,
        y,
        series,
        front: Vec::new(),
        notes: vec![format!(
            "Less is better. {what} Thin: the same heap with a setting. Black: live interpreters; grey and hollow: recorded."
        )],
        caption: caption.to_owned(),
    };
    let k = sizes.k.map_or_else(|| "all".to_owned(), |k| k.to_string());
    Some(Picture { stem: format!("{stem}-{}-{k}", sizes.shape), title, svg: chart.render() })
}
