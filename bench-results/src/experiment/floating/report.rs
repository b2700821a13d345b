//! What the floating experiment's records say.

use super::FloatingGarbage;
use crate::experiment::trial::{Cell, Experiment, Record, Rows, Run, Script, Subject, looks};
use crate::report::chapter::{Chapter, Finding, Picture};
use crate::report::grid::{Grid, Word};
use crate::report::quantity::Unit;
use crate::report::svg::chart::{Chart, Series};
use crate::report::svg::scale::Axis;
use crate::units;

/// `floating.py` with as many objects that die.
pub(super) fn script(cell: &Cell) -> Option<Script> {
    let of = |option| cell.integer(option).ok().map(u64::from);
    let (ring, live) = (of("ring")?, of("live")?);
    Some(Script::new("floating.py", &[("ring", &ring), ("live", &live), ("objects", &(ring * of("requests")?))]))
}

pub(super) fn chapter(experiment: &FloatingGarbage, run: &Run, records: &[Record]) -> Chapter {
    let rows = Rows::new(run, records);
    let lives = lives(&rows);
    Chapter {
        listings: Vec::new(),
        stem: experiment.name().to_owned(),
        title: experiment.title().to_owned(),
        question: experiment.question().to_owned(),
        findings: findings(&rows),
        notes: NOTES.map(str::to_owned).to_vec(),
        grids: lives.iter().map(|&live| outstanding(&rows, live)).collect(),
        pictures: lives.iter().filter_map(|&live| picture(&rows, live, &run.caption())).collect(),
        facts: Vec::new(),
        records: records.iter().filter_map(|record| serde_json::to_string(record).ok()).collect(),
    }
}

const NOTES: [&str; 4] = [
    "Outstanding: objects made less objects freed less objects alive, counted after each request. The most of a run, and in \
     brackets its mean; medians over rounds.",
    "A request makes one ring and lets go of it. Nothing but a collection frees it. All subjects run with their default \
     settings: what waits is a matter of when collections are due, and of how long they take.",
    "The most can be no less than one ring. A heap that collects beside the program goes on making garbage meanwhile.",
    "An interpreter's garbage has a witness for each ring, which its thresholds count and this table does not; its own objects \
     are a live heap that cannot be left out.",
];

/// Live objects of the points, each once.
fn lives(rows: &Rows<'_>) -> Vec<u32> {
    let mut lives: Vec<u32> = rows.cells(|_| true).iter().filter_map(|cell| cell.integer("live").ok()).collect();
    lives.sort_unstable();
    lives.dedup();
    lives
}

fn rings(rows: &Rows<'_>, live: u32) -> Vec<(u32, String)> {
    let mut rings: Vec<(u32, String)> = rows
        .cells(|cell| cell.integer("live").is_ok_and(|of_cell| of_cell == live))
        .into_iter()
        .filter_map(|cell| Some((cell.integer("ring").ok()?, cell.question.clone())))
        .collect();
    rings.sort();
    rings.dedup();
    rings
}

fn outstanding(rows: &Rows<'_>, live: u32) -> Grid {
    let rings = rings(rows, live);
    let lines = rows.subjects(|_| true).into_iter().map(|subject| {
        let word = |question: &str| {
            let (most, mean) = (
                rows.median(question, subject, "floating_max_objects"),
                rows.median(question, subject, "floating_mean_objects"),
            );
            match (most, mean) {
                (Some(most), Some(mean)) => {
                    Word::plain(format!("{} ({})", units::count(most as u64), units::count(mean.round() as u64)))
                }
                (Some(most), None) => Word::plain(units::count(most as u64)),
                (None, _) => rows.missing(question, subject),
            }
        };
        (subject.name(), rings.iter().map(|(_, question)| word(question)).collect())
    });
    Grid {
        title: format!("Dead objects outstanding beside {} live ones: most (mean)", units::count(u64::from(live))),
        corner: "heap".to_owned(),
        columns: rings.iter().map(|(ring, _)| format!("rings of {}", units::count(u64::from(*ring)))).collect(),
        rows: lines.collect(),
        notes: Vec::new(),
    }
}

fn picture(rows: &Rows<'_>, live: u32, caption: &str) -> Option<Picture> {
    let rings = rings(rows, live);
    let mut series = Vec::new();
    let subjects = rows.subjects(|_| true);
    let asks_interpreters = subjects.iter().any(|subject| subject.heap_name().is_none());
    for (look, subject) in looks(&subjects).into_iter().zip(subjects) {
        let point = |(ring, question): &(u32, String)| {
            Some((f64::from(*ring), rows.median(question, subject, "floating_max_objects").filter(|most| *most > 0.0)?))
        };
        let points: Vec<(f64, f64)> = rings.iter().filter_map(point).collect();
        series.push(Series { marked: true, ..Series::line(subject.name(), look, points) });
    }
    let of = |axis: fn(&(f64, f64)) -> f64| series.iter().flat_map(|series| &series.points).map(axis);
    let (x, y) = (
        Axis::logarithmic("objects of a ring", of(|point| point.0), Unit::Count("objects"))?,
        Axis::logarithmic("most dead objects outstanding", of(|point| point.1), Unit::Count("objects"))?,
    );
    let title = format!("Dead objects outstanding beside {} live ones", units::count(u64::from(live)));
    let chart = Chart {
        title: title.clone(),
        x,
        y,
        series,
        front: Vec::new(),
        notes: vec![format!(
            "Less is better: what waits is memory that the program has lost for the moment.{}",
            if asks_interpreters { " Black: interpreters." } else { "" }
        )],
        caption: caption.to_owned(),
    };
    Some(Picture { stem: format!("floating-live-{live}"), title, svg: chart.render() })
}

fn findings(rows: &Rows<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let of = |subject: &Subject, question: &str| rows.median(question, subject, "floating_max_objects");
    let subjects = rows.subjects(|_| true);
    for live in lives(rows) {
        let small = rings(rows, live).into_iter().find(|(ring, _)| *ring == 10 || *ring == 100);
        let Some((ring, question)) = small else { continue };
        let words: Vec<String> = subjects
            .iter()
            .filter_map(|subject| Some(format!("{} {}", subject.name(), units::count(of(subject, &question)? as u64))))
            .collect();
        let text = format!("At most so many dead objects waited where rings of {ring} died: {}.", words.join(", "));
        findings.push(Finding { about: format!("beside {} live objects", units::count(u64::from(live))), text });
    }
    let lives = lives(rows);
    let (Some(&least), Some(&most)) = (lives.first(), lives.last()) else { return findings };
    let growth = |subject: &Subject| {
        let ratios = rings(rows, least).into_iter().zip(rings(rows, most)).filter_map(|((_, few), (_, many))| {
            Some(of(subject, &many)? / of(subject, &few).filter(|count| *count > 0.0)?)
        });
        ratios.max_by(f64::total_cmp)
    };
    let words: Vec<String> = subjects
        .iter()
        .filter_map(|subject| Some(format!("{} up to {:.1} times", subject.name(), growth(subject)?)))
        .collect();
    if least < most && !words.is_empty() {
        let text = format!(
            "Beside {} live objects there was this much more garbage than beside {}: {}.",
            units::count(u64::from(most)),
            units::count(u64::from(least)),
            words.join(", ")
        );
        findings.push(Finding { about: "the live heap".to_owned(), text });
    }
    findings
}
