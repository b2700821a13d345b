//! The tables of the experiment: a part each, ours and CPython's rows together.

use super::anchors::{self, Anchor};
use super::cell::{Cell, Condition, Content};
use super::figures::Figures;
use super::live;
use super::plan::Part;
use super::quantities::{self, Quantity};
use super::record::Record;
use super::slope;
use crate::experiment::trial;
use crate::record::Status;
use crate::report::grid::{Grid, Word};
use crate::units;

/// All rounds of one cell.
pub(super) struct Row<'r> {
    /// The cell, as it was in its first round.
    pub(super) cell: &'r Cell,
    /// The means over rounds; `None` if none is ok.
    pub(super) figures: Option<Figures>,
    /// Those of each round that is ok.
    pub(super) rounds: Vec<Figures>,
    /// Its records, round by round.
    pub(super) records: Vec<&'r Record>,
}

/// Records by cell, in the order in which cells first ended.
pub(super) fn rows(records: &[Record]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for record in records {
        match rows.iter_mut().find(|row| is_same(row.cell, &record.spec)) {
            Some(row) => row.records.push(record),
            None => rows.push(Row { cell: &record.spec, figures: None, rounds: Vec::new(), records: vec![record] }),
        }
    }
    for row in &mut rows {
        row.rounds = row.records.iter().filter_map(|record| Figures::of(record)).collect();
        row.figures = Figures::mean(&row.rounds);
    }
    rows
}

/// Whether two cells are rounds of one.
fn is_same(a: &Cell, b: &Cell) -> bool {
    *a == Cell { seed: a.seed, round: a.round, ..b.clone() }
}

/// The tables, in the order of parts, with what live interpreters said.
pub(super) fn grids(rows: &[Row<'_>], records: &[trial::Record]) -> Vec<Grid> {
    let mut grids = Vec::new();
    for part in Part::ALL {
        let of_part: Vec<&Row<'_>> = rows.iter().filter(|row| row.cell.part == part).collect();
        if of_part.is_empty() {
            continue;
        }
        grids.push(grid(part, &of_part, &live::rows(records, of_part.iter().map(|row| row.cell))));
        if part == Part::Workers {
            grids.push(all_memory(&of_part));
        }
    }
    grids
}

/// What of a cell tells it from the others of its part.
fn name(part: Part, cell: &Cell) -> String {
    let (layout, condition) = (cell.layout.name(), cell.condition.name());
    let replaced = || format!("{} % replaced", cell.replaced * 100.0);
    let cyclic = || matches!(cell.content, Content::Entries { cyclic: true, .. });
    match part {
        Part::Conditions | Part::Tables => format!("{condition} · {layout}"),
        Part::Objects | Part::RealHeap => format!("{} · {condition} · {layout}", cell.content.name()),
        Part::Reads => format!("{} · {condition} · {layout}", cell.reads()),
        Part::Workers => format!("{condition} · {layout}"),
        Part::Churn => {
            let kind = if cyclic() { "cyclic, " } else { "" };
            format!("{kind}{} · {condition} · {layout}", replaced())
        }
        Part::Holes => {
            let garbage = if let Content::Entries { garbage, .. } = cell.content { garbage } else { 0.0 };
            format!("{garbage} dead for each, {} · {condition} · {layout}", replaced())
        }
    }
}

/// The columns of a part's table.
fn columns(part: Part) -> Vec<&'static Quantity> {
    let always =
        ["objects", "served", "served-share", "collected", "collected-share", "private", "control", "less-control"];
    let together = [
        "pss",
        "shared-clean",
        "shared-dirty",
        "parent-pss",
        "parent-private",
        "parent-shared-clean",
        "parent-shared-dirty",
    ];
    let first = ["first-collected", "first-collected-faults", "first-collected-share"];
    let more: &[&str] = match part {
        Part::Conditions | Part::RealHeap => &[
            "heap-tables",
            "rss",
            "freeze-time",
            "served-faults",
            "collected-faults",
            "collected-tables",
            "beside-peak",
            "beside-end",
            "first-collection",
            "second-collection",
        ],
        Part::Tables => &["heap-tables", "collected-tables", "beside-peak", "beside-end", "beside-released"],
        Part::Objects => &[
            "rss",
            "freeze-time",
            "served-faults",
            "collected-faults",
            "collected-tables",
            "first-collection",
            "second-collection",
        ],
        Part::Reads => &["rss", "served-faults", "collected-faults", "collected-tables"],
        Part::Workers => &[],
        Part::Churn => &["collected-tables", "found", "unfrozen-found", "unfrozen-dirtied", "first-collection"],
        Part::Holes => &["parent-rss", "freeze-time", "found"],
    };
    let beside_cpython = matches!(part, Part::Conditions | Part::Objects | Part::Reads);
    let first: &[&str] = if beside_cpython { &first } else { &[] };
    let together: &[&str] =
        if beside_cpython || matches!(part, Part::Workers | Part::RealHeap) { &together } else { &[] };
    quantities::some(&[&always[..], more, first, together].concat())
}

