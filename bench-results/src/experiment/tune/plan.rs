//! What a run of `tune` is: goal, heap, work, candidates, how much is searched. `tune.json` of its run folder keeps it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::backtest::{Recorded, Scale};
use super::candidate::{Candidate, Freeze, When};
use super::extent::Extent;
use super::goal::Goal;
use super::search::{CONFIRMATIONS_FROM, Schedule};
use crate::cell::{Cell, Given};
use crate::comparison::{BASELINE, Comparison};
use crate::experiment::thresholds::settings::WORKLOAD;
use crate::histogram::write_whole;
use crate::provenance::content_hash;
use crate::roster;
use crate::sweep::{Arrivals, Point};

/// The version of `tune.json` and of the answer.
pub const SCHEMA: u32 = 1;
/// The file.
pub const FILE: &str = "tune.json";
/// The heap of a real process that the program has in it.
pub const EMBEDDED: &str = "django";
/// The round of the back-test's runs.
pub const BACK_TEST_ROUND: u32 = 2_000;
/// The first round of a later check of what was printed.
pub const CHECK_FROM: u32 = 3_000;

/// The fewest candidates that a search goes down to where the machine is slow.
const FEWEST: usize = 5;

/// The service that was recorded, and how the model is held against it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// What was recorded.
    pub recorded: Recorded,
    /// Of the recorded machine against this one.
    pub scale: Scale,
    /// How many times too high or too low a figure may be.
    pub factor: f64,
    /// Recommend even if it is not trusted.
    pub despite: bool,
    /// For each limit of latency of the goal that requests without any pause are above already: what they take. No setting helps
    /// these.
    pub beyond: Vec<(String, u64)>,
}

/// See the [module](self).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: u32,
    /// How much.
    pub extent: Extent,
    /// What is wanted.
    pub goal: Goal,
    /// The long-lived heap: [`EMBEDDED`] or a GCHEAP file.
    pub heap_file: String,
    /// SHA-256 of that file's content: a run is of one heap. `None` of [`EMBEDDED`], and in plans of older versions.
    #[serde(default)]
    pub heap_hash: Option<String>,
    /// Dials of the work, the heap's among them.
    pub dials: Vec<Given>,
    /// Share of what the baseline serves that arrives; `None`: a closed loop.
    pub load: Option<f64>,
    /// Arrivals a second, when the baseline has been measured.
    pub rate: Option<f64>,
    /// Requests that a worker serves before it is replaced, if it is.
    pub worker_requests: Option<u64>,
    /// What is tried; the first one is what runs now: the recorded setting, or else the default.
    pub candidates: Vec<Candidate>,
    /// Which of them run to the end in any case.
    pub always: Vec<bool>,
    /// How much is searched.
    pub schedule: Schedule,
    /// The recorded service, if one was given.
    pub recording: Option<Asked>,
}

/// What a user asks for beside a goal.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// How much.
    pub extent: Extent,
    /// What is wanted.
    pub goal: Goal,
    /// The user's heap, if there is a file of it.
    pub heap_file: Option<String>,
    /// Dials of the work to change.
    pub set: Vec<Given>,
    /// Share of what the baseline serves; `None`: a closed loop.
    pub load: Option<f64>,
    /// Requests of a worker's life.
    pub worker_requests: Option<u64>,
    /// Heaps beside the baseline; those of the extent if not given.
    pub heaps: Option<Vec<String>>,
    /// The recorded service.
    pub recording: Option<Asked>,
}

