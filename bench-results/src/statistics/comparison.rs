//! Heaps on one axis of one workload: values, ratios and which differences count.
//!
//! A difference counts if two things hold. The interval of the ratio leaves out 1: running the rounds again would show it
//! again. And the ratio lies outside the *noise floor*: the interval of the ratio that a heap has to itself when it takes part
//! twice in each round (the A/A cell). What a heap can differ from itself by is the machine's doing, such as the place in
//! memory or the neighbours' load, and no virtue of another heap. Where the noise floor is not known, it is not taken for 0:
//! what two heaps are told apart by is then the interval alone, tables say so, and no heap is said to beat another.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::axis::Axis;
use super::bootstrap::{self, Estimate, MergedRounds, NoEstimate, Plan};

/// What the rounds of one heap gave on one axis, by number of the round. Failed rounds are left out here.
#[derive(Clone, Debug)]
pub enum Rounds {
    /// One value a round: CPU, memory, throughput.
    Values(BTreeMap<u32, f64>),
    /// All times of a round, for a percentile.
    Times(BTreeMap<u32, Histogram<u64>>),
    /// An open loop that fell behind in a round or more. None of its times are taken, those of other rounds neither: they
    /// would be the lucky ones.
    Saturated {
        /// In how many rounds it did.
        saturated: usize,
        /// Of how many.
        rounds: usize,
    },
}

impl Rounds {
    fn numbers(&self) -> Vec<u32> {
        match self {
            Rounds::Values(rounds) => rounds.keys().copied().collect(),
            Rounds::Times(rounds) => rounds.keys().copied().collect(),
            Rounds::Saturated { .. } => Vec::new(),
        }
    }

    fn saturated(&self) -> Option<NoEstimate> {
        match *self {
            Rounds::Saturated { saturated, rounds } => Some(NoEstimate::Saturated { saturated, rounds }),
            _ => None,
        }
    }
}

/// One heap's part in a comparison.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The heap's name.
    pub heap: String,
    /// What it gave.
    pub rounds: Rounds,
    /// What is not in it and why, as `round 3: timeout: …`.
    pub failed: Vec<String>,
}

/// One heap's line.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// The heap's name.
    pub heap: String,
    /// The mean of rounds or the percentile of all their times, also where there are too few rounds for an interval.
    /// `None`: no round has it, or there are too few times.
    pub point: Option<f64>,
    /// The same with its interval, or why there is none.
    pub value: Result<Estimate, NoEstimate>,
    /// Its ratio to the reference, paired by round; none for the reference itself.
    pub ratio: Option<Difference>,
    /// Rounds that failed, and why.
    pub failed: Vec<String>,
}

/// The ratio of two heaps and whether it counts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Difference {
    /// The one heap over the other.
    pub ratio: Result<Estimate, NoEstimate>,
    /// What follows from it.
    pub standing: Standing,
}

/// What a ratio says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// The one has less, beyond interval and noise; by the interval alone where the noise floor is not known.
    Less,
    /// The one has more, likewise.
    More,
    /// The interval holds 1: the rounds do not tell the two apart.
    NotSeparated,
    /// The interval leaves out 1, but a heap differs as much from itself.
    WithinNoise,
    /// There is no interval.
    Unknown,
}

impl Standing {
    fn turned(self) -> Self {
        match self {
            Standing::Less => Standing::More,
            Standing::More => Standing::Less,
            other => other,
        }
    }
}

impl Difference {
    /// The same of the other heap over the one.
    pub fn turned(&self) -> Self {
        let turn = |ratio: Estimate| Estimate {
            point: 1.0 / ratio.point,
            low: 1.0 / ratio.high,
            high: 1.0 / ratio.low,
            rounds: ratio.rounds,
        };
        Self { ratio: self.ratio.map(turn), standing: self.standing.turned() }
    }
}

/// By how much a heap differs from itself.
#[derive(Clone, PartialEq, Debug)]
pub struct NoiseFloor {
    /// The heap that took part twice.
    pub heap: String,
    /// Its second cells over its first, paired by round.
    pub ratio: Result<Estimate, NoEstimate>,
}

impl NoiseFloor {
    /// The greatest factor between 1 and an end of the interval: which cell is called the second is chance, so 0.97 is as
    /// far as 1 / 0.97.
    pub fn factor(&self) -> Option<f64> {
        let ratio = self.ratio.ok()?;
        Some(ratio.high.max(1.0 / ratio.low).max(1.0))
    }
}

