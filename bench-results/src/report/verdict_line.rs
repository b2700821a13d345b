//! A judged point as a line of JSON: what `gclab compare --json` prints after the records.
//!
//! `schema/verdict.schema.json` says what each field is. Times are in whole nanoseconds, sizes in bytes; unknown is `null`.

use serde::Serialize;

use super::ratios::{key, standing_name};
use crate::comparison::{Comparison, Point};
use crate::judgement::{Judgement, reference};
use crate::record::{Record, SCHEMA};
use crate::statistics::axis::Axis;
use crate::statistics::bootstrap::{Estimate, NoEstimate};
use crate::statistics::comparison::{Comparison as OnAxis, Difference};

/// See the [module](self).
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct VerdictLine {
    schema: u32,
    kind: &'static str,
    point: String,
    title: String,
    workload: String,
    machine: Option<String>,
    reference: String,
    axes: Option<Vec<AxisLine>>,
    memory_equal: Option<bool>,
    memory_range_bytes: Option<(u64, u64)>,
    beats: Option<Vec<BeatsLine>>,
    front: Option<Vec<String>>,
    excluded: Option<Vec<String>>,
    text: Option<Vec<String>>,
    error: Option<String>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct AxisLine {
    axis: String,
    name: String,
    unit: &'static str,
    heaps: Vec<HeapLine>,
    noise: Option<NoiseLine>,
    best: Option<BestLine>,
    tied: Vec<String>,
    next: Option<NextLine>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct HeapLine {
    heap: String,
    value: Option<u64>,
    interval: Option<(u64, u64)>,
    no_interval: Option<String>,
    ratio: Option<RatioLine>,
    failed: Vec<String>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct RatioLine {
    value: Option<f64>,
    interval: Option<(f64, f64)>,
    rounds: Option<usize>,
    no_ratio: Option<String>,
    standing: &'static str,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct NoiseLine {
    heap: String,
    value: Option<f64>,
    interval: Option<(f64, f64)>,
    no_ratio: Option<String>,
    factor: Option<f64>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct BestLine {
    heap: String,
    value: u64,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct NextLine {
    heap: String,
    ratio: RatioLine,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct BeatsLine {
    winner: String,
    loser: String,
    ratios: [RatioLine; 3],
}

impl VerdictLine {
    /// Of a point with these records, as it was judged.
    pub fn new(
        comparison: &Comparison,
        point: &Point,
        records: &[&Record],
        judged: &Result<Judgement, anyhow::Error>,
    ) -> Self {
        let line = Self {
            schema: SCHEMA,
            kind: "verdict",
            point: point.id(),
            title: point.title(),
            workload: point.workload.clone(),
            machine: records.first().and_then(|record| record.machine.clone()),
            reference: reference(comparison).to_owned(),
            axes: None,
            memory_equal: None,
            memory_range_bytes: None,
            beats: None,
            front: None,
            excluded: None,
            text: None,
            error: None,
        };
        let judgement = match judged {
            Ok(judgement) => judgement,
            Err(cause) => return Self { machine: None, error: Some(format!("{cause:#}")), ..line },
        };
        let verdict = &judgement.verdict;
        let axes = judgement.axes.iter().zip(&verdict.axes).map(|(on_axis, verdict)| AxisLine {
            best: verdict.best.as_ref().map(|(heap, value)| BestLine { heap: heap.clone(), value: whole(*value) }),
            tied: verdict.tied.clone(),
            next: verdict.next.as_ref().map(|(heap, over)| NextLine { heap: heap.clone(), ratio: ratio(over) }),
            ..axis(on_axis)
        });
        let beats = verdict.beats.iter().map(|beats| BeatsLine {
            winner: beats.winner.clone(),
            loser: beats.loser.clone(),
            ratios: [0, 1, 2].map(|place| ratio(&beats.ratios[place])),
        });
        Self {
            axes: Some(axes.collect()),
            memory_equal: verdict.memory_equal,
            memory_range_bytes: verdict.memory_range.map(|(least, most)| (whole(least), whole(most))),
            beats: Some(beats.collect()),
            front: Some(verdict.front.clone()),
            excluded: Some(verdict.excluded.clone()),
            text: Some(verdict.lines()),
            ..line
        }
    }
}

fn axis(on_axis: &OnAxis) -> AxisLine {
    let heaps = on_axis.rows.iter().map(|row| HeapLine {
        heap: row.heap.clone(),
        value: row.point.map(whole),
        interval: row.value.ok().filter(has_ends).map(|value| (whole(value.low), whole(value.high))),
        no_interval: no_interval(&row.value),
        ratio: row.ratio.as_ref().map(ratio),
        failed: row.failed.clone(),
    });
    let noise = on_axis.noise.as_ref().map(|noise| {
        let (value, interval, no_ratio) = parts(&noise.ratio);
        NoiseLine { heap: noise.heap.clone(), value, interval, no_ratio, factor: noise.factor() }
    });
    AxisLine {
        axis: key(on_axis.axis),
        name: on_axis.axis.name(),
        unit: unit(on_axis.axis),
        heaps: heaps.collect(),
        noise,
        best: None,
        tied: Vec::new(),
        next: None,
    }
}

fn ratio(difference: &Difference) -> RatioLine {
    let (value, interval, no_ratio) = parts(&difference.ratio);
    let rounds = difference.ratio.ok().map(|ratio| ratio.rounds);
    RatioLine { value, interval, rounds, no_ratio, standing: standing_name(difference.standing) }
}

type Parts = (Option<f64>, Option<(f64, f64)>, Option<String>);

fn parts(ratio: &Result<Estimate, NoEstimate>) -> Parts {
    match ratio {
        Ok(ratio) => (Some(ratio.point), Some(*ratio).filter(has_ends).map(|ratio| (ratio.low, ratio.high)), None),
        Err(why) => (None, None, Some(why.to_string())),
    }
}

/// Whether both ends are numbers that JSON can carry: rounds can be so unlike that an interval has no end.
fn has_ends(estimate: &Estimate) -> bool {
    estimate.low >= 0.0 && estimate.high < MOST
}

/// Whole numbers below this are exact in every reader of JSON.
const MOST: f64 = 9_007_199_254_740_992.0;

fn no_interval(value: &Result<Estimate, NoEstimate>) -> Option<String> {
    match value {
        Ok(value) if has_ends(value) => None,
        Ok(_) => Some("the rounds are so unlike that the interval has no end".to_owned()),
        Err(why) => Some(why.to_string()),
    }
}

fn unit(axis: Axis) -> &'static str {
    match axis {
        Axis::Response(_) | Axis::Service(_) | Axis::Cpu => "ns",
        Axis::Memory => "bytes",
        Axis::Throughput => "per s",
    }
}

/// Times and sizes are whole numbers; the cast saturates.
fn whole(value: f64) -> u64 {
    value.round() as u64
}
