//! Recordings of running Python programs: pauses and requests as `python/gclab_record.py` writes them, a JSON object a line.
//!
//! Format: `bench-results/schema/recording.schema.json`. Every line is checked before it counts; what is wrong is said with
//! its line. A process that was killed leaves a last line cut short and no end: that line is left out, and the recording
//! ends with its last event.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::histogram::Timings;
use crate::mmu::Pauses;

/// The version of the format that is read.
const SCHEMA: u64 = 1;
/// Generations that Python's `gc` module names.
pub const GENERATIONS: usize = 3;
/// Longest line; a recorder's are below 1 kB.
const LONGEST_LINE: usize = 1 << 20;

/// One line.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum Line {
    Start {
        schema: u64,
        runtime: String,
        process: u64,
        started: String,
        threshold: Vec<i64>,
        enabled: bool,
    },
    Collection {
        start_ns: u64,
        end_ns: u64,
        generation: usize,
        collected: u64,
        uncollectable: u64,
    },
    Request {
        start_ns: u64,
        end_ns: u64,
        #[serde(rename = "thread")]
        _thread: i64,
        #[serde(rename = "name")]
        _name: String,
    },
    End {
        ns: u64,
        dropped: u64,
    },
}

/// What was recorded of one process.
#[derive(Debug)]
pub struct Recording {
    /// The file.
    pub path: PathBuf,
    /// Name and version of the interpreter.
    pub runtime: String,
    /// The process's number on its machine.
    pub process: u64,
    /// When the recording began, UTC.
    pub started: String,
    /// `gc.get_threshold()` when it began.
    pub threshold: Vec<i64>,
    /// Whether the collector was on when it began.
    pub enabled: bool,
    /// Length of the recording; to the last event when the process was killed.
    pub wall_ns: u64,
    /// Whether it has no end: the process was killed or still runs.
    pub cut_short: bool,
    /// Collections and requests that the recorder left out, if it told.
    pub dropped: Option<u64>,
    /// Collections, ordered by their start.
    pub collections: Vec<Collection>,
    /// Requests as (start, end), in nanoseconds.
    pub requests: Vec<(u64, u64)>,
}

/// One collection of a recorded program; it stood still from start to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Nanoseconds from the beginning of the recording.
    pub start_ns: u64,
    /// When it ended.
    pub end_ns: u64,
    /// The oldest generation collected.
    pub generation: usize,
    /// Objects collected.
    pub collected: u64,
    /// Objects found to be garbage and left.
    pub uncollectable: u64,
}

/// Service times of requests, by whether a pause overlapped them.
#[derive(Debug, Default)]
pub struct Requests {
    /// All of them.
    pub all: Timings,
    /// Those that a pause overlapped.
    pub paused: Timings,
    /// The others.
    pub unpaused: Timings,
}

