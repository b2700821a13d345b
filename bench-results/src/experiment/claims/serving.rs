//! Ways to run `web-v1`, and what their records come to.

use anyhow::{Result, anyhow, bail};
use gc_core::Heap;

use super::figures::Figures;
use super::lab::median;
use super::setup::Setup;
use crate::cell::{Cell, Given};
use crate::instruments::{Instrument, Instruments};
use crate::measure::measure;
use crate::record::{Record, Status};

/// One way to run the service.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) name: &'static str,
    pub(super) thresholds: &'static str,
    pub(super) steering: &'static str,
}

impl Way {
    pub(super) const DEFAULT: Self = Self::at("default", "700,10,10");

    pub(super) const fn at(name: &'static str, thresholds: &'static str) -> Self {
        Self { name, thresholds, steering: "automatic" }
    }

    pub(super) const fn steered(name: &'static str, steering: &'static str) -> Self {
        Self { name, steering, ..Self::DEFAULT }
    }

    /// Runs it, in an open loop if arrivals are given.
    pub(super) fn run<H: Heap>(self, setup: &Setup, rate: Option<f64>) -> Result<Record> {
        let given = |pairs: &[(&str, &str)]| -> Vec<Given> {
            pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let heap = given(&[("free-lists", "cpython-3.12"), ("thresholds", self.thresholds)]);
        let mut dials = given(&[("preset", "web-v1"), ("steering", self.steering)]);
        dials.push(("requests".to_owned(), setup.size("1200", "15000", "40000").to_owned()));
        if setup.size(true, false, false) {
            dials.extend(given(&[("live", "2000"), ("ballast", "0"), ("warm-up", "10")]));
        }
        let mut cell = Cell::new(H::NAME, &heap, "web-requests", &dials, 1)?.with_rate(rate)?;
        cell.instruments = Instruments::without(&[Instrument::Hiccups.name(), Instrument::Drag.name()])?;
        let record = measure(&cell)?.record;
        match record.status {
            Status::Ok | Status::Saturated => Ok(record),
            _ => bail!(record.error.unwrap_or_else(|| "the service did not run to its end".to_owned())),
        }
    }
}

/// Runs the ways in turn, so many times, and enters medians of what each did; of two ways also the ratios of each time, the second by
/// the first. Every other time begins with the last way, so that none is always the one that comes after another.
pub(super) fn compare<H: Heap>(
    setup: &Setup,
    ways: &[Way],
    times: usize,
    figures: Figures,
) -> Result<(Figures, Vec<Vec<Record>>)> {
    let mut records: Vec<Vec<Record>> = ways.iter().map(|_| Vec::new()).collect();
    for time in 0..times {
        let mut turns: Vec<(&Way, &mut Vec<Record>)> = ways.iter().zip(&mut records).collect();
        if time % 2 == 1 {
            turns.reverse();
        }
        for (way, records) in turns {
            records.push(way.run::<H>(setup, None)?);
        }
    }
    let figures =
        ways.iter().zip(&records).try_fold(figures, |figures, (way, records)| enter(figures, way.name, records))?;
    let figures = match &records[..] {
        [default, other] => paired(figures, default, other),
        _ => figures,
    };
    Ok((figures, records))
}

/// Ratios of figures of runs that stand beside each other, under `…_ratios`; those that cannot be had of each pair are left out.
fn paired(figures: Figures, default: &[Record], other: &[Record]) -> Figures {
    type Figure = fn(&Record) -> Option<u64>;
    let all: [(&str, Figure); 2] = [("gc_ms", COLLECTING), ("peak_mib", PEAK)];
    all.into_iter().fold(figures, |figures, (name, figure)| {
        let pair = |(default, other): (&Record, &Record)| Some((figure(default)? as f64, figure(other)? as f64));
        let ratios = default.iter().zip(other).map(|both| ratio(pair(both)?)).collect::<Option<Vec<f64>>>();
        match ratios {
            Some(ratios) => figures.with(&format!("{name}_ratios"), ratios),
            None => figures,
        }
    })
}

/// The second by the first; 1 where they are equal, `None` where nothing is compared with something.
pub(super) fn ratio((default, other): (f64, f64)) -> Option<f64> {
    match default {
        default if default == other => Some(1.0),
        0.0 => None,
        default => Some(other / default),
    }
}

const COLLECTING: fn(&Record) -> Option<u64> = |record| record.collector_cpu_ns;
const PEAK: fn(&Record) -> Option<u64> = |record| record.heap_peak_bytes;

/// Medians under `name_…`: collections, collecting, service times, the heap's peak.
fn enter(mut figures: Figures, name: &str, records: &[Record]) -> Result<Figures> {
    let of = |figure: &dyn Fn(&Record) -> Option<u64>| -> Option<f64> {
        let known: Option<Vec<f64>> = records.iter().map(|record| figure(record).map(|figure| figure as f64)).collect();
        known.map(median)
    };
    let last = records.last().ok_or_else(|| anyhow!("the service ran never"))?;
    if let Some(collections) = &last.collections {
        let counts: Vec<u64> = collections.iter().map(|generation| generation.collections).collect();
        figures = figures.with(&format!("{name}_collections"), counts);
    }
    let service = |record: &Record| record.service_ns;
    let young = |record: &Record| record.pause_by_generation.as_ref().and_then(|each| each.first()?.summary.mean);
    let all: [(&str, f64, Option<f64>); 5] = [
        ("gc_ms", 1e6, of(&COLLECTING)),
        ("p99_us", 1e3, of(&|record| service(record)?.p99)),
        ("max_us", 1e3, of(&|record| service(record)?.max)),
        ("young_pause_us", 1e3, of(&young)),
        ("peak_mib", f64::from(1 << 20), of(&PEAK)),
    ];
    for (figure, unit, value) in all {
        if let Some(value) = value {
            figures = figures.with(&format!("{name}_{figure}"), value / unit);
        }
    }
    Ok(figures)
}
