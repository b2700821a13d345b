//! How often intervals hold the true figure, on made-up rounds whose truth is known.

use hdrhistogram::Histogram;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::*;

/// The spread of the logarithm of times within a round.
const WITHIN: f64 = 0.5;

/// p99 and p99.9: the share, its normal deviate, and how many times a round has.
const P99: (f64, f64, u32) = (0.99, 2.326_347_874, 1_000);
const P99_9: (f64, f64, u32) = (0.999, 3.090_232_306, 5_000);

/// Made-up rounds.
struct Made {
    random: Pcg64,
    spare: Option<f64>,
}

impl Made {
    fn new(seed: u64) -> Self {
        println!("seed {seed}");
        Self { random: Pcg64::seed_from_u64(seed), spare: None }
    }

    /// A normal deviate (Box and Muller).
    fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * (1.0 - self.random.random::<f64>()).ln()).sqrt();
        let (sine, cosine) = (std::f64::consts::TAU * self.random.random::<f64>()).sin_cos();
        self.spare = Some(radius * sine);
        radius * cosine
    }

    /// Effects of rounds on two heaps: 9 tenths of the variance is the round's and shared.
    fn effects(&mut self, rounds: usize, between: f64) -> Vec<[f64; 2]> {
        let mut round = || {
            let shared = (0.9_f64).sqrt() * self.normal();
            [0; 2].map(|_| between * (shared + (0.1_f64).sqrt() * self.normal()))
        };
        (0..rounds).map(|_| round()).collect()
    }

    /// Lognormal times of one round.
    fn times(&mut self, effect: f64, times: u32) -> Histogram<u64> {
        let mut histogram = Histogram::new_with_bounds(1, 100_000, 3).unwrap();
        for _ in 0..times {
            histogram.saturating_record((1000.0 * (effect + WITHIN * self.normal()).exp()).round() as u64);
        }
        histogram
    }
}

/// Of `trials`, the share whose interval holds the truth, in percent.
fn coverage(trials: u32, truth: f64, mut trial: impl FnMut(&Plan) -> Estimate) -> f64 {
    let plan = |seed| Plan { resamples: 600, seed, ..Plan::default() };
    let held: u32 = (0..trials).map(|seed| u32::from(trial(&plan(u64::from(seed))).holds(truth))).sum();
    f64::from(held) * 100.0 / f64::from(trials)
}

fn of_mean(rounds: usize, between: f64, trials: u32) -> f64 {
    let mut made = Made::new(1);
    coverage(trials, (between * between / 2.0).exp(), |plan| {
        let values: Vec<f64> = (0..rounds).map(|_| (between * made.normal()).exp()).collect();
        mean_of_rounds(plan, &values).unwrap()
    })
}

fn of_median(rounds: usize, between: f64, trials: u32) -> f64 {
    let mut made = Made::new(2);
    coverage(trials, 1.0, |plan| {
        let values: Vec<f64> = (0..rounds).map(|_| (between * made.normal()).exp()).collect();
        median_of_rounds(plan, &values).unwrap()
    })
}

fn of_ratio(rounds: usize, between: f64, trials: u32) -> f64 {
    let mut made = Made::new(3);
    coverage(trials, 1.25, |plan| {
        let effects = made.effects(rounds, between);
        let ours: Vec<f64> = effects.iter().map(|effect| 1.25 * effect[0].exp()).collect();
        let reference: Vec<f64> = effects.iter().map(|effect| effect[1].exp()).collect();
        paired_ratio(plan, &ours, &reference).unwrap()
    })
}

fn of_percentile(rounds: usize, between: f64, (quantile, deviate, times): (f64, f64, u32), trials: u32) -> f64 {
    let mut made = Made::new(4);
    // Over all rounds there could be, the variances of the logarithm add up.
    let truth = 1000.0 * (between.hypot(WITHIN) * deviate).exp();
    coverage(trials, truth, |plan| {
        let rounds: Vec<Histogram<u64>> =
            made.effects(rounds, between).iter().map(|effect| made.times(effect[0], times)).collect();
        percentile(plan, &rounds.iter().collect::<Vec<_>>(), quantile).unwrap()
    })
}

fn of_percentile_ratio(rounds: usize, between: f64, (quantile, _, times): (f64, f64, u32), trials: u32) -> f64 {
    let mut made = Made::new(5);
    let slower = 1.25_f64;
    coverage(trials, slower, |plan| {
        let effects = made.effects(rounds, between);
        let ours: Vec<_> = effects.iter().map(|effect| made.times(slower.ln() + effect[0], times)).collect();
        let reference: Vec<_> = effects.iter().map(|effect| made.times(effect[1], times)).collect();
        percentile_ratio(plan, &ours.iter().collect::<Vec<_>>(), &reference.iter().collect::<Vec<_>>(), quantile)
            .unwrap()
    })
}

/// Within 2 points of the level.
fn is_nominal(coverage: f64) {
    println!("{coverage:.1} %");
    assert!((93.0..=97.0).contains(&coverage), "a 95 % interval held the truth in {coverage:.1} % of trials");
}

#[test]
fn mean_of_ten_rounds_is_held_as_often_as_the_level_says() {
    is_nominal(of_mean(10, 0.05, 2_000));
    is_nominal(of_mean(10, 0.3, 2_000));
}

#[test]
fn median_of_ten_rounds_is_held_as_often_as_the_level_says() {
    is_nominal(of_median(10, 0.05, 4_000));
}

#[test]
fn paired_ratio_of_ten_rounds_is_held_as_often_as_the_level_says() {
    is_nominal(of_ratio(10, 0.3, 2_000));
}

#[test]
fn percentile_of_ten_rounds_is_held_as_often_as_the_level_says() {
    is_nominal(of_percentile(10, 0.05, P99, 1_000));
}

#[test]
fn ratio_of_percentiles_of_ten_rounds_is_held_as_often_as_the_level_says() {
    is_nominal(of_percentile_ratio(10, 0.15, P99, 1_000));
}

#[test]
#[ignore = "minutes; prints the coverage that the module and METHODOLOGY.md state"]
fn coverage_of_all_figures() {
    for rounds in [10, 7, 5] {
        for between in [0.05, 0.3, 1.0] {
            let [mean, median, ratio] = [of_mean, of_median, of_ratio].map(|of| of(rounds, between, 4_000));
            println!("> {rounds} rounds, between {between}: mean {mean:.1} median {median:.1} ratio {ratio:.1}");
        }
        for between in [0.05, 0.1, 0.15, 0.3] {
            for kind in [P99, P99_9] {
                let of = |of: fn(usize, f64, (f64, f64, u32), u32) -> f64| of(rounds, between, kind, 1_000);
                let (alone, ratio) = (of(of_percentile), of(of_percentile_ratio));
                println!("> {rounds} rounds, between {between}, q {}: {alone:.1} ratio {ratio:.1}", kind.0);
            }
        }
    }
}