impl Plan {
    /// The plan of what is wanted.
    ///
    /// # Errors
    /// A heap that there is not or that collects no cycles, a dial that would change what is tried, or a heap file that cannot be
    /// read.
    pub fn new(wanted: Wanted) -> Result<Self> {
        let Wanted { extent, goal, heap_file, set, load, worker_requests, heaps, recording } = wanted;
        if let Some((name, value)) =
            set.iter().find(|(name, _)| ["steering", "freeze", "heap", "requests"].contains(&name.as_str()))
        {
            bail!("--set {name}={value} would change what is tried; it is `tune` that sets it (the heap: --heap-file)");
        }
        let heap_hash = heap_file.as_ref().map(|file| content_hash(Path::new(file))).transpose()?;
        let heap_file = heap_file.unwrap_or_else(|| EMBEDDED.to_owned());
        let requests = extent.requests().max(goal.requests_needed());
        let given = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut dials = vec![given("heap", &heap_file), given("callback-dict", "on")];
        if extent == Extent::Tiny {
            dials.extend([given("live", "2000"), given("warm-up", "20")]);
        } else {
            dials.push(given("live", "20000"));
        }
        dials.push(given("requests", &requests.to_string()));
        // What was given by hand comes after what was fitted, and wins.
        dials.extend(recording.iter().flat_map(|asked| asked.recorded.fitted()));
        dials.extend(set);
        let mut dials_once: Vec<Given> = Vec::new();
        for (name, value) in dials {
            match dials_once.iter_mut().find(|(known, _)| *known == name) {
                Some(known) => known.1 = value,
                None => dials_once.push((name, value)),
            }
        }
        let mut candidates = Candidate::all();
        candidates.truncate(extent.candidates());
        // What runs now comes first: everything is compared with it.
        if let Some(own) = recording.as_ref().and_then(own_setting) {
            candidates.retain(|known| *known != own);
            candidates.insert(0, own);
        }
        let mut always = vec![false; candidates.len()];
        always[0] = true;
        for heap in heaps.unwrap_or_else(|| extent.heaps()) {
            let entry = roster::entry(&heap)?;
            if !entry.abilities.collects_cycles {
                bail!("{heap} collects no cycles, so it leaks what dies on them; leave it out of --heaps");
            }
            if heap != BASELINE && !candidates.iter().any(|known| known.heap == heap) {
                candidates.push(Candidate::on(&heap));
                always.push(true);
            }
        }
        let schedule = extent.schedule();
        Ok(Self {
            schema: SCHEMA,
            extent,
            goal,
            heap_file,
            heap_hash,
            dials: dials_once,
            load,
            rate: None,
            worker_requests,
            candidates,
            always,
            schedule,
            recording,
        })
    }

    /// Reads `tune.json` of a run folder.
    ///
    /// # Errors
    /// If it is not there, or of another version.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = std::fs::read(&path)
            .with_context(|| format!("cannot read {}; give a folder that `gclab tune` has written", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is of another version of gclab; start a new run", path.display()))
    }

    /// Writes it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self).context("a plan that is no JSON")? + "\n";
        write_whole(&path, text.as_bytes())
            .with_context(|| format!("cannot write {}; free space there", path.display()))
    }

    /// Whether the first candidate is what the recorded service has.
    pub fn is_of_service(&self) -> bool {
        self.recording.as_ref().and_then(own_setting).is_some_and(|own| self.candidates.first() == Some(&own))
    }

