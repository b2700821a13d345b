//! What a setting's runs showed beside the figures of the goal: collections, garbage that waits for one, and the machine's own
//! hiccups.
//!
//! A time of the tail may be the machine's doing: a thread that only sleeps is woken late too. Such a time is shown as it is, and a
//! word says so where in most runs the machine's own longest hiccup is as long as it, within a factor of two, and the longest pause
//! is not half as long. That is no proof: pauses that come close together can add up to a longer wait.

use serde::{Deserialize, Serialize};

use super::goal::{Goal, Percentile};
use super::track::{Aside, Measured, counting};
use super::whole;

/// Times that differ by less are as long as one another.
const AS_LONG: f64 = 2.0;

/// See the [module](self). Of the runs that count.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Beside {
    /// The machine's own longest hiccup.
    #[serde(serialize_with = "whole::near_if_known")]
    pub hiccup_ns: Option<f64>,
    /// The longest pause; 0 where there was none.
    #[serde(serialize_with = "whole::near_if_known")]
    pub pause_ns: Option<f64>,
    /// Mean collections of a run, by generation.
    pub collections: Option<Vec<f64>>,
    /// The most dead objects that waited for a collection.
    pub floating_objects: Option<u64>,
    /// Limits of the goal that runs were disturbed in.
    pub disturbed: Vec<Disturbed>,
}

/// Times that the machine's own hiccups explain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Disturbed {
    /// The percentile.
    pub quantity: String,
    /// In how many runs.
    pub runs: usize,
}

/// Whether a time of the tail is the machine's doing.
fn explains(aside: &Aside, ns: f64) -> bool {
    let (Some(hiccup), Some(pause)) = (aside.hiccup_ns, aside.pause_ns) else { return false };
    (ns / AS_LONG..=ns * AS_LONG).contains(&hiccup) && pause < ns / AS_LONG
}

impl Beside {
    /// Of the runs of a candidate.
    pub fn of(all: &[Measured], goal: &Goal) -> Self {
        let longest = |of: fn(&Aside) -> Option<f64>| counting(all).filter_map(|run| of(&run.aside)).reduce(f64::max);
        let counts: Vec<&Vec<u64>> = counting(all).filter_map(|run| run.aside.collections.as_ref()).collect();
        let generations = counts.iter().map(|each| each.len()).max();
        let mean = |generation: usize| {
            let sum: u64 = counts.iter().filter_map(|each| each.get(generation)).sum();
            sum as f64 / counts.len() as f64
        };
        // Half of the requests are no tail.
        let tails = goal.slos.iter().enumerate().filter(|(_, slo)| slo.percentile >= Percentile::P99);
        let disturbed = tails.filter_map(|(place, slo)| {
            let is_disturbed = |run: &&Measured| {
                run.latency_ns.get(place).copied().flatten().is_some_and(|ns| explains(&run.aside, ns))
            };
            let runs = counting(all).filter(is_disturbed).count();
            // One of many runs may be chance.
            (2 * runs > counting(all).count()).then(|| Disturbed { quantity: slo.percentile.name().to_owned(), runs })
        });
        Self {
            hiccup_ns: longest(|aside| aside.hiccup_ns),
            pause_ns: longest(|aside| aside.pause_ns),
            collections: generations.map(|n| (0..n).map(mean).collect()),
            floating_objects: counting(all).filter_map(|run| run.aside.floating_objects).max(),
            disturbed: disturbed.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::goal::Slo;
    use super::*;

    fn run(ms: [f64; 2], hiccup_ms: f64, pause_ms: f64, failure: Option<&str>) -> Measured {
        let aside = Aside {
            hiccup_ns: Some(hiccup_ms * 1e6),
            pause_ns: Some(pause_ms * 1e6),
            collections: Some(vec![100, 10]),
            floating_objects: Some((pause_ms * 1e3) as u64),
        };
        let failure = failure.map(str::to_owned);
        Measured { latency_ns: ms.map(|ms| Some(ms * 1e6)).to_vec(), aside, failure, ..Measured::default() }
    }

    #[test]
    fn a_tail_as_long_as_the_machine_s_own_hiccup_is_its_doing_unless_a_pause_explains_it() {
        let slos = ["p50=1ms", "p99.9=5ms"].map(|slo| Slo::parse(slo).unwrap()).to_vec();
        let goal = Goal { slos, memory: None };
        let of = |runs: &[Measured]| Beside::of(runs, &goal);
        let busy = [
            run([5.0, 5.48], 4.9, 0.39, None),
            run([0.01, 5.1], 3.6, 0.30, None),
            run([0.01, 0.4], 4.9, 0.39, None),
            run([0.01, 90.0], 90.0, 0.1, Some("saturated")),
        ];
        let beside = of(&busy);
        // Neither a median, nor a tail that the hiccup did not reach, nor a run that does not count.
        assert_eq!(beside.disturbed, [Disturbed { quantity: "p99.9".to_owned(), runs: 2 }]);
        assert_eq!((beside.hiccup_ns, beside.pause_ns), (Some(4.9e6), Some(0.39e6)));
        assert_eq!((beside.collections, beside.floating_objects), (Some(vec![100.0, 10.0]), Some(390)));
        assert!(of(&[run([0.01, 12.0], 9.0, 11.9, None)]).disturbed.is_empty(), "a pause explains it");
        assert!(of(&[run([0.01, 5.0], 0.1, 0.1, None)]).disturbed.is_empty(), "the machine was quiet");
        let mut unknown = run([0.01, 5.0], 5.0, 0.1, None);
        unknown.aside.hiccup_ns = None;
        assert!(of(&[unknown]).disturbed.is_empty());
    }
}
