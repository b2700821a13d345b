//! What the experiment leaves in its run folder: `thresholds.md`, `thresholds.csv`, `thresholds.tex`, and a plot a work. Made from
//! the folder alone.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::cpython::{self, MODEL_LOAD, OnCPython, UNLIKE, VERSION};
use super::figures::{FIGURES, HEADINGS, Loop, place};
use super::live::is_maximum;
use super::pareto;
use super::settings::{self as dials, SETTINGS, Work};
use super::table::{OfWork, Row, Table};
use crate::experiment::live;
use crate::histogram::write_whole;
use crate::provenance::sha256_hex;
use crate::report::column::Block;
use crate::report::grid::{Grid, Word};
use crate::report::latex;
use crate::report::markdown;
use crate::report::origin::Origin;
use crate::report::quantity::Figure;
use crate::report::source::Source;
use crate::units;

/// The experiment as a run folder has it.
pub struct Results {
    name: String,
    pub(super) notes: Vec<String>,
    pub(super) origin: Origin,
    /// The works in the order of the run.
    pub works: Vec<OfWork>,
}

impl Results {
    /// Reads a run folder.
    ///
    /// # Errors
    /// If it holds no run, or a file of it is damaged.
    pub fn read(folder: &Path) -> Result<Self> {
        let source = Source::read(folder)?;
        let records = live::read(folder)?;
        let works = OfWork::of(&Block::of_run(&source)?, &records);
        let mut notes = source.notes.clone();
        notes.extend(live::fact(&records).map(|asked| {
            format!(
                "Rows marked live ran on this machine in the same rounds, by `web.py`: the median over rounds of CPU times, of a maximum the \
                 greatest; the open loop is a model over its service times, at half of that setting's own rate. Asked: {asked}."
            )
        }));
        Ok(Self { origin: Origin::of(&source), name: source.name, notes, works })
    }

    /// Writes all files; returns where they are.
    ///
    /// # Errors
    /// If one cannot be written.
    pub fn write(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let mut written = Vec::new();
        for (name, text) in self.files()? {
            let path = folder.join(name);
            write_whole(&path, text.as_bytes()).with_context(|| {
                format!("cannot write {}; free space there, then go on with the run", path.display())
            })?;
            written.push(path);
        }
        Ok(written)
    }

    /// The files, each with its name: a plot a work, `thresholds.csv`, `thresholds.md`, `thresholds.tex`.
    ///
    /// # Errors
    /// If a figure is no text, which does not happen.
    pub fn files(&self) -> Result<Vec<(String, String)>> {
        let mut files = Vec::new();
        let mut plots = Vec::new();
        for work in &self.works {
            let file = pareto::plot(work, &self.origin).map(|svg| (format!("{}.svg", plot_stem(work)), svg));
            plots.push(file.as_ref().map(|(name, _)| name.clone()));
            files.extend(file);
        }
        files.push(("thresholds.csv".to_owned(), self.csv()?));
        files.push(("thresholds.md".to_owned(), self.markdown(&plots)));
        files.push(("thresholds.tex".to_owned(), latex::chapter(&self.chapter().without_paths())));
        Ok(files)
    }

    /// Whether a row of CPython's stands in it, recorded or live.
    pub fn has_cpython(&self) -> bool {
        self.works.iter().flat_map(OfWork::rows).any(|(_, row)| !row.cpython.is_empty() || row.interpreter.is_some())
    }

