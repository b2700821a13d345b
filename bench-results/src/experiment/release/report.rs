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
        listings: Vec::new(),
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

const NOTES: [&str; 7] = [
    "Figures are medians over rounds, each a fresh process. Resident memory is the system's figure for the whole process; \
     of the heap are the pages of its own objects and tables.",
    "Before: what the process has before the objects. Full: by how much more it has when all objects are there and nothing has \
     died. Highest: by how much more it ever had, a collection's own memory included, and no less than what was seen. After: by how much more it has when \
     they have died and a collection has run. Returned: of what it grew by until full; less than nothing where the \
     collection's memory stayed.",
    "Objects are pairs of slotted nodes that refer to each other: only a collection frees them. refcount and refcount-atomic \
     have none and keep everything: theirs are the figures without a collector.",
    "What is left of the whole process beside the heap are scratch tables, the allocator's own memory and the program's.",
    "Rows marked recorded are of CPython at an earlier time, on two virtual x86-64 cores: 400,000 slotted objects in pairs.",
    "Of an interpreter: objects of which one in a thousand survives die by count; the short script makes instances, and its \
     other end is os._exit.",
    "The whole process includes starting it; without a teardown the system's own work of taking pages back is in it too.",
];

/// The same columns for heaps, interpreters and recorded rows.
const MEMORY: [&str; 8] =
    ["before", "full", "highest", "after", "returned", "heap when full", "heap after", "returned of heap"];

/// A process's memory in bytes: `before` as it is, the others over that.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct Grown {
    before: Option<f64>,
    full: Option<f64>,
    highest: Option<f64>,
    after: Option<f64>,
}

impl Grown {
    /// Of a heap or an interpreter.
    fn of(rows: &Rows<'_>, question: &str, subject: &Subject) -> Self {
        let figure = |name| rows.median(question, subject, name);
        if subject.heap_name().is_none() {
            let before = figure("before_bytes");
            let highest = figure("peak_rss_bytes").zip(before).map(|(highest, before)| highest - before);
            return Self { before, full: figure("grown_bytes"), highest, after: figure("kept_bytes") }.possible();
        }
        let before = figure("rss_before_bytes");
        let over = |name| figure(name).zip(before).map(|(bytes, before)| bytes - before);
        let [full, highest, after] = ["rss_peak_bytes", "rss_highest_bytes", "rss_after_bytes"].map(over);
        Self { before, full, highest, after }.possible()
    }

    /// The system writes down the highest only now and then: it is no less than what was seen.
    fn possible(self) -> Self {
        let seen = [self.full, self.after].into_iter().flatten();
        Self { highest: self.highest.map(|highest| seen.fold(highest, f64::max)), ..self }
    }

    /// Of what it grew by, the share that it gave back.
    fn returned(self) -> Option<f64> {
        let (full, after) = (self.full.filter(|full| *full > 0.0)?, self.after?);
        Some((full - after) / full)
    }

    /// Its words; `missing` where all is unknown.
    fn words(self, missing: Word) -> Vec<Word> {
        if self == Self::default() {
            return vec![missing; 5];
        }
        let grown = |bytes: Option<f64>| Word::plain(bytes.map_or(String::new(), signed));
        let before = Word::plain(self.before.map_or(String::new(), |bytes| Unit::Size.show(bytes)));
        let returned = self.returned().map_or_else(|| Word::plain(""), share);
        vec![before, grown(self.full), grown(self.highest), grown(self.after), returned]
    }
}