/// All heaps on one axis of one workload.
#[derive(Clone, PartialEq, Debug)]
pub struct Comparison {
    /// What is compared.
    pub axis: Axis,
    /// The heap that ratios are over.
    pub reference: String,
    /// A line a heap, in the order given.
    pub rows: Vec<Row>,
    /// The A/A cell; `None` if none was run.
    pub noise: Option<NoiseFloor>,
    /// Each heap over each later one, by their places in `rows`.
    pairs: BTreeMap<(usize, usize), Difference>,
}

impl Comparison {
    /// Compares heaps. `again` is what the second cells of one of them gave, for the noise floor; its `heap` names which.
    /// A reference that is not among the heaps leaves the ratios out.
    pub fn new(plan: &Plan, axis: Axis, heaps: &[Measured], reference: &str, again: Option<&Measured>) -> Self {
        let noise = again.map(|again| {
            let first = heaps.iter().find(|heap| heap.heap == again.heap);
            let none = Err(NoEstimate::Rounds { rounds: 0 });
            NoiseFloor {
                heap: again.heap.clone(),
                ratio: first.map_or(none, |first| ratio(plan, axis, &again.rounds, &first.rounds)),
            }
        });
        let factor = noise.as_ref().and_then(NoiseFloor::factor);
        let mut pairs = BTreeMap::new();
        for (place, heap) in heaps.iter().enumerate() {
            for (later, other) in heaps.iter().enumerate().skip(place + 1) {
                let ratio = ratio(plan, axis, &heap.rounds, &other.rounds);
                pairs.insert((place, later), Difference { ratio, standing: standing(ratio, factor) });
            }
        }
        let mut comparison = Self { axis, reference: reference.to_owned(), rows: Vec::new(), noise, pairs };
        let against = heaps.iter().position(|heap| heap.heap == reference);
        for (place, heap) in heaps.iter().enumerate() {
            let (point, value) = value(plan, axis, &heap.rounds);
            let ratio = against.and_then(|against| comparison.difference(place, against));
            let (heap, failed) = (heap.heap.clone(), heap.failed.clone());
            comparison.rows.push(Row { heap, point, value, ratio, failed });
        }
        comparison
    }

    /// By which factor a heap differs from itself; `None` if no A/A cell tells, or too few of its rounds are done.
    pub fn noise_factor(&self) -> Option<f64> {
        self.noise.as_ref().and_then(NoiseFloor::factor)
    }

    /// One heap over another, by their places in `rows`. `None` for a heap over itself and for a place out of range.
    pub fn difference(&self, one: usize, other: usize) -> Option<Difference> {
        match self.pairs.get(&(one, other)) {
            Some(difference) => Some(*difference),
            None => self.pairs.get(&(other, one)).map(Difference::turned),
        }
    }

    /// Whether one heap is better than another, beyond interval and noise; beyond the interval alone where
    /// [noise](Self::noise_factor) is not known.
    pub fn is_better(&self, one: usize, other: usize) -> bool {
        let better = if self.axis.less_is_better() { Standing::Less } else { Standing::More };
        self.difference(one, other).is_some_and(|difference| difference.standing == better)
    }
}

fn value(plan: &Plan, axis: Axis, rounds: &Rounds) -> (Option<f64>, Result<Estimate, NoEstimate>) {
    match (rounds, axis) {
        (&Rounds::Saturated { saturated, rounds }, _) => (None, Err(NoEstimate::Saturated { saturated, rounds })),
        (Rounds::Values(rounds), _) => {
            let values: Vec<f64> = rounds.values().copied().collect();
            let point = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
            (point, bootstrap::mean_of_rounds(plan, &values))
        }
        (Rounds::Times(rounds), Axis::Response(quantile) | Axis::Service(quantile)) => {
            let rounds: Vec<&Histogram<u64>> = rounds.values().collect();
            let merged = MergedRounds::new(&rounds);
            let enough = merged.len() >= bootstrap::times_needed(quantile);
            let point = merged.percentile(&vec![1; rounds.len()], quantile).filter(|_| enough);
            (point.map(|ns| ns as f64), bootstrap::percentile(plan, &rounds, quantile))
        }
        (Rounds::Times(rounds), _) => (None, Err(NoEstimate::Kind { rounds: rounds.len() })),
    }
}

