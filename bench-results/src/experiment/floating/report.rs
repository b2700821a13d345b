//! What the floating experiment's records say.

use super::{FloatingGarbage, Recorded, recorded};
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
        notes: notes(&rows),
        grids: lives.iter().flat_map(|&live| [outstanding(&rows, live), collections(&rows, live)]).collect(),
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
    "Rows marked recorded are of CPython at an earlier time, by the same program with each version's own thresholds: 700,10,10 to \
     3.12, 2000,10,10 on 3.13. The counts of a version are the same on every machine. Of 3.14 and 3.14t none were recorded.",
];

/// The program of heaps and interpreters is one and the same.
const SAME_PROGRAM: &str = "Objects are those of rings. Each ring also holds a witness, on heaps as on interpreters: the thresholds count \
                            it, these figures do not. Heaps hold as many further live objects as CPython 3.12.1 has of its own when the \
                            program begins, as they decide when a full collection is due.";

/// The same of records from before heaps had witnesses.
const OTHER_PROGRAM: &str = "Heaps and interpreters ran different programs: an interpreter's rings have a witness each, which its thresholds \
                             count and this table does not, and its own objects live beside them. Heaps had neither: these rows cannot be \
                             held against each other.";

fn notes(rows: &Rows<'_>) -> Vec<String> {
    let is_same = !rows.cells(|cell| cell.is_on("witness")).is_empty();
    let program = if is_same { SAME_PROGRAM } else { OTHER_PROGRAM };
    NOTES.into_iter().chain([program]).map(str::to_owned).collect()
}

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

/// What was recorded beside so many live objects, a row a version, a line a ring; none of a run with other rings.
fn recorded_rows(rows: &Rows<'_>, live: u32, word: impl Fn(&Recorded) -> String) -> Vec<(String, Vec<Word>)> {
    let all = recorded();
    let points = rings(rows, live).into_iter().map(|(ring, question)| {
        let cell = rows.cells(|cell| cell.question == question).into_iter().next();
        (ring, cell.and_then(|cell| cell.integer("requests").ok()))
    });
    let points: Vec<(u32, Option<u32>)> = points.collect();
    let mut versions: Vec<&str> = all.iter().map(|row| row.version.as_str()).collect();
    versions.dedup();
    let row = |version: &str| {
        let at = |&(ring, requests): &(u32, Option<u32>)| {
            let is = |row: &&Recorded| (row.ring, row.live, Some(row.requests)) == (ring, live, requests);
            all.iter().filter(|row| row.version == version).find(is)
        };
        let found: Vec<Option<&Recorded>> = points.iter().map(at).collect();
        let words = found.iter().map(|row| Word::plain(row.map_or_else(String::new, &word))).collect();
        found.iter().any(Option::is_some).then(|| (format!("{version} (recorded)"), words))
    };
    versions.into_iter().filter_map(row).collect()
}

/// Collections of each generation, by which a heap is seen to follow the same rules.
fn collections(rows: &Rows<'_>, live: u32) -> Grid {
    let rings = rings(rows, live);
    let shown = |counts: Vec<u64>| counts.into_iter().map(units::count).collect::<Vec<_>>().join("/");
    let lines = rows.subjects(|_| true).into_iter().map(|subject| {
        let word = |question: &str| {
            let of_heap: Vec<u64> = ["collections_0", "collections_1", "collections_2"]
                .into_iter()
                .filter_map(|name| Some(rows.median(question, subject, name)?.round() as u64))
                .collect();
            let of_python = || {
                let record = rows.of(question, subject).find(|record| record.figures.contains_key("collections"))?;
                record.figures["collections"]
                    .as_array()?
                    .iter()
                    .map(serde_json::Value::as_u64)
                    .collect::<Option<Vec<u64>>>()
            };
            let counts = if of_heap.is_empty() { of_python() } else { Some(of_heap) };
            counts.map_or_else(|| rows.missing(question, subject), |counts| Word::plain(shown(counts)))
        };
        (subject.name(), rings.iter().map(|(_, question)| word(question)).collect())
    });
    let mut lines: Vec<(String, Vec<Word>)> = lines.collect();
    lines.extend(recorded_rows(rows, live, |row| shown(row.collections().to_vec())));
    Grid {
        title: format!("Collections beside {} live objects, of each generation", units::count(u64::from(live))),
        corner: "heap".to_owned(),
        columns: columns(&rings),
        rows: lines,
        notes: Vec::new(),
    }
}

fn columns(rings: &[(u32, String)]) -> Vec<String> {
    rings.iter().map(|(ring, _)| format!("rings of {}", units::count(u64::from(*ring)))).collect()
}

fn most_and_mean(most: f64, mean: f64) -> String {
    format!("{} ({})", units::count(most as u64), units::count(mean.round() as u64))
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
                (Some(most), Some(mean)) => Word::plain(most_and_mean(most, mean)),
                (Some(most), None) => Word::plain(units::count(most as u64)),
                (None, _) => rows.missing(question, subject),
            }
        };
        (subject.name(), rings.iter().map(|(_, question)| word(question)).collect())
    });
    let mut lines: Vec<(String, Vec<Word>)> = lines.collect();
    lines.extend(recorded_rows(rows, live, |row| most_and_mean(row.max_objects as f64, row.mean_objects)));
    Grid {
        title: format!(
            "Dead objects of rings outstanding beside {} live ones: most (mean)",
            units::count(u64::from(live))
        ),
        corner: "heap".to_owned(),
        columns: columns(&rings),
        rows: lines,
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
        if words.is_empty() {
            continue;
        }
        let text =
            format!("At most so many dead objects of rings waited where rings of {ring} died: {}.", words.join(", "));
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
