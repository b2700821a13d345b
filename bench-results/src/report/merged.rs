//! All histograms of a `.hlog` file, and those of several rounds as one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

use crate::histogram::{PAUSES_BY_GENERATION, Summary, Timings};
use crate::record::Record;

/// Every histogram of a file, by its tag.
///
/// # Errors
/// If the file cannot be read or is damaged.
pub fn read_all(path: &Path) -> Result<BTreeMap<String, Histogram<u64>>> {
    let shown = path.display();
    let remedy = "run its cell again: remove its line from cells.jsonl, then `gclab compare --resume` the folder";
    let bytes = fs::read(path).with_context(|| format!("cannot read {shown}; {remedy}"))?;
    let mut all = BTreeMap::new();
    for entry in IntervalLogIterator::new(&bytes) {
        let Ok(entry) = entry else { bail!("{shown} is damaged: a line of it is none of an interval log; {remedy}") };
        let LogEntry::Interval(interval) = entry else { continue };
        let tag = interval.tag().map_or_else(String::new, |tag| tag.as_str().to_owned());
        let damaged = || format!("{shown} is damaged: its histogram `{tag}` cannot be decoded; {remedy}");
        let encoded = BASE64.decode(interval.encoded_histogram()).with_context(damaged)?;
        let histogram = Deserializer::new().deserialize(&mut encoded.as_slice()).with_context(damaged)?;
        all.insert(tag, histogram);
    }
    Ok(all)
}

/// A quantity's times of several rounds.
#[derive(Clone, Debug)]
pub struct Merged {
    /// All of them.
    pub histogram: Histogram<u64>,
    /// The same, with the exact maximum.
    timings: Timings,
}

impl Merged {
    /// One with the times of one round.
    fn new(histogram: &Histogram<u64>, exact_max_ns: Option<u64>) -> Self {
        let mut timings = Timings::default();
        timings.merge(histogram, exact_max_ns);
        Self { histogram: histogram.clone(), timings }
    }

    fn add(&mut self, histogram: &Histogram<u64>, exact_max_ns: Option<u64>) -> Result<()> {
        self.histogram.add(histogram).map_err(|error| anyhow!("histograms of different bounds ({error:?})"))?;
        self.timings.merge(histogram, exact_max_ns);
        Ok(())
    }

    /// Number, mean, percentiles and maximum.
    pub fn summary(&self) -> Summary {
        self.timings.summary()
    }
}

/// The tags of which records have a summary, with the exact maximum.
pub const RECORDED: [&str; 8] =
    ["response", "service", "pause", "pause-g0", "pause-g1", "pause-g2", "cascade", "hiccup"];

/// What a record says of the histogram with this tag, where it says anything.
pub fn summary_in_record(record: &Record, tag: &str) -> Option<Summary> {
    match tag {
        "response" => record.response_ns,
        "service" => record.service_ns,
        "pause" => record.pause_ns.map(|pause| pause.summary),
        "pause-g0" | "pause-g1" | "pause-g2" => {
            let generation = PAUSES_BY_GENERATION.iter().position(|known| *known == tag)?;
            Some(record.pause_by_generation.as_ref()?.get(generation)?.summary)
        }
        "cascade" => record.cascade_ns.map(|cascade| cascade.summary),
        "hiccup" => record.platform_hiccup_ns,
        _ => None,
    }
}