    fn markdown(&self, plots: &[Option<String>]) -> String {
        // Writing to a String cannot fail.
        let mut text = String::from("# What settings do to a service, heap by heap\n\n");
        let _ = writeln!(
            text,
            "Each row is one setting; all else is as at the centre. Service times are of a closed loop, response times of an open \
             one; counts, collecting, pauses, memory and floating objects are of the closed loop. Pauses are of collections in \
             the mutator's place: one on a thread of the heap's own is none. Below a row stands {VERSION} with the same program; \
             its open loop is a model over its service times, at half of that setting's own rate.\n"
        );
        if self.has_cpython() {
            let _ = writeln!(text, "{UNLIKE}\n");
        }
        for (work, plot) in self.works.iter().zip(plots) {
            let dials = dials::shown(&work.dials).join(" ").replace('`', "'");
            let _ = writeln!(text, "## {}\n\n`{dials}`\n", markdown::escaped(&work.name));
            if let Some(rate) = work.rate {
                let _ = writeln!(text, "Open loop: {} arrived on every heap with every setting.\n", units::rate(rate));
            }
            for table in &work.tables {
                markdown::grid(&mut text, 3, &grid(&work.name, table));
            }
            if let Some(file) = plot {
                let _ = writeln!(text, "![What settings trade on {}]({file})\n", markdown::escaped(&work.name));
            }
        }
        let _ = writeln!(text, "## The settings\n");
        for setting in &SETTINGS {
            let _ = writeln!(text, "- `{}`: {}", setting.key, setting.meaning);
        }
        let _ = writeln!(text, "\n## How to read this, and where it comes from\n");
        let _ = writeln!(
            text,
            "- n/a: not known, or too few times to say (a percentile q needs 10 / (1 − q) of them, all rounds together).\n- Counts \
             in bold differ from {VERSION}'s, by what stands behind them; behind a live 3.12's stands by \
             how much the heap's above differ from them.\n- Fewer than 20 full collections in all rounds prove \
             nothing about their pauses."
        );
        for note in &self.notes {
            let _ = writeln!(text, "- {}", markdown::escaped(note));
        }
        let _ = writeln!(text, "\nRun `{}`.\n", self.name);
        markdown::facts(&mut text, &self.origin);
        text
    }

    fn csv(&self) -> Result<String> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(HEADER)?;
        let fact = |name: &str| {
            self.origin.facts().into_iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
        };
        for work in &self.works {
            let dials = dials::shown(&work.dials).join(" ");
            for (heap, row) in work.rows() {
                for (figure_of, figure) in FIGURES.iter().zip(&row.figures) {
                    let quantity = figure_of.quantity();
                    let (value, ends, n) = match figure {
                        Some(Figure::Number { value, rounds, n }) => (value.to_string(), *rounds, n.to_string()),
                        _ => Default::default(),
                    };
                    // The first program that measured it, and at which rate requests arrived in its open loop.
                    let value_of = |theirs: &'static OnCPython| Some((in_our_unit(theirs, figure_of)?, theirs));
                    let recorded = row.cpython.iter().find_map(|theirs| value_of(theirs));
                    let is_open = figure_of.of == Loop::Open;
                    let arrivals = row.arrivals(work).filter(|_| is_open);
                    let rate_of_recorded = recorded.filter(|_| is_open).and_then(|(_, theirs)| theirs.arrivals());
                    csv.write_record([
                        self.name.as_str(),
                        &work.name,
                        &dials,
                        row.setting.key,
                        heap,
                        &row.twin.to_string(),
                        figure_of.of.name(),
                        &arrivals.map_or_else(String::new, |rate| rate.to_string()),
                        quantity.key,
                        match row.interpreter {
                            Some(_) if is_maximum(quantity.key) => "most over rounds",
                            Some(_) => "median over rounds",
                            None => quantity.over.name(),
                        },
                        quantity.unit.name(),
                        &value,
                        &ends.map_or_else(String::new, |(least, _)| least.to_string()),
                        &ends.map_or_else(String::new, |(_, most)| most.to_string()),
                        &n,
                        &recorded.map_or_else(String::new, |(value, _)| value.to_string()),
                        recorded.map_or("", |(_, theirs)| theirs.program.as_str()),
                        &rate_of_recorded.map_or_else(String::new, |rate| rate.to_string()),
                        &self.origin.machine,
                        &self.origin.commit,
                        &self.origin.rounds,
                        &self.origin.seed.to_string(),
                        fact("started"),
                        fact("program (SHA-256)"),
                        &self.origin.command,
                    ])?;
                }
            }
        }
        String::from_utf8(csv.into_inner().context("cannot make CSV")?).context("CSV that is no text")
    }

    /// One object a row, as lines of JSON have it.
    pub fn lines(&self) -> Vec<Value> {
        let line = |work: &OfWork, heap: &str, row: &Row| {
            let mut loops: [(&str, Map<String, Value>); 2] = [("closed", Map::new()), ("open", Map::new())];
            for (figure_of, figure) in FIGURES.iter().zip(&row.figures) {
                let value = match figure {
                    Some(Figure::Number { value, .. }) => json!(value),
                    _ => Value::Null,
                };
                let place = usize::from(figure_of.of == Loop::Open);
                loops[place].1.insert(figure_of.quantity().key.to_owned(), value);
            }
            let [closed, open] = loops.map(|(_, figures)| figures);
            let theirs: Vec<Value> = row
                .cpython
                .iter()
                .map(|theirs| json!({"program": theirs.program, "collections": theirs.collections()}))
                .collect();
            let failures: Vec<Value> = row
                .failures
                .iter()
                .map(|(of, status, cells, all)| json!({"loop": of.name(), "status": status, "cells": cells, "of": all}))
                .collect();
            json!({
                "work": work.name, "rate": row.arrivals(work), "heap": heap, "twin": row.twin, "setting": row.setting.key, "closed": closed,
                "open": open, "cpython": theirs, "collections_less_cpython": row.difference(), "failures": failures,
                "live": row.interpreter.is_some(), "causes": row.interpreter.as_ref().map(|live| &live.causes),
                "baseline_collections_less_live": row.interpreter.as_ref().and_then(|live| live.less),
            })
        };
        self.works.iter().flat_map(|work| work.rows().map(move |(heap, row)| line(work, heap, row))).collect()
    }
}

