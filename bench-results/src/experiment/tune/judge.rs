//! What the confirmations say: which finalist meets the goal, and which is recommended.
//!
//! A finalist *meets* the goal if the prediction intervals of all its quantities end below their limits, *misses* it if one
//! begins above or a run failed, and else it is *not shown* to meet it; of fewer than [`RUNS_LEAST`] runs that count nothing is
//! shown, and nothing against a limit of memory that is relative to a default of which fewer count. Of those that meet it and can be pasted, the default is recommended if it is among them (there is then nothing to
//! change); else the one that costs the least CPU time, and of those that cost as little within [`TIED`] the one whose means are
//! the furthest below the limits.
//!
//! By means, and not by the ends of intervals: whose few runs happened to lie together has the shortest interval, and further
//! runs outside it. What luck is left in choosing is paid for: the finalists that can be chosen share the risk ([`Sureness`]).

use serde::{Deserialize, Serialize};

use super::goal::{Goal, Percentile};
use super::prediction::{Prediction, RUNS_LEAST, Sureness};
use super::track::{Measured, Track, counting};
use super::whole;

/// Costs within this share of the least are as good as it.
pub const TIED: f64 = 0.02;
/// Half of the least width of an interval of a time: the resolution of histograms, and of the clock on short times.
const LEAST_TIME: f64 = 0.005;
/// The same of memory: pages, and where the system puts things.
const LEAST_SIZE: f64 = 0.01;

/// Whether a finalist meets the goal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// In all quantities, by their whole intervals.
    Meets,
    /// One interval holds its limit, or too few runs count.
    NotShown,
    /// One is above its limit, by its whole interval; or a run failed.
    Misses,
}

/// One quantity of the goal of a finalist.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Held {
    /// `p99.9`, or `peak-memory`.
    pub quantity: String,
    /// Where further runs will lie; nanoseconds or bytes.
    pub prediction: Prediction,
    /// What it must not be above; `None`: the goal says nothing of it.
    #[serde(serialize_with = "whole::near_if_known")]
    pub limit: Option<f64>,
}

/// What the confirmations say of a finalist.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Finalist {
    /// Its place among the candidates.
    pub candidate: usize,
    /// Whether it meets the goal.
    pub standing: Standing,
    /// The quantities that the goal names, and peak memory.
    pub held: Vec<Held>,
    /// Memory that the heap held at most, in bytes.
    pub heap_peak: Option<Prediction>,
    /// CPU time for a request, in nanoseconds.
    pub cpu_ns: Option<Prediction>,
    /// What it misses, or is not shown to meet; whole clauses.
    pub misses: Vec<String>,
}

impl Finalist {
    /// The greatest share of a limit that a mean takes.
    fn furthest(&self) -> f64 {
        let shares = self.held.iter().filter_map(|held| Some(held.prediction.mean / held.limit?));
        shares.fold(0.0, f64::max)
    }

    /// One of its quantities.
    pub fn quantity(&self, name: &str) -> Option<&Held> {
        self.held.iter().find(|held| held.quantity == name)
    }
}

/// The outcome of a search.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Judged {
    /// All finalists, in the order of the candidates.
    pub finalists: Vec<Finalist>,
    /// The place among the candidates of the one that is recommended.
    pub recommended: Option<usize>,
    /// Where none is: the one that came nearest, of those that can be pasted.
    pub nearest: Option<usize>,
}

/// Peak memory, as a quantity.
pub const PEAK: &str = "peak-memory";

/// Judges the confirmations. The first candidate is the one that runs now: the default, or what was recorded; `pasted`
/// says which can be.
pub fn judge(tracks: &[Track], goal: &Goal, pasted: &[bool]) -> Judged {
    let tracks: Vec<Track> = tracks.iter().map(Track::settled).collect();
    // Among so many one is chosen.
    let chosen_among =
        tracks.iter().zip(pasted).filter(|(track, pasted)| **pasted && !track.confirmed.is_empty()).count();
    let sureness = |least: f64| {
        // Each percentile, and peak memory whether it has a limit or not: it is printed.
        Sureness::of_quantities(goal.slos.len() + 1, chosen_among, least)
    };
    let sureness = Both { time: sureness(LEAST_TIME), size: sureness(LEAST_SIZE) };
    let of_default = tracks.first().and_then(|track| peaks(track, sureness));
    let memory = goal.memory.map(|memory| memory.limit_if_known(of_default.map(|peak| peak.mean)));
    let with_runs = tracks.iter().enumerate().filter(|(_, track)| !track.confirmed.is_empty());
    let finalists: Vec<Finalist> =
        with_runs.map(|(place, track)| finalist(place, track, goal, memory, sureness)).collect();
    let can_be = |finalist: &&Finalist| pasted[finalist.candidate];
    let meets = || finalists.iter().filter(can_be).filter(|finalist| finalist.standing == Standing::Meets);
    let cost = |finalist: &Finalist| finalist.cpu_ns.map_or(f64::INFINITY, |cpu| cpu.mean);
    let least = meets().map(cost).fold(f64::INFINITY, f64::min);
    let tied = meets().filter(|finalist| finalist.candidate == 0 || cost(finalist) <= least * (1.0 + TIED));
    // The default first: what needs no change is better than what does.
    let recommended = tied.min_by(|one, other| {
        let key = |finalist: &Finalist| (finalist.candidate != 0, finalist.furthest());
        key(one).0.cmp(&key(other).0).then(key(one).1.total_cmp(&key(other).1))
    });
    let recommended = recommended.map(|finalist| finalist.candidate);
    // A limit that is not known is none that anybody comes near to.
    let limits = goal.slos.len() + usize::from(memory.flatten().is_some());
    let complete = |finalist: &&Finalist| finalist.held.iter().filter(|held| held.limit.is_some()).count() == limits;
    let nearest = finalists.iter().filter(can_be).filter(complete);
    // By means: where few runs differ much, upper ends say more of chance than of settings.
    let nearest = nearest.min_by(|one, other| one.furthest().total_cmp(&other.furthest()));
    let nearest = nearest.map(|finalist| finalist.candidate).filter(|_| recommended.is_none());
    Judged { recommended, nearest, finalists }
}

