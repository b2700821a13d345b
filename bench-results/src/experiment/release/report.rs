//! What the release experiment's records say.

use serde::Deserialize;

use super::Release;
use crate::experiment::trial::{Cell, Experiment, Record, Rows, Run, Script, Subject};
use crate::report::chapter::{Chapter, Finding};
use crate::report::grid::{Grid, Word};
use crate::report::quantity::Unit;
use crate::units;

/// What CPython kept of 400,000 slotted objects in pairs, recorded once with `claims.py`: over the memory before them.
const RECORDED: &str = include_str!("cpython.csv");

#[derive(Deserialize)]
struct Recorded {
    version: String,
    grown_kib: i64,
    after_collect_kib: i64,
}

/// `release.py`, which measures both endings of a script in one run.
pub(super) fn script(cell: &Cell) -> Option<Script> {
    let objects = cell.integer("objects").ok()?;
    let with = |what: &str, more: &[(&str, &dyn std::fmt::Display)]| {
        let options: [(&str, &dyn std::fmt::Display); 2] = [("what", &what), ("n", &objects)];
        Script::new("release.py", &[&options[..], more].concat())
    };
    match cell.question.as_str() {
        "all-dead" => Some(with("dead", &[])),
        "few-survive" => Some(with("survivors", &[("every", &cell.text("kept-of"))])),
        "script-teardown" => Some(with("ending", &[("runs", &1)])),
        _ => None,
    }
}

pub(super) fn chapter(experiment: &Release, run: &Run, records: &[Record]) -> Chapter {
    let rows = Rows::new(run, records);
    Chapter {
        stem: experiment.name().to_owned(),
        title: experiment.title().to_owned(),
        question: experiment.question().to_owned(),
        findings: findings(&rows),
        notes: NOTES.map(str::to_owned).to_vec(),
        grids: vec![
            memory(&rows, "all-dead", "All objects die"),
            memory(&rows, "few-survive", "One pair in a thousand survives, at least one object a block"),
            scripts(&rows),
        ],
        pictures: Vec::new(),
        facts: Vec::new(),
        records: records.iter().filter_map(|record| serde_json::to_string(record).ok()).collect(),
    }
}

const NOTES: [&str; 6] = [
    "Figures are medians over rounds, each a fresh process. Resident memory is the system's figure for the whole process; \
     of the heap are the pages of its own objects and tables.",
    "Objects are pairs of slotted nodes that refer to each other: only a collection frees them. refcount and refcount-atomic \
     have none, so what they keep is the floor.",
    "What is left of the whole process beside the heap are scratch tables, the allocator's own memory and the program's.",
    "Rows marked recorded are of CPython at an earlier time, on two virtual x86-64 cores: 400,000 slotted objects in pairs; \
     growth over the memory before them.",
    "Of an interpreter: objects of which one in a thousand survives die by count; the short script makes instances, and its \
     other end is os._exit.",
    "The whole process includes starting it; without a teardown the system's own work of taking pages back is in it too.",
];

fn memory(rows: &Rows<'_>, question: &str, title: &str) -> Grid {
    let columns =
        ["before", "at peak", "after", "returned of growth", "heap at peak", "heap after", "returned of heap"];
    let mut lines: Vec<(String, Vec<Word>)> = Vec::new();
    for subject in rows.subjects(|cell| cell.question == question) {
        let word = |figure, unit| rows.word(question, subject, figure, unit);
        if subject.heap_name().is_none() {
            lines.push((subject.name(), of_interpreter(rows, question, subject)));
            continue;
        }
        let words = vec![
            word("rss_before_bytes", Unit::Size),
            word("rss_peak_bytes", Unit::Size),
            word("rss_after_bytes", Unit::Size),
            returned(rows, question, subject).map_or_else(|| Word::plain(""), share),
            word("heap_peak_bytes", Unit::Size),
            word("heap_after_bytes", Unit::Size),
            word("heap_returned_share", Unit::Share),
        ];
        lines.push((subject.name(), words));
    }
    if question == "all-dead" {
        lines.extend(recorded().into_iter().map(|row| {
            let (grown, after) = (row.grown_kib as f64, row.after_collect_kib as f64);
            let (peak, kept) = (over_before(grown * 1024.0), over_before(after * 1024.0));
            let mut words = vec![Word::plain(""), Word::plain(peak), Word::plain(kept), share(1.0 - after / grown)];
            words.extend((0..3).map(|_| Word::plain("")));
            (format!("{} (recorded)", row.version), words)
        }));
    }
    Grid {
        title: title.to_owned(),
        corner: "heap".to_owned(),
        columns: columns.map(str::to_owned).to_vec(),
        rows: lines,
        notes: Vec::new(),
    }
}