/// The columns of the CSV file: one line a work, setting, heap and quantity, in the units that it names.
const HEADER: [&str; 25] = [
    "run",
    "work",
    "dials",
    "setting",
    "heap",
    "twin",
    "loop",
    "rate",
    "quantity",
    "over_rounds",
    "unit",
    "value",
    "least_round",
    "most_round",
    "n",
    "cpython",
    "cpython_program",
    "cpython_rate",
    "machine",
    "commit",
    "rounds",
    "seed",
    "started",
    "program",
    "command",
];

impl Row {
    /// Requests that arrive a second in the open loop: the work's rate on heaps, of an interpreter half of what it serves itself.
    fn arrivals(&self, work: &OfWork) -> Option<f64> {
        match self.interpreter {
            None => work.rate,
            Some(_) => Some(MODEL_LOAD * self.number(Loop::Closed, "throughput")?),
        }
    }
}

/// The name of a work's plot: the work's own, if it is one of ours. Of others dials may be long, and two works may read alike,
/// so theirs end in a hash of all that they are.
pub(super) fn plot_stem(work: &OfWork) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "-=.".contains(c) { c } else { '_' };
    let name: String = work.name.chars().map(kept).collect();
    let ours = Work::grid().into_iter().chain([Work::django()]).any(|known| known.dials == work.dials);
    if ours {
        // A grid's names have commas.
        return format!("thresholds-pareto-{name}");
    }
    let of_all = sha256_hex(format!("{:?}", work.dials).as_bytes());
    let first: String = name.chars().take(LONGEST_NAME).collect();
    format!("thresholds-pareto-{first}-{}", &of_all[..8])
}

/// Letters of a name that are kept in that of a file.
const LONGEST_NAME: usize = 80;

/// A figure of CPython's in the unit of ours.
fn in_our_unit(theirs: &OnCPython, figure: &super::figures::FigureOf) -> Option<f64> {
    let (column, unit) = figure.cpython?;
    Some(theirs.figure(column)? * unit)
}

