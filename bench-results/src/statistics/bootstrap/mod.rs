//! Intervals by the bootstrap: how far a figure would move if the rounds were run again.
//!
//! The unit that is resampled is the *round*: times of one process share its luck, so that a thousand of them are not a
//! thousand independent observations. For percentiles this makes the bootstrap hierarchical: rounds are drawn, their
//! histograms merged, and the percentile taken of the merge. A ratio of two heaps draws the same rounds for both.
//!
//! METHODS

mod merged;
mod resample;

#[cfg(test)]
mod coverage;

use hdrhistogram::Histogram;

pub use merged::MergedRounds;
use resample::{WithError, expanded_percentile, quantile, studentized};

/// With fewer rounds there is no interval: a resample of three is often the same round three times.
pub const ROUNDS_LEAST: usize = 5;

/// How a bootstrap is run. The same plan and figures give the same interval, to the digit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Plan {
    /// How often the rounds are drawn anew.
    pub resamples: u32,
    /// The share of experiments whose interval should hold the true figure, such as 0.95.
    pub level: f64,
    /// Of the draws.
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self { resamples: 10_000, level: 0.95, seed: 1 }
    }
}

/// A figure and its interval.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Estimate {
    /// The figure of all rounds as they were.
    pub point: f64,
    /// Where the interval begins; it may be −∞ … `point`.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
    /// From how many rounds.
    pub rounds: usize,
}

impl Estimate {
    /// Whether the interval holds a value.
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Whether two intervals share a value.
    pub fn meets(&self, other: &Estimate) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

/// Why there is no figure or no interval: `n/a` in a table.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum NoEstimate {
    /// Too few rounds.
    #[error("{rounds} rounds have it, and an interval needs {ROUNDS_LEAST}: run more rounds")]
    Rounds {
        /// How many there are.
        rounds: usize,
    },
    /// Too few times for the percentile.
    #[error("{times} times are too few for p{:.4}, which needs {needed}: run longer or more rounds", quantile * 100.0)]
    Times {
        /// The percentile as a share.
        quantile: f64,
        /// How many times there are in all rounds.
        times: u64,
        /// How many it needs.
        needed: u64,
    },
    /// A value is not a number, or the ratio of it does not exist.
    #[error("a value of a round is {value}, and this figure needs values above 0")]
    Value {
        /// The value.
        value: f64,
    },
    /// Two heaps have values of a different number of rounds.
    #[error("{ours} rounds cannot be paired with {reference}: leave out rounds that either heap has not finished")]
    Unpaired {
        /// Rounds of the one heap.
        ours: usize,
        /// Rounds of the reference.
        reference: usize,
    },
    /// Times where there should be one value a round, or values where there should be times.
    #[error("the {rounds} rounds have times where the axis needs values, or the other way round")]
    Kind {
        /// How many there are.
        rounds: usize,
    },
    /// A plan that cannot be carried out.
    #[error("{resamples} resamples at level {level} make no interval: a level lies between 0 and 1")]
    Plan {
        /// Resamples asked for.
        resamples: u32,
        /// Level asked for.
        level: f64,
    },
}

/// How many times a percentile needs, given as a share: 10 / (1 − q).
pub fn times_needed(quantile: f64) -> u64 {
    // Rounded first: 1 − 0.999 is a little less than 0.001.
    (10.0 / (1.0 - quantile) * (1.0 - 1e-9)).ceil() as u64
}

/// The arithmetic mean of one value a round, such as CPU time; studentized.
pub fn mean_of_rounds(plan: &Plan, values: &[f64]) -> Result<Estimate, NoEstimate> {
    checked(plan, values.len())?;
    all_are(values, |value| value.is_finite() && value >= 0.0)?;
    let mean = |weights: &[u32]| Some(weighted_mean(values, weights));
    let interval = studentized(plan, values.len(), mean);
    let point = mean(&vec![1; values.len()]).map(|mean| mean.value);
    // No mean of such values is below 0.
    estimate(values.len(), point, interval, |value| value.max(0.0))
}

/// The median of one value a round; expanded percentile.
pub fn median_of_rounds(plan: &Plan, values: &[f64]) -> Result<Estimate, NoEstimate> {
    checked(plan, values.len())?;
    all_are(values, f64::is_finite)?;
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let median = |weights: &[u32]| {
        let mut drawn = Vec::with_capacity(sorted.len());
        for (&value, &weight) in sorted.iter().zip(weights) {
            drawn.extend(std::iter::repeat_n(value, weight as usize));
        }
        Some(quantile(&drawn, 0.5))
    };
    let interval = expanded_percentile(plan, values.len(), median);
    estimate(values.len(), median(&vec![1; values.len()]), interval, |value| value)
}

/// The ratio of two heaps' values of the same rounds: the geometric mean of the ratios within each round; studentized,
/// on the logarithm.
pub fn paired_ratio(plan: &Plan, ours: &[f64], reference: &[f64]) -> Result<Estimate, NoEstimate> {
    paired(ours.len(), reference.len())?;
    checked(plan, ours.len())?;
    all_are(ours, |value| value.is_finite() && value > 0.0)?;
    all_are(reference, |value| value.is_finite() && value > 0.0)?;
    let logs: Vec<f64> = ours.iter().zip(reference).map(|(ours, reference)| (ours / reference).ln()).collect();
    let mean = |weights: &[u32]| Some(weighted_mean(&logs, weights));
    let interval = studentized(plan, logs.len(), mean);
    estimate(logs.len(), mean(&vec![1; logs.len()]).map(|mean| mean.value), interval, f64::exp)
}