/// An interpreter tells by how much its memory was larger than before.
fn of_interpreter(rows: &Rows<'_>, question: &str, subject: &Subject) -> Vec<Word> {
    let over = |figure| match rows.median(question, subject, figure) {
        Some(bytes) => Word::plain(over_before(bytes)),
        None => rows.missing(question, subject),
    };
    let returned = returned(rows, question, subject).map_or_else(|| Word::plain(""), share);
    let mut words = vec![Word::plain(""), over("grown_bytes"), over("kept_bytes"), returned];
    words.extend((0..3).map(|_| Word::plain("")));
    words
}

/// `16.7 MiB over before`; memory may be less than before.
fn over_before(bytes: f64) -> String {
    let sign = if bytes < 0.0 { "−" } else { "" };
    format!("{sign}{} over before", units::size(bytes.abs() as u64))
}

/// A share, signs included.
fn share(share: f64) -> Word {
    Word::plain(format!("{:.1} %", share * 100.0).replace('-', "−"))
}

/// Of what the process grew by, the share that it gave back.
fn returned(rows: &Rows<'_>, question: &str, subject: &Subject) -> Option<f64> {
    let figure = |name| rows.median(question, subject, name);
    if let Some((grown, kept)) = figure("grown_bytes").zip(figure("kept_bytes")) {
        return (grown > 0.0).then(|| (grown - kept) / grown);
    }
    let (before, peak, after) = (figure("rss_before_bytes")?, figure("rss_peak_bytes")?, figure("rss_after_bytes")?);
    (peak > before).then(|| (peak - after) / (peak - before))
}

fn scripts(rows: &Rows<'_>) -> Grid {
    let columns = ["built in", "torn down in", "process with a teardown", "process that just ends", "peak memory"];
    let subjects = rows.subjects(|cell| cell.question.starts_with("script"));
    let lines = subjects.into_iter().map(|subject| {
        let word = |question, figure, unit| rows.word(question, subject, figure, unit);
        if subject.heap_name().is_none() {
            let of = |figure| word("script-teardown", figure, Unit::Time);
            let nothing = || Word::plain("");
            return (
                subject.name(),
                vec![nothing(), nothing(), of("normal_wall_ns"), of("os_exit_wall_ns"), nothing()],
            );
        }
        let words = vec![
            word("script-teardown", "build_ns", Unit::Time),
            word("script-teardown", "end_ns", Unit::Time),
            word("script-teardown", "process_ns", Unit::Time),
            word("script-ends", "process_ns", Unit::Time),
            word("script-ends", "rss_peak_bytes", Unit::Size),
        ];
        (subject.name(), words)
    });
    Grid {
        title: "A short script that ends".to_owned(),
        corner: "heap".to_owned(),
        columns: columns.map(str::to_owned).to_vec(),
        rows: lines.collect(),
        notes: Vec::new(),
    }
}

fn findings(rows: &Rows<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (question, about, end) in [
        ("all-dead", "all dead", "when all of its objects die"),
        ("few-survive", "few survivors", "when one pair in a thousand survives"),
    ] {
        let collecting = rows.subjects(|cell| cell.question == question && cell.subject.collects());
        let words: Vec<String> = collecting
            .into_iter()
            .filter_map(|subject| {
                let process = share(returned(rows, question, subject)?).text;
                let of_heap = rows.median(question, subject, "heap_returned_share");
                let of_heap =
                    of_heap.map_or(String::new(), |of_heap| format!(" ({} of its heap's pages)", share(of_heap).text));
                Some(format!("{} {process}{of_heap}", subject.name()))
            })
            .collect();
        if !words.is_empty() {
            let text = format!("Of what the process grew by it gives back, {end}: {}.", words.join("; "));
            findings.push(Finding { about: about.to_owned(), text });
        }
    }
    let ends = rows.subjects(|cell| cell.question == "script-teardown");
    let words: Vec<String> = ends
        .into_iter()
        .filter_map(|subject| {
            let (build, end) = (
                rows.median("script-teardown", subject, "build_ns")?,
                rows.median("script-teardown", subject, "end_ns")?,
            );
            Some(format!("{} {:.0} %", subject.name(), 100.0 * end / (build + end)))
        })
        .collect();
    if !words.is_empty() {
        let text = format!(
            "Freeing what the system would take back anyway is this share of building and ending a script: {}.",
            words.join(", ")
        );
        findings.push(Finding { about: "short scripts".to_owned(), text });
    }
    findings
}

fn recorded() -> Vec<Recorded> {
    // The file is part of the program; a test reads every line of it.
    csv::Reader::from_reader(RECORDED.as_bytes()).deserialize().filter_map(Result::ok).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recorded_line_is_read() {
        let all = recorded();
        assert_eq!(all.len(), RECORDED.lines().count() - 1);
        assert!(all.iter().any(|row| row.version == "CPython 3.12.1" && row.after_collect_kib == 936));
    }
}
