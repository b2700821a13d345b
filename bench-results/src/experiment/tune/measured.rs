//! What the record of a cell says of a candidate: the figures of the goal, in the recorded service's time, or why it cannot count.

use std::path::Path;

use anyhow::Result;

use super::backtest::Predicted;
use super::candidate::Candidate;
use super::plan::Plan;
use super::search::Measured;
use crate::histogram::PAUSES_BY_GENERATION;
use crate::record::{Record, Status};
use crate::report::merged::read_all;
use crate::units;

/// The figures of a record. Times are multiplied by `scale`.
pub fn measured(record: &Record, candidate: &Candidate, plan: &Plan, scale: f64) -> Measured {
    let times = if plan.rate.is_some() { record.response_ns } else { record.service_ns };
    let percentile = |slo: &super::goal::Slo| Some(slo.percentile.of(times.as_ref()?)? as f64 * scale);
    let operations = record.operations.filter(|&operations| operations > 0);
    let growth = growth(record, candidate);
    let more = growth
        .zip(plan.worker_requests)
        .map_or(0.0, |(bytes, life)| bytes * life.saturating_sub(operations.unwrap_or(0)) as f64);
    Measured {
        latency_ns: plan.goal.slos.iter().map(percentile).collect(),
        peak_bytes: record.peak_rss_bytes.map(|bytes| bytes as f64 + more),
        held_bytes: record.heap_peak_bytes.map(|bytes| bytes as f64 + more),
        cpu_ns: record.cpu_in_all_ns().zip(operations).map(|(ns, n)| ns as f64 / n as f64 * scale),
        // By how much must be known for a worker's life.
        failure: failure(record, growth.filter(|bytes| plan.worker_requests.is_none() || !bytes.is_finite())),
    }
}

/// How much each request adds, in bytes, of a candidate that may never find it again; `None` if it grows no further.
///
/// A setting that collects the oldest generation is not asked: between two full collections every heap grows.
fn growth(record: &Record, candidate: &Candidate) -> Option<f64> {
    if candidate.oldest_collected() == Some(2) {
        return None;
    }
    let grows = match record.floating_trend {
        Some(trend) => !trend.steady && trend.peaks_per_block > 0.0,
        // Too few samples for a trend: who collects nothing grows.
        None => candidate.oldest_collected().is_none(),
    };
    let floating = record.floating.filter(|_| grows)?;
    // Where objects differ in size, bytes are not known; then each is taken for a mean one of the heap at its peak.
    let mean = |objects: u64| -> Option<f64> {
        let all = objects + record.live_after.unwrap_or(0);
        Some(objects as f64 * record.heap_peak_bytes? as f64 / all.max(1) as f64)
    };
    let bytes = floating.peak_bytes.map(|bytes| bytes as f64).or_else(|| floating.peak_objects.and_then(mean));
    // That it grows is known even if by how much is not.
    Some(bytes.unwrap_or(f64::INFINITY) / record.operations.unwrap_or(1).max(1) as f64)
}

fn failure(record: &Record, growth: Option<f64>) -> Option<String> {
    match record.status {
        Status::Ok => growth.map(|bytes| {
            let each = if bytes.is_finite() {
                format!(", by {} in 1,000 requests", units::size((bytes * 1_000.0).round() as u64))
            } else {
                String::new()
            };
            format!("its memory grows without end{each}: see --worker-requests")
        }),
        Status::Saturated => Some("saturated: more requests arrived than it could serve".to_owned()),
        other => Some(record.error.clone().unwrap_or_else(|| other.name().to_owned())),
    }
}

/// What the back-test's two runs predict: the recorded setting, and full collections between requests.
///
/// # Errors
/// If a histogram is damaged.
pub fn predicted(own: &Record, full: &Record, folder: &Path) -> Result<Predicted> {
    let mut predicted = Predicted { requests: own.operations.unwrap_or(0), ..Predicted::default() };
    for generation in own.collections.iter().flatten() {
        if let Some(count) = predicted.collections.get_mut(usize::from(generation.generation)) {
            *count = generation.collections;
        }
    }
    for (generation, tag) in PAUSES_BY_GENERATION.into_iter().enumerate() {
        let record = if generation == 2 { full } else { own };
        let Some(hlog) = &record.hlog else { continue };
        if let Some(pauses) = read_all(&folder.join(hlog))?.get(tag).filter(|pauses| !pauses.is_empty()) {
            predicted.pauses[generation] = pauses.len();
            predicted.pause_ns[generation] = Some(pauses.value_at_quantile(0.5));
        }
    }
    Ok(predicted)
}

#[cfg(test)]
mod tests {
    use super::super::candidate::When;
    use super::super::goal::{Goal, Slo};
    use super::super::plan::{Extent, Wanted};
    use super::*;
    use crate::floating_trend::FloatingTrend;
    use crate::record::Floating;

    fn plan(worker_requests: Option<u64>) -> Plan {
        let goal = Goal { slos: vec![Slo::parse("p50=5ms").unwrap()], memory: None };
        let (extent, heap_file, set, heaps, recording) = (Extent::Quick, None, Vec::new(), None, None);
        Plan::new(Wanted { extent, goal, heap_file, set, load: None, worker_requests, heaps, recording }).unwrap()
    }

    #[test]
    fn what_grows_without_end_fails_unless_workers_are_replaced() {
        let off = Candidate { when: When::Off, ..Candidate::thresholds([700, 10, 10]) };
        let point = plan(None).point(&off);
        let mut record = point.closed_cell(&off.heap, 1).unwrap().record(None);
        record.status = Status::Ok;
        (record.operations, record.peak_rss_bytes) = (Some(1_000), Some(100_000_000));
        record.mutator_cpu_ns = Some(50_000_000);
        record.floating = Some(Floating { peak_objects: Some(9), mean_objects: None, peak_bytes: Some(2_000_000) });
        let trend = FloatingTrend {
            steady: false,
            peaks_per_block: 9.0,
            peaks_median: 9.0,
            medians_per_block: 9.0,
            medians_median: 9.0,
        };
        record.floating_trend = Some(trend);
        let grows = measured(&record, &off, &plan(None), 1.0);
        assert!(grows.failure.as_ref().unwrap().contains("grows without end, by 1.91 MiB"), "{grows:?}");
        let replaced = measured(&record, &off, &plan(Some(10_000)), 2.0);
        assert_eq!((replaced.failure, replaced.peak_bytes), (None, Some(118_000_000.0)));
        assert_eq!(replaced.cpu_ns, Some(100_000.0), "times are scaled");
        // Bytes are not known where objects differ in size: 9 of 90 objects of 90 MB, after 1,000 requests.
        let mut unequal = record.clone();
        unequal.floating = Some(Floating { peak_objects: Some(9), mean_objects: None, peak_bytes: None });
        assert!(measured(&unequal, &off, &plan(None), 1.0).failure.unwrap().contains("grows without end"));
        (unequal.heap_peak_bytes, unequal.live_after) = (Some(90_000_000), Some(81));
        let replaced = measured(&unequal, &off, &plan(Some(2_000)), 1.0);
        assert_eq!((replaced.failure, replaced.peak_bytes), (None, Some(109_000_000.0)));
        let default = Candidate::thresholds([700, 10, 10]);
        assert_eq!(measured(&record, &default, &plan(None), 1.0).failure, None);
        record.floating_trend = Some(FloatingTrend { steady: true, ..trend });
        assert_eq!(measured(&record, &off, &plan(None), 1.0).failure, None);
        record.status = Status::Saturated;
        assert!(measured(&record, &off, &plan(None), 1.0).failure.unwrap().contains("saturated"));
    }
}