    /// What a limit of memory is relative to.
    pub fn whose(&self) -> &'static str {
        if self.is_of_service() { "the service's" } else { "the default's" }
    }

    /// Whether the heap file is still what it was when the run began.
    ///
    /// # Errors
    /// If it is not, or cannot be read: further runs would be of another heap than those that are there.
    pub fn check_heap(&self) -> Result<()> {
        let Some(began_with) = &self.heap_hash else { return Ok(()) };
        let file = &self.heap_file;
        let now = content_hash(Path::new(file))
            .with_context(|| format!("the heap file of this run, {file}, must lie where it was when the run began"))?;
        if now != *began_with {
            bail!(
                "{file} is another heap than when this run began (SHA-256 {}… now, {}… then), and one answer cannot be of both; \
                 put the old file back there, or start a new run with the new one",
                &now[..12],
                began_with.get(..12).unwrap_or(began_with)
            );
        }
        Ok(())
    }

    /// Whether the heap is the one that the program has in it.
    pub fn is_embedded(&self) -> bool {
        self.heap_file == EMBEDDED
    }

    /// The point at which the baseline is measured first.
    pub fn to_calibrate(&self) -> Point {
        Point {
            workload: WORKLOAD.to_owned(),
            given: self.dials.clone(),
            heap_settings: Vec::new(),
            threads: 1,
            arrivals: Arrivals::Load(self.load.unwrap_or(1.0)),
        }
    }

    fn arrivals(&self) -> Arrivals {
        self.rate.map_or(Arrivals::Closed, Arrivals::Rate)
    }

    /// The point of a candidate.
    pub fn point(&self, candidate: &Candidate) -> Point {
        candidate.point(&self.dials, self.arrivals())
    }

    /// The points of the back-test: the recorded setting, and full collections between requests; both in a closed loop.
    pub fn back_test_points(&self) -> Vec<Point> {
        let Some(asked) = &self.recording else { return Vec::new() };
        let own = Candidate::thresholds(asked.recorded.thresholds);
        let full = Candidate { when: When::FullEvery(self.requests() / 20 + 1), freeze: Freeze::No, ..own.clone() };
        [own, full].map(|candidate| candidate.point(&self.dials, Arrivals::Closed)).to_vec()
    }

    /// Requests of a run.
    pub fn requests(&self) -> u64 {
        let given = self.dials.iter().find(|(name, _)| name == "requests");
        given.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
    }

    /// The cell of a point, whose seed is the round's own.
    ///
    /// # Errors
    /// A dial that cannot be.
    pub fn cell(comparison: &Comparison, point: &Point, heap: &str, round: u32) -> Result<Cell> {
        let seeded = Comparison { seed: comparison.seed.wrapping_add(round.into()), ..comparison.clone() };
        seeded.cell(point, heap, round, false)
    }

    /// All seeds of a phase, for people.
    pub fn seeds(&self, seed: u64) -> (String, String) {
        let rounds: u32 = self.schedule.rungs.iter().map(|rung| rung.rounds).sum();
        let range = |from: u64, n: u32| format!("{from} to {}", from + u64::from(n.max(1)) - 1);
        (range(seed, rounds), range(seed + u64::from(CONFIRMATIONS_FROM), self.schedule.confirmations))
    }

    /// Enters the rate, and leaves candidates out until it fits into its time after `spent_s`. How long it takes at most, in
    /// seconds, where a run takes `run_s`.
    pub fn fit(&mut self, rate: Option<f64>, run_s: f64, spent_s: f64) -> f64 {
        self.rate = rate;
        loop {
            let always = self.always.iter().filter(|always| **always).count();
            let runs = self.schedule.most_runs(self.candidates.len(), always) + self.back_test_points().len();
            let all_s = runs as f64 * run_s;
            let dropped = self.always.iter().rposition(|always| !always);
            match dropped {
                Some(place) if all_s + spent_s > self.extent.budget_s() && self.candidates.len() > FEWEST => {
                    self.candidates.remove(place);
                    self.always.remove(place);
                }
                _ => return all_s,
            }
        }
    }
}