/// Paired by number of the round: a round that either heap has not finished is left out of both.
fn ratio(plan: &Plan, axis: Axis, ours: &Rounds, reference: &Rounds) -> Result<Estimate, NoEstimate> {
    if let Some(saturated) = ours.saturated().or(reference.saturated()) {
        return Err(saturated);
    }
    match (ours, reference, axis) {
        (Rounds::Values(ours), Rounds::Values(reference), _) => {
            let both: Vec<(f64, f64)> =
                ours.iter().filter_map(|(round, &ours)| Some((ours, *reference.get(round)?))).collect();
            let (ours, reference): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
            bootstrap::paired_ratio(plan, &ours, &reference)
        }
        (Rounds::Times(ours), Rounds::Times(reference), Axis::Response(quantile) | Axis::Service(quantile)) => {
            let both = ours.iter().filter_map(|(round, ours)| Some((ours, reference.get(round)?)));
            let (ours, reference): (Vec<_>, Vec<_>) = both.unzip();
            bootstrap::percentile_ratio(plan, &ours, &reference, quantile)
        }
        _ => Err(NoEstimate::Kind { rounds: ours.numbers().len().min(reference.numbers().len()) }),
    }
}

fn standing(ratio: Result<Estimate, NoEstimate>, noise: Option<f64>) -> Standing {
    let Ok(ratio) = ratio else { return Standing::Unknown };
    let outside_noise = noise.is_none_or(|factor| ratio.point > factor || ratio.point < 1.0 / factor);
    match (ratio.holds(1.0), outside_noise) {
        (true, _) => Standing::NotSeparated,
        (false, false) => Standing::WithinNoise,
        (false, true) if ratio.point < 1.0 => Standing::Less,
        (false, true) => Standing::More,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(heap: &str, values: &[f64]) -> Measured {
        let rounds = Rounds::Values((0..).zip(values.iter().copied()).collect());
        Measured { heap: heap.to_owned(), rounds, failed: Vec::new() }
    }

    /// Rounds of 2,000 times each, spread evenly over a fifth of the scale, and a tenth longer every other round.
    fn times(heap: &str, scale: u64, rounds: u32) -> Measured {
        let round = |number: u32| {
            let mut histogram = Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap();
            let scale = scale + scale / 10 * u64::from(number % 2);
            (0..2_000).for_each(|i| histogram.record(scale + scale * i / 10_000).unwrap());
            (number, histogram)
        };
        Measured { heap: heap.to_owned(), rounds: Rounds::Times((0..rounds).map(round).collect()), failed: Vec::new() }
    }

    const STEADY: [f64; 6] = [100.0, 103.0, 98.0, 101.0, 99.0, 102.0];

    #[test]
    fn a_difference_counts_only_outside_interval_and_noise() {
        let scaled = |by: f64| STEADY.map(|value| value * by);
        // Ratios per round about 1.02, within 0.2 %; the heap against itself differs by up to some 4 %.
        let slightly: Vec<f64> =
            scaled(1.02).iter().zip([0.1, -0.1, 0.2, -0.2, 0.0, 0.1]).map(|(a, b)| a + b).collect();
        let far = scaled(2.0);
        let noisy = STEADY.map(|value| value * if value > 100.0 { 1.04 } else { 0.98 });
        let wild = [1.0, 200.0, 40.0, 300.0, 90.0, 150.0];
        let heaps = [values("a", &STEADY), values("slightly", &slightly), values("far", &far), values("wild", &wild)];
        let plan = Plan::default();
        let standings = |again: Option<&Measured>| {
            let compared = Comparison::new(&plan, Axis::Cpu, &heaps, "a", again);
            compared.rows.iter().map(|row| row.ratio.map(|ratio| ratio.standing)).collect::<Vec<_>>()
        };
        let [separated, not] = [Some(Standing::More), Some(Standing::NotSeparated)];
        assert_eq!(standings(None), [None, separated, separated, not]);
        let noisy = values("a", &noisy);
        assert_eq!(standings(Some(&noisy)), [None, Some(Standing::WithinNoise), separated, not]);
        let compared = Comparison::new(&plan, Axis::Cpu, &heaps, "a", Some(&noisy));
        assert!(compared.is_better(0, 2) && !compared.is_better(2, 0) && !compared.is_better(0, 1));
        assert!((compared.difference(0, 2).unwrap().ratio.unwrap().point - 0.5).abs() < 1e-9);
        let faster = Comparison::new(&plan, Axis::Throughput, &heaps, "a", None);
        assert!(faster.is_better(2, 0) && !faster.is_better(0, 2), "of throughput, more is better");
    }

    #[test]
    fn rounds_are_paired_by_number_and_failed_ones_named() {
        let mut broken = values("b", &[200.0, 0.0, 196.0, 202.0, 198.0, 204.0]);
        let Rounds::Values(rounds) = &mut broken.rounds else { unreachable!() };
        rounds.remove(&1);
        broken.failed.push("round 1: timeout".to_owned());
        let compared = Comparison::new(&Plan::default(), Axis::Cpu, &[values("a", &STEADY), broken], "a", None);
        let ratio = compared.rows[1].ratio.unwrap().ratio.unwrap();
        // Exactly 2 in each of the five rounds that both have; wrongly paired it would be another figure.
        assert_eq!((ratio.point, ratio.low, ratio.high, ratio.rounds), (2.0, 2.0, 2.0, 5));
        assert_eq!(compared.rows[1].failed, ["round 1: timeout"]);
    }

    #[test]
    fn percentiles_are_of_all_times_and_their_ratio_of_the_same_rounds() {
        let heaps = [times("a", 10_000, 6), times("b", 20_000, 6)];
        let compared = Comparison::new(&Plan::default(), Axis::Response(0.99), &heaps, "a", None);
        let row = &compared.rows[0];
        let (value, ratio) = (row.value.unwrap(), compared.rows[1].ratio.unwrap().ratio.unwrap());
        assert!((row.point.unwrap() - value.point).abs() < 1e-6);
        assert!(value.holds(value.point) && (12_900.0..13_200.0).contains(&value.point), "{value:?}");
        // Slow rounds are slow for both: the ratio hardly moves.
        assert!((ratio.point - 2.0).abs() < 0.01 && ratio.high - ratio.low < 0.01, "{ratio:?}");
    }

    #[test]
    fn a_saturated_heap_has_no_times_and_its_twin_no_noise_floor() {
        let saturated = Measured {
            heap: "b".to_owned(),
            rounds: Rounds::Saturated { saturated: 2, rounds: 6 },
            failed: Vec::new(),
        };
        let heaps = [times("a", 10_000, 6), saturated.clone(), times("c", 20_000, 6)];
        let again = Measured { heap: "a".to_owned(), ..saturated };
        let compared = Comparison::new(&Plan::default(), Axis::Response(0.99), &heaps, "a", Some(&again));
        let none = NoEstimate::Saturated { saturated: 2, rounds: 6 };
        assert_eq!((compared.rows[1].point, compared.rows[1].value), (None, Err(none)));
        assert_eq!(compared.rows[1].ratio, Some(Difference { ratio: Err(none), standing: Standing::Unknown }));
        assert_eq!(none.to_string(), "saturated (2 of 6 rounds)");
        assert_eq!(compared.noise_factor(), None);
        assert!(compared.is_better(0, 2), "told apart by the interval alone");
    }

    #[test]
    fn too_few_times_or_rounds_are_told() {
        let compared = |quantile: f64, rounds: u32| {
            let heaps = [times("a", 10_000, rounds), times("b", 20_000, rounds)];
            Comparison::new(&Plan::default(), Axis::Response(quantile), &heaps, "a", None)
        };
        let few_times = compared(0.9999, 6);
        let needed = NoEstimate::Times { quantile: 0.9999, times: 12_000, needed: 100_000 };
        assert_eq!((few_times.rows[0].point, few_times.rows[0].value), (None, Err(needed)));
        assert_eq!(few_times.rows[1].ratio.map(|ratio| ratio.standing), Some(Standing::Unknown));
        let few_rounds = compared(0.99, 3);
        assert!(few_rounds.rows[0].point.is_some(), "a point needs no interval");
        assert_eq!(few_rounds.rows[0].value, Err(NoEstimate::Rounds { rounds: 3 }));
        let wrong = Comparison::new(&Plan::default(), Axis::Cpu, &[times("a", 10, 6)], "a", None);
        assert_eq!(wrong.rows[0].value, Err(NoEstimate::Kind { rounds: 6 }));
    }
}
