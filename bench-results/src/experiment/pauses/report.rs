//! What the pauses experiment's records say: tables.

use super::Pauses;
use super::anchors;
use super::figures::{Series, growth, median, per_object};
use super::findings::findings;
use super::picture::by_size;
use crate::experiment::trial::{Experiment, Record, Rows, Run, Subject};
use crate::report::chapter::Chapter;
use crate::report::grid::{Grid, Word};
use crate::report::quantity::Unit;
use crate::units;

pub(super) fn chapter(experiment: &Pauses, run: &Run, records: &[Record]) -> Chapter {
    let rows = Rows::new(run, records);
    let all = all_series(&rows);
    let grown: Vec<&Series> = all.iter().filter(|series| series.sizes(&rows).len() > 1).collect();
    let mut grids: Vec<Grid> = grown.iter().map(|series| by_sizes(&rows, series)).collect();
    grids.push(by_shape(&rows, &all, "live_cpu_ns", "All alive: CPU time of a collection per object"));
    grids.push(by_shape(
        &rows,
        &all,
        "dead_cpu_ns",
        "Dead: CPU time of the collection that frees it, per object found",
    ));
    grids.push(first_and_second(&rows, &all));
    grids.push(stops(&rows, &all));
    Chapter {
        stem: experiment.name().to_owned(),
        title: experiment.title().to_owned(),
        question: experiment.question().to_owned(),
        findings: findings(&rows, &all),
        notes: NOTES.map(str::to_owned).to_vec(),
        grids,
        pictures: grown.iter().filter_map(|series| by_size(&rows, series, &run.caption())).collect(),
        facts: Vec::new(),
        records: records.iter().filter_map(|record| serde_json::to_string(record).ok()).collect(),
    }
}

const NOTES: [&str; 7] = [
    "Each cell is a fresh process that builds one sort of structure with the collector off, collects it four times while all of \
     it lives, lets go of all of it (half: of every second structure), and collects once more. Figures are medians over rounds.",
    "The gap is how long a program could not run: on heaps whose mutators take turns the whole collection; on stop-the-world and \
     concurrent the longest time between two steps of a second mutator, which works on a few objects of its own meanwhile. What \
     the machine takes from it is in it; the stop is the part that the heap tells of. The cycle is from the request to the end: \
     who asks for a collection waits that long.",
    "Alive: the median of the second to fourth collection. CPU time is of the thread that collects, wall time the rest.",
    "Exponent: the gap grows as this power of the number of objects, by least squares on the logarithms of all rounds, with a \
     95 % interval from the scatter around the line. 1 is in proportion; more than 1 where the heap outgrows the caches.",
    "Records are dicts with a list each; they are on no cycle and die by count, before the collection.",
    "Of a live interpreter (--python) all times are CPU time of its thread, by shapes.py, built in.",
    "Recorded figures of CPython 3.12.1 are CPU time on two virtual x86-64 cores at an earlier time; compare shapes with one \
     another, and magnitudes with care.",
];

/// Sorts of points, each once, in the order of the plan.
fn all_series(rows: &Rows<'_>) -> Vec<Series> {
    let mut all = Vec::new();
    for cell in rows.cells(|_| true) {
        let series = Series::of(cell);
        if !all.contains(&series) {
            all.push(series);
        }
    }
    all
}

/// The gap of a collection of live objects, size by size.
fn by_sizes(rows: &Rows<'_>, series: &Series) -> Grid {
    let sizes = series.sizes(rows);
    let mut lines: Vec<(String, Vec<Word>)> = Vec::new();
    for subject in rows.subjects(|cell| Series::of(cell) == *series) {
        let mut words: Vec<Word> =
            sizes.iter().map(|(_, question)| word(rows, question, subject, "live_gap_ns")).collect();
        words.push(Word::plain(match growth(rows, series, subject, "live_gap_ns") {
            Some(exponent) => match exponent.margin {
                Some(margin) => format!("{:.2} ± {margin:.2}", exponent.value),
                None => format!("{:.2}", exponent.value),
            },
            None => String::new(),
        }));
        let last = sizes.last().map_or("", |(_, question)| *question);
        words.push(word(rows, last, subject, "live_cycle_ns"));
        lines.push((subject.name(), words));
    }
    let recorded = series.recorded();
    if !recorded.is_empty() {
        let of = |nodes: u32| recorded.iter().find(|line| line.nodes == nodes);
        let shown = |ms: f64| Unit::Time.show(ms * 1e6);
        let mut words: Vec<Word> = sizes
            .iter()
            .map(|(nodes, _)| Word::plain(of(*nodes).map_or(String::new(), |line| shown(line.live_ms))))
            .collect();
        words.extend([Word::plain(""), Word::plain("")]);
        lines.push((anchors::NAME.to_owned(), words));
    }
    let mut columns: Vec<String> = sizes.iter().map(|(nodes, _)| units::count(u64::from(*nodes))).collect();
    columns.extend(["exponent".to_owned(), "cycle at the largest".to_owned()]);
    Grid {
        title: format!("The gap by size, all alive: {}", series.name()),
        corner: "heap".to_owned(),
        columns,
        rows: lines,
        notes: Vec::new(),
    }
}

