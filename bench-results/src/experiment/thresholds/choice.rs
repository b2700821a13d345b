//! What of the experiment is run: which works, settings and heaps, how often, and how long that takes.

use anyhow::{Result, bail};

use super::live;
use super::settings::{FREEZE, SETTINGS, Setting, Work};
use crate::comparison::{BASELINE, Calibration, Comparison};
use crate::roster;
use crate::sweep::{Arrivals, Point};

/// Share of what the baseline serves that arrives in the open loop.
pub const LOAD: f64 = 0.5;

/// Seconds that a quick run may take, calibration included, with room to the three minutes that it promises.
const QUICK_S: f64 = 150.0;
/// The same of a standard run and its half an hour.
const STANDARD_S: f64 = 27.0 * 60.0;
/// Rounds of a standard run at most: of more, tables get longer in time and hardly better.
const MOST_ROUNDS: u32 = 5;
/// Other heaps are slower than the baseline, by about so much.
const SLOWER: f64 = 1.25;
/// Seconds that each process costs beside its own time.
const PROCESS_S: f64 = 0.1;

/// The heaps of a quick run.
const QUICK_HEAPS: [&str; 3] = [BASELINE, "stop-the-world", "concurrent"];
/// Its settings.
const QUICK_SETTINGS: [&str; 7] =
    ["700,10,10", "50000,500,100", "off", "scheduler:2000", "young-every:25", "2000,10,10", "freeze"];

/// How much of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// A few settings and heaps, in less than three minutes.
    Quick,
    /// One thing changed at a time from the centre, in less than half an hour.
    Standard,
    /// Every setting on every combination of dials: hours.
    Grid,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Choice {
    extent: Extent,
    /// The heaps, in order of the ladder.
    pub heaps: Vec<&'static roster::Entry>,
    /// What is tried; the first one is what others are held against.
    pub settings: Vec<&'static Setting>,
    /// Works on which all of them are tried.
    pub works: Vec<Work>,
    /// Works on which the first of them is; freezing too, where the cache differs.
    pub factors: Vec<Work>,
    /// Repetitions, if that was said.
    pub rounds: Option<u32>,
    /// Live interpreters that are asked the same.
    pub interpreters: u32,
}

impl Choice {
    /// What an extent stands for.
    pub fn new(extent: Extent) -> Self {
        let is_quick = extent == Extent::Quick;
        let heap = |entry: &&roster::Entry| !is_quick || QUICK_HEAPS.contains(&entry.name);
        let quick = QUICK_SETTINGS.iter().filter_map(|key| super::settings::setting(key));
        let (works, factors) = match extent {
            Extent::Quick => (vec![Work::centre()], Vec::new()),
            Extent::Standard => (vec![Work::centre(), Work::django()], Work::factors()),
            Extent::Grid => (Work::grid().into_iter().chain([Work::django()]).collect(), Vec::new()),
        };
        Self {
            extent,
            heaps: roster::entries().iter().filter(heap).collect(),
            settings: if is_quick { quick.collect() } else { SETTINGS.iter().collect() },
            works,
            factors,
            rounds: None,
            interpreters: 0,
        }
    }

    /// The points at which the baseline is measured before the first round.
    pub fn to_calibrate(&self) -> Vec<Point> {
        self.works.iter().chain(&self.factors).map(|work| work.to_calibrate(LOAD)).collect()
    }

    /// Whether there is anything that an interpreter can be asked.
    pub fn asks_interpreters(&self) -> bool {
        let asked = |work: &Work, setting: &Setting| live::options(work, setting).is_some();
        self.works.iter().any(|work| self.settings.iter().any(|setting| asked(work, setting)))
            || self.settings.first().is_some_and(|first| self.factors.iter().any(|work| asked(work, first)))
    }

    /// The comparison as it is before that.
    pub fn before(&self, seed: u64, timeout_s: u64) -> Comparison {
        let heaps: Vec<String> = self.heaps.iter().map(|entry| entry.name.to_owned()).collect();
        Comparison {
            twin: heaps.iter().find(|heap| *heap == BASELINE).filter(|_| self.extent != Extent::Quick).cloned(),
            heaps,
            points: self.to_calibrate(),
            left_out: Vec::new(),
            shard: None,
            grid: None,
            seed,
            rounds: None,
            cell_s: None,
            timeout_s,
            calibrations: Default::default(),
            narrowed: Default::default(),
        }
    }