/// A table for people.
pub(super) fn grid(work: &str, table: &Table) -> Grid {
    let mut rows = Vec::new();
    let mut notes = Vec::new();
    for row in &table.rows {
        let name = if row.twin { format!("{} (twin)", row.setting.key) } else { row.setting.key.to_owned() };
        let mut ours = words(row);
        if let (Some(difference), Some(first)) =
            (row.difference().filter(|of| of.iter().any(|&n| n != 0)), ours.first_mut())
        {
            let [young, middle, full] = difference;
            *first = Word { text: format!("{} ({young:+}/{middle:+}/{full:+})", first.text), bold: true };
        }
        rows.push((name.clone(), ours));
        for theirs in row.cpython.iter().filter(|_| !row.twin) {
            let words = HEADINGS.iter().map(|heading| {
                let figure = |&(of, key): &(Loop, &str)| {
                    let known = place(of, key).and_then(|place| in_our_unit(theirs, &FIGURES[place]));
                    shown(of, key, known)
                };
                Word::plain(joined(heading.figures.iter().map(figure).collect()))
            });
            rows.push((format!("↳ {VERSION} (recorded), {}", theirs.program), words.collect()));
        }
        for live in &row.live {
            let Some(interpreter) = &live.interpreter else { continue };
            let mut theirs = words(live);
            if let (Some(less), Some(first)) = (interpreter.less, theirs.first_mut()) {
                first.text.push_str(&marked(less));
                first.bold = less != [0, 0, 0];
            }
            rows.push((format!("↳ {}", interpreter.name), theirs));
            for (_, status, cells, all) in &live.failures {
                let (who, causes) = (&interpreter.name, interpreter.causes.join("; "));
                notes.push(format!("{who}, {name}: {} in {cells} of {all} cells: {causes}.", status.name()));
            }
        }
        for (of, status, cells, all) in &row.failures {
            notes.push(format!("{name}, {} loop: {} in {cells} of {all} cells.", of.name(), status.name()));
        }
        notes.extend(twin_note(table, row));
    }
    notes.extend(cpython::note_on_free_lists(&table.heap));
    Grid {
        title: format!("{work} on {}", table.heap),
        corner: "setting".to_owned(),
        columns: HEADINGS.iter().map(|heading| heading.title.to_owned()).collect(),
        rows,
        notes,
    }
}

/// The figures of a row, a word a heading.
fn words(row: &Row) -> Vec<Word> {
    let words = HEADINGS.iter().map(|heading| {
        let figure = |&(of, key): &(Loop, &str)| shown(of, key, row.number(of, key));
        Word::plain(joined(heading.figures.iter().map(figure).collect()))
    });
    words.collect()
}

/// What stands behind counts of collections: that others are the same, or by how much they differ.
fn marked(difference: [i64; 3]) -> String {
    let [young, middle, full] = difference;
    if difference == [0, 0, 0] { " =".to_owned() } else { format!(" ({young:+}/{middle:+}/{full:+})") }
}

/// By how much a row and its twin differ.
fn twin_note(table: &Table, twin: &Row) -> Option<String> {
    let first = table.rows.iter().find(|row| !row.twin && row.setting == twin.setting).filter(|_| twin.twin)?;
    let ratio = |of: Loop, key: &str| {
        let (a, b) = (first.number(of, key)?, twin.number(of, key)?);
        (a > 0.0).then(|| format!("{:.2}", b / a))
    };
    let ratio = |of: Loop, key: &str| ratio(of, key).unwrap_or_else(|| "n/a".to_owned());
    Some(format!(
        "Noise floor: run again, {} has {} of its service p99.9, {} of its response p99.9, {} of its throughput and {} of its memory.",
        first.setting.key,
        ratio(Loop::Closed, "service-p99.9"),
        ratio(Loop::Open, "response-p99.9"),
        ratio(Loop::Closed, "throughput"),
        ratio(Loop::Closed, "peak-rss"),
    ))
}

fn shown(of: Loop, key: &str, value: Option<f64>) -> String {
    match (value, place(of, key)) {
        (Some(value), Some(place)) => FIGURES[place].quantity().unit.show(value),
        _ => "n/a".to_owned(),
    }
}

/// Several figures in one cell; one n/a where none is known.
fn joined(figures: Vec<String>) -> String {
    if figures.iter().all(|figure| figure == "n/a") { "n/a".to_owned() } else { figures.join("/") }
}

