//! What a setting does: one heap's settings of a sweep side by side, each over the first, paired by round.
//!
//! The judgement of a point compares heaps. Here a setting takes the place of a heap: its records are judged under the name of
//! the setting, so that intervals, noise and pairing are the same as everywhere.

use super::column::{Block, Column};
use super::ratios::Ratios;
use super::source::Source;
use super::sweeps::{Sweep, others};
use crate::comparison::Comparison;
use crate::judgement::judge;
use crate::record::Record;
use crate::units;

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Settings {
    /// The heap, the workload and the dial, for people.
    pub title: String,
    /// The heap.
    pub heap: String,
    /// The place of each column's table.
    pub tables: Vec<usize>,
    /// The settings on each axis; why there is nothing, if so.
    pub ratios: Result<Ratios, String>,
    /// What a reader must know.
    pub notes: Vec<String>,
}

impl Settings {
    /// Each heap of each sweep of a run; `blocks` in the order of the report's tables.
    pub fn of(source: &Source, blocks: &[Block<'_>]) -> Vec<Self> {
        let sweeps = Sweep::of(blocks);
        let heaps = &source.run.comparison.heaps;
        let of_heap = |sweep: &Sweep, heap: &str| {
            let ran = |(_, place): &&(String, usize)| {
                let mut columns = blocks[*place].columns.iter();
                columns.any(|column| column.heap == heap && !column.twin && !column.lines.is_empty())
            };
            // One setting alone is over nothing.
            (sweep.values.iter().filter(ran).count() > 1).then(|| one(source, blocks, sweep, heap))
        };
        sweeps.iter().flat_map(|sweep| heaps.iter().filter_map(|heap| of_heap(sweep, heap))).collect()
    }
}

fn one(source: &Source, blocks: &[Block<'_>], sweep: &Sweep, heap: &str) -> Settings {
    let Sweep { dial, values, first } = sweep;
    let at = &blocks[*first];
    let labels: Vec<String> = values.iter().map(|(value, _)| format!("{dial}={value}")).collect();
    let mut notes = Vec::new();
    let offered: Vec<Option<f64>> =
        values.iter().map(|(_, place)| blocks[*place].records().find_map(|record| record.offered_per_s)).collect();
    if offered.iter().any(|rate| *rate != offered[0]) {
        let rates = labels.iter().zip(&offered);
        let rates = rates.map(|(label, rate)| format!("{} at {label}", rate.map_or("n/a".to_owned(), units::rate)));
        notes.push(format!("Not the same number of operations arrived: {}.", rates.collect::<Vec<_>>().join(", ")));
    }
    let ratios = judged(source, blocks, sweep, heap, &labels);
    Settings {
        title: format!("{heap} by {dial}: {}{}", at.point.workload, others(at, dial)),
        heap: heap.to_owned(),
        tables: values.iter().map(|(_, place)| *place).collect(),
        ratios: ratios.map_err(|cause| format!("{cause:#}")),
        notes,
    }
}

fn judged(
    source: &Source,
    blocks: &[Block<'_>],
    sweep: &Sweep,
    heap: &str,
    labels: &[String],
) -> anyhow::Result<Ratios> {
    let point = blocks[sweep.first].point;
    let mut records = Vec::new();
    let mut put = |column: &Column<'_>, name: &str| {
        let renamed = column.records().map(|record| Record {
            heap: name.to_owned(),
            point: Some(point.id()),
            trash: None,
            ..record.clone()
        });
        records.extend(renamed);
    };
    let column = |place: usize, heap: &str, twin: bool| {
        blocks[place].columns.iter().find(move |column| column.heap == heap && column.twin == twin)
    };
    for ((_, place), label) in sweep.values.iter().zip(labels) {
        if let Some(column) = column(*place, heap, false) {
            put(column, label);
        }
    }
    // The first setting is the reference: ratios are over the first name.
    let mut names: Vec<String> = labels.to_vec();
    let first = sweep.values.iter().position(|(_, place)| *place == sweep.first).unwrap_or(0);
    names[..=first].rotate_right(1);
    let reference = names[0].clone();
    // The noise floor is what the run's twin differs by at the first setting, whichever heap is looked at.
    let mut twin = None;
    if let Some(again) = &source.run.comparison.twin
        && let (Some(once), Some(second)) = (column(sweep.first, again, false), column(sweep.first, again, true))
    {
        let name = if again == heap { reference } else { format!("{again} at {reference}") };
        if again != heap {
            put(once, &name);
            names.push(name.clone());
        }
        put(second, &name);
        twin = Some(name);
    }
    let comparison = Comparison { heaps: names, twin, points: vec![point.clone()], ..source.run.comparison.clone() };
    let judgement = judge(&comparison, point, &records, &source.path)?;
    Ok(Ratios::new(&judgement.axes, labels))
}
