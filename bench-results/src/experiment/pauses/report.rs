//! What the pauses experiment's records say: tables.

use super::Pauses;
use super::anchors::{self, Anchor};
use super::figures::{Series, State, growth, median, per_object};
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
    let of_state = |state| grown.iter().map(move |&series| (state, series));
    let by_state: Vec<(State, &Series)> = of_state(State::Live).chain(of_state(State::Dead)).collect();
    let mut grids: Vec<Grid> = by_state.iter().map(|&(state, series)| by_sizes(&rows, series, state)).collect();
    let alive = "All alive: CPU time of a collection per object";
    grids.push(by_shape(&rows, &all, "live_cpu_ns", alive));
    let dead = "Dead: CPU time of the collection that frees it, per object found";
    grids.push(by_shape(&rows, &all, "dead_cpu_ns", dead));
    grids.push(first_and_second(&rows, &all));
    grids.push(stops(&rows, &all));
    Chapter {
        listings: Vec::new(),
        stem: experiment.name().to_owned(),
        title: experiment.title().to_owned(),
        question: experiment.question().to_owned(),
        findings: findings(&rows, &all),
        notes: NOTES.map(str::to_owned).to_vec(),
        grids,
        pictures: by_state
            .iter()
            .filter_map(|&(state, series)| by_size(&rows, series, state, &run.caption()))
            .collect(),
        facts: Vec::new(),
        records: records.iter().filter_map(|record| serde_json::to_string(record).ok()).collect(),
    }
}

