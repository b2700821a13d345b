//! What tables and plots show of a column: each quantity's name, unit, and how rounds become one figure.

use super::column::Column;
use crate::histogram::Summary;
use crate::record::{Record, Status};
use crate::units;

/// The unit of a figure, which also says how people read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Nanoseconds.
    Time,
    /// Bytes.
    Size,
    /// So many of something, named in the plural.
    Count(&'static str),
    /// Operations a second.
    Rate,
    /// A part of 1.
    Share,
    /// No number.
    Text,
}

impl Unit {
    /// Its name in CSV files.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Time => "ns",
            Unit::Size => "bytes",
            Unit::Count(what) => what,
            Unit::Rate => "per s",
            Unit::Share => "share",
            Unit::Text => "",
        }
    }

    /// A figure as people read it.
    pub fn show(self, value: f64) -> String {
        let whole = value.round().max(0.0) as u64;
        match self {
            Unit::Time => units::time(whole),
            Unit::Size => units::size(whole),
            Unit::Count(_) | Unit::Text => units::count(whole),
            Unit::Rate => units::rate(value),
            Unit::Share => format!("{:.1} %", value * 100.0),
        }
    }
}

/// How the figures of several rounds become one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Over {
    /// A percentile of the merged histograms: never a mean of percentiles.
    Merged,
    /// Their arithmetic mean.
    Mean,
    /// The greatest.
    Most,
    /// All rounds together: a sum, or a quotient of sums.
    All,
}

impl Over {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Over::Merged => "merged histograms",
            Over::Mean => "mean over rounds",
            Over::Most => "most over rounds",
            Over::All => "all rounds together",
        }
    }
}

/// One value of a table.
#[derive(Clone, PartialEq, Debug)]
pub enum Figure {
    /// A number, in the unit of its quantity.
    Number {
        /// Over all rounds.
        value: f64,
        /// The least and the most that a single round says; `None` where one is too short to say.
        rounds: Option<(f64, f64)>,
        /// How many times, or rounds, it rests on.
        n: u64,
    },
    /// A word.
    Text(String),
}

/// See the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    /// Its name in CSV files and on the command line.
    pub key: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// The unit of its figures.
    pub unit: Unit,
    /// How rounds become one figure.
    pub over: Over,
    of: fn(&Column<'_>) -> Option<Figure>,
}

impl Quantity {
    /// Its figure for a column; `None`: not known, or too few times to say.
    pub fn figure(&self, column: &Column<'_>) -> Option<Figure> {
        (self.of)(column)
    }

    /// One that records of heaps do not have, only those of others.
    pub(crate) const fn of_others(key: &'static str, name: &'static str, unit: Unit) -> Self {
        fn nothing(_: &Column<'_>) -> Option<Figure> {
            None
        }
        Self { key, name, unit, over: Over::Most, of: nothing }
    }

    /// The same where it is a number.
    pub fn number(&self, column: &Column<'_>) -> Option<f64> {
        match self.figure(column)? {
            Figure::Number { value, .. } => Some(value),
            Figure::Text(_) => None,
        }
    }
}

/// The quantity with this key.
pub fn quantity(key: &str) -> Option<&'static Quantity> {
    ALL.iter().find(|quantity| quantity.key == key)
}

macro_rules! quantities {
    ($($key:literal, $name:literal, $unit:expr, $over:ident, $of:expr;)+) => {
        /// Every quantity, in the order of tables.
        pub const ALL: &[Quantity] =
            &[$(Quantity { key: $key, name: $name, unit: $unit, over: Over::$over, of: $of }),+];
    };
}

use Unit::{Count, Rate, Share, Size, Text, Time};

