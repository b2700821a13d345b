//! Logs, held against what an interpreter does with them.

use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread::available_parallelism;

use anyhow::{Context, Result, anyhow};
use gc_core::{Automatic, HeapConfig};
use workloads::oplog::{Baseline, Difference, Log, Operation, compare, parse_baseline, parse_lines, replay_beside};

use super::interpreter::Interpreter;
use super::shrink::shrink;
use crate::roster::{Entry, for_heap};

/// More of an interpreter's own objects than any interpreter has.
pub const MAX_BASELINE: u32 = 50_000_000;

/// As on heaps that stop: a due collection runs there and then, and what dies by count is gone when the operation ends.
pub fn step_by_step() -> HeapConfig {
    HeapConfig { automatic: Automatic::AtTrigger, release_budget: None, ..HeapConfig::default() }
}

/// The interpreter's own objects at the start, from the first line of a recorded outcome.
///
/// # Errors
/// If that line tells no possible numbers.
pub fn recorded_baseline(outcome: &str) -> Result<Baseline> {
    let first = outcome.lines().next().unwrap_or_default();
    let (frozen, immortal) = parse_baseline(first)
        .filter(|&(frozen, immortal)| immortal <= frozen && frozen <= MAX_BASELINE)
        .context("the recorded outcome's first line tells no usable baseline_frozen and baseline_immortal; give --baseline B,I")?;
    Ok(Baseline { frozen, immortal })
}

/// Executes the log and returns the first difference from the recorded outcome. Order is left out of `gens` and `ev` where
/// the log unfreezes the interpreter's own objects, or the heap promises none.
///
/// # Errors
/// If the outcome is damaged, or the heap cannot execute the log.
pub fn first_difference(
    heap: &Entry,
    config: &HeapConfig,
    log: &Log,
    baseline: Baseline,
    outcome: &str,
) -> Result<Option<Difference>> {
    let damaged = |(line, cause): (usize, String)| anyhow!("line {line} of the outcome: {cause}");
    let recorded = parse_lines(outcome).map_err(damaged)?;
    let mut lines = Vec::new();
    for_heap!(heap.name, H => replay_beside::<H>(log, config, baseline, &recorded, |line| lines.push(line)))??;
    compare(&lines, outcome, !log.unfreezes() && heap.abilities.list_order).map_err(damaged)
}

/// The same with the baseline that the outcome tells, where it plays a part.
///
/// # Errors
/// As [`first_difference`], and if the outcome tells no baseline.
pub fn first_difference_from(
    heap: &Entry,
    config: &HeapConfig,
    log: &Log,
    outcome: &str,
) -> Result<Option<Difference>> {
    let baseline = if log.unfreezes() { recorded_baseline(outcome)? } else { Baseline::default() };
    first_difference(heap, config, log, baseline, outcome)
}

/// How often a log that differs is run again to make it smaller.
const SHRINKING_TRIES: u32 = 300;

/// An interpreter, and a heap to hold against it.
#[derive(Debug)]
pub struct Trial<'i> {
    /// The interpreter.
    pub interpreter: &'i Interpreter,
    /// The program that runs a log on it.
    pub recorder: PathBuf,
    /// The heap.
    pub heap: &'static Entry,
    /// Its settings.
    pub config: HeapConfig,
}

/// A log that was run on both.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its length.
    pub operations: usize,
    /// Where the heap did otherwise.
    pub disagreement: Option<Disagreement>,
}

/// Where a heap did otherwise than the interpreter, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Disagreement {
    /// The operation's number, from 0.
    pub at: usize,
    /// The field of the outcome; `None` if one side has no line.
    pub field: Option<&'static str>,
    /// The operation, as in the log.
    pub operation: String,
    /// What the interpreter has in that field (the whole line, if the other side has none).
    pub expected: String,
    /// What the heap has.
    pub came: String,
}