    /// Puts the points that are to be run in the place of those that were calibrated, and as many rounds as there is time for
    /// after `spent_s`. Returns how long a round takes, in seconds. A quick run that would take too long has fewer settings.
    ///
    /// # Errors
    /// If the baseline could not be measured.
    pub fn enter(&mut self, comparison: &mut Comparison, spent_s: f64) -> Result<f64> {
        let budget_s = if self.extent == Extent::Quick { QUICK_S } else { STANDARD_S } - spent_s;
        let calibrated = comparison.clone();
        let mut round_s = self.points(comparison, &calibrated)?;
        while self.extent == Extent::Quick && self.rounds.is_none() && round_s > budget_s && self.settings.len() > 2 {
            self.settings.pop();
            round_s = self.points(comparison, &calibrated)?;
        }
        let fit = ((budget_s / round_s.max(0.01)) as u32).clamp(1, MOST_ROUNDS);
        let rounds = if self.extent == Extent::Standard { fit } else { 1 };
        comparison.rounds = Some(self.rounds.unwrap_or(rounds));
        Ok(round_s)
    }

    /// The points of each work; seconds that a round of them takes.
    fn points(&self, comparison: &mut Comparison, calibrated: &Comparison) -> Result<f64> {
        comparison.points.clear();
        comparison.narrowed.clear();
        let Some((&first, others)) = self.settings.split_first() else { bail!("no setting is left; name one") };
        let mut round_s = 0.0;
        let mut add = |work: &Work, setting: &Setting, everywhere: bool| -> Result<()> {
            let to_calibrate = work.to_calibrate(LOAD);
            let calibration = calibrated.calibrations.get(&to_calibrate.calibrated().id());
            let (Some(calibration), Some(rate)) = (calibration, calibrated.rate(&to_calibrate)) else {
                bail!(
                    "what {BASELINE} serves of {} could not be measured, so there is no rate for the open loop; run it alone (`gclab \
                     run`) to see why",
                    work.name
                );
            };
            for arrivals in [Arrivals::Closed, Arrivals::Rate(rate)] {
                let point = work.point(setting, arrivals);
                if !everywhere {
                    // What settings are about is collections: heaps that collect nothing stand at the first one alone.
                    let collecting = self.heaps.iter().filter(|entry| entry.abilities.collects_cycles);
                    comparison.narrowed.insert(point.id(), collecting.map(|entry| entry.name.to_owned()).collect());
                }
                let cells = comparison.heaps_and_twin_at(&point).count();
                round_s += cells as f64 * (seconds(calibration, arrivals) * SLOWER + PROCESS_S);
                comparison.points.push(point);
            }
            // One cell of an interpreter has both loops.
            round_s += f64::from(self.interpreters) * live::expected_s(work, setting);
            Ok(())
        };
        for work in &self.works {
            add(work, first, true)?;
            others.iter().try_for_each(|setting| add(work, setting, false))?;
        }
        let freeze = others.iter().find(|setting| setting.key == FREEZE);
        for work in &self.factors {
            add(work, first, false)?;
            freeze.filter(|_| work.varies_the_cache()).map_or(Ok(()), |freeze| add(work, freeze, false))?;
        }
        Ok(round_s)
    }

    /// What is run, in words.
    pub fn words(&self) -> String {
        let heaps = self.heaps.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
        let settings = self.settings.iter().map(|setting| setting.key).collect::<Vec<_>>().join(" / ");
        let names = |works: &[Work]| works.iter().map(|work| work.name.as_str()).collect::<Vec<_>>().join(" / ");
        let mut words = format!("Settings {settings}, on {}, closed and open loop; heaps {heaps}.", names(&self.works));
        if let (Some(first), false) = (self.settings.first(), self.factors.is_empty()) {
            words.push_str(&format!(" With {} also on {}.", first.key, names(&self.factors)));
        }
        let frozen: Vec<Work> = self.factors.iter().filter(|work| work.varies_the_cache()).cloned().collect();
        if self.settings.iter().skip(1).any(|setting| setting.key == FREEZE) && !frozen.is_empty() {
            words.push_str(&format!(" With {FREEZE} also on {}.", names(&frozen)));
        }
        words
    }
}

