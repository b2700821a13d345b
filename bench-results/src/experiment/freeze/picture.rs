//! The pictures: dirty pages by what is read, and all memory by number of workers.

use super::anchors;
use super::cell::{Condition, Freeze};
use super::plan::Part;
use super::tables::Row;
use crate::report::chapter::Picture;
use crate::report::quantity::Unit;
use crate::report::svg::chart::{Chart, Series};
use crate::report::svg::palette::Look;
use crate::report::svg::scale::{Axis, Kind, Reading, label_of};

pub(super) fn pictures(rows: &[Row<'_>], caption: &str) -> Vec<Picture> {
    [by_reads(rows, caption), by_workers(rows, caption)].into_iter().flatten().collect()
}

/// How a condition on a layout looks: conditions by colour, side tables thin.
fn look(condition: Condition, side: bool) -> Look {
    let place = match condition.freeze {
        Freeze::No => 5,
        Freeze::Freeze => 1,
        Freeze::Immortal => 2,
    };
    Look::at_place(place, side)
}

/// The share of pages that a worker has copied in the end, by the share of entries it read, one at a time.
fn by_reads(rows: &[Row<'_>], caption: &str) -> Option<Picture> {
    let mut series: Vec<Series> = Vec::new();
    for row in rows.iter().filter(|row| row.cell.part == Part::Reads && row.cell.run == 1) {
        let (Some(share), Some(figures)) = (row.cell.share, row.figures) else { continue };
        let point = (share, figures.served_share() + figures.first_share());
        let name = format!("{}, {}", row.cell.layout.name(), row.cell.condition.name());
        match series.iter_mut().find(|series| series.name == name) {
            Some(series) => series.points.push(point),
            None => {
                let look = look(row.cell.condition, !row.cell.layout.settings.is_empty());
                series.push(Series { marked: true, ..Series::line(name, look, vec![point]) });
            }
        }
    }
    if series.is_empty() {
        return None;
    }
    for (variant, nth) in [("nothing", 0), ("collect, freeze", 1)] {
        let of_variant = anchors::ROWS.iter().filter(|row| (row.variant, row.workers, row.run) == (variant, 1, 1));
        let points = of_variant.map(|row| (row.share, row.served_share() + row.first_share())).collect();
        let name = format!("CPython 3.12.1 (recorded), {variant} (of RSS)");
        series.push(Series { marked: true, ..Series::line(name, Look::of_recorded(nth), points) });
    }
    let ticks = [0.0, 0.01, 0.05, 0.2].map(|share| (share, label_of(share, Unit::Share)));
    let title = "Pages that a worker copies, by what it reads".to_owned();
    let chart = Chart {
        title: title.clone(),
        x: Axis::with_ticks("share of the entries read, at random", Kind::Linear, (-0.006, 0.206), ticks.to_vec())
            .read_as(Reading::Unit(Unit::Share)),
        y: Axis::linear("share of the objects' pages copied by reading and one collection", 0.0, 1.0, Unit::Share),
        series,
        front: Vec::new(),
        notes: vec![
            "Less is better. Thin: links in side tables. CPython's shares are of all memory of the process.".to_owned(),
        ],
        caption: caption.to_owned(),
    };
    Some(Picture { stem: "dirty-pages-by-reads".to_owned(), title, svg: chart.render() })
}

/// All memory by number of workers.
fn by_workers(rows: &[Row<'_>], caption: &str) -> Option<Picture> {
    let mut series = Vec::new();
    let mut most = 0.0f64;
    let mut last = 1.0f64;
    for row in rows.iter().filter(|row| row.cell.part == Part::Workers) {
        let Some(record) = row.records.iter().find(|record| record.totals.len() > 1) else { continue };
        let points: Vec<(f64, f64)> =
            record.totals.iter().map(|total| (f64::from(total.workers), total.pss as f64)).collect();
        most = points.iter().map(|(_, pss)| *pss).fold(most, f64::max);
        last = points.iter().map(|(workers, _)| *workers).fold(last, f64::max);
        let name = format!("{}, {}", row.cell.layout.name(), row.cell.condition.name());
        let look = look(row.cell.condition, !row.cell.layout.settings.is_empty());
        series.push(Series { marked: true, ..Series::line(name, look, points) });
    }
    if series.is_empty() {
        return None;
    }
    let ticks: Vec<(f64, String)> = std::iter::successors(Some(1.0f64), |workers| Some(workers * 2.0))
        .skip(3)
        .take_while(|workers| *workers <= last)
        .map(|workers| (workers, workers.to_string()))
        .chain([(0.0, "0".to_owned())])
        .collect();
    let title = "All memory, by number of workers".to_owned();
    let chart = Chart {
        title: title.clone(),
        x: Axis::with_ticks("workers", Kind::Linear, (-last * 0.03, last * 1.03), ticks),
        y: Axis::linear("memory of the parent and its workers", 0.0, most, Unit::Size),
        series,
        front: Vec::new(),
        notes: vec!["The sum of Pss, of round 0. Thin: links in side tables.".to_owned()],
        caption: caption.to_owned(),
    };
    Some(Picture { stem: "memory-by-workers".to_owned(), title, svg: chart.render() })
}