/// A percentile of all times of all rounds, in the unit of the histograms; studentized, on the logarithm. A round without
/// times counts as none.
pub fn percentile(plan: &Plan, rounds: &[&Histogram<u64>], quantile: f64) -> Result<Estimate, NoEstimate> {
    let merged = merged(rounds.iter().copied(), quantile)?;
    checked(plan, merged.rounds())?;
    let expanded = expanded_percentile(plan, merged.rounds(), |weights| log_percentile(&merged, weights, quantile));
    let studentized = studentized(plan, merged.rounds(), |weights| log_percentile_with_error(&merged, weights, quantile));
    let interval = expanded.zip(studentized).map(|(one, other)| (one.0.min(other.0), one.1.max(other.1)));
    let point = log_percentile(&merged, &vec![1; merged.rounds()], quantile);
    estimate(merged.rounds(), point, interval, f64::exp)
}

/// The ratio of two heaps' percentiles, each of all times of the same rounds; expanded percentile. A round in which
/// either has no times counts as none.
pub fn percentile_ratio(
    plan: &Plan,
    ours: &[&Histogram<u64>],
    reference: &[&Histogram<u64>],
    quantile: f64,
) -> Result<Estimate, NoEstimate> {
    paired(ours.len(), reference.len())?;
    let both = || ours.iter().zip(reference).filter(|(ours, reference)| !ours.is_empty() && !reference.is_empty());
    let ours = merged(both().map(|(&ours, _)| ours), quantile)?;
    let reference = merged(both().map(|(_, &reference)| reference), quantile)?;
    checked(plan, ours.rounds())?;
    let log = |weights: &[u32]| {
        Some(log_percentile(&ours, weights, quantile)? - log_percentile(&reference, weights, quantile)?)
    };
    let interval = expanded_percentile(plan, ours.rounds(), log);
    estimate(ours.rounds(), log(&vec![1; ours.rounds()]), interval, f64::exp)
}

fn merged<'h>(
    rounds: impl Iterator<Item = &'h Histogram<u64>>,
    quantile: f64,
) -> Result<MergedRounds, NoEstimate> {
    let merged = MergedRounds::new(&rounds.filter(|round| !round.is_empty()).collect::<Vec<_>>());
    let (times, needed) = (merged.len(), times_needed(quantile));
    if times < needed { Err(NoEstimate::Times { quantile, times, needed }) } else { Ok(merged) }
}

fn log_percentile(merged: &MergedRounds, weights: &[u32], quantile: f64) -> Option<f64> {
    // A time of 0 has no logarithm; clocks that tell nanoseconds do not tell 0 from 1.
    Some((merged.percentile(weights, quantile)?.max(1) as f64).ln())
}

/// The error is the jackknife's: each drawn round left out once.
fn log_percentile_with_error(merged: &MergedRounds, weights: &[u32], quantile: f64) -> Option<WithError> {
    let value = log_percentile(merged, weights, quantile)?;
    let drawn: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
    let mut weights = weights.to_vec();
    let (mut sum, mut squares) = (0.0, 0.0);
    for round in 0..weights.len() {
        if weights[round] > 0 {
            let weight = f64::from(weights[round]);
            weights[round] -= 1;
            let off = log_percentile(merged, &weights, quantile)? - value;
            weights[round] += 1;
            sum += weight * off;
            squares += weight * off * off;
        }
    }
    let error = ((drawn - 1.0) / drawn * (squares - sum * sum / drawn).max(0.0)).sqrt();
    Some(WithError { value, error })
}

fn weighted_mean(values: &[f64], weights: &[u32]) -> WithError {
    let drawn: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
    let sum = |of: &dyn Fn(f64) -> f64| -> f64 {
        values.iter().zip(weights).map(|(&value, &weight)| of(value) * f64::from(weight)).sum()
    };
    let value = sum(&|value| value) / drawn;
    let squares = sum(&|each| (each - value) * (each - value));
    WithError { value, error: (squares / (drawn * (drawn - 1.0))).sqrt() }
}

fn checked(plan: &Plan, rounds: usize) -> Result<(), NoEstimate> {
    if plan.resamples == 0 || !(plan.level > 0.0 && plan.level < 1.0) {
        return Err(NoEstimate::Plan { resamples: plan.resamples, level: plan.level });
    }
    if rounds < ROUNDS_LEAST { Err(NoEstimate::Rounds { rounds }) } else { Ok(()) }
}

fn paired(ours: usize, reference: usize) -> Result<(), NoEstimate> {
    if ours == reference { Ok(()) } else { Err(NoEstimate::Unpaired { ours, reference }) }
}

fn all_are(values: &[f64], good: impl Fn(f64) -> bool) -> Result<(), NoEstimate> {
    match values.iter().find(|&&value| !good(value)) {
        Some(&value) => Err(NoEstimate::Value { value }),
        None => Ok(()),
    }
}

fn estimate(
    rounds: usize,
    point: Option<f64>,
    interval: Option<(f64, f64)>,
    scale: impl Fn(f64) -> f64,
) -> Result<Estimate, NoEstimate> {
    // Only a figure that does not exist for any draw of rounds comes to nothing here.
    let (Some(point), Some((low, high))) = (point, interval) else { return Err(NoEstimate::Rounds { rounds }) };
    Ok(Estimate { point: scale(point), low: scale(low), high: scale(high), rounds })
}