/// The columns of the short table on the screen.
const ON_SCREEN: [&str; 7] =
    ["collections 0/1/2", "share", "service p50", "service p99.9", "service max", "peak RSS", "floating peak/mean"];

/// The short table of a work: a row a heap and setting.
pub fn on_screen(work: &OfWork) -> String {
    let open = ["response-p99", "response-p99.9", "response-max"];
    let open_titles = ["open p99", "open p99.9", "open max"];
    let header = ["heap", "setting"].into_iter().chain(ON_SCREEN).chain(open_titles).map(str::to_owned);
    let mut table = crate::table::plain(header);
    for (heap, row) in work.rows() {
        let closed = ON_SCREEN.iter().map(|title| {
            let heading =
                HEADINGS.iter().find(|heading| heading.title == *title && heading.figures[0].0 == Loop::Closed);
            let figure = |&(of, key): &(Loop, &str)| shown(of, key, row.number(of, key));
            let text = heading.map_or_else(String::new, |heading| joined(heading.figures.iter().map(figure).collect()));
            match row.difference().or(row.interpreter.as_ref().and_then(|live| live.less)) {
                Some(difference) if title.starts_with("collections") => text + &marked(difference),
                _ => text,
            }
        });
        let opened = open.iter().map(|key| shown(Loop::Open, key, row.number(Loop::Open, key)));
        let twin = if row.twin { " (twin)" } else { "" };
        let name = [heap.to_owned(), format!("{}{twin}", row.setting.key)];
        table.add_row(name.into_iter().chain(closed).chain(opened).collect::<Vec<_>>());
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(comfy_table::CellAlignment::Right);
    }
    format!("{}\n{table}\n", work.name)
}

#[cfg(test)]
mod tests {
    use super::super::table::Interpreter;
    use super::*;

    fn on_heap(path: &str) -> OfWork {
        let work = Work::django().changed(&[("heap".to_owned(), path.to_owned())]);
        OfWork { name: work.name, dials: work.dials, rate: None, tables: Vec::new() }
    }

    #[test]
    fn the_rate_of_an_interpreter_is_its_own() {
        let number = |value: f64| Some(Figure::Number { value, rounds: None, n: 1 });
        let throughput = place(Loop::Closed, "throughput").unwrap();
        let figures =
            |served: f64| (0..FIGURES.len()).map(|n| (n == throughput).then(|| number(served)).flatten()).collect();
        let row = |served: f64, interpreter| Row {
            setting: &SETTINGS[0],
            twin: false,
            figures: figures(served),
            cpython: Vec::new(),
            failures: Vec::new(),
            live: Vec::new(),
            interpreter,
        };
        let work = OfWork { rate: Some(42_000.0), ..on_heap("/x") };
        let python = Interpreter { name: "CPython 3.12.1, live".to_owned(), less: None, causes: Vec::new() };
        assert_eq!(row(84_000.0, None).arrivals(&work), Some(42_000.0), "half of what the baseline serves");
        assert_eq!(row(22_632.0, Some(python.clone())).arrivals(&work), Some(11_316.0), "half of what it serves");
        let unknown = Row { figures: vec![None; FIGURES.len()], ..row(1.0, Some(python)) };
        assert_eq!(unknown.arrivals(&work), None);
    }

    #[test]
    fn a_plots_name_is_short_and_its_own_and_tells_no_path() {
        let long = |folder: &str| plot_stem(&on_heap(&format!("/home/{folder}/{}.gcheap.gz", "x".repeat(240))));
        assert!(long("jane").len() < 120, "{}", long("jane"));
        assert_ne!(long("jane"), long("joe"), "two heaps of one name");
        let stem = plot_stem(&on_heap("/home/jane doe/<b>x.gcheap.gz"));
        assert!(!stem.contains("jane") && !stem.contains(['<', ' ']), "{stem}");
        let ours =
            |work: Work| plot_stem(&OfWork { name: work.name, dials: work.dials, rate: None, tables: Vec::new() });
        assert_eq!(ours(Work::centre()), "thresholds-pareto-web-v1", "as published");
        assert_eq!(ours(Work::django()), "thresholds-pareto-django");
    }
}
