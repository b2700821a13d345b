//! The floating experiment: how many dead objects wait for a collection, by size of the cycles that die and of the heap that
//! lives?
//!
//! Each request leaves one dead ring behind, beside a live heap (the workload `ring-churn`). After each the objects made less
//! those freed less those alive are counted, exactly. Heaps run with their default settings, as programs do.
//!
//! Heaps and interpreters run the same program, `floating.py`: each ring holds a witness, and the live heap has the
//! interpreter's own objects in it, [`BALLAST`]. Both are what decides when a collection is due. The figures are of objects of
//! rings, without witnesses, on both sides.

mod recorded;
mod report;

use anyhow::{Result, bail};
use serde_json::json;

pub use self::recorded::{Recorded, recorded};
use super::trial::{Cell, Experiment, Figures, Point, Record, Run, Script, Size, Subject, WrongFigures};
use crate::cell::Cell as WorkloadCell;
use crate::measure;
use crate::record::Status;
use crate::report::chapter::Chapter;

/// See the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct FloatingGarbage;

/// Objects of all rings of a cell: so many, or those of [`LEAST_RINGS`].
fn churned(size: Size) -> u32 {
    match size {
        Size::Tiny => 20_000,
        Size::Quick => 1_000_000,
        Size::Standard => 2_000_000,
    }
}

/// Objects that CPython 3.12.1 tracks of its own when `floating.py` begins (`-E -s -B`, after a collection). They are in the
/// oldest generation, and decide when a full collection is due: new objects must exceed a quarter of it. Heaps have that
/// version's thresholds, so they have its objects too. 3.13.0 has 8,859.
pub const BALLAST: u32 = 8_414;

/// Rings that die at least.
const LEAST_RINGS: u32 = 30;

impl Experiment for FloatingGarbage {
    fn name(&self) -> &'static str {
        "floating"
    }

    fn title(&self) -> &'static str {
        "Dead objects that wait for a collection"
    }

    fn question(&self) -> &'static str {
        "How many dead objects does each collector leave outstanding, by the size of the rings that die and of the heap that \
         lives beside them, at its default settings?"
    }

    fn points(&self, size: Size) -> Vec<Point> {
        let (rings, lives): (&[u32], &[u32]) = match size {
            Size::Tiny => (&[1, 100], &[0, 1_000]),
            Size::Quick => (&[1, 10, 100, 1_000, 10_000, 100_000], &[0, 100_000]),
            Size::Standard => (&[1, 10, 100, 1_000, 10_000, 100_000], &[0, 10_000, 100_000, 1_000_000]),
        };
        let point = |ring: u32, live: u32| {
            let requests = (churned(size) / ring).clamp(LEAST_RINGS, 400_000);
            let options: [(&str, &dyn std::fmt::Display); 5] =
                [("ring", &ring), ("live", &live), ("requests", &requests), ("witness", &"on"), ("ballast", &BALLAST)];
            Point::new(format!("ring-{ring}-live-{live}"), &options)
        };
        lives.iter().flat_map(|&live| rings.iter().map(move |&ring| point(ring, live))).collect()
    }

    fn rounds(&self, size: Size) -> u32 {
        match size {
            Size::Tiny => 1,
            Size::Quick => 2,
            Size::Standard => 5,
        }
    }

    fn expected_s(&self, cell: &Cell) -> f64 {
        let of = |option| f64::from(cell.integer(option).unwrap_or(0));
        0.15 + of("ring") * of("requests") * 0.35e-6 + of("live") * 1.2e-6
    }

    fn measure(&self, cell: &Cell) -> Result<Figures> {
        let Subject::Heap { heap, settings } = &cell.subject else { bail!("no heap") };
        let dials: Vec<_> = cell.options.clone().into_iter().collect();
        let churn = WorkloadCell::new(heap, settings, "ring-churn", &dials, cell.seed)?;
        let record = measure::measure(&churn)?.record;
        match record.status {
            Status::Ok => {}
            Status::WrongDigest => return Err(WrongFigures(record.error.unwrap_or_default()).into()),
            _ => bail!("{}", record.error.unwrap_or_default()),
        }
        let whole = |objects: f64| json!(of_rings(cell, objects).round() as u64);
        let extra = |name: &str| record.extra.get(name).map(|&objects| whole(objects));
        let floating = record.floating.as_ref();
        let most = floating.and_then(|floating| floating.peak_objects).map(|objects| whole(objects as f64));
        let mean = floating.and_then(|floating| floating.mean_objects).map(|objects| of_rings(cell, objects));
        let collections = record.collections.as_ref();
        let counted =
            |place: usize| collections.and_then(|each| each.get(place)).map(|generation| generation.collections);
        Ok(Figures::from([
            ("floating_max_objects".to_owned(), json!(most)),
            ("floating_mean_objects".to_owned(), json!(mean)),
            ("floating_p50_objects".to_owned(), json!(extra("floating_p50_objects"))),
            ("floating_p99_objects".to_owned(), json!(extra("floating_p99_objects"))),
            ("collections_0".to_owned(), json!(counted(0))),
            ("collections_1".to_owned(), json!(counted(1))),
            ("collections_2".to_owned(), json!(counted(2))),
            ("collector_cpu_ns".to_owned(), json!(record.collector_cpu_ns)),
            ("mutator_cpu_ns".to_owned(), json!(record.mutator_cpu_ns)),
            ("pause_max_ns".to_owned(), json!(record.pause_ns.as_ref().and_then(|pause| pause.summary.max))),
            ("rss_peak_bytes".to_owned(), json!(record.peak_rss_bytes)),
        ]))
    }

    fn script(&self, cell: &Cell) -> Option<Script> {
        report::script(cell)
    }

    fn chapter(&self, run: &Run, records: &[Record]) -> Chapter {
        report::chapter(self, run, records)
    }
}

/// Of a count of dead objects, those of rings: of a ring with its witness all but one.
fn of_rings(cell: &Cell, objects: f64) -> f64 {
    let ring = f64::from(cell.integer("ring").unwrap_or(0));
    if cell.is_on("witness") { objects * ring / (ring + 1.0) } else { objects }
}
