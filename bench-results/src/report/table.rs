//! The table of a point, typed: all writers render this one, so that no two formats can differ in what they say.

use std::collections::BTreeSet;

use super::all_points::AllPoints;
use super::column::{Block, Column, FULL_COLLECTIONS_LEAST};
use super::origin::Origin;
use super::quantity::{ALL, Figure, Quantity};
use super::ratios::Ratios;
use super::settings::Settings;
use super::source::Source;
use crate::comparison::{Arrivals, BASELINE};
use crate::judgement::{Judgement, judge};
use crate::record::{Record, Status};
use crate::sweep::shown;
use crate::table::unequal_digests;
use crate::units;

/// All tables of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the run is called.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What is to be said of all tables.
    pub notes: Vec<String>,
    /// One a point.
    pub tables: Vec<Table>,
    /// What each swept setting does, a heap each.
    pub settings: Vec<Settings>,
    /// One ratio over all points, a machine each.
    pub all_points: Vec<AllPoints>,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Table {
    /// The point, for people.
    pub title: String,
    /// Its name in file names.
    pub stem: String,
    /// Its workload.
    pub workload: String,
    /// Its dials and heap settings as given: `live=2000 nodes=5`.
    pub dials: String,
    /// Mutators.
    pub threads: u32,
    /// `load`, `rate` or `closed`, and how much.
    pub arrivals: (&'static str, Option<f64>),
    /// The machine, in words.
    pub machine: String,
    /// The same as its hash.
    pub machine_id: Option<String>,
    /// The heaps.
    pub columns: Vec<Heading>,
    /// The quantities.
    pub rows: Vec<Row>,
    /// The cells that are not ok.
    pub failures: Vec<Failure>,
    /// What a reader must know.
    pub notes: Vec<String>,
    /// The heaps with intervals on three axes, and the verdict's sentences; why there are none, if so.
    pub judged: Result<(Ratios, Vec<String>), String>,
}

/// A column of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heading {
    /// The heap's name.
    pub heap: String,
    /// It is that heap's second column: what the two differ in is noise.
    pub twin: bool,
}

impl Heading {
    /// For people.
    pub fn title(&self) -> String {
        if self.twin { format!("{} (twin)", self.heap) } else { self.heap.clone() }
    }
}

/// A row of a table.
#[derive(Clone, Debug)]
pub struct Row {
    /// What its figures are.
    pub quantity: &'static Quantity,
    /// One a column; `None`: not known.
    pub figures: Vec<Option<Figure>>,
}

/// A cell that is not ok.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Its column.
    pub column: Heading,
    /// Its round.
    pub round: u32,
    /// How it ended.
    pub status: Status,
    /// Why.
    pub cause: String,
}

impl Row {
    /// Its figures as people read them.
    pub fn shown(&self) -> Vec<String> {
        self.figures.iter().map(|figure| self.show(figure.as_ref())).collect()
    }

    fn show(&self, figure: Option<&Figure>) -> String {
        match figure {
            None => "n/a".to_owned(),
            Some(Figure::Text(text)) => text.clone(),
            Some(Figure::Number { value, .. }) => self.quantity.unit.show(*value),
        }
    }
}

