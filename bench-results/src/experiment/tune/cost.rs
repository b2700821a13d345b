//! What a setting costs beside the first one: the differences of runs with the same seed, and the interval of their mean.
//!
//! Runs of one round have one seed, and so one sequence of requests: what a seed does to both sides is in neither difference. A
//! mean without an interval says nothing of a cost, as single runs differ by hundreds of KiB.

use serde::{Deserialize, Serialize};

use super::prediction::{RUNS_LEAST, mean_and_deviation, student};
use super::track::{Measured, Track};
use super::whole;
use crate::units;

/// Left above the interval, and below it: it is of 95 %.
const TAIL: f64 = 0.025;

/// CPU time for a request, as a share of the other's.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Share {
    /// The geometric mean of the pairs.
    pub mean: f64,
    /// Where the interval of the mean begins; `None` of one pair.
    pub low: Option<f64>,
    /// Where it ends.
    pub high: Option<f64>,
    /// Pairs of runs that count.
    pub pairs: usize,
}

/// Bytes more than the other; below 0: less.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Bytes {
    /// The mean of the pairs.
    #[serde(serialize_with = "whole::near")]
    pub mean: f64,
    /// Where the interval of the mean begins; `None` of one pair.
    #[serde(serialize_with = "whole::near_if_known")]
    pub low: Option<f64>,
    /// Where it ends.
    #[serde(serialize_with = "whole::near_if_known")]
    pub high: Option<f64>,
    /// Pairs of runs that count.
    pub pairs: usize,
}

/// See the [module](self).
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Cost {
    /// CPU time; `None`: no pair of runs counts.
    pub cpu: Option<Share>,
    /// Peak memory.
    pub memory: Option<Bytes>,
}

impl Cost {
    /// Of a setting beside the first one, both settled: of their confirmations, or of the search where there are none.
    pub fn of(own: &Track, first: &Track) -> Self {
        let pairs =
            if own.confirmed.is_empty() { (&own.search, &first.search) } else { (&own.confirmed, &first.confirmed) };
        let both = |of: &dyn Fn(&Measured) -> Option<f64>, difference: fn(f64, f64) -> f64| -> Vec<f64> {
            let known = |run: &Measured| of(run).filter(|_| run.failure.is_none());
            pairs
                .0
                .iter()
                .zip(pairs.1)
                .filter_map(|(own, first)| Some(difference(known(own)?, known(first)?)))
                .collect()
        };
        let cpu = interval(&both(&|run| run.cpu_ns.filter(|ns| *ns > 0.0), |own, first| (own / first).ln()));
        let memory = interval(&both(&|run| run.peak_bytes, |own, first| own - first));
        Self {
            cpu: cpu.map(|Mean { mean, low, high, pairs }| Share {
                mean: mean.exp(),
                low: low.map(f64::exp),
                high: high.map(f64::exp),
                pairs,
            }),
            memory: memory.map(|Mean { mean, low, high, pairs }| Bytes { mean, low, high, pairs }),
        }
    }

    /// As a person reads it.
    pub fn words(&self) -> String {
        let unknown = |what: &str| format!("{what} is not known, as no pair of runs counts");
        let percent = |share: f64| format!("{:+.1} %", (share - 1.0) * 100.0).replace('-', "−");
        let size =
            |bytes: f64| format!("{}{}", if bytes < 0.0 { "−" } else { "+" }, units::size(bytes.abs().round() as u64));
        let cpu = self.cpu.map_or_else(
            || unknown("CPU time"),
            |one| {
                let ends = one.low.zip(one.high);
                let within = ends.is_some_and(|(low, high)| (low..=high).contains(&1.0));
                let ends = ends.map(|(low, high)| format!("{} to {}", percent(low), percent(high)));
                format!("{} CPU time for a request ({})", percent(one.mean), sure(ends, within, one.pairs))
            },
        );
        let memory = self.memory.map_or_else(
            || unknown("memory"),
            |one| {
                let ends = one.low.zip(one.high);
                let within = ends.is_some_and(|(low, high)| (low..=high).contains(&0.0));
                let ends = ends.map(|(low, high)| format!("{} to {}", size(low), size(high)));
                format!("{} peak memory ({})", size(one.mean), sure(ends, within, one.pairs))
            },
        );
        format!("{cpu}; {memory}")
    }
}