impl Recording {
    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or what is wrong with which line.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        Self::read(BufReader::new(file), path).with_context(|| format!("{} is no recording", path.display()))
    }

    fn read(mut input: impl BufRead, path: &Path) -> Result<Self> {
        let mut bytes = Vec::new();
        let mut recording = None;
        let mut number = 0;
        loop {
            number += 1;
            bytes.clear();
            let limited = &mut std::io::Read::take(&mut input, LONGEST_LINE as u64);
            limited.read_until(b'\n', &mut bytes).with_context(|| format!("line {number} cannot be read"))?;
            if bytes.is_empty() {
                break;
            }
            ensure!(bytes.len() < LONGEST_LINE, "line {number} is longer than {LONGEST_LINE} bytes; record again");
            if bytes.last() != Some(&b'\n') && recording.is_some() {
                break; // cut short while it was written
            }
            let line = serde_json::from_slice(&bytes)
                .map_err(anyhow::Error::from)
                .and_then(|line| Self::take(&mut recording, line, path));
            line.with_context(|| format!("line {number}; give files that gclab_record.py wrote"))?;
        }
        let Some(mut recording) = recording else {
            bail!("it is empty; a recording begins with a line of kind `start`")
        };
        let last = recording.collections.iter().map(|one| one.end_ns).chain(recording.requests.iter().map(|one| one.1));
        let last = last.max().unwrap_or(0);
        ensure!(
            recording.cut_short || last <= recording.wall_ns,
            "an event ends {last} ns after the beginning, and the recording before it, at {} ns",
            recording.wall_ns
        );
        if recording.cut_short {
            recording.wall_ns = last;
        }
        recording.collections.sort_unstable_by_key(|one| (one.start_ns, one.end_ns));
        Ok(recording)
    }

    /// Adds one line to what the lines before it gave.
    fn take(recording: &mut Option<Self>, line: Line, path: &Path) -> Result<()> {
        let Some(recording) = recording else {
            let Line::Start { schema, runtime, process, started, threshold, enabled } = line else {
                bail!("a recording begins with a line of kind `start`");
            };
            ensure!(schema == SCHEMA, "the recording has schema {schema}; this program reads {SCHEMA}");
            *recording = Some(Self {
                path: path.to_owned(),
                runtime,
                process,
                started,
                threshold,
                enabled,
                wall_ns: 0,
                cut_short: true,
                dropped: None,
                collections: Vec::new(),
                requests: Vec::new(),
            });
            return Ok(());
        };
        ensure!(recording.cut_short, "a line after the recording's end");
        match line {
            Line::Start { .. } => bail!("a second `start`; give each recording as a file of its own"),
            Line::Collection { start_ns, end_ns, generation, collected, uncollectable } => {
                ensure!(start_ns <= end_ns, "a collection ends at {end_ns} ns, before it starts at {start_ns} ns");
                ensure!(generation < GENERATIONS, "generation {generation}; there are 0, 1 and 2");
                recording.collections.push(Collection { start_ns, end_ns, generation, collected, uncollectable });
            }
            Line::Request { start_ns, end_ns, .. } => {
                ensure!(start_ns <= end_ns, "a request ends at {end_ns} ns, before it starts at {start_ns} ns");
                recording.requests.push((start_ns, end_ns));
            }
            Line::End { ns, dropped } => {
                (recording.wall_ns, recording.cut_short, recording.dropped) = (ns, false, Some(dropped));
            }
        }
        Ok(())
    }

    /// The pauses, of which utilization is made.
    pub fn pauses(&self) -> Pauses {
        let spans: Vec<(u64, u64)> = self.collections.iter().map(|one| (one.start_ns, one.end_ns)).collect();
        Pauses::new(&spans, self.wall_ns)
    }

    /// Adds the requests' service times, each to all and to those with or without an overlapping pause.
    pub fn add_requests(&self, to: &mut Requests) {
        for (ns, is_paused) in self.service_times() {
            to.all.record(ns);
            if is_paused { &mut to.paused } else { &mut to.unpaused }.record(ns);
        }
    }

    /// Service times of requests that no pause overlapped, in nanoseconds.
    pub fn unpaused(&self) -> impl Iterator<Item = u64> {
        self.service_times().into_iter().filter(|(_, is_paused)| !is_paused).map(|(ns, _)| ns)
    }

    /// The service time of each request, and whether a pause overlapped it.
    fn service_times(&self) -> Vec<(u64, bool)> {
        // The latest end of the first so many collections: one that began early may end late.
        let mut latest_end = Vec::with_capacity(self.collections.len());
        for one in &self.collections {
            latest_end.push(one.end_ns.max(latest_end.last().copied().unwrap_or(0)));
        }
        let time = |&(start, end): &(u64, u64)| {
            let begun = self.collections.partition_point(|one| one.start_ns < end);
            (end - start, begun > 0 && latest_end[begun - 1] > start)
        };
        self.requests.iter().map(time).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = r#"{"kind":"start","schema":1,"runtime":"CPython 3.12.1","process":7,"started":"2026-01-01T00:00:00Z","threshold":[700,10,10],"enabled":true}"#;

    fn read(lines: &[&str]) -> Result<Recording> {
        let text = [START].iter().chain(lines).map(|line| format!("{line}\n")).collect::<String>();
        Recording::read(text.as_bytes(), Path::new("a.jsonl"))
    }

    fn collection(start: u64, end: u64) -> String {
        format!(
            r#"{{"kind":"collection","start_ns":{start},"end_ns":{end},"generation":1,"collected":3,"uncollectable":0}}"#
        )
    }

    fn request(start: u64, end: u64) -> String {
        format!(r#"{{"kind":"request","start_ns":{start},"end_ns":{end},"thread":1,"name":"GET"}}"#)
    }

    #[test]
    fn requests_are_told_apart_by_the_pauses_that_overlap_them() {
        // One pause from 100 to 200, a short one inside it that begins later.
        let lines = [
            collection(100, 200),
            collection(120, 130),
            request(0, 100),   // ends as the pause begins
            request(200, 300), // begins as it ends
            request(140, 150), // inside
            request(50, 101),
            request(199, 250),
            request(90, 210), // around
        ];
        let recording = read(&lines.each_ref().map(String::as_str)).unwrap();
        let mut requests = Requests::default();
        recording.add_requests(&mut requests);
        assert_eq!([&requests.all, &requests.paused, &requests.unpaused].map(|one| one.summary().n), [6, 4, 2]);
        assert_eq!(requests.unpaused.total_ns(), 200);
        assert!(recording.cut_short);
        assert_eq!(recording.wall_ns, 300);
        assert_eq!(recording.pauses().paused_ns(), 100);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let wrong = |lines: &[&str]| format!("{:#}", read(lines).unwrap_err());
        assert!(wrong(&["{"]).starts_with("line 2;"), "{}", wrong(&["{"]));
        assert!(
            wrong(&[&collection(9, 3)]).contains("line 2") && wrong(&[&collection(9, 3)]).contains("before it starts")
        );
        assert!(wrong(&[&request(9, 3)]).contains("before it starts"));
        assert!(wrong(&[START]).contains("a second `start`"));
        let end = r#"{"kind":"end","ns":50,"dropped":0}"#;
        assert!(wrong(&[end, end]).contains("line 3") && wrong(&[end, end]).contains("after the recording's end"));
        assert!(wrong(&[&request(9, 60), end]).contains("60 ns after"), "{}", wrong(&[&request(9, 60), end]));
        assert!(wrong(&[r#"{"kind":"stranger"}"#]).contains("unknown variant"));
        assert!(wrong(&[r#"{"kind":"end","ns":-1,"dropped":0}"#]).contains("line 2"));
        let generation = collection(1, 2).replace("\"generation\":1", "\"generation\":3");
        assert!(wrong(&[&generation]).contains("generation 3"));
        let read = |text: &str| format!("{:#}", Recording::read(text.as_bytes(), Path::new("a")).unwrap_err());
        assert!(read("").contains("empty"));
        assert!(read(&(request(1, 2) + "\n")).contains("begins with"));
        assert!(read(&START.replace("\"schema\":1", "\"schema\":2")).contains("schema 2"));
        assert!(read(&"x".repeat(LONGEST_LINE + 5)).contains("line 1 is longer"));
    }

    #[test]
    fn a_last_line_cut_short_is_left_out() {
        let text = format!("{START}\n{}\n{}", request(1, 5), &request(6, 9)[..20]);
        let recording = Recording::read(text.as_bytes(), Path::new("a")).unwrap();
        assert_eq!((recording.requests.as_slice(), recording.wall_ns, recording.cut_short), (&[(1, 5)][..], 5, true));
    }
}