quantities! {
    "cells", "cells", Count("cells"), All, |c| number(c.lines.len() as f64, 0);
    "cells-ok", "cells ok", Count("cells"), All, |c| number(c.count(Status::Ok) as f64, 0);
    "cells-saturated", "cells saturated", Count("cells"), All, |c| number(c.count(Status::Saturated) as f64, 0);
    "cells-failed", "cells failed", Count("cells"), All,
        |c| number((c.lines.len() - c.complete().count()) as f64, 0);
    "void", "void as to full collections", Text, All, |c| Some(word(if c.is_void()? { "void" } else { "no" }));
    "offered", "operations offered", Rate, Mean, |c| each(c, Over::Mean, |r| r.offered_per_s);
    "throughput", "operations served", Rate, All, throughput;
    "response-p50", "response p50", Time, Merged, |c| percentile(c, "response", |s| s.p50, |r| r.response_ns);
    "response-p90", "response p90", Time, Merged, |c| percentile(c, "response", |s| s.p90, |r| r.response_ns);
    "response-p99", "response p99", Time, Merged, |c| percentile(c, "response", |s| s.p99, |r| r.response_ns);
    "response-p99.9", "response p99.9", Time, Merged, |c| percentile(c, "response", |s| s.p99_9, |r| r.response_ns);
    "response-p99.99", "response p99.99", Time, Merged, |c| percentile(c, "response", |s| s.p99_99, |r| r.response_ns);
    "response-max", "response max", Time, Merged, |c| percentile(c, "response", |s| s.max, |r| r.response_ns);
    "service-p50", "service p50", Time, Merged, |c| percentile(c, "service", |s| s.p50, |r| r.service_ns);
    "service-p90", "service p90", Time, Merged, |c| percentile(c, "service", |s| s.p90, |r| r.service_ns);
    "service-p99", "service p99", Time, Merged, |c| percentile(c, "service", |s| s.p99, |r| r.service_ns);
    "service-p99.9", "service p99.9", Time, Merged, |c| percentile(c, "service", |s| s.p99_9, |r| r.service_ns);
    "service-p99.99", "service p99.99", Time, Merged, |c| percentile(c, "service", |s| s.p99_99, |r| r.service_ns);
    "service-max", "service max", Time, Merged, |c| percentile(c, "service", |s| s.max, |r| r.service_ns);
    "pause-p50", "pause p50", Time, Merged, |c| percentile(c, "pause", |s| s.p50, pauses);
    "pause-p99", "pause p99", Time, Merged, |c| percentile(c, "pause", |s| s.p99, pauses);
    "pause-p99.9", "pause p99.9", Time, Merged, |c| percentile(c, "pause", |s| s.p99_9, pauses);
    "pause-p99.99", "pause p99.99", Time, Merged, |c| percentile(c, "pause", |s| s.p99_99, pauses);
    "pause-max", "pause max", Time, Merged, |c| percentile(c, "pause", |s| s.max, pauses);
    "pause-max-core-kept", "pause max, core kept", Time, Most,
        |c| each(c, Over::Most, |r| Some(r.pause_unmarked_ns?.summary.max? as f64));
    "pause-total", "pauses, sum", Time, Mean, |c| each(c, Over::Mean, |r| Some(r.pause_ns?.total as f64));
    "pause-share", "pauses, share of mutators' time", Share, All, pause_share;
    "pause-g0-p50", "pause of generation 0, p50", Time, Merged, |c| percentile(c, "pause-g0", |s| s.p50, |r| pause_of(r, 0));
    "pause-g0-max", "pause of generation 0, max", Time, Merged, |c| percentile(c, "pause-g0", |s| s.max, |r| pause_of(r, 0));
    "pause-g1-p50", "pause of generation 1, p50", Time, Merged, |c| percentile(c, "pause-g1", |s| s.p50, |r| pause_of(r, 1));
    "pause-g1-max", "pause of generation 1, max", Time, Merged, |c| percentile(c, "pause-g1", |s| s.max, |r| pause_of(r, 1));
    "pause-g2-p50", "pause of a full collection, p50", Time, Merged, |c| percentile(c, "pause-g2", |s| s.p50, |r| pause_of(r, 2));
    "pause-g2-max", "pause of a full collection, max", Time, Merged, |c| percentile(c, "pause-g2", |s| s.max, |r| pause_of(r, 2));
    "cascade-max", "release cascade max", Time, Merged,
        |c| percentile(c, "cascade", |s| s.max, |r| Some(r.cascade_ns?.summary));
    "collections-0", "collections of generation 0", Count("collections"), Mean, |c| each(c, Over::Mean, |r| generation(r, 0));
    "collections-1", "collections of generation 1", Count("collections"), Mean, |c| each(c, Over::Mean, |r| generation(r, 1));
    "collections-2", "full collections", Count("collections"), Mean, |c| each(c, Over::Mean, |r| generation(r, 2));
    "floating-peak", "floating objects, peak", Count("objects"), Most,
        |c| each(c, Over::Most, |r| Some(r.floating?.peak_objects? as f64));
    "floating-mean", "floating objects, mean", Count("objects"), Mean,
        |c| each(c, Over::Mean, |r| r.floating?.mean_objects);
    "floating-peak-bytes", "floating bytes, peak", Size, Most,
        |c| each(c, Over::Most, |r| Some(r.floating?.peak_bytes? as f64));
    "drag-max", "drag max", Time, Most, |c| each(c, Over::Most, |r| Some(r.drag_ns?.max? as f64));
    "mutator-cpu", "mutator CPU", Time, Mean, |c| each(c, Over::Mean, |r| Some(r.mutator_cpu_ns? as f64));
    "collecting-in-place-cpu", "mutator CPU, of it collecting", Time, Mean,
        |c| each(c, Over::Mean, |r| Some(r.collecting_in_place_ns()? as f64));
    "heap-threads-cpu", "CPU of the heap's threads", Time, Mean,
        |c| each(c, Over::Mean, |r| Some(r.heap_threads_cpu_ns? as f64));
    "collector-cpu", "CPU of collections", Time, Mean, |c| each(c, Over::Mean, |r| Some(r.collector_cpu_ns? as f64));
    "collector-share", "collections, share of CPU", Share, All, collector_share;
    "cpu-in-all", "CPU in all", Time, Mean, |c| each(c, Over::Mean, |r| Some(r.cpu_in_all_ns()? as f64));
    "cpu-per-operation", "CPU in all, an operation", Time, Mean,
        |c| each(c, Over::Mean, |r| Some(r.cpu_in_all_ns()? as f64 / r.operations.filter(|&n| n > 0)? as f64));
    "peak-rss", "peak RSS", Size, Most, |c| each(c, Over::Most, |r| Some(r.peak_rss_bytes? as f64));
    "heap-peak", "heap peak", Size, Most, |c| each(c, Over::Most, |r| Some(r.heap_peak_bytes? as f64));
    "died-by-count", "objects that died by count", Share, Mean, |c| each(c, Over::Mean, |r| r.died_by_count_share);
    "live-after", "live after", Count("objects"), Most, |c| each(c, Over::Most, |r| Some(r.live_after? as f64));
    "live-expected", "live, expected", Count("objects"), Most,
        |c| each(c, Over::Most, |r| Some(r.live_expected? as f64));
    "hiccup-max", "machine's hiccups, max", Time, Merged,
        |c| percentile(c, "hiccup", |s| s.max, |r| r.platform_hiccup_ns);
    "involuntary-switches", "core taken away", Count("times"), Mean,
        |c| each(c, Over::Mean, |r| Some(r.process_involuntary_switches? as f64));
    "digest", "digest", Text, All, digest;
}

