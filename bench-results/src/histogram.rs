//! Histograms of times, their percentiles, and the `.hlog` files that keep them whole.
//!
//! Percentiles alone cannot be merged; histograms can. A cell therefore keeps one per quantity, and tables of several
//! rounds merge them.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, Tag};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

/// The longest time that a histogram tells apart: 60 s. A longer one counts as that; totals and maxima stay exact.
pub const LONGEST_NS: u64 = 60_000_000_000;

/// The tags of the pauses of collections of generations 0, 1 and 2.
pub const PAUSES_BY_GENERATION: [&str; 3] = ["pause-g0", "pause-g1", "pause-g2"];

/// Times of one kind: their histogram to three digits, and beside it their exact sum and maximum.
#[derive(Clone, Debug)]
pub struct Timings {
    histogram: Histogram<u64>,
    total_ns: u128,
    max_ns: u64,
}

impl Default for Timings {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("constant bounds that are possible");
        Self { histogram, total_ns: 0, max_ns: 0 }
    }
}

impl Timings {
    /// All of `times_ns`.
    pub fn of(times_ns: &[u64]) -> Self {
        let mut timings = Self::default();
        times_ns.iter().for_each(|&ns| timings.record(ns));
        timings
    }

    /// Adds one time.
    pub fn record(&mut self, ns: u64) {
        self.histogram.saturating_record(ns);
        self.total_ns += u128::from(ns);
        self.max_ns = self.max_ns.max(ns);
    }

    /// Adds all of another's times. `exact_max_ns` is their exact maximum where it is known: a histogram read from a
    /// file has it to three digits only.
    pub fn merge(&mut self, other: &Histogram<u64>, exact_max_ns: Option<u64>) {
        self.histogram.add(other).expect("the same bounds");
        self.total_ns += (other.mean() * other.len() as f64) as u128;
        self.max_ns = self.max_ns.max(exact_max_ns.unwrap_or(if other.is_empty() { 0 } else { other.max() }));
    }

    /// The sum of all times.
    pub fn total_ns(&self) -> u64 {
        u64::try_from(self.total_ns).unwrap_or(u64::MAX)
    }

    /// Number, mean, percentiles and maximum.
    pub fn summary(&self) -> Summary {
        let n = self.histogram.len();
        let some = |value: u64| (n > 0).then_some(value);
        // A percentile q needs n ≥ 10 / (1 − q) times: fewer say nothing about it.
        let percentile =
            |q: f64, needed: u64| (n >= needed).then(|| self.histogram.value_at_quantile(q).min(self.max_ns));
        Summary {
            n,
            mean: some(u64::try_from(self.total_ns / u128::from(n.max(1))).unwrap_or(u64::MAX)),
            p50: percentile(0.5, 20),
            p90: percentile(0.9, 100),
            p99: percentile(0.99, 1_000),
            p99_9: percentile(0.999, 10_000),
            p99_99: percentile(0.9999, 100_000),
            max: some(self.max_ns),
        }
    }

    /// The same with the sum.
    pub fn summary_with_total(&self) -> SummaryWithTotal {
        SummaryWithTotal { summary: self.summary(), total: self.total_ns() }
    }
}

/// The figures of a histogram, in nanoseconds. `None`: there are too few times to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// How many times there are.
    pub n: u64,
    /// Their arithmetic mean.
    pub mean: Option<u64>,
    /// The median; from 20 times on.
    pub p50: Option<u64>,
    /// From 100 times on.
    pub p90: Option<u64>,
    /// From 1,000 times on.
    pub p99: Option<u64>,
    /// From 10,000 times on.
    pub p99_9: Option<u64>,
    /// From 100,000 times on.
    pub p99_99: Option<u64>,
    /// The longest.
    pub max: Option<u64>,
}

/// A summary and the sum of its times.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SummaryWithTotal {
    /// Number, mean, percentiles and maximum.
    #[serde(flatten)]
    pub summary: Summary,
    /// The sum in nanoseconds.
    pub total: u64,
}

/// The histograms of one cell, each under its tag: `response`, `service`, `metered`, `pause` and those of
/// [`PAUSES_BY_GENERATION`], `cascade`, `hiccup`, `drag`; and `cascade-objects`, which counts objects and not nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Histograms(Vec<(&'static str, Timings)>);

impl Histograms {
    /// Adds one under its tag.
    pub fn insert(&mut self, tag: &'static str, timings: Timings) {
        self.0.push((tag, timings));
    }