impl Report {
    /// Of a run.
    pub fn new(source: &Source, blocks: &[Block<'_>]) -> Self {
        let mut notes = source.notes.clone();
        if let Some(twin) = &source.run.comparison.twin {
            notes.push(format!("`{twin}` runs twice a round: what its two columns differ in is the noise floor."));
        }
        notes.push(
            "n/a: not known, or too few times to say (a percentile q needs 10 / (1 − q) of them). A heap that was \
             saturated in a round has no response times."
                .to_owned(),
        );
        let name = source.name.clone();
        let origin = Origin::of(source);
        let numbers: BTreeSet<Option<usize>> = blocks.iter().map(|block| block.number).collect();
        if numbers.len() > 1 {
            notes.push(format!(
                "Cells ran on {} machines. No ratio, mean, plot or series is of cells of two.",
                numbers.len()
            ));
        }
        let judged: Vec<Result<Judgement, String>> = blocks.iter().map(|block| judged(source, block)).collect();
        let all_points = numbers.iter().filter_map(|number| {
            let of_machine = blocks.iter().zip(&judged).filter(|(block, _)| block.number == *number);
            let judgements: Vec<Judgement> = of_machine.filter_map(|(_, judged)| judged.clone().ok()).collect();
            AllPoints::of(&source.run.comparison, &judgements, *number)
        });
        let all_points = all_points.collect();
        let tables = blocks.iter().zip(judged).map(|(block, judged)| table(source, &origin, block, judged)).collect();
        let settings = Settings::of(source, blocks);
        Self { name, origin, notes, tables, settings, all_points }
    }
}

/// The verdict on a block, by the judge of the screen.
fn judged(source: &Source, block: &Block<'_>) -> Result<Judgement, String> {
    let records: Vec<Record> = block.records().map(|record| Record { trash: None, ..record.clone() }).collect();
    judge(&source.run.comparison, block.point, &records, &source.path).map_err(|cause| format!("{cause:#}"))
}

fn table(source: &Source, origin: &Origin, block: &Block<'_>, judged: Result<Judgement, String>) -> Table {
    let point = block.point;
    let heading = |column: &Column<'_>| Heading { heap: column.heap.to_owned(), twin: column.twin };
    let rows = ALL.iter().map(|quantity| {
        let figures = block.columns.iter().map(|column| quantity.figure(column)).collect();
        Row { quantity, figures }
    });
    let failures = block.columns.iter().flat_map(|column| {
        let failed = column.records().filter(|record| record.status != Status::Ok);
        failed.map(|record| Failure {
            column: heading(column),
            round: record.round,
            status: record.status,
            cause: record.error.clone().unwrap_or_else(|| "no cause known".to_owned()),
        })
    });
    let given = point.given.iter().chain(&point.heap_settings);
    Table {
        title: block.title(),
        stem: block.stem(),
        workload: point.workload.clone(),
        dials: given.map(|(name, value)| format!("{name}={}", shown(value))).collect::<Vec<_>>().join(" "),
        threads: point.threads,
        arrivals: match point.arrivals {
            _ if !block.open_loop => ("closed", None),
            Arrivals::Closed => ("closed", None),
            Arrivals::Load(load) => ("load", Some(load)),
            Arrivals::Rate(rate) => ("rate", Some(rate)),
        },
        machine: origin.machine_of(block.number).to_owned(),
        machine_id: block.machine.map(str::to_owned),
        columns: block.columns.iter().map(heading).collect(),
        rows: rows.collect(),
        failures: failures.collect(),
        notes: notes(source, block),
        judged: judged
            .map(|judgement| (Ratios::new(&judgement.axes, &source.run.comparison.heaps), judgement.verdict.lines())),
    }
}

fn notes(source: &Source, block: &Block<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let rate = block.records().find_map(|record| record.offered_per_s);
    let calibration = source.run.comparison.calibration(block.point);
    let capacity = calibration.and_then(|calibration| calibration.record.achieved_per_s);
    notes.push(match (rate, block.point.arrivals, capacity) {
        (Some(rate), Arrivals::Load(load), Some(capacity)) => format!(
            "Open loop: {} arrived, {load} of the {} that {BASELINE} served in a closed loop.",
            units::rate(rate),
            units::rate(capacity)
        ),
        (Some(rate), ..) => format!("Open loop: {} arrived.", units::rate(rate)),
        (None, ..) => "Closed loop: each operation began when the last had ended.".to_owned(),
    });
    let void = block.columns.iter().filter(|column| column.is_void() == Some(true));
    let void: Vec<String> =
        void.map(|column| format!("{} ({})", column.name(), column.collections(2).sum::<u64>())).collect();
    if !void.is_empty() {
        notes.push(format!(
            "Void as to full collections, as all rounds had fewer than {FULL_COLLECTIONS_LEAST} of them: {}.",
            void.join(", ")
        ));
    }
    let saturated = block.columns.iter().filter(|column| column.count(Status::Saturated) > 0);
    let saturated: Vec<String> = saturated
        .map(|column| format!("{} ({} of {})", column.name(), column.count(Status::Saturated), column.lines.len()))
        .collect();
    if !saturated.is_empty() {
        notes.push(format!("Saturated, more arrived than they served: {}.", saturated.join(", ")));
    }
    let missing: Vec<String> = block.columns.iter().filter_map(|column| missing(source, column)).collect();
    if !missing.is_empty() {
        notes.push(format!("Cells that were not run: {}.", missing.join(", ")));
    }
    if let Some(unequal) = unequal_digests(&block.records().collect::<Vec<_>>()) {
        notes.push(format!("WRONG: digests are not equal: {unequal}."));
    }
    notes
}

/// How many cells of a column were planned and not run.
fn missing(source: &Source, column: &Column<'_>) -> Option<String> {
    let planned = source.run.comparison.rounds? as usize;
    (column.lines.len() < planned).then(|| format!("{} {} of {planned}", column.name(), planned - column.lines.len()))
}
