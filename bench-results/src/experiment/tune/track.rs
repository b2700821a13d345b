//! Runs of a candidate, and which of them count.

use super::growth::{self, Slope};
use super::prediction::mean_and_deviation;
use crate::units;

/// What a run of a candidate gave.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Measured {
    /// Nanoseconds, for each limit of latency of the goal; `None`: too few requests.
    pub latency_ns: Vec<Option<f64>>,
    /// The most memory of the process; over the life of a worker, if that is known.
    pub peak_bytes: Option<f64>,
    /// The most memory that the heap held.
    pub held_bytes: Option<f64>,
    /// CPU time of the program and its heap for a request.
    pub cpu_ns: Option<f64>,
    /// Why it cannot count: saturated, out of memory; grows without end, where the track is [settled](Track::settled).
    pub failure: Option<String>,
    /// How floating garbage developed; `None` of a setting that finds all of it in the end.
    pub slope: Option<Slope>,
    /// What the goal says nothing of.
    pub aside: Aside,
}

impl Measured {
    /// A run of a setting that grows, so many bytes with each request in the mean of all runs: with the memory of a worker's
    /// last request, or as one that failed where workers are not replaced, or by how much it grows is not known.
    #[must_use]
    pub fn grown(&self, request_bytes: Option<f64>) -> Self {
        let own = self.slope.and_then(|slope| Some(slope.request_bytes? * slope.requests_left? as f64));
        if let Some(more) = own.filter(|_| self.failure.is_none()) {
            let later = |bytes: Option<f64>| bytes.map(|bytes| bytes + more);
            return Self { peak_bytes: later(self.peak_bytes), held_bytes: later(self.held_bytes), ..self.clone() };
        }
        let by = request_bytes.map(|bytes| units::size((bytes * 1_000.0).round() as u64));
        let by = by.map_or_else(String::new, |size| format!(", by {size} in 1,000 requests"));
        let cause = || format!("its memory grows without end{by}: see --worker-requests");
        Self { failure: Some(self.failure.clone().unwrap_or_else(cause)), ..self.clone() }
    }
}

/// What a run showed that the goal says nothing of. Times in nanoseconds, those of the recorded service.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Aside {
    /// The longest time by which the control thread woke too late.
    pub hiccup_ns: Option<f64>,
    /// The longest pause; 0 where there was none.
    pub pause_ns: Option<f64>,
    /// Collections, by generation.
    pub collections: Option<Vec<u64>>,
    /// The most dead objects that waited for a collection.
    pub floating_objects: Option<u64>,
}

/// The way of a candidate through the search.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Track {
    /// Runs of the search.
    pub search: Vec<Measured>,
    /// Runs of the confirmation.
    pub confirmed: Vec<Measured>,
    /// Why it went no further; `None` of a finalist.
    pub left: Option<String>,
}

impl Track {
    /// What all runs that count say of growth.
    fn slopes(&self) -> Vec<Slope> {
        counting(&self.search).chain(counting(&self.confirmed)).filter_map(|run| run.slope).collect()
    }

    /// What its memory grows by with each request, in bytes, if all runs together show that it grows without end, or if it may
    /// and each worker ends; within it `None`: by how much is not known.
    pub fn growth(&self) -> Option<Option<f64>> {
        let slopes = self.slopes();
        let shares = shares(&slopes);
        // What may be chance is reckoned with in the end, where it is known how long a worker lives.
        let ends = !self.confirmed.is_empty()
            && !slopes.is_empty()
            && slopes.iter().all(|slope| slope.requests_left.is_some());
        let grows = growth::grows(&shares) || (ends && growth::may_grow(&shares));
        if !grows {
            return None;
        }
        let known: Vec<f64> = slopes.iter().filter_map(|slope| slope.request_bytes).collect();
        Some((!known.is_empty()).then(|| mean_and_deviation(&known).0))
    }

    /// Whether it may grow without end, which its runs neither show nor rule out.
    pub fn may_grow(&self) -> bool {
        self.growth().is_none() && growth::may_grow(&shares(&self.slopes()))
    }

    /// The track with its runs as they count when all are known: see [`Measured::grown`].
    #[must_use]
    pub fn settled(&self) -> Self {
        let Some(bytes) = self.growth() else { return self.clone() };
        let grown = |runs: &[Measured]| runs.iter().map(|run| run.grown(bytes)).collect();
        Self { search: grown(&self.search), confirmed: grown(&self.confirmed), left: self.left.clone() }
    }
}

fn shares(slopes: &[Slope]) -> Vec<f64> {
    slopes.iter().map(|slope| slope.share).collect()
}

/// The runs that count: those that did not drop out. Means and intervals are made of no others.
pub fn counting(runs: &[Measured]) -> impl Iterator<Item = &Measured> {
    runs.iter().filter(|run| run.failure.is_none())
}