    /// Writes a `.hlog` file (interval log, V2 deflate): each histogram one tagged interval of `duration` from `start`.
    /// The file appears whole or not at all.
    pub fn write(&self, path: &Path, comment: &str, start: SystemTime, duration: Duration) -> Result<()> {
        // A clock set to before 1970 would give a time that readers of the format do not know.
        let start = start.max(SystemTime::UNIX_EPOCH);
        let mut bytes = Vec::new();
        let mut serializer = V2DeflateSerializer::new();
        let mut builder = IntervalLogWriterBuilder::new();
        builder
            .add_comment(comment)
            .add_comment("times in nanoseconds; cascade-objects in objects")
            .with_start_time(start)
            .with_base_time(start);
        let mut log = builder.begin_log_with(&mut bytes, &mut serializer).context("cannot begin an interval log")?;
        for (tag, timings) in &self.0 {
            log.write_histogram(&timings.histogram, Duration::ZERO, duration, Tag::new(tag))
                .map_err(|error| anyhow::anyhow!("cannot serialize the histogram `{tag}`: {error:?}"))?;
        }
        write_whole(path, &bytes)
            .with_context(|| format!("cannot write {}; free space there, or choose another folder", path.display()))
    }

    /// Reads the histogram with this tag from a `.hlog` file, if it holds one.
    pub fn read(path: &Path, tag: &str) -> Result<Option<Histogram<u64>>> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        for entry in IntervalLogIterator::new(&bytes) {
            let Ok(entry) = entry else { bail!("{} is no interval log; run its cell again", path.display()) };
            if let LogEntry::Interval(interval) = entry
                && interval.tag().is_some_and(|found| found.as_str() == tag)
            {
                let broken = || format!("{} holds a broken histogram `{tag}`; run its cell again", path.display());
                let encoded = BASE64.decode(interval.encoded_histogram()).with_context(broken)?;
                return Deserializer::new().deserialize(&mut encoded.as_slice()).map(Some).with_context(broken);
            }
        }
        Ok(None)
    }
}

/// Writes a file under a temporary name, then renames it, so that nobody sees half of it. What is there and is no file, such
/// as a pipe or a device, is written to instead of being replaced.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return fs::File::options().write(true).open(path)?.write_all(bytes);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let temporary: PathBuf = path.with_file_name(name);
    let written = fs::File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    });
    if written.is_err() {
        // What could not be written is not left behind; if that fails too, the first error is the one that tells.
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentile_without_enough_times_is_unknown() {
        let summary = Timings::of(&(1..=999).collect::<Vec<_>>()).summary();
        assert_eq!((summary.n, summary.p50, summary.p90), (999, Some(500), Some(900)));
        assert_eq!((summary.p99, summary.p99_9, summary.p99_99), (None, None, None));
        assert_eq!(Timings::default().summary(), Summary::default());
    }

    #[test]
    fn longer_than_the_histogram_keeps_total_and_maximum_exact() {
        let timings = Timings::of(&[5, 2 * LONGEST_NS]);
        assert_eq!(timings.summary().max, Some(2 * LONGEST_NS));
        assert_eq!(timings.total_ns(), 2 * LONGEST_NS + 5);
    }

    #[test]
    fn a_clock_that_jumped_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cell.hlog");
        let mut histograms = Histograms::default();
        histograms.insert("service", Timings::of(&[7; 30]));
        let (year, now) = (Duration::from_secs(31_000_000), SystemTime::now());
        for start in [SystemTime::UNIX_EPOCH - 5 * year, SystemTime::UNIX_EPOCH, now - year, now + 200 * year] {
            histograms.write(&path, "a test", start, Duration::from_secs(1)).unwrap();
            let read = Histograms::read(&path, "service").unwrap().unwrap();
            assert_eq!((read.len(), read.max()), (30, 7), "{start:?}");
        }
    }

    #[test]
    fn a_device_is_written_to_and_never_replaced() {
        let full = Path::new("/dev/full");
        let error = write_whole(full, b"something").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(!fs::metadata(full).unwrap().is_file());
        write_whole(Path::new("/dev/null"), b"something").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn histograms_survive_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cell.hlog");
        let times: Vec<u64> = (0..10_000).map(|i| i * 37).collect();
        let mut histograms = Histograms::default();
        histograms.insert("response", Timings::of(&times));
        histograms.insert("pause", Timings::default());
        histograms.write(&path, "a test", SystemTime::now(), Duration::from_secs(1)).unwrap();
        let mut read = Timings::default();
        read.merge(&Histograms::read(&path, "response").unwrap().unwrap(), Some(9_999 * 37));
        let (was, is) = (Timings::of(&times).summary(), read.summary());
        assert_eq!((was.n, was.p50, was.p99, was.p99_9, was.max), (is.n, is.p50, is.p99, is.p99_9, is.max));
        assert!(Histograms::read(&path, "pause").unwrap().unwrap().is_empty());
        assert!(Histograms::read(&path, "hiccup").unwrap().is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
