//! The answer: what is recommended, what it costs, and what stands behind it. As JSON it fits `schema/tune.schema.json`.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::backtest::BackTest;
use super::beside::Beside;
use super::cost::Cost;
use super::goal::Goal;
use super::judge::{Finalist, Judged, PEAK, Standing};
use super::notes;
use super::plan::{CHECK_FROM, Plan, SCHEMA};
use super::prediction::{FURTHER_RUNS, LEVEL};
use super::python;
use super::track::{Measured, Track, counting};
use super::whole;
use crate::comparison::{BASELINE, Comparison};
use crate::report::plots::front;
use crate::sweep::shown;

/// The file of the answer in the run folder.
pub const FILE: &str = "answer.json";

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A setting meets the goal.
    Recommended,
    /// The first one does, which runs now: there is nothing to change.
    DefaultMeets,
    /// None was shown to.
    None,
    /// The model does not predict what was recorded: nothing was searched.
    Untrusted,
}

/// The long-lived heap.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeapFile {
    /// The file, by its last name; `django` for the one that the program has in it.
    pub file: String,
    /// Whether it is that one.
    pub embedded: bool,
    /// SHA-256 of the file's content; `null` of the built-in one, and in answers of older versions.
    #[serde(default)]
    pub sha256: Option<String>,
}

/// What further runs are expected to show, and how sure that is.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Sure {
    /// How often all values lie inside their intervals.
    pub level: f64,
    /// In how many further runs, each with a seed of its own.
    pub further_runs: u32,
}

/// Means over the runs of a candidate that count: nanoseconds, bytes.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    /// In the order of the goal's limits.
    #[serde(serialize_with = "whole::each_near")]
    pub latency_ns: Vec<Option<f64>>,
    /// The most memory of the process.
    #[serde(serialize_with = "whole::near_if_known")]
    pub peak_bytes: Option<f64>,
    /// CPU time for a request.
    #[serde(serialize_with = "whole::near_if_known")]
    pub cpu_ns: Option<f64>,
}

impl Seen {
    fn of(runs: &[Measured], goal: &Goal) -> Self {
        let mean = |of: &dyn Fn(&Measured) -> Option<f64>| {
            let logs: Vec<f64> = counting(runs).filter_map(of).filter(|value| *value > 0.0).map(f64::ln).collect();
            (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
        };
        Self {
            latency_ns: (0..goal.slos.len()).map(|place| mean(&|run| *run.latency_ns.get(place)?)).collect(),
            peak_bytes: mean(&|run| run.peak_bytes),
            cpu_ns: mean(&|run| run.cpu_ns),
        }
    }
}

/// What is known of a candidate.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// The heap it ran on.
    pub heap: String,
    /// What it is.
    pub meaning: String,
    /// Python to paste; `null` where no CPython can do that.
    pub lines: Option<Vec<String>>,
    /// Runs of the search, and of the confirmation.
    pub search_runs: usize,
    /// See there.
    pub confirmed_runs: usize,
    /// How many of the search count: the others dropped out.
    #[serde(default)]
    pub search_counted: Option<usize>,
    /// How many of the confirmation do.
    #[serde(default)]
    pub confirmed_counted: Option<usize>,
    /// Why it went no further; `null` of a finalist.
    pub left: Option<String>,
    /// Geometric means: of the confirmation where there is one, else of the search.
    pub seen: Seen,
    /// Which of the two; `null` in answers of older versions.
    #[serde(default)]
    pub seen_in: Option<Phase>,
    /// Intervals of a finalist, and whether it meets the goal.
    pub finalist: Option<Finalist>,
    /// CPU time for a request, as a share of the first candidate's, in runs of the same phase and seeds.
    pub cpu_over_default: Option<f64>,
    /// Peak memory less the first candidate's, in bytes, in the same runs.
    #[serde(serialize_with = "whole::near_if_known")]
    pub memory_over_default: Option<f64>,
    /// Both with their intervals; `null` of the first candidate, and in answers of older versions.
    #[serde(default)]
    pub cost: Option<Cost>,
    /// What the same runs showed beside; `null` in answers of older versions.
    #[serde(default)]
    pub beside: Option<Beside>,
    /// No other that can be pasted is better in latency and in memory.
    pub on_front: bool,
    /// What its memory grows by with each request, if all of its runs together show that it grows without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
    /// A command that runs it once more, with a seed of its own.
    pub command: String,
}

/// A phase of the search.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Few runs, by which candidates go.
    Search,
    /// Runs with fresh seeds.
    Confirmation,
}

