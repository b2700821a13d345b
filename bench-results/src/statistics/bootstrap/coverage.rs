//! How often intervals hold the true figure, on made-up rounds whose truth is known.

use hdrhistogram::Histogram;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::*;

/// Made-up rounds. Times are lognormal: `1000 exp(effect + 0.5 z)`, their effect normal for each round.
struct Made {
    random: Pcg64,
    spare: Option<f64>,
}

const WITHIN: f64 = 0.5;

impl Made {
    fn new(seed: u64) -> Self {
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

    fn times(&mut self, effect: f64, times: u32) -> Histogram<u64> {
        let mut histogram = Histogram::new_with_bounds(1, 100_000, 3).unwrap();
        for _ in 0..times {
            histogram.saturating_record((1000.0 * (effect + WITHIN * self.normal()).exp()) as u64);
        }
        histogram
    }
}

/// The true percentile of such times over all rounds there could be. The deviate is that of the percentile.
fn true_percentile(between: f64, deviate: f64) -> f64 {
    1000.0 * (between.hypot(WITHIN) * deviate).exp()
}

/// The normal deviate of p99, of p99.9.
const P99: f64 = 2.326_347_874;
const P99_9: f64 = 3.090_232_306;

#[test]
#[ignore = "a minute; prints the table by which the methods were chosen"]
fn methods_side_by_side() {
    let trials = 600;
    let plan = Plan { resamples: 600, ..Plan::default() };
    type Case = (usize, f64, f64, u32, f64, bool);
    let mut cases: Vec<Case> = Vec::new();
    for rounds in [10, 5] {
        for (q, deviate, times) in [(0.99, P99, 1000), (0.999, P99_9, 5000)] {
            for between in [0.05, 0.15, 0.3] {
                cases.extend([(rounds, q, deviate, times, between, false), (rounds, q, deviate, times, between, true)]);
            }
        }
    }
    for (rounds, q, deviate, times, between, paired) in cases {
        let mut made = Made::new(3);
        let mut held = [0; 3];
        let mut width = [0.0; 3];
        for _ in 0..trials {
            let (mut ours, mut reference) = (Vec::new(), Vec::new());
            for _ in 0..rounds {
                let shared = between * made.normal();
                let own = if paired { 0.3 * between } else { 0.0 };
                let effects = [shared + own * made.normal(), shared + own * made.normal()];
                ours.push(made.times(effects[0], times));
                if paired {
                    reference.push(made.times(effects[1], times));
                }
            }
            let ours = MergedRounds::new(&ours.iter().collect::<Vec<_>>());
            let reference = MergedRounds::new(&reference.iter().collect::<Vec<_>>());
            let log = |weights: &[u32]| {
                let log = log_percentile(&ours, weights, q)?;
                if paired { Some(log - log_percentile(&reference, weights, q)?) } else { Some(log) }
            };
            let intervals = [
                studentized(&plan, rounds, |weights| log_percentile_with_error(&ours, weights, q)),
                expanded_percentile(&plan, rounds, log),
                None,
            ];
            let truth = if paired { 0.0 } else { true_percentile(between, deviate).ln() };
            for (method, interval) in intervals.into_iter().enumerate() {
                let Some((low, high)) = interval else { continue };
                held[method] += u32::from(low <= truth && truth <= high);
                width[method] += (high - low) / f64::from(trials);
            }
        }
        let shares = held.map(|held| f64::from(held) * 100.0 / f64::from(trials));
        println!("rounds {rounds} q {q} between {between} paired {paired}: {shares:.1?} width {width:.3?}");
    }
}
