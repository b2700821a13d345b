//! What is tried: settings of CPython's collector, what a program does about collections itself, freezing; and other heaps.

use serde::{Deserialize, Serialize};

use crate::cell::Given;
use crate::comparison::BASELINE;
use crate::experiment::thresholds::settings::WORKLOAD;
use crate::sweep::{Arrivals, Point};

/// Thresholds of CPython up to 3.12: the default, which is always tried.
pub const DEFAULT: [u64; 3] = [700, 10, 10];
/// Those of CPython 3.13.
const DEFAULT_OF_3_13: [u64; 3] = [2000, 10, 10];

/// When collections happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// By thresholds.
    Thresholds,
    /// Never.
    Off,
    /// By thresholds, between two requests only.
    Between,
    /// The youngest generation, every so many requests.
    YoungEvery(u64),
    /// All generations, every so many requests.
    FullEvery(u64),
    /// The youngest generation, between requests, when `get_count()[0]` is above a number.
    Scheduler(u64),
    /// The youngest generation, between requests, when so many milliseconds have passed.
    Interval(u64),
    /// All generations, between requests, when the heap holds so many MiB more than after the last: no CPython can do that.
    Bytes(u64),
}

/// What is frozen after the warm-up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Freeze {
    /// Nothing.
    No,
    /// What a full collection left.
    Collected,
    /// All there is, without a collection before it.
    Uncollected,
}

/// See the [module](self).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Candidate {
    /// The heap; lines to paste exist for the baseline alone.
    pub heap: String,
    /// Thresholds of the heap's generations.
    pub thresholds: [u64; 3],
    /// When collections happen.
    pub when: When,
    /// What is frozen.
    pub freeze: Freeze,
}

impl Candidate {
    /// These thresholds on the baseline, and nothing else.
    pub fn thresholds(thresholds: [u64; 3]) -> Self {
        Self { heap: BASELINE.to_owned(), thresholds, when: When::Thresholds, freeze: Freeze::No }
    }

    /// What a recorded service runs, as far as its `gc` says it; `None`: its collector is off and there were collections all the
    /// same, so it makes them itself, and when is not known.
    pub fn of_service(thresholds: [u64; 3], enabled: bool, collections: u64) -> Option<Self> {
        match (enabled && thresholds[0] > 0, collections) {
            (true, _) => Some(Self::thresholds(thresholds)),
            (false, 0) => Some(Self::when(When::Off)),
            (false, _) => None,
        }
    }

    fn when(when: When) -> Self {
        Self { when, ..Self::thresholds(DEFAULT) }
    }

    fn frozen(self, freeze: Freeze) -> Self {
        Self { freeze, ..self }
    }

    /// The default setting on another heap.
    pub fn on(heap: &str) -> Self {
        Self { heap: heap.to_owned(), ..Self::thresholds(DEFAULT) }
    }

    /// All that a CPython could run, and one it could not; the default first, then what says most. A quick search takes the
    /// first ten.
    pub fn all() -> Vec<Self> {
        use Freeze::{Collected, Uncollected};
        vec![
            Self::thresholds(DEFAULT),
            Self::when(When::Scheduler(2000)),
            Self::when(When::YoungEvery(25)),
            Self::thresholds([2000, 10, 10]),
            Self::thresholds(DEFAULT).frozen(Collected),
            Self::thresholds([50_000, 500, 100]).frozen(Collected),
            Self::when(When::Off),
            Self::when(When::FullEvery(1000)).frozen(Collected),
            Self::when(When::Between),
            Self::thresholds([50_000, 500, 100]),
            // As many as a quick search has.
            Self::thresholds([1000, 15, 15]),
            Self::thresholds([400, 5, 5]),
            Self::thresholds([100, 5, 5]),
            Self::thresholds([700, 10, 0]),
            Self::thresholds([10_000, 20, 100]),
            Self::thresholds(DEFAULT).frozen(Uncollected),
            Self::thresholds([2000, 10, 10]).frozen(Collected),
            Self::thresholds([10_000, 20, 100]).frozen(Collected),
            Self::when(When::Between).frozen(Collected),
            Self::when(When::YoungEvery(5)),
            Self::when(When::YoungEvery(100)),
            Self::when(When::Scheduler(700)),
            Self::when(When::Scheduler(10_000)),
            Self::when(When::Interval(5)),
            Self::when(When::Interval(50)),
            Self::when(When::FullEvery(1000)),
            Self::when(When::FullEvery(10_000)).frozen(Collected),
            Self::when(When::Bytes(4)),
        ]
    }

    /// Whether it is the default on the baseline.
    pub fn is_default(&self) -> bool {
        *self == Self::thresholds(DEFAULT)
    }