impl Phase {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Search => "search",
            Phase::Confirmation => "confirmation",
        }
    }
}

/// Memory that grows without end.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Growth {
    /// What each request adds, in bytes; `null`: by how much is not known.
    pub request_bytes: Option<f64>,
}

/// See the [module](self).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The version of the schema.
    pub schema: u32,
    /// `tune`.
    pub kind: String,
    /// What came of it.
    pub verdict: Verdict,
    /// What was wanted.
    pub goal: Goal,
    /// The long-lived heap.
    pub heap: HeapFile,
    /// Share of what the baseline serves that arrived; `null`: a closed loop.
    pub load: Option<f64>,
    /// Arrivals a second; `null`: a closed loop.
    pub rate_per_s: Option<f64>,
    /// Requests of a run.
    pub requests: u64,
    /// Requests of a worker's life, if that was given.
    pub worker_requests: Option<u64>,
    /// What the intervals promise.
    pub sure: Sure,
    /// The test of the model against a recording, if one was given.
    pub back_test: Option<BackTest>,
    /// The name of the candidate that is recommended.
    pub recommended: Option<String>,
    /// Where none is: the one that came nearest.
    pub nearest: Option<String>,
    /// Python to paste.
    pub lines: Option<Vec<String>>,
    /// What the recorded service has now, by the name of the first candidate; `null`: that is the default of CPython up to 3.12.
    #[serde(default)]
    pub service_has: Option<String>,
    /// All candidates, the first of them what the others are compared with.
    pub candidates: Vec<Entry>,
    /// Seeds of the search.
    pub search_seeds: String,
    /// Seeds of the confirmation: others.
    pub confirmation_seeds: String,
    /// The run folder, by its last name.
    pub run: String,
    /// What is to be said with it; whole sentences.
    pub notes: Vec<String>,
}

/// All that an answer is made of.
pub struct Findings<'f> {
    /// What was run.
    pub plan: &'f Plan,
    /// Seed, and how cells are made.
    pub comparison: &'f Comparison,
    /// The way of each candidate; empty if nothing was searched.
    pub tracks: &'f [Track],
    /// What the confirmations say.
    pub judged: Option<&'f Judged>,
    /// The test against a recording.
    pub back_test: Option<BackTest>,
    /// The run folder's last name.
    pub run: String,
}

impl Answer {
    /// The answer.
    ///
    /// # Errors
    /// If a candidate has no cell.
    pub fn new(findings: Findings<'_>) -> Result<Self> {
        let Findings { plan, comparison, tracks, judged, back_test, run } = findings;
        let mut candidates = Vec::new();
        let first = tracks.first().map(Track::settled).unwrap_or_default();
        for (place, track) in tracks.iter().enumerate() {
            candidates.push(entry(plan, comparison, place, track, &first, judged)?);
        }
        mark_front(&mut candidates);
        let name = |place: Option<usize>| place.and_then(|place| Some(candidates.get(place)?.name.clone()));
        let recommended = judged.and_then(|judged| judged.recommended);
        let verdict = match (judged, recommended) {
            (None, _) => Verdict::Untrusted,
            (_, Some(0)) => Verdict::DefaultMeets,
            (_, Some(_)) => Verdict::Recommended,
            (_, None) => Verdict::None,
        };
        let (search_seeds, confirmation_seeds) = plan.seeds(comparison.seed);
        Ok(Self {
            schema: SCHEMA,
            kind: super::NAME.to_owned(),
            verdict,
            goal: plan.goal.clone(),
            heap: HeapFile {
                file: shown(&plan.heap_file).to_owned(),
                embedded: plan.is_embedded(),
                sha256: plan.heap_hash.clone(),
            },
            load: plan.load,
            rate_per_s: plan.rate,
            requests: plan.requests(),
            worker_requests: plan.worker_requests,
            sure: Sure { level: LEVEL, further_runs: FURTHER_RUNS },
            recommended: name(recommended),
            nearest: name(judged.and_then(|judged| judged.nearest)),
            lines: recommended.and_then(|place| candidates.get(place)?.lines.clone()),
            notes: notes::of(plan, back_test.as_ref()),
            back_test,
            service_has: candidates.first().filter(|_| plan.is_of_service()).map(|first| first.name.clone()),
            candidates,
            search_seeds,
            confirmation_seeds,
            run,
        })
    }