fn grid(part: Part, rows: &[&Row<'_>], live: &[live::Row]) -> Grid {
    let columns = columns(part);
    let mut lines: Vec<(String, Vec<Word>)> = anchors_of(part, rows)
        .into_iter()
        .map(|(name, anchor)| {
            let words = columns.iter().map(|column| Word::plain(column.show(column.of_anchor(anchor))));
            (name, words.collect())
        })
        .collect();
    for row in live {
        let figure = |column: &&Quantity| row.figures.as_ref().and_then(|figures| column.of_anchor(figures));
        let words = columns.iter().map(|column| Word::plain(column.show(figure(column))));
        lines.push((live_name(part, row), words.collect()));
    }
    for row in rows {
        let words = columns
            .iter()
            .map(|column| Word::plain(column.show(row.figures.as_ref().and_then(|figures| column.of(figures)))));
        lines.push((name(part, row.cell), words.collect()));
    }
    Grid {
        title: part.title().to_owned(),
        corner: "heap".to_owned(),
        columns: columns.iter().map(|column| column.title.trim().to_owned()).collect(),
        rows: lines,
        notes: notes(part, rows).into_iter().chain(live_notes(part, live)).collect(),
    }
}

/// What tells the row of a live interpreter from the others of its part.
fn live_name(part: Part, row: &live::Row) -> String {
    let cell = &row.cell;
    let more = match part {
        Part::Objects => format!(", {}", cell.content.name()),
        Part::Reads => format!(", {}", cell.reads()),
        _ => String::new(),
    };
    format!("{}, {}{more}", row.name, cell.condition.name())
}

/// How to read the rows of live interpreters, and which of them failed.
fn live_notes(part: Part, live: &[live::Row]) -> Vec<String> {
    let mut notes = Vec::new();
    if !live.is_empty() {
        notes.push(
            "Rows marked live ran on this machine in the same rounds, by `fork.py`: means over workers, the median over rounds. \
             Their shares are of the whole process (RSS), as those of the recorded rows, and their pauses CPU times. Unless off, \
             the collector is on from the end of building."
                .to_owned(),
        );
    }
    let failed = live.iter().filter(|row| !row.causes.is_empty());
    notes.extend(failed.map(|row| format!("Failed: {}: {}.", live_name(part, row), row.causes.join("; "))));
    notes
}

/// CPython's rows that stand beside these.
fn anchors_of(part: Part, rows: &[&Row<'_>]) -> Vec<(String, &'static Anchor)> {
    let one_worker = part == Part::Reads;
    if !matches!(part, Part::Conditions | Part::Objects | Part::Reads) {
        return Vec::new();
    }
    let mut found: Vec<(String, &'static Anchor)> = Vec::new();
    for row in rows {
        for anchor in anchors::matching(one_worker, row.cell.share, row.cell.run) {
            if found.iter().all(|(_, other)| *other != anchor) {
                let reads = if one_worker { format!(", {}", row.cell.reads()) } else { String::new() };
                found.push((format!("{}, N = {}{reads}", anchor.name(), units::count(anchor.objects.into())), anchor));
            }
        }
    }
    found
}

fn notes(part: Part, rows: &[&Row<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(row) = rows.first() {
        let cell = row.cell;
        let rounds = rows.iter().map(|row| row.records.len()).max().unwrap_or(0);
        let workers = match cell.workers {
            1 => "one worker".to_owned(),
            n => format!("{n} workers, one after the other, all alive"),
        };
        let reads = if part == Part::Reads {
            "each reads as the row says".to_owned()
        } else {
            format!("each reads {}", cell.reads())
        };
        notes.push(format!("{}: {workers}; {reads}. Means over workers and {rounds} rounds.", cell.content.name()));
    }
    if matches!(part, Part::Conditions | Part::Objects | Part::Reads) {
        notes.push(
            "CPython's recorded rows: 3.12.1, `freeze_fork.py`, N = 1,000,000 where nothing else is said, on another machine: compare \
             the memory, not the times. They tell the first collection of a worker, not both; Pss where there was one worker (otherwise it \
             was read when few others shared). Its shares are of the whole process (RSS), because nothing tells its objects' \
             pages apart."
                .to_owned(),
        );
    }
    if rows.iter().any(|row| row.cell.condition.automatic && row.cell.layout.collects()) {
        notes.push(
            "Where the collector is not off, collections that requests start fall into the requests: what those copy is among \
             what requests dirtied."
                .to_owned(),
        );
    }
    if part == Part::RealHeap {
        notes.push(
            "A graph is loaded with the collector off. Unless it is frozen or collected before, or the collector stays off, the \
             first collection that requests start examines all of it."
                .to_owned(),
        );
    }
    if part == Part::Churn {
        notes.push(
            "After its second collection each worker unfreezes and collects once more: what that finds had leaked, because it \
             died on a cycle while it was frozen."
                .to_owned(),
        );
    }
    let failed: Vec<String> = rows
        .iter()
        .flat_map(|row| {
            row.records.iter().filter(|record| record.status != Status::Ok).map(move |record| (row, record))
        })
        .map(|(row, record)| {
            let cause = record.error.as_deref().unwrap_or("no cause known");
            format!("{}, round {}: {cause}", name(part, row.cell), record.spec.round)
        })
        .collect();
    if !failed.is_empty() {
        notes.push(format!("Cells that are not ok: {}.", failed.join("; ")));
    }
    notes
}

/// All memory of the parent and its workers, by number of workers, and its slope.
fn all_memory(rows: &[&Row<'_>]) -> Grid {
    let numbers: Vec<u32> = rows
        .first()
        .and_then(|row| row.records.iter().find(|record| !record.totals.is_empty()))
        .map(|record| record.totals.iter().map(|total| total.workers).collect())
        .unwrap_or_default();
    let mut lines = Vec::new();
    for row in rows {
        let mut words: Vec<Word> = numbers.iter().map(|&workers| Word::plain(at(row, workers))).collect();
        words.push(Word::plain(slope_words(row)));
        lines.push((name(Part::Workers, row.cell), words));
    }
    let mut columns: Vec<String> = numbers.iter().map(|workers| format!("{workers} workers")).collect();
    columns.push("a further worker (95 % interval)".to_owned());
    Grid {
        title: "All memory of the parent and its workers".to_owned(),
        corner: "heap".to_owned(),
        columns,
        rows: lines,
        notes: vec![
            "The sum of Pss over the parent and all living workers: a page that several of them share counts once. The last \
             column is the slope by least squares over 1 worker and more, its mean over rounds and the interval of that mean \
             (bootstrap over rounds)."
                .to_owned(),
        ],
    }
}

/// All memory at a number of workers: the mean over rounds.
fn at(row: &Row<'_>, workers: u32) -> String {
    let of = |record: &&Record| record.totals.iter().find(|total| total.workers == workers).map(|total| total.pss);
    let known: Vec<u64> = row.records.iter().filter_map(of).collect();
    if known.is_empty() { "n/a".to_owned() } else { units::size(known.iter().sum::<u64>() / known.len() as u64) }
}

/// The slope of a row, or why there is none.
pub(super) fn slope_words(row: &Row<'_>) -> String {
    let size = |bytes: f64| units::size(bytes.max(0.0) as u64);
    match slope::of_rounds(&row.records) {
        Ok(estimate) => {
            format!("{} ({} to {})", size(estimate.point), size(estimate.low), size(estimate.high))
        }
        Err(_) => {
            let slopes: Vec<f64> = row.records.iter().filter_map(|record| slope::per_worker(&record.totals)).collect();
            let mean = slopes.iter().sum::<f64>() / slopes.len() as f64;
            if slopes.is_empty() {
                "n/a".to_owned()
            } else {
                format!("{} (too few rounds for an interval)", size(mean))
            }
        }
    }
}

/// The row of a part with this layout and condition, if it is ok.
pub(super) fn find<'r>(
    rows: &'r [Row<'_>],
    part: Part,
    layout: &str,
    condition: Condition,
    more: impl Fn(&Cell) -> bool,
) -> Option<(&'r Cell, Figures)> {
    let is_it = |row: &&Row<'_>| {
        row.cell.part == part
            && row.cell.layout.name() == layout
            && row.cell.condition == condition
            && row.figures.is_some()
            && more(row.cell)
    };
    rows.iter().rfind(is_it).and_then(|row| Some((row.cell, row.figures?)))
}
