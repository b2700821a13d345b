//! What the rounds of a comparison say of its heaps: each point on three axes, a verdict, and one ratio over all points.
//!
//! A heap that collects no cycles is compared and not judged: it leaks what the others work to free.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Result, bail};
use hdrhistogram::Histogram;

pub use crate::comparison::is_complete;
use crate::comparison::{BASELINE, Comparison, Point, of_point};
use crate::histogram::Histograms;
use crate::record::{Record, Status};
use crate::roster;
use crate::statistics::axis::{Axis, highest_percentile};
use crate::statistics::bootstrap::{Estimate, Plan};
use crate::statistics::comparison::{Comparison as OnAxis, Difference, Measured, Rounds};
use crate::statistics::geometric::{GeometricMean, geometric_mean};
use crate::statistics::verdict::Verdict;

/// One point, judged.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// What was compared at.
    pub point: Point,
    /// All heaps on each axis: latency, CPU, memory.
    pub axes: [OnAxis; 3],
    /// What follows for the heaps that collect cycles.
    pub verdict: Verdict,
}

/// The heap that ratios are over: the baseline, or the first heap where that takes no part.
pub fn reference(comparison: &Comparison) -> &str {
    comparison.heaps.iter().find(|heap| *heap == BASELINE).or(comparison.heaps.first()).map_or(BASELINE, String::as_str)
}

/// Judges a point by its records and their histograms in `folder`.
///
/// # Errors
/// If its cells were run on several machines, a histogram cannot be read, or no heap has a cell.
pub fn judge(comparison: &Comparison, point: &Point, records: &[Record], folder: &Path) -> Result<Judgement> {
    let records = of_point(records, point);
    let machines: BTreeSet<_> = records.iter().map(|record| &record.machine).collect();
    if machines.len() > 1 {
        bail!("the cells of {} are of {} machines: ratios would compare those", point.title(), machines.len());
    }
    let open = records.iter().any(|record| record.offered_per_s.is_some());
    let tag = if open { "response" } else { "service" };
    let cells = |heap: &str, twin: bool| -> Vec<&Record> {
        records.iter().copied().filter(|record| record.heap == heap && record.twin == twin).collect()
    };
    let times = |heap: &str, twin: bool| times(&cells(heap, twin), folder, tag);
    let values = |heap: &str, twin: bool, figure: &dyn Fn(&Record) -> Option<f64>| {
        let of = |record: &&Record| Some((record.round, figure(record)?));
        measured(heap, &cells(heap, twin), Rounds::Values(complete(&cells(heap, twin)).iter().filter_map(of).collect()))
    };
    let per_operation = |record: &Record| {
        let operations = record.operations.filter(|&operations| operations > 0)?;
        Some(record.cpu_in_all_ns()? as f64 / operations as f64)
    };
    // Of the process: a heap's own figure leaves out its side tables.
    let memory = |record: &Record| Some(record.peak_rss_bytes? as f64);

    let mut latencies = Vec::new();
    for heap in &comparison.heaps {
        latencies.push(measured(heap, &cells(heap, false), times(heap, false)?));
    }
    // One percentile for all: the highest that each heap has enough times for.
    let amounts: Vec<u64> = latencies.iter().filter_map(amount).collect();
    let quantile = highest_percentile(&amounts).unwrap_or(0.5);
    let latency = if open { Axis::Response(quantile) } else { Axis::Service(quantile) };
    let again = match &comparison.twin {
        Some(heap) => Some(measured(heap, &cells(heap, true), times(heap, true)?)),
        None => None,
    };
    let plan = Plan { seed: comparison.seed, ..Plan::default() };
    let reference = reference(comparison);
    let on_axis = |axis: Axis, figure: &dyn Fn(&Record) -> Option<f64>, heaps: &[&String]| {
        let all: Vec<Measured> = heaps.iter().map(|heap| values(heap, false, figure)).collect();
        let again = comparison.twin.as_ref().map(|heap| values(heap, true, figure));
        OnAxis::new(&plan, axis, &all, reference, again.as_ref())
    };
    let all: Vec<&String> = comparison.heaps.iter().collect();
    let axes = [
        OnAxis::new(&plan, latency, &latencies, reference, again.as_ref()),
        on_axis(Axis::Cpu, &per_operation, &all),
        on_axis(Axis::Memory, &memory, &all),
    ];
    let mut excluded: Vec<String> = Vec::new();
    if let Some(heap) = &comparison.twin {
        let failed = cells(heap, true).into_iter().filter(|record| !is_complete(record));
        excluded.extend(failed.map(|record| format!("{heap} again, round {}: {}", record.round, record.status.name())));
        excluded.extend(saturated_note(&format!("{heap} again"), &cells(heap, true)));
    }
    let judged: Vec<&String> = all.iter().copied().filter(|heap| collects(heap)).collect();
    excluded.extend(judged.iter().filter_map(|heap| saturated_note(heap, &cells(heap, false))));
    let leaking: Vec<String> = all.iter().filter(|heap| !collects(heap)).map(|heap| (*heap).clone()).collect();
    if !leaking.is_empty() {
        excluded.push(format!("{} (no cycle collection: a floor)", leaking.join(", ")));
    }
    latencies.retain(|one| collects(&one.heap));
    let verdict = Verdict::new(
        &point.title(),
        [
            &OnAxis::new(&plan, latency, &latencies, reference, again.as_ref()),
            &on_axis(Axis::Cpu, &per_operation, &judged),
            &on_axis(Axis::Memory, &memory, &judged),
        ],
        excluded,
    )?;
    Ok(Judgement { point: point.clone(), axes, verdict })
}

