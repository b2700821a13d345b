//! Where the values of further runs will lie: prediction intervals, which are wider than intervals of a mean.
//!
//! Somebody who measures a recommended setting again gets values of new runs, with new seeds. An interval of the mean says
//! nothing about these: with many rounds it shrinks to nothing, while runs go on to differ. A *prediction interval* of a run
//! not yet made is, on the logarithm (times and sizes are positive, and vary by factors),
//!
//! ```text
//! exp(mean ± t · s · √(1 + 1/n)),   t of Student with n − 1 degrees of freedom
//! ```
//!
//! (Hahn and Meeker, "Statistical Intervals", chapter 4). Several values that it must hold *at once* (here: each quantity of the
//! goal, in three further runs) share the risk equally, by Bonferroni's inequality; and so do the finalists among which one is
//! chosen, as the choice is made by the same runs that the interval is made of. Then it is widened to hold what was seen anyway,
//! and to a least width: what the clock, page rounding and histograms alone can change.
//!
//! `coverage` below tries it on made-up runs: on lognormal ones it holds all values in at least the stated share of trials. Where
//! one run in ten is three times as slow it holds them less often, because few rounds do not show what is rare; METHODOLOGY.md has
//! the figures.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::whole;

/// Fewer runs have no interval: of three or four, one that is off makes it reach from nothing to years.
pub const RUNS_LEAST: usize = 5;
/// An interval that ends so many times its mean away says that runs differ too much, and nothing else.
pub const TELLING: f64 = 100.0;
/// In how many further runs it holds.
pub const FURTHER_RUNS: u32 = 3;
/// How often all of these values are held, of trials.
pub const LEVEL: f64 = 0.95;

/// How an interval is made.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sureness {
    /// The share of trials in which all values are held.
    pub level: f64,
    /// How many values those are.
    pub values: u32,
    /// Half of the least width, as a share of the value.
    pub least: f64,
}

impl Sureness {
    /// For so many quantities in [`FURTHER_RUNS`] runs, of a setting that is chosen among so many finalists.
    pub fn of_quantities(quantities: usize, finalists: usize, least: f64) -> Self {
        Self { level: LEVEL, values: (quantities * finalists.max(1)) as u32 * FURTHER_RUNS, least }
    }
}

/// A quantity of runs, and where those of further runs will lie.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Prediction {
    /// The geometric mean of the runs.
    #[serde(serialize_with = "whole::near")]
    pub mean: f64,
    /// Where further runs begin.
    #[serde(serialize_with = "whole::down")]
    pub low: f64,
    /// Where they end.
    #[serde(serialize_with = "whole::up")]
    pub high: f64,
    /// Of how many runs.
    pub runs: usize,
}

impl Prediction {
    /// Of the values of runs that were made alike; `None` if they are too few or a value is not above 0.
    pub fn of(values: &[f64], sureness: Sureness) -> Option<Self> {
        let logs = logarithms(values)?;
        let n = logs.len() as f64;
        if logs.len() < RUNS_LEAST || !(sureness.level > 0.0 && sureness.level < 1.0) {
            return None;
        }
        let (mean, deviation) = mean_and_deviation(&logs);
        let tail = (1.0 - sureness.level) / 2.0 / f64::from(sureness.values.max(1));
        let half = student(tail, n - 1.0)? * deviation * (1.0 + 1.0 / n).sqrt();
        let half = half.max((1.0 + sureness.least).ln());
        let seen = |of: fn(f64, f64) -> f64, from: f64| logs.iter().copied().fold(from, of);
        let low = (mean - half).min(seen(f64::min, f64::INFINITY));
        let high = (mean + half).max(seen(f64::max, f64::NEG_INFINITY));
        Some(Self { mean: mean.exp(), low: low.exp(), high: high.exp(), runs: values.len() })
    }

    /// Whether it says where runs will lie: it ends within [`TELLING`] times its mean.
    pub fn is_telling(&self) -> bool {
        self.high <= self.mean * TELLING
    }

    /// Whether it holds a value.
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// Natural logarithms; `None` if a value is not above 0.
pub(super) fn logarithms(values: &[f64]) -> Option<Vec<f64>> {
    values.iter().map(|&value| (value > 0.0 && value.is_finite()).then(|| value.ln())).collect()
}

/// The mean, and the standard deviation with one degree of freedom less; 0 of one value.
pub(super) fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (mean, (squares / (n - 1.0).max(1.0)).sqrt())
}