impl Disagreement {
    fn new(log: &Log, difference: &Difference) -> Self {
        let value = |line: &str| match difference.field {
            Some(field) => serde_json::from_str(line).map_or_else(
                |_| line.to_owned(),
                |line: serde_json::Value| line.get(field).map_or_else(|| "nothing".to_owned(), ToString::to_string),
            ),
            None if line.is_empty() => "nothing".to_owned(),
            None => line.to_owned(),
        };
        let at = difference.operation;
        let operation = log.operations.get(at).map_or_else(|| "nothing".to_owned(), Operation::print);
        let (expected, came) = (value(&difference.expected), value(&difference.came));
        Self { at, field: difference.field, operation, expected, came }
    }
}

impl Trial<'_> {
    /// Where the outcome of a log is kept: `NAME.out.jsonl` beside `NAME.ops.jsonl`.
    pub fn outcome_of(log: &Path) -> PathBuf {
        let name = log.file_name().unwrap_or_default().to_string_lossy();
        log.with_file_name(format!("{}.out.jsonl", name.trim_end_matches(".ops.jsonl")))
    }

    /// Runs every log on both, on all processors; calls `done` after each.
    ///
    /// # Errors
    /// The first that [`hold`](Self::hold) tells.
    pub fn hold_all(&self, logs: &[PathBuf], done: impl Fn() + Sync) -> Result<Vec<Held>> {
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = || {
            let mut held = Vec::new();
            while !failed.load(Relaxed) {
                let at = next.fetch_add(1, Relaxed);
                let Some(log) = logs.get(at) else { break };
                let result = self.hold(log);
                // Relaxed: a hint to stop early; results are handed over by the join.
                failed.fetch_or(result.is_err(), Relaxed);
                held.push((at, result));
                done();
            }
            held
        };
        let workers = available_parallelism().map_or(1, NonZero::get).min(logs.len());
        let mut held: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("the work does not panic")).collect()
        });
        held.sort_by_key(|&(at, _)| at);
        held.into_iter().map(|(_, held)| held).collect()
    }

    /// Runs one log on both; the interpreter's outcome is kept beside it.
    ///
    /// # Errors
    /// If the log is damaged, the interpreter fails, or the heap cannot execute the log.
    pub fn hold(&self, path: &Path) -> Result<Held> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let log = Log::parse(&text).with_context(|| format!("{}", path.display()))?;
        let outcome = self.interpreter.run(&self.recorder, &[path.as_os_str()]);
        let outcome = outcome.with_context(|| format!("cannot record {}", path.display()))?;
        let kept = Self::outcome_of(path);
        fs::write(&kept, &outcome).with_context(|| format!("cannot write {}", kept.display()))?;
        let found = first_difference_from(self.heap, &self.config, &log, &outcome)
            .with_context(|| format!("{}", kept.display()))?;
        let disagreement = found.map(|difference| Disagreement::new(&log, &difference));
        Ok(Held { operations: log.operations.len(), disagreement })
    }

    /// Makes a log that differs smaller; its path, its length, and the operation at which it differs. `None` if nothing of
    /// it can be left out.
    ///
    /// # Errors
    /// If files cannot be read and written.
    pub fn smallest(&self, path: &Path, found: &Disagreement) -> Result<Option<(PathBuf, usize, usize)>> {
        let log = Log::parse(&fs::read_to_string(path)?)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let kept = path.with_file_name(format!("{}.smaller.ops.jsonl", name.trim_end_matches(".ops.jsonl")));
        // A log that cannot be run shows nothing.
        let run = |log: &Log| -> Option<Disagreement> {
            fs::write(&kept, log.print()).ok()?;
            self.hold(&kept).ok()?.disagreement
        };
        let until = log.operations.len().min(found.at + 1);
        let cut = Log { operations: log.operations[..until].to_vec(), header: log.header.clone() };
        let start = if run(&cut).is_some() { cut } else { log.clone() };
        let smallest = shrink(&start, SHRINKING_TRIES, |log| run(log).is_some());
        // The files hold the last one tried.
        match run(&smallest) {
            Some(found) if smallest != log => Ok(Some((kept, smallest.operations.len(), found.at))),
            _ => {
                // Nothing to look at; the log itself is kept.
                let _ = fs::remove_file(Self::outcome_of(&kept));
                let _ = fs::remove_file(&kept);
                Ok(None)
            }
        }
    }
}