/// The histograms of some records of a folder, those of one tag merged. `counts` says which tags of a record do.
///
/// # Errors
/// If a file is not there or damaged, or holds another number of times than its record says.
pub fn merge(
    records: &[&Record],
    folder: &Path,
    counts: impl Fn(&Record, &str) -> bool,
) -> Result<BTreeMap<String, Merged>> {
    let mut merged: BTreeMap<String, Merged> = BTreeMap::new();
    for record in records {
        let Some(hlog) = &record.hlog else { continue };
        let path = folder.join(hlog);
        let histograms = read_all(&path)?;
        let lost = |tag: &str| summary_in_record(record, tag).is_some_and(|s| s.n > 0) && !histograms.contains_key(tag);
        if let Some(tag) = RECORDED.into_iter().find(|tag| lost(tag)) {
            bail!("{} is damaged: it lacks the histogram `{tag}` of its record; run its cell again", path.display());
        }
        for (tag, histogram) in histograms {
            let summary = summary_in_record(record, &tag);
            if let Some(summary) = summary.filter(|summary| summary.n != histogram.len()) {
                bail!(
                    "{} does not belong to its record: it holds {} times of `{tag}`, the record says {}; run its cell again",
                    path.display(),
                    histogram.len(),
                    summary.n
                );
            }
            if !counts(record, &tag) {
                continue;
            }
            let exact_max = summary.and_then(|summary| summary.max);
            match merged.get_mut(&tag) {
                Some(merged) => merged.add(&histogram, exact_max).with_context(|| path.display().to_string())?,
                None => {
                    merged.insert(tag, Merged::new(&histogram, exact_max));
                }
            }
        }
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use workloads::catalogue;

    use super::*;
    use crate::cell::Cell;
    use crate::histogram::Histograms;

    fn cell(folder: &Path, round: u32, times: &[u64]) -> Record {
        let cell = Cell::new("refcount", &[], catalogue::ENTRIES[0].name, &[], 1).unwrap();
        let mut record = Cell { round, ..cell }.record(None);
        let mut histograms = Histograms::default();
        histograms.insert("service", Timings::of(times));
        let hlog = format!("{}.hlog", record.cell);
        histograms.write(&folder.join(&hlog), "a test", SystemTime::now(), Duration::from_secs(1)).unwrap();
        (record.hlog, record.service_ns) = (Some(hlog), Some(Timings::of(times).summary()));
        record
    }

    #[test]
    fn rounds_are_merged_and_not_averaged() {
        let folder = tempfile::tempdir().unwrap();
        let fast: Vec<u64> = vec![1_000; 900];
        let slow: Vec<u64> = vec![5_000_000; 100];
        let records = [cell(folder.path(), 0, &fast), cell(folder.path(), 1, &slow)];
        let merged = merge(&records.iter().collect::<Vec<_>>(), folder.path(), |_, _| true).unwrap();
        let summary = merged["service"].summary();
        assert_eq!((summary.n, summary.p50, summary.max), (1_000, Some(1_000), Some(5_000_000)));
        assert_eq!(summary.p99.map(|p99| p99 / 10_000), Some(500));
    }

    #[test]
    fn damage_has_a_cause_and_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let record = cell(folder.path(), 0, &(1..5_000).collect::<Vec<_>>());
        let path = folder.path().join(record.hlog.as_ref().unwrap());
        let whole = fs::read_to_string(&path).unwrap();
        let merged = || merge(&[&record], folder.path(), |_, _| true);
        assert!(merged().is_ok());
        let torn = whole.trim_end();
        for (damaged, cause) in [
            (format!("{}\n", &torn[..torn.len() - 40]), "cannot be decoded"),
            (torn[..torn.len() - 40].to_owned(), "none of an interval log"),
            (whole.lines().filter(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect(), "lacks"),
            (format!("{whole}what is this\n"), "none of an interval log"),
        ] {
            fs::write(&path, damaged).unwrap();
            let error = format!("{:#}", merged().unwrap_err());
            assert!(error.contains(cause) && error.contains("run its cell again"), "{error}");
        }
        fs::remove_file(&path).unwrap();
        assert!(format!("{:#}", merged().unwrap_err()).contains("cannot read"));
        let other = cell(folder.path(), 0, &[1, 2, 3]);
        assert_eq!(other.hlog, record.hlog);
        assert!(format!("{:#}", merged().unwrap_err()).contains("3 times of `service`, the record says 4999"));
    }
}