fn sure(ends: Option<String>, within_noise: bool, pairs: usize) -> String {
    let Some(ends) = ends else { return "of one pair of runs, which may be chance".to_owned() };
    let noise = if within_noise { ", within noise" } else { "" };
    let few = if pairs < RUNS_LEAST { format!(", of {pairs} pairs of runs only") } else { String::new() };
    format!("{ends}{noise}{few}")
}

struct Mean {
    mean: f64,
    low: Option<f64>,
    high: Option<f64>,
    pairs: usize,
}

/// The mean of differences and its interval (Student, 95 %).
fn interval(differences: &[f64]) -> Option<Mean> {
    let pairs = differences.len();
    if pairs == 0 {
        return None;
    }
    let (mean, deviation) = mean_and_deviation(differences);
    let half =
        (pairs > 1).then(|| Some(student(TAIL, pairs as f64 - 1.0)? * deviation / (pairs as f64).sqrt())).flatten();
    Some(Mean { mean, low: half.map(|half| mean - half), high: half.map(|half| mean + half), pairs })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(runs: &[Option<(f64, f64)>]) -> Track {
        let run = |run: &Option<(f64, f64)>| Measured {
            peak_bytes: run.map(|run| run.0 * 1024.0),
            cpu_ns: run.map(|run| run.1),
            failure: run.is_none().then(|| "saturated".to_owned()),
            ..Measured::default()
        };
        Track { confirmed: runs.iter().map(run).collect(), ..Track::default() }
    }

    #[test]
    fn runs_of_one_seed_are_compared_and_noise_is_no_cost() {
        // Seeds differ by hundreds of KiB on both sides; pairs differ by 10 KiB each, and by 1 % in time.
        let first =
            track(&[Some((900.0, 100.0)), Some((300.0, 200.0)), Some((600.0, 150.0)), Some((100.0, 90.0)), None]);
        let own = track(&[
            Some((911.0, 101.0)),
            Some((309.0, 202.0)),
            Some((610.0, 151.5)),
            Some((110.0, 90.9)),
            Some((1.0, 1.0)),
        ]);
        let cost = Cost::of(&own, &first);
        // By hand: 11, 9, 10, 10; deviation √(2/3), t(0.975, 3) = 3.182446, / √4.
        let memory = cost.memory.unwrap();
        let half = 3.182_446 * (2.0_f64 / 3.0).sqrt() / 2.0 * 1024.0;
        assert!((memory.mean - 10_240.0).abs() < 1e-6 && memory.pairs == 4, "{memory:?}");
        assert!((memory.high.unwrap() - 10_240.0 - half).abs() < 0.1, "{memory:?}");
        let words = cost.words();
        assert!(
            words.starts_with("+1.0 % CPU time for a request (+1.0 % to +1.0 %, of 4 pairs of runs only)"),
            "{words}"
        );
        assert!(words.contains("+10.0 KiB peak memory") && !words.contains("noise"), "{words}");
        let noisy =
            track(&[Some((800.0, 90.0)), Some((390.0, 220.0)), Some((500.0, 170.0)), Some((180.0, 80.0)), None]);
        let words = Cost::of(&noisy, &first).words();
        assert_eq!(words.matches("within noise").count(), 2, "{words}");
        let one = Cost::of(&own, &track(&[None, None, Some((600.0, 150.0)), None, None])).words();
        assert_eq!(one.matches("of one pair of runs, which may be chance").count(), 2, "{one}");
        let none = Cost::of(&own, &track(&[None; 5]));
        assert_eq!(none, Cost::default());
        assert!(none.words().contains("no pair of runs counts"));
    }
}