fn number(value: f64, n: u64) -> Option<Figure> {
    Some(Figure::Number { value, rounds: None, n })
}

fn word(word: &str) -> Figure {
    Figure::Text(word.to_owned())
}

fn pauses(record: &Record) -> Option<Summary> {
    Some(record.pause_ns?.summary)
}

fn pause_of(record: &Record, generation: usize) -> Option<Summary> {
    Some(record.pause_by_generation.as_ref()?.get(generation)?.summary)
}

fn generation(record: &Record, generation: u8) -> Option<f64> {
    let generations = record.collections.as_ref()?;
    Some(generations.iter().find(|figures| figures.generation == generation)?.collections as f64)
}

/// The least and the most of some figures.
fn ends(figures: &[f64]) -> Option<(f64, f64)> {
    let least = figures.iter().copied().min_by(f64::total_cmp)?;
    Some((least, figures.iter().copied().max_by(f64::total_cmp)?))
}

/// A figure of each complete cell, as one.
fn each(column: &Column<'_>, over: Over, of: impl Fn(&Record) -> Option<f64>) -> Option<Figure> {
    let figures: Vec<f64> = column.complete().filter_map(of).collect();
    let rounds = ends(&figures)?;
    let value = if over == Over::Most { rounds.1 } else { figures.iter().sum::<f64>() / figures.len() as f64 };
    Some(Figure::Number { value, rounds: Some(rounds), n: figures.len() as u64 })
}

