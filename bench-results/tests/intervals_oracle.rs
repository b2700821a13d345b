//! Intervals, held against answers that NumPy and SciPy gave (`oracle/intervals.py`).

use bench_results::statistics::bootstrap::{self, Estimate, Plan};
use hdrhistogram::Histogram;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    figure: String,
    rounds: usize,
    point: f64,
    low: f64,
    high: f64,
    quantile: Option<f64>,
    #[serde(default)]
    ours: Vec<f64>,
    #[serde(default)]
    reference: Vec<f64>,
    #[serde(default)]
    our_times: Vec<Vec<u64>>,
    #[serde(default)]
    reference_times: Vec<Vec<u64>>,
}

impl Case {
    fn estimate(&self, plan: &Plan) -> Estimate {
        let (ours, reference) = (histograms(&self.our_times), histograms(&self.reference_times));
        let (ours, reference): (Vec<_>, Vec<_>) = (ours.iter().collect(), reference.iter().collect());
        let quantile = || self.quantile.expect("a percentile's case has one");
        match self.figure.as_str() {
            "mean" => bootstrap::mean_of_rounds(plan, &self.ours),
            "median" => bootstrap::median_of_rounds(plan, &self.ours),
            "paired-ratio" => bootstrap::paired_ratio(plan, &self.ours, &self.reference),
            "percentile" => bootstrap::percentile(plan, &ours, quantile()),
            "percentile-ratio" => bootstrap::percentile_ratio(plan, &ours, &reference, quantile()),
            other => panic!("the oracle has no figure {other}"),
        }
        .unwrap()
    }
}

fn histograms(rounds: &[Vec<u64>]) -> Vec<Histogram<u64>> {
    let of = |times: &Vec<u64>| {
        let mut histogram = Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap();
        times.iter().for_each(|&time| histogram.record(time).unwrap());
        histogram
    };
    rounds.iter().map(of).collect()
}

#[test]
fn intervals_are_those_of_an_independent_implementation() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../oracle/intervals.json")).unwrap();
    assert_eq!(cases.len(), 10);
    let plan = Plan { resamples: 20_000, seed: 7, ..Plan::default() };
    for case in &cases {
        let found = case.estimate(&plan);
        println!("{} of {}: {found:?}, known {} {} {}", case.figure, case.rounds, case.low, case.point, case.high);
        assert_eq!(found.rounds, case.rounds);
        assert!(
            (found.point / case.point - 1.0).abs() < 1e-9,
            "{}: {} is not {}",
            case.figure,
            found.point,
            case.point
        );
        // Ours draws at random, so that its ends are a few hundredths of the width off. Another method would be off by more:
        // the plain percentile interval is shorter by a sixth for ten rounds and by a third for five.
        let allowed = 0.05 * (case.high - case.low);
        for (is, known) in [(found.low, case.low), (found.high, case.high)] {
            assert!((is - known).abs() < allowed, "{} of {} rounds: {is} is not {known}", case.figure, case.rounds);
        }
    }
}
