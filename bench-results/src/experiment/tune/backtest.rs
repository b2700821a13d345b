//! Whether the model predicts what was recorded in the user's service: before it recommends anything.
//!
//! The recorded service's own setting runs on the baseline, over the same heap file as the search. One figure is *fitted*: how
//! many objects a request leaves dead on cycles, which is how many the recorded collections found for each request. Everything
//! else is *tested*, as recorded over predicted: collections of generation 0 for each request, of generation 1 for each of
//! generation 0, and the median pause of each generation. Full collections are rare in a short run; their pause is predicted from
//! a second run that makes them between requests.
//!
//! Recorded and predicted times are of two machines. `scale` says how many times as long the recorded one takes: predicted times
//! are multiplied by it, in the test and in everything that is printed. It is 1 unless given, or found: the geometric mean of the
//! ratios of pauses. Then only their proportions to one another are tested, and a word says so.

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::cell::Given;
use crate::recorded::{GENERATIONS, Recording};

/// With fewer collections of a generation, recorded or predicted, nothing is said of it.
pub const COLLECTIONS_LEAST: u64 = 3;
/// Nodes of a request's tree, as the workload has it; each makes four objects, and the tree one.
const NODES: u64 = 50;

/// What was recorded, of all processes together.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// Name and version of the interpreter.
    pub runtime: String,
    /// `gc.get_threshold()`.
    pub thresholds: [u64; GENERATIONS],
    /// Whether the collector was on.
    pub enabled: bool,
    /// Requests.
    pub requests: u64,
    /// Collections by generation.
    pub collections: [u64; GENERATIONS],
    /// Objects that they found.
    pub collected: u64,
    /// Median pause of each; `None` if there was none.
    pub pause_ns: [Option<u64>; GENERATIONS],
    /// Service times of requests without any pause, sorted.
    #[serde(skip)]
    pub unpaused_ns: Vec<u64>,
}

impl Recorded {
    /// Of one process or several.
    ///
    /// # Errors
    /// If they had different thresholds, or impossible ones.
    pub fn of(recordings: &[Recording]) -> Result<Self> {
        let Some(first) = recordings.first() else { bail!("there is no recording") };
        let thresholds: Vec<u64> = first.threshold.iter().map(|&threshold| threshold.max(0) as u64).collect();
        let Ok(thresholds) = <[u64; GENERATIONS]>::try_from(thresholds) else {
            bail!("{} has {} thresholds, not {GENERATIONS}", first.path.display(), first.threshold.len());
        };
        let mut pauses: [Vec<u64>; GENERATIONS] = Default::default();
        let (mut requests, mut collected) = (0, 0);
        let mut unpaused_ns = Vec::new();
        for recording in recordings {
            ensure!(
                (&recording.threshold, recording.enabled) == (&first.threshold, first.enabled),
                "{} was recorded with another setting of gc than {}; give recordings of one setting",
                recording.path.display(),
                first.path.display()
            );
            for one in &recording.collections {
                pauses[one.generation].push(one.end_ns - one.start_ns);
                collected += one.collected;
            }
            requests += recording.requests.len() as u64;
            unpaused_ns.extend(recording.unpaused());
        }
        unpaused_ns.sort_unstable();
        Ok(Self {
            runtime: first.runtime.clone(),
            thresholds,
            enabled: first.enabled,
            requests,
            collections: pauses.each_ref().map(|pauses| pauses.len() as u64),
            collected,
            pause_ns: pauses.map(median),
            unpaused_ns,
        })
    }

    /// Why the model cannot be tested with it at all, if so.
    pub fn untestable(&self) -> Option<String> {
        let version = self.runtime.split_whitespace().last().unwrap_or_default();
        if version.starts_with("3.14") {
            return Some(format!(
                "{} has another collector than CPython 3.8 to 3.13, which the model is of; record under one of these",
                self.runtime
            ));
        }
        if !self.enabled || self.thresholds[0] == 0 {
            return Some(
                "the collector was off when it was recorded, so there are no pauses to predict; record with it on"
                    .into(),
            );
        }
        None
    }

