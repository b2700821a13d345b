//! The search: many candidates a little, the better ones more, the best ones again with seeds that nobody has seen.
//!
//! It goes by *successive halving* (Jamieson and Talwalkar, AISTATS 2016): on each rung every candidate that is left runs a few
//! rounds, interleaved, each round with a seed of its own; then those go that cannot meet the goal any more, and of the others
//! all but so many. What is left at the end was chosen *because* its values were good, so these values flatter it: the finalists
//! run again, with fresh seeds, and of these *confirmations* alone a recommendation is made ([`super::judge`]).
//!
//! A candidate cannot meet the goal any more when even the low end of the interval of its mean is above a limit (99 %, Student,
//! on the logarithm, the spread pooled over all candidates, or its own where that is wider: few rounds of one candidate show
//! little of it).

use anyhow::Result;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use super::goal::Goal;
use super::prediction::{logarithms, mean_and_deviation, student};
use super::track::{Measured, Track, counting};

/// Rounds of confirmation are counted from here, so that no seed of the search is used again.
pub const CONFIRMATIONS_FROM: u32 = 1_000;
/// What is left above the low end of the interval by which candidates go.
const TAIL: f64 = 0.005;

/// Whoever runs candidates.
pub trait Bench {
    /// Runs one candidate, by its place, with the seed of this round.
    ///
    /// # Errors
    /// If it cannot run at all.
    fn measure(&mut self, candidate: usize, round: u32) -> Result<Measured>;
}

/// A stretch of the search.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rung {
    /// Rounds of each candidate that is left.
    pub rounds: u32,
    /// How many go on, at most; those that always run are not among them.
    pub go_on: usize,
}

/// How much is searched.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Schedule {
    /// One after the other; after the last, those that go on are the finalists.
    pub rungs: Vec<Rung>,
    /// Rounds of confirmation.
    pub confirmations: u32,
}

impl Schedule {
    /// The most runs that it can come to, of so many candidates, `always` of which run to the end.
    pub fn most_runs(&self, candidates: usize, always: usize) -> usize {
        let mut left = candidates.saturating_sub(always);
        let mut runs = 0;
        for rung in &self.rungs {
            runs += (left + always) * rung.rounds as usize;
            left = left.min(rung.go_on);
        }
        runs + (left + always) * self.confirmations as usize
    }
}

/// Searches; the tracks are as they were measured, not [settled](Track::settled). `always` says which candidates run to the end, whatever comes of them; the first one is the default.
///
/// # Errors
/// If a candidate cannot run at all.
pub fn search(
    bench: &mut impl Bench,
    always: &[bool],
    goal: &Goal,
    schedule: &Schedule,
    seed: u64,
) -> Result<Vec<Track>> {
    let mut tracks = vec![Track::default(); always.len()];
    let mut round = 0;
    for rung in &schedule.rungs {
        for _ in 0..rung.rounds {
            for candidate in order(&tracks, seed, round) {
                let measured = bench.measure(candidate, round)?;
                tracks[candidate].search.push(measured);
            }
            round += 1;
        }
        leave(&mut tracks, always, goal, rung.go_on);
    }
    for round in (CONFIRMATIONS_FROM..).take(schedule.confirmations as usize) {
        for candidate in order(&tracks, seed, round) {
            let measured = bench.measure(candidate, round)?;
            tracks[candidate].confirmed.push(measured);
        }
    }
    Ok(tracks)
}

/// Those that are left, in an order that seed and round fix: none always comes first.
fn order(tracks: &[Track], seed: u64, round: u32) -> Vec<usize> {
    let mut left: Vec<usize> = (0..tracks.len()).filter(|&one| tracks[one].left.is_none()).collect();
    left.shuffle(&mut Pcg64::seed_from_u64(seed ^ u64::from(round).rotate_left(32)));
    left
}

/// Ends the way of those that cannot meet the goal any more, and of all but the best of the others.
fn leave(tracks: &mut [Track], always: &[bool], goal: &Goal, go_on: usize) {
    let settled: Vec<Track> = tracks.iter().map(Track::settled).collect();
    let quantities = Quantities::of(&settled, goal);
    let mut ranked = Vec::new();
    for candidate in 0..tracks.len() {
        if always[candidate] || tracks[candidate].left.is_some() {
            continue;
        }
        let track = &settled[candidate];
        let failures: Vec<&String> = track.search.iter().filter_map(|run| run.failure.as_ref()).collect();
        if failures.len() * 2 > track.search.len() {
            let cause = failures.first().map_or("it was not run", |cause| cause.as_str());
            tracks[candidate].left = Some(format!("{cause} ({} of {} runs)", failures.len(), track.search.len()));
            continue;
        }
        match quantities.judge(track) {
            Err(cause) => tracks[candidate].left = Some(cause),
            Ok(chance) => ranked.push((chance, candidate)),
        }
    }
    // Those that look safe by what they cost, then the others by how far they are off.
    let key = |chance: &Chance| if chance.safe { (0, chance.cpu_ns) } else { (1, chance.excess) };
    ranked.sort_by(|(one, _), (other, _)| {
        let (one, other) = (key(one), key(other));
        one.0.cmp(&other.0).then(one.1.total_cmp(&other.1))
    });
    for (chance, candidate) in ranked.into_iter().skip(go_on) {
        let runs = tracks[candidate].search.len();
        let cause = if chance.safe {
            "others took less CPU time for a request"
        } else {
            "others were below the limits for sure, or nearer to them"
        };
        tracks[candidate].left = Some(format!("{cause}, in {runs} runs"));
    }
}