    /// What the first candidate is called within a sentence.
    pub fn first(&self) -> &'static str {
        if self.service_has.is_some() { "what the service has now" } else { "the default" }
    }

    /// The goal, as a person reads it.
    pub fn wanted(&self) -> String {
        self.goal.words(if self.service_has.is_some() { "the service's" } else { "the default's" })
    }

    /// The candidate of this name.
    pub fn candidate(&self, name: Option<&String>) -> Option<&Entry> {
        self.candidates.iter().find(|entry| Some(&entry.name) == name)
    }

    /// The one that is recommended.
    pub fn recommendation(&self) -> Option<&Entry> {
        self.candidate(self.recommended.as_ref())
    }
}

fn entry(
    plan: &Plan,
    comparison: &Comparison,
    place: usize,
    track: &Track,
    first: &Track,
    judged: Option<&Judged>,
) -> Result<Entry> {
    let candidate = &plan.candidates[place];
    let (growth, track) = (track.growth(), track.settled());
    let finalist = judged.and_then(|judged| judged.finalists.iter().find(|finalist| finalist.candidate == place));
    let (runs, phase) = if track.confirmed.is_empty() {
        (&track.search, Phase::Search)
    } else {
        (&track.confirmed, Phase::Confirmation)
    };
    let cost = Cost::of(&track, first);
    let cell = Plan::cell(comparison, &plan.point(candidate), &candidate.heap, CHECK_FROM)?;
    let quoted = |word: String| if word.contains(char::is_whitespace) { format!("'{word}'") } else { word };
    let command: Vec<String> = std::iter::once("gclab".to_owned()).chain(cell.arguments()).map(quoted).collect();
    Ok(Entry {
        name: candidate.name(),
        heap: candidate.heap.clone(),
        meaning: if place == 0 && plan.is_of_service() {
            format!("what the service has now: {}", candidate.meaning())
        } else {
            candidate.meaning()
        },
        lines: python::lines(candidate),
        search_runs: track.search.len(),
        confirmed_runs: track.confirmed.len(),
        search_counted: Some(counting(&track.search).count()),
        confirmed_counted: Some(counting(&track.confirmed).count()),
        left: track.left.clone(),
        seen: Seen::of(runs, &plan.goal),
        seen_in: Some(phase),
        finalist: finalist.cloned(),
        cpu_over_default: cost.cpu.map(|one| one.mean),
        memory_over_default: cost.memory.map(|one| one.mean),
        cost: (place > 0).then_some(cost),
        beside: Some(Beside::of(runs, &plan.goal)),
        on_front: false,
        growth: growth.map(|request_bytes| Growth { request_bytes }),
        command: command.join(" "),
    })
}

/// Memory and the goal's first percentile of an entry.
pub fn trade(entry: &Entry) -> Option<(f64, f64)> {
    Some((entry.seen.peak_bytes?, (*entry.seen.latency_ns.first()?)?))
}

fn mark_front(candidates: &mut [Entry]) {
    let is_judged = |entry: &Entry| entry.lines.is_some() && entry.heap == BASELINE;
    let points: Vec<(f64, f64)> = candidates.iter().filter(|entry| is_judged(entry)).filter_map(trade).collect();
    let front = front(&points);
    for entry in candidates {
        entry.on_front = is_judged(entry) && trade(entry).is_some_and(|point| front.contains(&point));
    }
}

impl Answer {
    /// The finalists' quantities, and where three runs of a later check were: none may be outside.
    pub fn outside(&self, entry: &Entry, runs: &[Measured]) -> Vec<String> {
        let Some(finalist) = &entry.finalist else { return vec!["it is no finalist".to_owned()] };
        let mut outside = Vec::new();
        for (nth, run) in runs.iter().enumerate() {
            // Whether it grows is known of many runs, and no three of them turn that.
            let run = entry.growth.map_or_else(|| run.clone(), |growth| run.grown(growth.request_bytes));
            if let Some(cause) = &run.failure {
                outside.push(format!("run {}: {cause}", nth + 1));
                continue;
            }
            let latency = self.goal.slos.iter().enumerate();
            let latency =
                latency.map(|(place, slo)| (slo.percentile.name(), run.latency_ns.get(place).copied().flatten()));
            for (name, value) in latency.chain([(PEAK, run.peak_bytes)]) {
                let inside =
                    finalist.quantity(name).zip(value).is_some_and(|(held, value)| held.prediction.holds(value));
                if !inside {
                    outside.push(format!("run {}: {name}", nth + 1));
                }
            }
        }
        outside
    }

    /// Whether a finalist meets the goal.
    pub fn meets(entry: &Entry) -> bool {
        entry.finalist.as_ref().is_some_and(|finalist| finalist.standing == Standing::Meets)
    }
}