fn memory(rows: &Rows<'_>, question: &str, title: &str) -> Grid {
    let mut lines: Vec<(String, Vec<Word>)> = Vec::new();
    for subject in rows.subjects(|cell| cell.question == question) {
        let mut words = Grown::of(rows, question, subject).words(rows.missing(question, subject));
        if subject.heap_name().is_some() {
            let word = |figure, unit| rows.word(question, subject, figure, unit);
            words.push(word("heap_peak_bytes", Unit::Size));
            words.push(word("heap_after_bytes", Unit::Size));
            let returned = rows.median(question, subject, "heap_returned_share");
            words.push(returned.map_or_else(|| rows.missing(question, subject), share));
        }
        lines.push((subject.name(), words));
    }
    if question == "all-dead" {
        lines.extend(recorded().into_iter().map(|row| {
            let bytes = |kib: i64| Some(kib as f64 * 1024.0);
            let grown = Grown { full: bytes(row.grown_kib), after: bytes(row.after_collect_kib), ..Grown::default() };
            (format!("{} (recorded)", row.version), grown.words(Word::plain("")))
        }));
    }
    for (_, words) in &mut lines {
        words.resize(MEMORY.len(), Word::plain(""));
    }
    Grid {
        title: format!("{title}; full, highest and after over before"),
        corner: "heap".to_owned(),
        columns: MEMORY.map(str::to_owned).to_vec(),
        rows: lines,
        notes: Vec::new(),
    }
}

/// `16.7 MiB`; memory may be less than before.
fn signed(bytes: f64) -> String {
    let sign = if bytes < 0.0 { "−" } else { "" };
    format!("{sign}{}", units::size(bytes.abs() as u64))
}

/// A share, signs included.
fn share(share: f64) -> Word {
    Word::plain(format!("{:.1} %", share * 100.0).replace('-', "−"))
}

fn scripts(rows: &Rows<'_>) -> Grid {
    let columns = ["built in", "torn down in", "process with a teardown", "process that just ends", "highest memory"];
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
            word("script-teardown", "rss_highest_bytes", Unit::Size),
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
                let process = share(Grown::of(rows, question, subject).returned()?).text;
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
            let (with, without) = processes(rows, subject)?;
            let (sign, spent) = if with < without { ("−", without - with) } else { ("", with - without) };
            let of_it = share((with - without) / with).text;
            Some(format!("{} {sign}{} of {} ({of_it})", subject.name(), Unit::Time.show(spent), Unit::Time.show(with)))
        })
        .collect();
    if !words.is_empty() {
        let text = format!(
            "A whole process that frees what the system would take back anyway takes this much longer than one that just ends: \
             {}.",
            words.join("; ")
        );
        findings.push(Finding { about: "short scripts".to_owned(), text });
    }
    findings
}

/// How long the short script's whole process takes, with a teardown and without.
fn processes(rows: &Rows<'_>, subject: &Subject) -> Option<(f64, f64)> {
    if subject.heap_name().is_none() {
        let of = |figure| rows.median("script-teardown", subject, figure);
        return of("normal_wall_ns").zip(of("os_exit_wall_ns"));
    }
    let of = |question| rows.median(question, subject, "process_ns");
    of("script-teardown").zip(of("script-ends"))
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

    #[test]
    fn nothing_is_higher_than_the_highest() {
        let grown = Grown { before: Some(1024.0), full: Some(4096.0), highest: Some(4000.0), after: Some(100.0) };
        assert_eq!(grown.possible().highest, Some(4096.0));
        assert_eq!(Grown { after: Some(5000.0), ..grown }.possible().highest, Some(5000.0));
        assert_eq!(Grown { highest: Some(9000.0), ..grown }.possible().highest, Some(9000.0));
        assert_eq!(Grown { highest: None, ..grown }.possible().highest, None, "what is not known stays so");
    }

    #[test]
    fn what_is_returned_is_of_what_was_grown_by() {
        let grown = Grown { before: Some(1024.0), full: Some(4096.0), highest: Some(8192.0), after: Some(1024.0) };
        assert_eq!(grown.returned(), Some(0.75));
        let words: Vec<String> = grown.words(Word::plain("failed")).into_iter().map(|word| word.text).collect();
        assert_eq!(words, ["1.00 KiB", "4.00 KiB", "8.00 KiB", "1.00 KiB", "75.0 %"]);
        // More than before it grew, and less than nothing.
        let more = Grown { after: Some(6144.0), ..grown };
        assert_eq!(more.words(Word::plain(""))[4].text, "−50.0 %");
        assert_eq!(signed(-2048.0), "−2.00 KiB");
        assert_eq!(Grown::default().words(Word::plain("failed"))[0].text, "failed");
    }
}