/// How intervals of times and of sizes are made.
#[derive(Clone, Copy)]
struct Both {
    time: Sureness,
    size: Sureness,
}

fn peaks(track: &Track, sureness: Both) -> Option<Prediction> {
    predicted(track, sureness.size, |run| run.peak_bytes)
}

/// Where further runs lie. What the search saw of it is held too: that can only widen it.
fn predicted(track: &Track, sureness: Sureness, of: impl Fn(&Measured) -> Option<f64>) -> Option<Prediction> {
    let counted = |runs: &[Measured]| -> Vec<f64> { counting(runs).filter_map(&of).collect() };
    let mut prediction = Prediction::of(&counted(&track.confirmed), sureness)?;
    for value in counted(&track.search) {
        prediction.low = prediction.low.min(value);
        prediction.high = prediction.high.max(value);
    }
    Some(prediction)
}

/// Judges one. `memory` is the limit of memory, if the goal has one; within it `None`: it is relative to the default, of which
/// too few runs count.
fn finalist(candidate: usize, track: &Track, goal: &Goal, memory: Option<Option<f64>>, sureness: Both) -> Finalist {
    let mut held = Vec::new();
    let mut misses = Vec::new();
    let mut standing = Standing::Meets;
    let failed: Vec<&String> = track.confirmed.iter().filter_map(|run| run.failure.as_ref()).collect();
    if let Some(cause) = failed.first() {
        misses.push(format!("{} of {} runs failed: {cause}", failed.len(), track.confirmed.len()));
        standing = Standing::Misses;
    }
    let counted = counting(&track.confirmed).count();
    let is_too_few = counted < RUNS_LEAST;
    if is_too_few {
        misses.push(format!("too few runs: {counted} of {} count, and {RUNS_LEAST} must", track.confirmed.len()));
        standing = standing.max_of(Standing::NotShown);
    }
    if track.may_grow() {
        misses.push(
            "its memory may grow without end: its floating garbage does in the mean of all runs, which may be chance; see \
             --worker-requests"
                .to_owned(),
        );
        standing = standing.max_of(Standing::NotShown);
    }
    let latency = goal.slos.iter().enumerate().map(|(place, slo)| {
        let prediction = predicted(track, sureness.time, |run| *run.latency_ns.get(place)?);
        (slo.percentile.name(), Some(slo.limit_ns as f64), prediction)
    });
    if memory == Some(None) {
        misses.push(format!(
            "the limit of memory is not known, as it is relative to the setting that is there now, of which fewer than \
             {RUNS_LEAST} runs count: give an amount such as 500MiB, --worker-requests if memory grows without end, or less --load"
        ));
        standing = standing.max_of(Standing::NotShown);
    }
    for (name, limit, prediction) in latency.chain([(PEAK, memory.flatten(), peaks(track, sureness))]) {
        let Some(prediction) = prediction else {
            if is_too_few {
                continue;
            }
            misses.push(format!("{name} is not known"));
            standing = standing.max_of(if limit.is_some() { Standing::Misses } else { Standing::Meets });
            continue;
        };
        if let Some(limit) = limit {
            let times = prediction.mean / limit;
            if prediction.low > limit {
                misses.push(format!("{name} is {times:.2} × the limit"));
                standing = Standing::Misses;
            } else if prediction.high > limit {
                let further = if prediction.is_telling() {
                    format!("further runs may reach {:.2} ×", prediction.high / limit)
                } else {
                    "runs differ too much to say what further ones reach".to_owned()
                };
                misses.push(format!("{name} is {times:.2} × the limit, and {further}"));
                standing = standing.max_of(Standing::NotShown);
            }
        }
        held.push(Held { quantity: name.to_owned(), prediction, limit });
    }
    let heap_peak = predicted(track, sureness.size, |run| run.held_bytes);
    let cpu_ns = predicted(track, sureness.time, |run| run.cpu_ns);
    Finalist { candidate, standing, held, heap_peak, cpu_ns, misses }
}

impl Standing {
    /// The worse of two.
    fn max_of(self, other: Self) -> Self {
        if (self as u8) >= (other as u8) { self } else { other }
    }

    /// As a person reads it.
    pub fn words(self) -> &'static str {
        match self {
            Standing::Meets => "meets it",
            Standing::NotShown => "not shown",
            Standing::Misses => "misses it",
        }
    }
}

/// Whether a name is that of a percentile.
pub fn is_time(quantity: &str) -> bool {
    Percentile::ALL.into_iter().any(|percentile| percentile.name() == quantity)
}
