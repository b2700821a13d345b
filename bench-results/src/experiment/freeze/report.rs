//! What a run of the experiment is published as: Markdown, CSV, pictures, and the text on the screen.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use comfy_table::CellAlignment;

use super::agreement::disagreements;
use super::findings::findings;
use super::live;
use super::picture::pictures;
use super::plan::Part;
use super::plan::Size;
use super::quantities;
use super::record::{Record, Run};
use super::tables::{Row, grids, rows};
use crate::experiment::{live as interpreters, trial};
use crate::report::chapter::{Chapter, Finding, Picture, files};
use crate::report::grid::Grid;
use crate::report::origin;
use crate::table::plain;
use crate::units;

/// All that a run says.
pub struct Report {
    grids: Vec<Grid>,
    /// The sentences.
    pub findings: Vec<Finding>,
    /// Workers that read what they should not have: there must be none.
    pub wrong: Vec<String>,
    pictures: Vec<Picture>,
    csv: String,
    facts: Vec<(&'static str, String)>,
    size: Size,
}

impl Report {
    /// Of a run, its records, and what live interpreters said.
    ///
    /// # Errors
    /// If a figure is no text, which does not happen.
    pub fn new(run: &Run, records: &[Record], live: &[trial::Record]) -> Result<Self> {
        let rows = rows(records);
        let mut facts = facts(run, records);
        facts.extend(interpreters::fact(live).map(|asked| ("live interpreters", asked)));
        let live_rows = live::rows(live, rows.iter().map(|row| row.cell));
        let mut findings = findings(&rows);
        findings.extend(live::finding(&live_rows).map(|text| Finding { about: "live interpreters".to_owned(), text }));
        let caption =
            facts.iter().take(3).map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("; ");
        Ok(Self {
            grids: grids(&rows, live),
            findings,
            wrong: disagreements(records),
            pictures: pictures(&rows, &caption),
            csv: csv(&rows, live)?,
            facts,
            size: run.plan.size,
        })
    }

    /// For the screen: of the first table its first figures, and the findings.
    pub fn on_screen(&self) -> String {
        let mut text = String::new();
        // The other tables have a hundred rows, and the findings say what is in them.
        if let Some(grid) = self.grids.first() {
            // A screen has no room for all columns of a table that has its own file.
            const COLUMNS: [&str; 7] = [
                "pages of objects",
                "dirtied by requests",
                "of the objects' pages (CPython: of RSS)",
                "dirtied by two collections",
                "private in the end",
                "private of the control",
                "a further worker (95 % interval)",
            ];
            let shown: Vec<usize> =
                (0..grid.columns.len()).filter(|&at| COLUMNS.contains(&grid.columns[at].as_str())).collect();
            let header =
                std::iter::once(grid.title.clone()).chain(shown.iter().map(|&at| screen_title(&grid.columns[at])));
            let mut table = plain(header);
            for (name, words) in &grid.rows {
                table.add_row(std::iter::once(name.clone()).chain(shown.iter().map(|&at| words[at].text.clone())));
            }
            for column in table.column_iter_mut().skip(1) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(text, "{table}\n");
        }
        for finding in &self.findings {
            let _ = writeln!(text, "{}: {}\n", finding.about, finding.text);
        }
        text
    }

    /// As a chapter; its records are the run's.
    pub fn chapter(&self) -> Chapter {
        let wrong = self.wrong.iter().map(|wrong| Finding { about: "WRONG".to_owned(), text: wrong.clone() });
        let mut notes: Vec<String> = NOTES.map(str::to_owned).to_vec();
        if self.size == Size::Tiny {
            notes.insert(0, TOO_SMALL.to_owned());
        }
        Chapter {
            stem: "freeze".to_owned(),
            title: TITLE.to_owned(),
            question: "How much memory do forked workers copy, by what they read, where the collector keeps its words, and how \
                       the heap was frozen?"
                .to_owned(),
            findings: wrong.chain(self.findings.iter().cloned()).collect(),
            listings: Vec::new(),
            notes,
            grids: self.grids.clone(),
            pictures: self.pictures.clone(),
            facts: self.facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            records: Vec::new(),
        }
    }