/// A time as a word of a table.
fn word(rows: &Rows<'_>, question: &str, subject: &Subject, figure: &str) -> Word {
    let time = median(rows, question, subject, figure);
    time.map_or_else(|| rows.missing(question, subject), |ns| Word::plain(Unit::Time.show(ns)))
}

/// The size of each sort at which most sorts are there, and the questions of it.
fn at_one_size<'r>(rows: &Rows<'r>, all: &[Series]) -> Vec<(Series, &'r str)> {
    let largest = |series: &Series| {
        let shuffled_or_single = all.iter().filter(|one| one.sizes(rows).len() == 1 && one.shape != "nested");
        let size = shuffled_or_single.filter_map(|one| one.sizes(rows).first().map(|(nodes, _)| *nodes)).max();
        let sizes = series.sizes(rows);
        let same = sizes.iter().find(|(nodes, _)| Some(*nodes) == size).or(sizes.last());
        same.map(|(_, question)| *question)
    };
    all.iter().filter_map(|series| Some((series.clone(), largest(series)?))).collect()
}

fn by_shape(rows: &Rows<'_>, all: &[Series], figure: &str, title: &str) -> Grid {
    let subjects = rows.subjects(|_| true);
    let mut columns: Vec<String> = subjects.iter().map(|subject| subject.name()).collect();
    columns.push(anchors::NAME.to_owned());
    let lines = at_one_size(rows, all).into_iter().filter_map(|(series, question)| {
        let each = |subject: &&Subject| match per_object(rows, question, subject, figure) {
            Some(ns) => Word::plain(format!("{ns:.1} ns")),
            None => rows.missing(question, subject),
        };
        let mut words: Vec<Word> = subjects.iter().map(each).collect();
        // Of several recorded sizes the one of a million.
        let recorded = series.recorded();
        let line = recorded.iter().find(|line| line.nodes == 1_000_000).or(recorded.last());
        let ms = line.and_then(|line| if figure.starts_with("dead") { line.dead_ms } else { Some(line.live_ms) });
        let recorded = line.zip(ms).filter(|_| series.dying == "all");
        words.push(Word::plain(
            recorded.map_or(String::new(), |(line, ms)| format!("{:.1} ns", ms * 1e6 / (line.tracked - 1) as f64)),
        ));
        words.iter().any(|word| !word.text.is_empty()).then(|| (series.name(), words))
    });
    Grid { title: title.to_owned(), corner: "shape".to_owned(), columns, rows: lines.collect(), notes: Vec::new() }
}

fn first_and_second(rows: &Rows<'_>, all: &[Series]) -> Grid {
    let subjects = rows.subjects(|_| true);
    let lines =
        at_one_size(rows, all).into_iter().filter(|(series, _)| series.dying == "all").map(|(series, question)| {
            let each = |subject: &&Subject| {
                let ratio = rows
                    .median(question, subject, "second_cpu_ns")
                    .zip(rows.median(question, subject, "first_cpu_ns").filter(|first| *first > 0.0));
                ratio.map_or_else(
                    || rows.missing(question, subject),
                    |(second, first)| Word::plain(format!("{:.2}×", second / first)),
                )
            };
            (series.name(), subjects.iter().map(each).collect())
        });
    Grid {
        title: "The second collection of an unchanged heap over the first, CPU time".to_owned(),
        corner: "shape".to_owned(),
        columns: subjects.iter().map(|subject| subject.name()).collect(),
        rows: lines.collect(),
        notes: vec![
            "A collection that reorders the list of objects changes what the next one finds side by side.".to_owned(),
        ],
    }
}

/// What the heap tells of a program's stop, what the program's clock says, and how long the collection goes on.
fn stops(rows: &Rows<'_>, all: &[Series]) -> Grid {
    let subjects = rows.subjects(|_| true);
    let lines = at_one_size(rows, all).into_iter().map(|(series, question)| {
        let each = |subject: &&Subject| {
            let figure = |name| rows.median(question, subject, name).map(|ns| Unit::Time.show(ns));
            match (figure("dead_stop_ns"), figure("dead_gap_ns"), figure("dead_cycle_ns")) {
                (Some(stop), Some(gap), Some(cycle)) => Word::plain(format!("{stop} / {gap} / {cycle}")),
                _ => rows.missing(question, subject),
            }
        };
        (series.name(), subjects.iter().map(each).collect())
    });
    Grid {
        title: "Dead: stop / gap / cycle".to_owned(),
        corner: "shape".to_owned(),
        columns: subjects.iter().map(|subject| subject.name()).collect(),
        rows: lines.collect(),
        notes: Vec::new(),
    }
}