/// Each heap's geometric mean over points of its ratio to the reference, on each axis; heaps in the order of the comparison,
/// without the reference.
pub fn over_all_points(comparison: &Comparison, judgements: &[Judgement]) -> Vec<(String, [GeometricMean; 3])> {
    let others = comparison.heaps.iter().filter(|heap| *heap != reference(comparison));
    others
        .map(|heap| {
            let mean = |place: usize| {
                geometric_mean(judgements.iter().map(|judgement| {
                    let row = judgement.axes[place].rows.iter().find(|row| row.heap == *heap);
                    let ratio = match row.and_then(|row| row.ratio) {
                        Some(Difference { ratio, .. }) => ratio.map_err(|why| why.to_string()),
                        None => Err("no ratio".to_owned()),
                    };
                    (judgement.point.title(), ratio)
                }))
            };
            (heap.clone(), [mean(0), mean(1), mean(2)])
        })
        .collect()
}

/// What a mean over points mixes on the axis of latency, in a sentence; `None` where it is of one quantity.
pub fn mixed_latency(judgements: &[Judgement]) -> Option<String> {
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for judgement in judgements {
        let name = judgement.axes[0].axis.name();
        match kinds.iter_mut().find(|(known, _)| *known == name) {
            Some((_, points)) => *points += 1,
            None => kinds.push((name, 1)),
        }
    }
    let of = |(name, points): &(String, usize)| format!("{name} ({points} of {} points)", judgements.len());
    (kinds.len() > 1).then(|| {
        let kinds: Vec<String> = kinds.iter().map(of).collect();
        format!("Latency mixes quantities, as points differ in loop and number of times: {}.", kinds.join(", "))
    })
}

/// A ratio as narrow columns show it, its interval below it: `0.61` and `0.58–0.65`.
pub fn shown(ratio: &Estimate) -> String {
    let digits = |value: f64| match value {
        v if v >= 99.95 => format!("{v:.0}"),
        v if v >= 9.995 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    };
    format!("{}\n{}–{}", digits(ratio.point), digits(ratio.low), digits(ratio.high))
}

fn collects(heap: &str) -> bool {
    roster::entry(heap).is_ok_and(|entry| entry.abilities.collects_cycles)
}

/// Cells that did all their work.
fn complete<'r>(records: &[&'r Record]) -> Vec<&'r Record> {
    records.iter().copied().filter(|record| is_complete(record)).collect()
}

/// In how many of a heap's rounds an open loop fell behind; `None` if in none.
///
/// One such round takes away the response times of all: those in which it did not fall behind would be the lucky ones.
pub fn saturated_rounds(records: &[&Record]) -> Option<usize> {
    let saturated = records.iter().filter(|record| record.status == Status::Saturated).count();
    (saturated > 0).then_some(saturated)
}

fn saturated_note(heap: &str, records: &[&Record]) -> Option<String> {
    let saturated = saturated_rounds(records)?;
    Some(format!(
        "response times of {heap}: saturated ({saturated} of {} rounds; CPU and memory are of all, as the work is fixed)",
        records.len()
    ))
}

/// The times of each round; see [`saturated_rounds`].
fn times(records: &[&Record], folder: &Path, tag: &str) -> Result<Rounds> {
    if let Some(saturated) = saturated_rounds(records) {
        return Ok(Rounds::Saturated { saturated, rounds: records.len() });
    }
    let mut times = BTreeMap::new();
    for record in complete(records) {
        let Some(hlog) = &record.hlog else { continue };
        if let Some(histogram) = Histograms::read(&folder.join(hlog), tag)? {
            times.insert(record.round, histogram);
        }
    }
    Ok(Rounds::Times(times))
}

fn amount(measured: &Measured) -> Option<u64> {
    match &measured.rounds {
        Rounds::Times(rounds) if !rounds.is_empty() => Some(rounds.values().map(Histogram::len).sum()),
        _ => None,
    }
}

fn measured(heap: &str, records: &[&Record], rounds: Rounds) -> Measured {
    let failed = records.iter().filter(|record| !is_complete(record)).map(|record| {
        let cause = record.error.as_deref().unwrap_or("no cause known");
        format!("round {}: {}: {cause}", record.round, record.status.name())
    });
    Measured { heap: heap.to_owned(), rounds, failed: failed.collect() }
}