    /// The files of its chapter, each with its path; its CSV has figures and no words.
    ///
    /// # Errors
    /// If a figure is no text, which does not happen.
    pub fn files(&self) -> Result<Vec<(String, String)>> {
        let mut files = files::all(&self.chapter())?;
        for (_, text) in files.iter_mut().filter(|(path, _)| path == "freeze.csv") {
            text.clone_from(&self.csv);
        }
        Ok(files)
    }
}

/// What of a column's title has room on a screen.
fn screen_title(title: &str) -> String {
    match title {
        "of the objects' pages (CPython: of RSS)" => "share".to_owned(),
        title => crate::table::narrow(&title.replace(' ', "-")).replace('-', " "),
    }
}

const TITLE: &str = "Freezing and forking: what workers copy";

const TOO_SMALL: &str = "Heaps of a tiny run are too small for its figures to say anything.";

const NOTES: [&str; 8] = [
    "A worker is a forked child that serves requests and then collects twice. Figures of memory are the system's: sums from \
     /proc/PID/smaps_rollup, pages of objects from /proc/PID/pagemap.",
    "Dirtied: what came to Private_Dirty in that stage: pages copied because of a write, and new ones.",
    "Of the objects' pages: those between the first and the last that the objects had at the fork. What a worker allocates \
     beyond them is in the sums and not in this share; pages between them that were not there yet are, so that it may exceed \
     100 %.",
    "Private beside objects: everything private that is no page of objects: links or ages where they have tables, scratch of \
     collections, the allocator's memory, the stack. At most: with what was given back on the way, by the kernel's mark of \
     the most that was resident, and a release of all included.",
    "Pss, Shared_Clean and Shared_Dirty of a worker and all of the parent: at one last moment, when all workers are alive and done.",
    "The control is a child that answers the same questions and does nothing else. Nothing is subtracted but in the column that \
     says so.",
    "Heaps without a collector (refcount, refcount-atomic) show what reading copies by itself; freezing does nothing there, \
     freeze_immortal does.",
    "Times were taken once a worker, beside measuring: they show orders of magnitude, and no more.",
];

fn facts(run: &Run, records: &[Record]) -> Vec<(&'static str, String)> {
    let machine = &run.provenance.machine;
    let unknown = || "unknown".to_owned();
    let rounds = run.plan.all().iter().map(|cell| cell.round + 1).max().unwrap_or(0);
    let first: BTreeSet<u64> = run.plan.all().iter().filter(|cell| cell.round == 0).map(|cell| cell.seed).collect();
    let seeds = first.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    vec![
        ("machine", origin::words(machine)),
        ("command", origin::command(&run.command)),
        ("commit", run.provenance.git_commit.clone().map_or_else(unknown, |commit| commit.chars().take(12).collect())),
        ("cells", format!("{} of {}", records.len(), run.plan.all().len())),
        ("rounds", rounds.to_string()),
        ("seed", seeds),
        (
            "noise floor",
            "the control: what a child that does nothing but answer has written to, in a column of its own".to_owned(),
        ),
        ("started", run.started.clone()),
        ("ended", run.ended.clone().unwrap_or_else(|| "not finished".to_owned())),
        ("gclab", format!("{}, {} build", run.provenance.version, run.provenance.profile)),
        ("kernel", machine.kernel.clone().unwrap_or_else(unknown)),
        ("memory", machine.memory_bytes.map_or_else(unknown, units::size)),
        ("huge pages", machine.huge_pages.clone().unwrap_or_else(unknown)),
    ]
}

/// All figures in the tidy form: one line a cell (its rounds together) and quantity.
fn csv(rows: &[Row<'_>], records: &[trial::Record]) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "part",
        "heap",
        "settings",
        "condition",
        "content",
        "share",
        "run",
        "replaced",
        "workers",
        "rounds",
        "quantity",
        "unit",
        "value",
        // Of rounds; empty for interpreters.
        "least",
        "most",
    ])?;
    for row in rows {
        let cell = row.cell;
        let settings = cell.layout.settings.iter().map(|(name, value)| format!("{name}={value}"));
        let same = [
            cell.part.name().to_owned(),
            cell.layout.heap.clone(),
            settings.collect::<Vec<_>>().join(" "),
            cell.condition.name(),
            cell.content.name(),
            cell.share.map_or_else(|| "all".to_owned(), |share| share.to_string()),
            cell.run.to_string(),
            cell.replaced.to_string(),
            cell.workers.to_string(),
            row.records.len().to_string(),
        ];
        for quantity in quantities::ALL {
            // What is not known has an empty field.
            let text = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
            let value = row.figures.as_ref().and_then(|figures| quantity.of(figures));
            let rounds = || row.rounds.iter().filter_map(|figures| quantity.of(figures));
            let own = [
                quantity.key.to_owned(),
                quantity.unit.name().to_owned(),
                text(value),
                text(rounds().min_by(f64::total_cmp)),
                text(rounds().max_by(f64::total_cmp)),
            ];
            writer.write_record(same.iter().chain(&own))?;
        }
    }
    for part in Part::ALL {
        let of_part = rows.iter().map(|row| row.cell).filter(|cell| cell.part == part);
        for row in live::rows(records, of_part) {
            let cell = &row.cell;
            let same = [
                part.name().to_owned(),
                row.name.clone(),
                String::new(),
                cell.condition.name(),
                cell.content.name(),
                cell.share.map_or_else(|| "all".to_owned(), |share| share.to_string()),
                cell.run.to_string(),
                cell.replaced.to_string(),
                cell.workers.to_string(),
                row.rounds.to_string(),
            ];
            for quantity in quantities::ALL {
                let value = row.figures.as_ref().and_then(|figures| quantity.of_anchor(figures));
                let value = value.map_or(String::new(), |value| value.to_string());
                let own =
                    [quantity.key.to_owned(), quantity.unit.name().to_owned(), value, String::new(), String::new()];
                writer.write_record(same.iter().chain(&own))?;
            }
        }
    }
    let bytes = writer.into_inner().context("a table that cannot be finished")?;
    String::from_utf8(bytes).context("a table that is no text")
}

/// Writes the files of a report into a folder; where they are, the Markdown first.
///
/// # Errors
/// If they cannot be written.
pub fn write(report: &Report, folder: &Path) -> Result<Vec<PathBuf>> {
    files::write_all(report.files()?, folder)
}