    /// The dials that make a request leave as many objects dead on cycles as recorded; none if no request was recorded.
    pub fn fitted(&self) -> Vec<Given> {
        if self.requests == 0 {
            return Vec::new();
        }
        let dead = self.collected as f64 / self.requests as f64;
        let tree = (4 * NODES + 1) as f64;
        let given = |name: &str, value: String| (name.to_owned(), value);
        if dead <= tree {
            return vec![given("cyclic", format!("{:.5}", dead / tree))];
        }
        let nodes = ((dead - 1.0) / 4.0).round().clamp(1.0, 1e6) as u64;
        vec![given("nodes", nodes.to_string()), given("cyclic", "1".to_owned())]
    }

    /// A percentile of requests without any pause; `None` with too few of them.
    pub fn unpaused(&self, share: f64, needed: u64) -> Option<u64> {
        let n = self.unpaused_ns.len();
        (n as u64 >= needed).then(|| self.unpaused_ns[((n as f64 * share).ceil() as usize).clamp(1, n) - 1])
    }
}

fn median(mut pauses: Vec<u64>) -> Option<u64> {
    pauses.sort_unstable();
    pauses.get(pauses.len().checked_sub(1)? / 2).copied()
}

/// What the model says of the same.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Predicted {
    /// Requests.
    pub requests: u64,
    /// Collections by generation, with the recorded setting.
    pub collections: [u64; GENERATIONS],
    /// How many pauses stand behind each median.
    pub pauses: [u64; GENERATIONS],
    /// Median pause of each, on this machine; of generation 2 in the second run.
    pub pause_ns: [Option<u64>; GENERATIONS],
}

/// How far predicted times are from those of the recorded machine.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// The recorded machine takes so many times as long.
    Given(f64),
    /// As long as its pauses say.
    Found,
}

impl Scale {
    /// Reads a number, or `auto`.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Found);
        }
        let number: Option<f64> = text.parse().ok().filter(|number| (0.001..=1_000.0).contains(number));
        number
            .map(Self::Given)
            .ok_or_else(|| format!("`{text}` is no scale; give a number from 0.001 to 1000, or auto"))
    }
}

/// One figure that was tested.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Tested {
    /// What it is.
    pub figure: String,
    /// As recorded: nanoseconds, or collections.
    pub recorded: Option<f64>,
    /// As predicted, with the scale.
    pub predicted: Option<f64>,
    /// Recorded over predicted; `None` where either is not known, or of too few collections.
    pub ratio: Option<f64>,
}

/// The back-test.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BackTest {
    /// The interpreter that was recorded.
    pub runtime: String,
    /// Its thresholds.
    pub thresholds: [u64; GENERATIONS],
    /// Dials that were fitted to the recording.
    pub fitted: Vec<Given>,
    /// How many times as long the recorded machine takes.
    pub scale: f64,
    /// Whether that was found from the pauses, so that only their proportions are tested.
    pub scale_found: bool,
    /// How many times too high or too low a figure may be.
    pub factor: f64,
    /// All figures.
    pub tested: Vec<Tested>,
    /// Whether the model is trusted.
    pub trusted: bool,
    /// What differs, and what to do; empty if it is trusted.
    pub causes: Vec<String>,
}