/// What a candidate's chances are.
struct Chance {
    /// It is below all limits, by more than chance explains.
    safe: bool,
    /// The logarithm of how far it is above the limit that it is furthest above.
    excess: f64,
    /// CPU time for a request.
    cpu_ns: f64,
}

/// The quantities of the goal, each with its limit and what all candidates together say of its spread.
struct Quantities {
    all: Vec<Quantity>,
}

struct Quantity {
    name: String,
    /// Its place among the limits of latency; `None`: memory.
    latency: Option<usize>,
    limit: f64,
    /// The spread of logarithms between runs of a candidate, pooled.
    deviation: f64,
    /// Student's quantile for it.
    student: f64,
}

impl Quantities {
    fn of(tracks: &[Track], goal: &Goal) -> Self {
        let mut all = Vec::new();
        let slos = goal.slos.iter().enumerate();
        let latency = slos.map(|(place, slo)| (slo.percentile.name(), Some(place), Some(slo.limit_ns as f64)));
        let default = tracks.first().and_then(|track| logarithms(&values(track, None)).filter(|logs| !logs.is_empty()));
        let default = default.map(|logs| mean_and_deviation(&logs).0.exp());
        let limit = goal.memory.and_then(|memory| memory.limit_if_known(default));
        for (name, place, limit) in latency.chain([("peak memory", None, limit)]) {
            let Some(limit) = limit else { continue };
            let (mut squares, mut freedom) = (0.0, 0.0);
            for logs in tracks.iter().filter_map(|track| logarithms(&values(track, place))) {
                if logs.len() > 1 {
                    let more = logs.len() as f64 - 1.0;
                    squares += mean_and_deviation(&logs).1.powi(2) * more;
                    freedom += more;
                }
            }
            // With a single run of each there is no spread to know, and nobody goes for its sake.
            let known = if freedom > 0.0 { student(TAIL, freedom) } else { None };
            let deviation = if freedom > 0.0 { (squares / freedom).sqrt() } else { 0.0 };
            all.push(Quantity {
                name: name.to_owned(),
                latency: place,
                limit,
                deviation,
                student: known.unwrap_or(f64::INFINITY),
            });
        }
        Self { all }
    }

    /// The chances of a candidate, or why it has none.
    fn judge(&self, track: &Track) -> Result<Chance, String> {
        let mut chance = Chance { safe: true, excess: f64::NEG_INFINITY, cpu_ns: cpu(track) };
        for quantity in &self.all {
            let logs = logarithms(&values(track, quantity.latency)).filter(|logs| !logs.is_empty());
            let Some(logs) = logs else { return Err(format!("{} is not known", quantity.name)) };
            let (mean, own) = mean_and_deviation(&logs);
            let limit = quantity.limit.ln();
            let deviation = quantity.deviation.max(own);
            // Of equal values it is 0, whatever stands before it.
            let half = if deviation > 0.0 { quantity.student * deviation / (logs.len() as f64).sqrt() } else { 0.0 };
            if mean - half > limit {
                let times = (mean - limit).exp();
                let (name, runs) = (&quantity.name, logs.len());
                return Err(format!("{name} is {times:.2} × the limit in {runs} runs, too far for chance"));
            }
            chance.safe &= mean + half <= limit;
            chance.excess = chance.excess.max(mean - limit);
        }
        Ok(chance)
    }
}

/// A quantity of the runs that count.
fn values(track: &Track, latency: Option<usize>) -> Vec<f64> {
    counting(&track.search)
        .filter_map(|run| latency.map_or(run.peak_bytes, |place| *run.latency_ns.get(place)?))
        .collect()
}

fn cpu(track: &Track) -> f64 {
    let known: Vec<f64> = counting(&track.search).filter_map(|run| run.cpu_ns).collect();
    if known.is_empty() { f64::INFINITY } else { known.iter().sum::<f64>() / known.len() as f64 }
}