/// What the recorded service runs, if that is known.
fn own_setting(asked: &Asked) -> Option<Candidate> {
    let Recorded { thresholds, enabled, collections, .. } = asked.recorded;
    Candidate::of_service(thresholds, enabled, collections.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::super::goal::{Memory, Slo};
    use super::*;

    fn wanted(extent: Extent) -> Wanted {
        let goal = Goal { slos: vec![Slo::parse("p99.9=5ms").unwrap()], memory: Some(Memory::Share(0.1)) };
        Wanted {
            extent,
            goal,
            heap_file: None,
            set: Vec::new(),
            load: Some(0.5),
            worker_requests: None,
            heaps: None,
            recording: None,
        }
    }

    #[test]
    fn it_fits_into_its_time_and_keeps_the_default() {
        for (extent, candidates, most_s) in [(Extent::Quick, 11, 180.0), (Extent::Standard, 31, 1800.0)] {
            let mut plan = Plan::new(wanted(extent)).unwrap();
            assert_eq!(plan.candidates.len(), candidates, "{extent:?}");
            // A run of the Django heap at half of 30,000 requests a second, and its set-up.
            let run_s = plan.requests() as f64 / 15_000.0 + 0.4;
            assert!(plan.fit(Some(15_000.0), run_s, 5.0) < most_s);
            assert!(plan.candidates.len() >= 9 && plan.candidates[0].is_default(), "{:?}", plan.candidates);
            plan.fit(Some(15_000.0), 10.0 * run_s, 5.0);
            assert!(plan.candidates.len() < candidates && plan.candidates[0].is_default());
            assert_eq!(plan.always.len(), plan.candidates.len());
        }
    }

    #[test]
    fn what_was_recorded_comes_first_and_the_default_is_tried_too() {
        let of = |thresholds, enabled, collections| {
            let recorded = Recorded {
                runtime: "CPython 3.12.1".to_owned(),
                thresholds,
                enabled,
                requests: 100,
                collections,
                collected: 100,
                pause_ns: [None; 3],
                unpaused_ns: Vec::new(),
            };
            let scale = Scale::Given(1.0);
            let asked = Asked { recorded, scale, factor: 2.0, despite: false, beyond: Vec::new() };
            let mut plan = Plan::new(Wanted { recording: Some(asked), ..wanted(Extent::Quick) }).unwrap();
            plan.fit(Some(15_000.0), 20.0, 5.0);
            let names: Vec<String> = plan.candidates.iter().take(2).map(Candidate::name).collect();
            (names.join(" / "), plan.is_of_service(), plan.always[0])
        };
        let known = |names: &str| (names.to_owned(), true, true);
        assert_eq!(of([2000, 20, 20], true, [9, 0, 0]), known("2000,20,20 / 700,10,10"));
        assert_eq!(of([2000, 10, 10], true, [9, 0, 0]), known("2000,10,10 / 700,10,10"));
        assert_eq!(of([700, 10, 10], true, [9, 0, 0]), known("700,10,10 / scheduler:2000"));
        assert_eq!(of([700, 10, 10], false, [0, 0, 0]), known("off / 700,10,10"));
        assert_eq!(of([700, 10, 10], false, [0, 0, 4]), ("700,10,10 / scheduler:2000".to_owned(), false, true));
        assert_eq!(Plan::new(wanted(Extent::Quick)).unwrap().whose(), "the default's");
    }

    #[test]
    fn a_goal_far_out_gets_as_many_requests_as_it_needs_and_dials_are_said_once() {
        let mut far = wanted(Extent::Quick);
        far.goal.slos.push(Slo::parse("p99.99=9ms").unwrap());
        far.set = vec![("live".to_owned(), "500".to_owned())];
        let plan = Plan::new(far).unwrap();
        assert_eq!(plan.requests(), 100_000);
        let live: Vec<&str> = plan.dials.iter().filter(|dial| dial.0 == "live").map(|dial| dial.1.as_str()).collect();
        assert_eq!(live, ["500"]);
        for name in ["steering", "freeze", "heap", "requests"] {
            let wrong = Wanted { set: vec![(name.to_owned(), "off".to_owned())], ..wanted(Extent::Quick) };
            assert!(Plan::new(wrong).unwrap_err().to_string().contains("would change what is tried"));
        }
        let leaks = Wanted { heaps: Some(vec!["refcount".to_owned()]), ..wanted(Extent::Quick) };
        assert!(Plan::new(leaks).unwrap_err().to_string().contains("collects no cycles"));
    }
}