impl BackTest {
    /// Holds the prediction against the recording.
    pub fn of(recorded: &Recorded, predicted: &Predicted, scale: Scale, factor: f64) -> Self {
        let enough = |generation: usize| {
            let least = recorded.collections[generation].min(predicted.pauses[generation]);
            least >= COLLECTIONS_LEAST
        };
        let both = |generation: usize| {
            let pauses = recorded.pause_ns[generation].zip(predicted.pause_ns[generation]);
            pauses.filter(|&(_, predicted)| enough(generation) && predicted > 0)
        };
        let known: Vec<f64> = (0..GENERATIONS)
            .filter_map(|generation| both(generation).map(|(recorded, predicted)| recorded as f64 / predicted as f64))
            .filter(|ratio| *ratio > 0.0)
            .collect();
        let (scale, scale_found) = match scale {
            Scale::Given(scale) => (scale, false),
            Scale::Found if known.is_empty() => (1.0, true),
            Scale::Found => ((known.iter().map(|ratio| ratio.ln()).sum::<f64>() / known.len() as f64).exp(), true),
        };
        let mut tested = counts(recorded, predicted);
        for generation in 0..GENERATIONS {
            let theirs = recorded.pause_ns[generation].map(|ns| ns as f64);
            let ours = predicted.pause_ns[generation].map(|ns| ns as f64 * scale);
            tested.push(Tested {
                figure: format!("median pause, generation {generation}"),
                recorded: theirs,
                predicted: ours,
                ratio: both(generation).and(theirs.zip(ours)).map(|(theirs, ours)| theirs / ours),
            });
        }
        let mut causes: Vec<String> = recorded.untestable().into_iter().collect();
        let is_off = |ratio: f64| !(1.0 / factor..=factor).contains(&ratio);
        for one in &tested {
            let Some(ratio) = one.ratio.filter(|&ratio| is_off(ratio)) else { continue };
            causes.push(format!(
                "{}: recorded is {ratio:.2} × what the model predicts; {}",
                one.figure,
                remedy(&one.figure)
            ));
        }
        if known.len() < if scale_found { 2 } else { 1 } {
            causes.push(format!(
                "too few pauses of {} are known on both sides (at least {COLLECTIONS_LEAST} of each); record for longer",
                if scale_found { "two generations" } else { "any generation" }
            ));
        }
        Self {
            runtime: recorded.runtime.clone(),
            thresholds: recorded.thresholds,
            fitted: recorded.fitted(),
            scale,
            scale_found,
            factor,
            tested,
            trusted: causes.is_empty(),
            causes,
        }
    }
}

fn counts(recorded: &Recorded, predicted: &Predicted) -> Vec<Tested> {
    let share = |figure: &str, (theirs, of_theirs): (u64, u64), (ours, of_ours): (u64, u64)| {
        let share = |count: u64, of: u64| (of > 0).then(|| count as f64 / of as f64);
        let (recorded, predicted) = (share(theirs, of_theirs), share(ours, of_ours));
        let enough = theirs.max(ours) >= COLLECTIONS_LEAST;
        let ratio =
            recorded.zip(predicted).filter(|(_, ours)| enough && *ours > 0.0).map(|(theirs, ours)| theirs / ours);
        // Many on one side and none on the other is no unknown ratio.
        let none_here = recorded.zip(predicted).is_some_and(|(theirs, ours)| enough && ours == 0.0 && theirs > 0.0);
        let ratio = if none_here { Some(theirs as f64) } else { ratio };
        Tested { figure: figure.to_owned(), recorded, predicted, ratio }
    };
    let [theirs, ours] = [recorded.collections, predicted.collections];
    vec![
        share("collections of generation 0, a request", (theirs[0], recorded.requests), (ours[0], predicted.requests)),
        share("collections of generation 1, each of generation 0", (theirs[1], theirs[0]), (ours[1], ours[0])),
    ]
}