/// Seconds that a process of the baseline takes.
fn seconds(calibration: &Calibration, arrivals: Arrivals) -> f64 {
    match arrivals {
        Arrivals::Closed | Arrivals::Load(_) => calibration.process_s,
        Arrivals::Rate(rate) => calibration.beside_s() + calibration.record.operations.unwrap_or(0) as f64 / rate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A comparison whose baseline serves 50,000 requests a second.
    fn calibrated(choice: &Choice) -> Comparison {
        let mut comparison = choice.before(1, 60);
        for (id, cell) in comparison.to_calibrate().unwrap() {
            let operations = cell.settings.integer("requests");
            let mut record = cell.record(None);
            (record.operations, record.achieved_per_s) = (Some(operations), Some(50_000.0));
            record.wall_ns = Some(operations * 20_000);
            let process_s = 0.2 + operations as f64 / 50_000.0;
            comparison.calibrations.insert(id, Calibration { record, process_s });
        }
        comparison
    }

    #[test]
    fn a_standard_run_changes_one_thing_at_a_time_and_fits_into_its_time() {
        let mut choice = Choice::new(Extent::Standard);
        let mut comparison = calibrated(&choice);
        let round_s = choice.enter(&mut comparison, 20.0).unwrap();
        // Sixteen settings on two works, the first on six others, and freezing on four of them, in two loops.
        assert_eq!(comparison.points.len(), 2 * (2 * 16 + 6 + 4));
        let frozen: Vec<&str> =
            choice.factors.iter().filter(|work| work.varies_the_cache()).map(|work| work.name.as_str()).collect();
        assert_eq!(frozen, ["live=300000", "live=1000000", "replace=0", "replace=10"]);
        assert!(choice.words().contains("With freeze also on live=300000 / live=1000000"), "{}", choice.words());
        let rounds = comparison.rounds.unwrap();
        assert!(rounds >= 2 && round_s * f64::from(rounds) < STANDARD_S, "{rounds} rounds of {round_s} s");
        for heap in ["refcount", "refcount-atomic"] {
            let at = |point: &&Point| comparison.heaps_and_twin_at(point).any(|(name, _)| name == heap);
            assert_eq!(comparison.points.iter().filter(at).count(), 4, "{heap} stands at the centre of each work");
        }
        comparison.round(0).unwrap();
    }

    #[test]
    fn a_quick_run_has_fewer_settings_where_the_machine_is_slow() {
        let mut choice = Choice::new(Extent::Quick);
        let mut comparison = calibrated(&choice);
        let round_s = choice.enter(&mut comparison, 5.0).unwrap();
        assert_eq!((comparison.points.len(), comparison.rounds), (14, Some(1)));
        assert!(round_s < QUICK_S, "{round_s}");
        let mut slow = Choice::new(Extent::Quick);
        let mut comparison = calibrated(&slow);
        let round_s = slow.enter(&mut comparison, QUICK_S - round_s / 2.0).unwrap();
        assert!(slow.settings.len() < 7 && slow.settings.len() >= 2, "{round_s}");
        assert_eq!(slow.settings[0].key, "700,10,10");
        assert_eq!(comparison.points.len(), 2 * slow.settings.len());
    }

    #[test]
    fn live_interpreters_count_into_the_time() {
        let round_s = |interpreters| {
            let mut choice = Choice { interpreters, ..Choice::new(Extent::Standard) };
            let mut comparison = calibrated(&choice);
            let round_s = choice.enter(&mut comparison, 20.0).unwrap();
            assert!(round_s * f64::from(comparison.rounds.unwrap()) < STANDARD_S, "{round_s}");
            round_s
        };
        let each = (round_s(2) - round_s(0)) / 2.0;
        // Fifteen settings on the centre, the first one on six others, and freezing on four of them.
        assert!((20.0..60.0).contains(&each), "{each} s");
    }

    #[test]
    fn a_grid_has_every_setting_on_every_work() {
        let mut choice = Choice::new(Extent::Grid);
        let mut comparison = calibrated(&choice);
        choice.enter(&mut comparison, 0.0).unwrap();
        assert_eq!(comparison.points.len(), 2 * 16 * 28);
        assert_eq!(comparison.rounds, Some(1));
    }

    #[test]
    fn without_a_rate_there_is_no_run() {
        let mut choice = Choice::new(Extent::Quick);
        let mut comparison = choice.before(1, 60);
        let error = choice.enter(&mut comparison, 0.0).unwrap_err().to_string();
        assert!(error.contains("could not be measured"), "{error}");
    }
}