    /// Its name in tables: the words of the command line, and the heap if it is another one.
    pub fn name(&self) -> String {
        let mut name = match self.when {
            When::Thresholds => self.thresholds.map(|threshold| threshold.to_string()).join(","),
            _ => self.steering(),
        };
        match self.freeze {
            Freeze::No => {}
            Freeze::Collected => name.push_str("+freeze"),
            Freeze::Uncollected => name.push_str("+freeze-uncollected"),
        }
        if self.heap != BASELINE {
            name.push_str(&format!(" on {}", self.heap));
        }
        name
    }

    /// What it is, in a line.
    pub fn meaning(&self) -> String {
        let when = match self.when {
            When::Thresholds if self.thresholds == DEFAULT => "the default of CPython up to 3.12".to_owned(),
            When::Thresholds if self.thresholds == DEFAULT_OF_3_13 => "the default of CPython 3.13".to_owned(),
            When::Thresholds => "other thresholds".to_owned(),
            When::Off => "the collector is off".to_owned(),
            When::Between => "the collector is off during each request, and on between two".to_owned(),
            When::YoungEvery(n) => format!("the collector is off, and collect(0) comes after every {n}th request"),
            When::FullEvery(n) => format!("the collector is off, and collect() comes after every {n}th request"),
            When::Scheduler(n) => {
                format!("the collector is off, and collect(0) comes after a request when get_count()[0] > {n}")
            }
            When::Interval(ms) => {
                format!("the collector is off, and collect(0) comes after a request when {ms} ms have passed")
            }
            When::Bytes(mib) => {
                format!("the collector is off, and collect() comes after a request when the heap holds {mib} MiB more")
            }
        };
        match self.freeze {
            Freeze::No => when,
            Freeze::Collected => format!("{when}; freeze() after the warm-up and a collection"),
            Freeze::Uncollected => format!("{when}; freeze() after the warm-up, without a collection"),
        }
    }

    /// The oldest generation that is ever collected in service; `None`: none is.
    pub fn oldest_collected(&self) -> Option<u8> {
        match self.when {
            When::Off => None,
            When::YoungEvery(_) | When::Scheduler(_) | When::Interval(_) => Some(0),
            When::Thresholds | When::Between | When::FullEvery(_) | When::Bytes(_) => Some(2),
        }
    }

    fn steering(&self) -> String {
        match self.when {
            When::Thresholds => "automatic".to_owned(),
            When::Off => "off".to_owned(),
            When::Between => "between".to_owned(),
            When::YoungEvery(n) => format!("young-every:{n}"),
            When::FullEvery(n) => format!("full-every:{n}"),
            When::Scheduler(n) => format!("scheduler:{n}"),
            When::Interval(ms) => format!("interval:{ms}"),
            When::Bytes(mib) => format!("bytes:{mib}M"),
        }
    }

    /// Its point over a work with these dials.
    pub fn point(&self, dials: &[Given], arrivals: Arrivals) -> Point {
        let mut given = dials.to_vec();
        if self.when != When::Thresholds {
            given.push(("steering".to_owned(), self.steering()));
        }
        match self.freeze {
            Freeze::No => {}
            Freeze::Collected => given.push(("freeze".to_owned(), "freeze".to_owned())),
            Freeze::Uncollected => given.push(("freeze".to_owned(), "uncollected".to_owned())),
        }
        let thresholds = self.thresholds.map(|threshold| threshold.to_string()).join(",");
        // Counters see what CPython's see.
        let heap_settings = [("free-lists", "cpython-3.12".to_owned()), ("thresholds", thresholds)];
        Point {
            workload: WORKLOAD.to_owned(),
            given,
            heap_settings: heap_settings.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            threads: 1,
            arrivals,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_can_run_has_a_name_of_its_own_and_the_default_is_first() {
        let all = Candidate::all();
        assert!(all[0].is_default() && all.iter().filter(|one| one.is_default()).count() == 1);
        let names: BTreeSet<String> = all.iter().map(Candidate::name).collect();
        let points: BTreeSet<String> = all.iter().map(|one| one.point(&[], Arrivals::Closed).id()).collect();
        assert_eq!((names.len(), points.len()), (all.len(), all.len()));
        for candidate in all.iter().chain([&Candidate::on("concurrent")]) {
            candidate.point(&[], Arrivals::Closed).closed_cell(&candidate.heap, 1).unwrap();
        }
        assert_eq!(Candidate::on("concurrent").name(), "700,10,10 on concurrent");
    }

    #[test]
    fn a_recorded_service_runs_its_thresholds_or_no_collector() {
        let name = |thresholds, enabled, collections| {
            Candidate::of_service(thresholds, enabled, collections).map(|candidate| candidate.name())
        };
        assert_eq!(name([2000, 20, 20], true, 9).as_deref(), Some("2000,20,20"));
        assert_eq!(name([2000, 20, 20], false, 0).as_deref(), Some("off"));
        assert_eq!(name([0, 10, 10], true, 0).as_deref(), Some("off"), "so a threshold of 0 says");
        assert_eq!(name([700, 10, 10], false, 9), None, "it collects by itself");
    }
}
