//! What the record of a cell says of a candidate: the figures of the goal, in the recorded service's time, or why it cannot count.

use std::path::Path;

use anyhow::Result;

use super::backtest::Predicted;
use super::candidate::Candidate;
use super::growth::{self, Slope};
use super::plan::Plan;
use super::track::{Aside, Measured};
use crate::histogram::PAUSES_BY_GENERATION;
use crate::record::{Record, Status};
use crate::report::merged::read_all;

/// The figures of a record. Times are multiplied by `scale`.
pub fn measured(record: &Record, candidate: &Candidate, plan: &Plan, scale: f64) -> Measured {
    let times = if plan.rate.is_some() { record.response_ns } else { record.service_ns };
    let percentile = |slo: &super::goal::Slo| Some(slo.percentile.of(times.as_ref()?)? as f64 * scale);
    let operations = record.operations.filter(|&operations| operations > 0);
    Measured {
        latency_ns: plan.goal.slos.iter().map(percentile).collect(),
        peak_bytes: record.peak_rss_bytes.map(|bytes| bytes as f64),
        held_bytes: record.heap_peak_bytes.map(|bytes| bytes as f64),
        cpu_ns: record.cpu_in_all_ns().zip(operations).map(|(ns, n)| ns as f64 / n as f64 * scale),
        failure: failure(record),
        slope: slope(record, candidate, plan.worker_requests),
        aside: aside(record, scale),
    }
}

fn aside(record: &Record, scale: f64) -> Aside {
    let hiccup = record.platform_hiccup_ns.and_then(|summary| summary.max);
    let pause = record.pause_ns.map(|pauses| pauses.summary.max.unwrap_or(0));
    let collections = record.collections.as_ref();
    Aside {
        hiccup_ns: hiccup.map(|ns| ns as f64 * scale),
        pause_ns: pause.map(|ns| ns as f64 * scale),
        collections: collections.map(|each| each.iter().map(|generation| generation.collections).collect()),
        floating_objects: record.floating.and_then(|floating| floating.peak_objects),
    }
}

/// How floating garbage developed, of a candidate that may never find it again.
///
/// A setting that collects the oldest generation is not asked: between two full collections every heap grows.
fn slope(record: &Record, candidate: &Candidate, worker_requests: Option<u64>) -> Option<Slope> {
    if candidate.oldest_collected() == Some(2) {
        return None;
    }
    let operations = record.operations.unwrap_or(0);
    let (share, objects) = match record.floating_trend {
        // Each block is a tenth of the timed part.
        Some(trend) => (growth::share(&trend), Some(trend.peaks_per_block * 10.0)),
        // Too few samples for a trend. Who collects nothing grows from the first request to the last.
        None if candidate.oldest_collected().is_none() => {
            (1.0, record.floating.and_then(|floating| floating.peak_objects).map(|objects| objects as f64))
        }
        None => return None,
    };
    let bytes = objects.zip(object_bytes(record)).map(|(objects, bytes)| objects * bytes);
    Some(Slope {
        share,
        request_bytes: bytes.map(|bytes| bytes.max(0.0) / operations.max(1) as f64),
        requests_left: worker_requests.map(|life| life.saturating_sub(operations)),
    })
}

/// The mean size of a dead object; where objects differ in size that is not known, and it is taken for one of all that the heap
/// held at its peak.
fn object_bytes(record: &Record) -> Option<f64> {
    let floating = record.floating?;
    let objects = floating.peak_objects.filter(|&objects| objects > 0)?;
    let of_heap = || Some(record.heap_peak_bytes? as f64 / (objects + record.live_after.unwrap_or(0)) as f64);
    floating.peak_bytes.map(|bytes| bytes as f64 / objects as f64).or_else(of_heap)
}

fn failure(record: &Record) -> Option<String> {
    match record.status {
        Status::Ok => None,
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
    use super::super::extent::Extent;
    use super::super::goal::{Goal, Slo};
    use super::super::plan::Wanted;
    use super::super::track::Track;
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
        // As long as a line from nothing: 10 more in each tenth of a run.
        let trend = FloatingTrend {
            steady: false,
            peaks_per_block: 10.0,
            peaks_median: 80.0,
            medians_per_block: 10.0,
            medians_median: 75.0,
        };
        record.floating = Some(Floating { peak_objects: Some(100), mean_objects: None, peak_bytes: Some(2_000_000) });
        record.floating_trend = Some(trend);
        let settled = |record: &Record, candidate: &Candidate, plan: &Plan, scale: f64| {
            let run = measured(record, candidate, plan, scale);
            let track = Track { search: vec![run; 2], ..Track::default() };
            track.settled().search[0].clone()
        };
        let grows = settled(&record, &off, &plan(None), 1.0);
        assert!(grows.failure.as_ref().unwrap().contains("grows without end, by 1.91 MiB in 1,000"), "{grows:?}");
        let replaced = settled(&record, &off, &plan(Some(10_000)), 2.0);
        assert_eq!((replaced.failure, replaced.peak_bytes), (None, Some(118_000_000.0)));
        assert_eq!(replaced.cpu_ns, Some(100_000.0), "times are scaled");
        // The height of a saw tooth is no growth: the same slope, and a tooth four times as high.
        let tooth = Some(Floating { peak_objects: Some(400), mean_objects: None, peak_bytes: Some(8_000_000) });
        let high = Record { floating: tooth, ..record.clone() };
        assert_eq!(settled(&high, &off, &plan(Some(10_000)), 1.0).peak_bytes, Some(118_000_000.0));
        // Bytes are not known where objects differ in size: each is taken for one of the 100 of 90 MB in the heap.
        let mut unequal = record.clone();
        unequal.floating = Some(Floating { peak_objects: Some(10), mean_objects: None, peak_bytes: None });
        assert!(settled(&unequal, &off, &plan(None), 1.0).failure.unwrap().contains("grows without end"));
        assert!(settled(&unequal, &off, &plan(Some(2_000)), 1.0).failure.is_some(), "by how much is not known");
        (unequal.heap_peak_bytes, unequal.live_after) = (Some(90_000_000), Some(90));
        let replaced = settled(&unequal, &off, &plan(Some(2_000)), 1.0);
        assert_eq!((replaced.failure, replaced.peak_bytes), (None, Some(190_000_000.0)));
        assert_eq!(replaced.held_bytes, Some(180_000_000.0));
        let default = Candidate::thresholds([700, 10, 10]);
        assert_eq!(settled(&record, &default, &plan(None), 1.0).failure, None);
        // Too few samples: who collects nothing grows all the same, and by what it left.
        let few = Record { floating_trend: None, ..record.clone() };
        assert!(settled(&few, &off, &plan(None), 1.0).failure.unwrap().contains("by 1.91 MiB"));
        let young = Candidate { when: When::YoungEvery(25), ..default };
        assert_eq!(settled(&few, &young, &plan(None), 1.0).failure, None);
        assert!(settled(&record, &young, &plan(None), 1.0).failure.is_some());
        record.floating_trend = Some(FloatingTrend { steady: true, peaks_per_block: 0.0, ..trend });
        assert_eq!(settled(&record, &off, &plan(None), 1.0).failure, None);
        assert_eq!(settled(&record, &off, &plan(Some(10_000)), 1.0).peak_bytes, Some(100_000_000.0));
        record.status = Status::Saturated;
        assert!(settled(&record, &off, &plan(None), 1.0).failure.unwrap().contains("saturated"));
    }
}