/// Student's quantile that leaves `tail` above it.
pub(super) fn student(tail: f64, freedom: f64) -> Option<f64> {
    Some(StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(1.0 - tail))
}

#[cfg(test)]
mod coverage {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::*;

    const SEED: u64 = 20_261_121;
    const TRIALS: u32 = 4_000;

    /// A standard normal draw (Box and Muller).
    fn normal(random: &mut Pcg64) -> f64 {
        let (one, two): (f64, f64) = (random.random(), random.random());
        (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * two).cos()
    }

    /// How often all values of two quantities in three further runs lie inside, of intervals made of `runs` runs.
    fn held(runs: usize, value: impl Fn(&mut Pcg64) -> f64) -> f64 {
        let mut random = Pcg64::seed_from_u64(SEED);
        let sureness = Sureness::of_quantities(2, 1, 0.0);
        let mut held = 0;
        for _ in 0..TRIALS {
            let all = (0..2).all(|_| {
                let seen: Vec<f64> = (0..runs).map(|_| value(&mut random)).collect();
                let prediction = Prediction::of(&seen, sureness).unwrap();
                (0..FURTHER_RUNS).all(|_| prediction.holds(value(&mut random)))
            });
            held += u32::from(all);
        }
        f64::from(held) / f64::from(TRIALS)
    }

    #[test]
    fn three_further_runs_lie_inside_as_often_as_stated() {
        for runs in [5, 8, 12] {
            for deviation in [0.01, 0.1, 0.4] {
                let share = held(runs, |random| 1e6 * (deviation * normal(random)).exp());
                println!("seed {SEED}, {runs} runs, lognormal {deviation}: {share}");
                // 0.95 less three standard errors; Bonferroni's share is a little above it.
                assert!((0.94..0.985).contains(&share), "seed {SEED}, {runs} runs, {deviation}: {share}");
            }
        }
    }

    #[test]
    fn runs_with_a_long_tail_are_held_less_often_and_that_is_known() {
        // The logarithm has an exponential part: now and then a run is far slower.
        let skewed = held(8, |random| 1e6 * (-0.2 * (1.0 - random.random::<f64>()).ln()).exp());
        // One run in ten is three times as slow.
        let rare = held(8, |random| {
            let slow = if random.random_bool(0.1) { 3.0 } else { 1.0 };
            1e6 * slow * (0.05 * normal(random)).exp()
        });
        println!("seed {SEED}, 8 runs: skewed {skewed}, rarely slow {rare}");
        assert!((0.75..0.97).contains(&skewed), "seed {SEED}: {skewed}");
        assert!((0.30..0.90).contains(&rare), "seed {SEED}: {rare}");
    }

    #[test]
    fn the_interval_of_five_values_is_that_of_the_book() {
        // By hand: logarithms 0 to 4; mean 2, deviation √2.5, t(0.975, 4) = 2.776445, √(6/5).
        let values = [0, 1, 2, 3, 4].map(|n| std::f64::consts::E.powi(n));
        let sureness = Sureness { level: 0.95, values: 1, least: 0.0 };
        let prediction = Prediction::of(&values, sureness).unwrap();
        let half = 2.776_445 * 2.5f64.sqrt() * 1.2f64.sqrt();
        assert!((prediction.high.ln() - 2.0 - half).abs() < 1e-4, "{prediction:?}");
        assert!((prediction.mean - std::f64::consts::E.powi(2)).abs() < 1e-9);
        assert!(!prediction.is_telling(), "it ends 122 times its mean away");
        let equal = Prediction::of(&[100.0; 5], Sureness { least: 0.01, ..sureness }).unwrap();
        assert!((equal.high - 101.0).abs() < 1e-9 && (equal.low - 100.0 / 1.01).abs() < 1e-9, "{equal:?}");
        assert!(equal.is_telling());
        assert_eq!(Prediction::of(&values[..RUNS_LEAST - 1], sureness), None);
        assert_eq!(Prediction::of(&[1.0, 0.0, 2.0, 3.0, 4.0], sureness), None);
    }
}