const NOTES: [&str; 8] = [
    "Each cell is a fresh process that builds one sort of structure with the collector off, collects it four times while all of \
     it lives, lets go of all of it (half: of every second structure), and collects once more. Figures are medians over rounds.",
    "The gap is how long a program could not run: on heaps whose mutators take turns the whole collection; on stop-the-world and \
     concurrent the longest time between two steps of a second mutator, which works on a few objects of its own meanwhile. The \
     stop is the part that the heap tells of; the difference is what it does not tell of, and what the machine takes. The cycle \
     is from the request to the end: who asks for a collection waits that long.",
    "As long without a collection: the longest gap of the same second mutator in a time as long as the collection took, while \
     the first thread computes and collects nothing. The longer one looks, the longer the longest gap that the machine makes.",
    "Alive: the median of the second to fourth collection. CPU time is of the thread that collects, wall time the rest.",
    "Exponent: the gap grows as this power of the number of objects, by least squares on the logarithms of all rounds, with a \
     95 % interval from the scatter around the line. 1 is in proportion; more than 1 where the heap outgrows the caches.",
    "Records are dicts with a list each; they are on no cycle and die by count, before the collection: what \
     it meets then is what they left behind.",
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

/// The gap of a collection of live or of dead objects, size by size.
fn by_sizes(rows: &Rows<'_>, series: &Series, state: State) -> Grid {
    let sizes = series.sizes(rows);
    let mut lines: Vec<(String, Vec<Word>)> = Vec::new();
    for subject in rows.subjects(|cell| Series::of(cell) == *series) {
        let mut words: Vec<Word> =
            sizes.iter().map(|(_, question)| word(rows, question, subject, state.gap())).collect();
        words.push(exponent_word(rows, series, subject, state.gap()));
        let last = sizes.last().map_or("", |(_, question)| *question);
        words.push(word(rows, last, subject, state.cycle()));
        lines.push((subject.name(), words));
        if let Some((_, question)) = sizes.first()
            && rows.median(question, subject, state.control()).is_some()
        {
            let mut words: Vec<Word> =
                sizes.iter().map(|(_, question)| word(rows, question, subject, state.control())).collect();
            words.extend([exponent_word(rows, series, subject, state.control()), Word::plain("")]);
            lines.push((format!("↳ {}, as long without a collection", subject.name()), words));
        }
    }
    let mut recorded = series.recorded();
    recorded.retain(|line| state.recorded_ms(line).is_some());
    if !recorded.is_empty() {
        let of = |nodes: u32| recorded.iter().find(|line| line.nodes == nodes);
        let shown = |line: &Anchor| state.recorded_ms(line).map_or(String::new(), |ms| Unit::Time.show(ms * 1e6));
        let mut words: Vec<Word> =
            sizes.iter().map(|(nodes, _)| Word::plain(of(*nodes).map_or(String::new(), shown))).collect();
        words.extend([Word::plain(""), Word::plain("")]);
        lines.push((anchors::NAME.to_owned(), words));
    }
    let mut columns: Vec<String> = sizes.iter().map(|(nodes, _)| units::count(u64::from(*nodes))).collect();
    columns.extend(["exponent".to_owned(), "cycle at the largest".to_owned()]);
    Grid {
        title: match state {
            State::Live => format!("The gap by size, all alive: {}", series.name()),
            State::Dead => format!("The gap by size, all dead: {}", series.name()),
        },
        corner: "heap".to_owned(),
        columns,
        rows: lines,
        notes: Vec::new(),
    }
}

fn exponent_word(rows: &Rows<'_>, series: &Series, subject: &Subject, figure: &str) -> Word {
    Word::plain(match growth(rows, series, subject, figure) {
        Some(exponent) => match exponent.margin {
            Some(margin) => format!("{:.2} ± {margin:.2}", exponent.value),
            None => format!("{:.2}", exponent.value),
        },
        None => String::new(),
    })
}

/// A time as a word of a table.
fn word(rows: &Rows<'_>, question: &str, subject: &Subject, figure: &str) -> Word {
    let time = median(rows, question, subject, figure);
    time.map_or_else(|| rows.missing(question, subject), |ns| Word::plain(Unit::Time.show(ns)))
}

/// The size at which most sorts are there.
fn common_size(rows: &Rows<'_>, all: &[Series]) -> Option<u32> {
    let shuffled_or_single = all.iter().filter(|one| one.sizes(rows).len() == 1 && one.shape != "nested");
    shuffled_or_single.filter_map(|one| one.sizes(rows).first().map(|(nodes, _)| *nodes)).max()
}

/// Each sort at the common size, or at its largest: its nodes, and the question of it.
fn at_one_size<'r>(rows: &Rows<'r>, all: &[Series]) -> Vec<(Series, u32, &'r str)> {
    let common = common_size(rows, all);
    let at = |series: &Series| {
        let sizes = series.sizes(rows);
        sizes.iter().find(|(nodes, _)| Some(*nodes) == common).or(sizes.last()).copied()
    };
    all.iter().filter_map(|series| at(series).map(|(nodes, question)| (series.clone(), nodes, question))).collect()
}

/// A title with the number of nodes that rows have unless they say otherwise.
fn with_nodes(title: &str, common: Option<u32>) -> String {
    common.map_or_else(|| title.to_owned(), |nodes| format!("{title}, {} nodes", units::count(u64::from(nodes))))
}

/// A row's name, with its nodes where they are others than the title's.
fn row_name(series: &Series, nodes: u32, common: Option<u32>) -> String {
    if Some(nodes) == common {
        return series.name();
    }
    format!("{} ({} nodes)", series.name(), units::count(u64::from(nodes)))
}

/// What was recorded of a sort: of the same number of nodes, or with its own. Of several the one of a million.
fn recorded_word(series: &Series, nodes: u32, shown: impl Fn(&Anchor) -> Option<String>) -> Word {
    let recorded = series.recorded();
    let same = recorded.iter().find(|line| line.nodes == nodes);
    let line = same.or(recorded.iter().find(|line| line.nodes == 1_000_000)).or(recorded.last());
    let text = line.filter(|_| series.dying == "all").and_then(|line| Some((line, shown(line)?)));
    Word::plain(match text {
        None => String::new(),
        Some((line, text)) if line.nodes == nodes => text,
        Some((line, text)) => format!("{text} ({} nodes)", units::count(u64::from(line.nodes))),
    })
}