fn percentile(
    column: &Column<'_>,
    tag: &str,
    percentile: fn(&Summary) -> Option<u64>,
    of_round: fn(&Record) -> Option<Summary>,
) -> Option<Figure> {
    let summary = column.merged.get(tag)?.summary();
    let value = percentile(&summary)? as f64;
    let may = |record: &&Record| tag != "response" || record.status == Status::Ok;
    let rounds = column.complete().filter(may).map(|record| Some(percentile(&of_round(record)?)? as f64));
    let rounds: Option<Vec<f64>> = rounds.collect();
    Some(Figure::Number { value, rounds: rounds.as_deref().and_then(ends), n: summary.n })
}

fn throughput(column: &Column<'_>) -> Option<Figure> {
    let operations: u64 = column.complete().filter_map(|record| record.operations).sum();
    let wall_ns: u64 = column.complete().filter_map(|record| record.wall_ns).sum();
    let rounds: Vec<f64> = column.complete().filter_map(|record| record.achieved_per_s).collect();
    let value = operations as f64 / (wall_ns as f64 / 1e9);
    (wall_ns > 0).then(|| Figure::Number { value, rounds: ends(&rounds), n: operations })
}

/// Each mutator has its own pauses: a share of the wall time of all of them.
fn pause_share(column: &Column<'_>) -> Option<Figure> {
    share(column, |record| {
        let time = record.wall_ns.filter(|&ns| ns > 0)? as f64 * f64::from(record.threads);
        Some((record.pause_ns?.total as f64, time))
    })
}

/// Of the CPU time of mutators and the heap's own threads.
fn collector_share(column: &Column<'_>) -> Option<Figure> {
    share(column, |record| Some((record.collector_cpu_ns? as f64, record.cpu_in_all_ns().filter(|&ns| ns > 0)? as f64)))
}

/// What `part` gives of a record, a part and the whole of it, over all rounds.
fn share(column: &Column<'_>, part: impl Fn(&Record) -> Option<(f64, f64)>) -> Option<Figure> {
    let all: Vec<(f64, f64)> = column.complete().filter_map(part).collect();
    let (paused, time) = all.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    let rounds: Vec<f64> = all.iter().map(|(paused, time)| paused / time).collect();
    Some(Figure::Number { value: paused / time, rounds: Some(ends(&rounds)?), n: all.len() as u64 })
}

fn digest(column: &Column<'_>) -> Option<Figure> {
    if column.count(Status::WrongDigest) > 0 {
        return Some(word("WRONG"));
    }
    let mut digests: Vec<&str> = column.records().filter_map(|record| record.digest.as_deref()).collect();
    digests.sort_unstable();
    digests.dedup();
    match digests.as_slice() {
        [] => None,
        [one] => Some(word(one)),
        _ => Some(word("WRONG")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_quantity_is_found_by_its_own_key() {
        for quantity in ALL {
            assert_eq!(super::quantity(quantity.key).map(|found| found.name), Some(quantity.name));
        }
        assert!(super::quantity("none").is_none());
    }
}