fn remedy(figure: &str) -> &'static str {
    if figure.contains("generation 2") {
        "dump the heap of the process that was recorded, when it is warm, and give it with --heap-file; or give --scale"
    } else if figure.starts_with("median pause") {
        "if all pauses differ alike, the machines do: give --scale, or --scale auto"
    } else {
        "record when the service is warm and serves as usual, in one process a file; --set changes what a request of the model does"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded() -> Recorded {
        Recorded {
            runtime: "CPython 3.12.1".to_owned(),
            thresholds: [700, 10, 10],
            enabled: true,
            requests: 10_000,
            collections: [300, 27, 3],
            collected: 200_000,
            pause_ns: [Some(100_000), Some(300_000), Some(20_000_000)],
            unpaused_ns: (1..=1_000).collect(),
        }
    }

    fn predicted() -> Predicted {
        Predicted {
            requests: 20_000,
            collections: [550, 50, 0],
            pauses: [550, 50, 10],
            pause_ns: [Some(50_000), Some(150_000), Some(10_000_000)],
        }
    }

    fn of(recorded: &Recorded, scale: Scale) -> BackTest {
        BackTest::of(recorded, &predicted(), scale, 2.0)
    }

    #[test]
    fn a_model_within_the_factor_is_trusted_and_one_beyond_is_not() {
        let test = of(&recorded(), Scale::Given(1.0));
        assert!(test.trusted, "{:?}", test.causes);
        let ratios: Vec<f64> = test.tested.iter().map(|one| one.ratio.unwrap()).collect();
        assert!((ratios[0] - 0.03 / 0.0275).abs() < 1e-9 && ratios[2..] == [2.0, 2.0, 2.0], "{ratios:?}");
        // Twice as slow still: beyond the factor, unless the machine is known to be.
        let mut slow = recorded();
        slow.pause_ns = slow.pause_ns.map(|ns| ns.map(|ns| 2 * ns));
        let test = of(&slow, Scale::Given(1.0));
        assert_eq!((test.trusted, test.causes.len()), (false, 3), "{:?}", test.causes);
        assert!(test.causes[0].contains("4.00 ×") && test.causes[0].contains("--scale"), "{:?}", test.causes);
        let test = of(&slow, Scale::Found);
        assert!(test.trusted && (test.scale - 4.0).abs() < 1e-9 && test.scale_found, "{test:?}");
    }

    #[test]
    fn a_scale_does_not_hide_another_heap_or_another_rhythm() {
        let mut other = recorded();
        other.pause_ns[2] = Some(900_000_000);
        assert!(!of(&other, Scale::Found).trusted);
        let test = of(&other, Scale::Given(2.0));
        assert_eq!(test.causes.len(), 1);
        assert!(test.causes[0].contains("generation 2") && test.causes[0].contains("--heap-file"), "{:?}", test.causes);
        let mut busy = recorded();
        busy.collections = [3_000, 270, 3];
        assert!(of(&busy, Scale::Given(2.0)).causes[0].contains("collections of generation 0"));
        busy.collections = [300, 0, 0];
        assert!(!of(&busy, Scale::Given(2.0)).trusted, "generation 1 is never collected there");
    }

    #[test]
    fn what_cannot_be_tested_is_not_trusted() {
        let off = Recorded { enabled: false, ..recorded() };
        assert!(of(&off, Scale::Given(2.0)).causes[0].contains("was off"));
        let newer = Recorded { runtime: "CPython 3.14.0".to_owned(), ..recorded() };
        assert!(!of(&newer, Scale::Given(2.0)).trusted);
        let mut short = recorded();
        short.collections = [2, 0, 0];
        short.requests = 0;
        let test = of(&short, Scale::Given(1.0));
        assert!(!test.trusted && test.causes.iter().any(|cause| cause.contains("too few pauses")), "{:?}", test.causes);
    }

    #[test]
    fn dead_cycles_of_a_request_are_fitted() {
        let text = |recorded: &Recorded| {
            recorded.fitted().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(text(&recorded()), "cyclic=0.09950");
        assert_eq!(text(&Recorded { collected: 10_000 * 801, ..recorded() }), "nodes=200 cyclic=1");
        assert_eq!(text(&Recorded { requests: 0, ..recorded() }), "");
        assert_eq!((recorded().unpaused(0.99, 1_000), recorded().unpaused(0.99, 1_001)), (Some(990), None));
        assert_eq!((median(vec![3, 1, 2]), median(vec![])), (Some(2), None));
    }
}