fn by_shape(rows: &Rows<'_>, all: &[Series], figure: &str, title: &str) -> Grid {
    let common = common_size(rows, all);
    let subjects = rows.subjects(|_| true);
    let mut columns: Vec<String> = subjects.iter().map(|subject| subject.name()).collect();
    columns.push(anchors::NAME.to_owned());
    let lines = at_one_size(rows, all).into_iter().filter_map(|(series, nodes, question)| {
        let each = |subject: &&Subject| match per_object(rows, question, subject, figure) {
            Some(ns) => Word::plain(format!("{ns:.1} ns")),
            None => rows.missing(question, subject),
        };
        let mut words: Vec<Word> = subjects.iter().map(each).collect();
        words.push(recorded_word(&series, nodes, |line| {
            let ms = if figure.starts_with("dead") { line.dead_ms? } else { line.live_ms };
            Some(format!("{:.1} ns", ms * 1e6 / (line.tracked - 1) as f64))
        }));
        words.iter().any(|word| !word.text.is_empty()).then(|| (row_name(&series, nodes, common), words))
    });
    let rows = lines.collect();
    Grid { title: with_nodes(title, common), corner: "shape".to_owned(), columns, rows, notes: Vec::new() }
}

fn first_and_second(rows: &Rows<'_>, all: &[Series]) -> Grid {
    let common = common_size(rows, all);
    let subjects = rows.subjects(|_| true);
    let sorts = at_one_size(rows, all).into_iter().filter(|(series, ..)| series.dying == "all");
    let lines = sorts.map(|(series, nodes, question)| {
        let each = |subject: &&Subject| {
            let ratio = median(rows, question, subject, "second_cpu_ns")
                .zip(median(rows, question, subject, "first_cpu_ns").filter(|first| *first > 0.0));
            ratio.map_or_else(
                || rows.missing(question, subject),
                |(second, first)| Word::plain(format!("{:.2}×", second / first)),
            )
        };
        let mut words: Vec<Word> = subjects.iter().map(each).collect();
        words.push(recorded_word(&series, nodes, |line| Some(format!("{:.2}×", line.live_ms / line.first_ms))));
        (row_name(&series, nodes, common), words)
    });
    let mut columns: Vec<String> = subjects.iter().map(|subject| subject.name()).collect();
    columns.push(anchors::NAME.to_owned());
    Grid {
        title: with_nodes("The second collection of an unchanged heap over the first, CPU time", common),
        corner: "shape".to_owned(),
        columns,
        rows: lines.collect(),
        notes: vec![
            "Below 1: the first collection also pays for pages that it touches first and for scratch memory that it has to \
             get. Above 1: it has put its list of objects into another order than that of memory, which the next one follows."
                .to_owned(),
            "Recorded: the least of the second to fourth collection, over the first.".to_owned(),
        ],
    }
}

/// What the heap tells of a program's stop, what the program's clock says, and how long the collection goes on.
fn stops(rows: &Rows<'_>, all: &[Series]) -> Grid {
    let subjects = rows.subjects(|_| true);
    let common = common_size(rows, all);
    let lines = at_one_size(rows, all).into_iter().map(|(series, nodes, question)| {
        let each = |subject: &&Subject| {
            let figure = |name| rows.median(question, subject, name).map(|ns| Unit::Time.show(ns));
            match (figure("dead_stop_ns"), figure("dead_gap_ns"), figure("dead_cycle_ns")) {
                (Some(stop), Some(gap), Some(cycle)) => Word::plain(format!("{stop} / {gap} / {cycle}")),
                _ => rows.missing(question, subject),
            }
        };
        (row_name(&series, nodes, common), subjects.iter().map(each).collect())
    });
    Grid {
        title: with_nodes("Dead: stop / gap / cycle", common),
        corner: "shape".to_owned(),
        columns: subjects.iter().map(|subject| subject.name()).collect(),
        rows: lines.collect(),
        notes: vec!["Gap less stop is what the heap does not tell of, and what the machine takes.".to_owned()],
    }
}
