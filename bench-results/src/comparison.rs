//! What a comparison is: heaps × points × rounds, in which order, at which rates, for how long; as `run.json` keeps it.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cell::{Cell, Given};
use crate::provenance::{Load, Provenance, sha256_hex};
use crate::record::{Record, Status};
pub use crate::sweep::{Arrivals, Point};

/// The heap that sets the rate of open loops and the length of cells, whichever heaps are compared.
pub const BASELINE: &str = "generational";

/// The least share of a cell's time that its timed part gets, however long it takes to set up.
const LEAST_TIMED_SHARE: f64 = 0.25;

/// What the baseline did at a point in a closed loop, before the first round.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Calibration {
    /// Its record.
    pub record: Record,
    /// Seconds its process took, the timed part included.
    pub process_s: f64,
}

impl Calibration {
    /// Whether it says what the baseline serves: that of a cell that failed or was killed does not.
    pub fn is_usable(&self) -> bool {
        is_complete(&self.record) && self.record.achieved_per_s.is_some_and(|rate| rate > 0.0)
    }

    /// Seconds that go by beside the timed part.
    pub fn beside_s(&self) -> f64 {
        (self.process_s - self.record.wall_ns.unwrap_or(0) as f64 / 1e9).max(0.0)
    }
}

/// Which part of a sweep is run here: the `number`th of `of`, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Shard {
    /// Which one.
    pub number: u32,
    /// How many there are.
    pub of: u32,
}

/// See the [module](self).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Comparison {
    /// The heaps, in order of the ladder.
    pub heaps: Vec<String>,
    /// The heap that runs twice a round: what its two cells differ in is noise.
    pub twin: Option<String>,
    /// What they are compared at.
    pub points: Vec<Point>,
    /// Points that the budget had no room for.
    pub left_out: Vec<Point>,
    /// The part of the sweep that these points are, if it is shared out.
    pub shard: Option<Shard>,
    /// Names the whole sweep of which `shard` is a part: see [`grid_hash`]. `None` in runs of before it was kept.
    #[serde(default)]
    pub grid: Option<String>,
    /// Of every random choice, the order of cells included.
    pub seed: u64,
    /// Repetitions of each cell; `null` while that is still to be found from the time one takes.
    pub rounds: Option<u32>,
    /// Seconds that a cell should take on the baseline, where the amount of work is a dial that was not given; `null`: the
    /// workloads' own amounts.
    pub cell_s: Option<f64>,
    /// Seconds after which a cell is killed.
    pub timeout_s: u64,
    /// What the baseline did at each point for which that is needed, by the name of the point without load and settings of
    /// heaps. In a merged run by each point's own name, as parts of several machines served at several rates.
    pub calibrations: BTreeMap<String, Calibration>,
    /// The points, by name, at which only these heaps run, and none of them twice.
    #[serde(default)]
    pub narrowed: BTreeMap<String, Vec<String>>,
}

impl Comparison {
    /// Whether rate or amount of work at a point depend on what the baseline does there.
    fn needs_calibration(&self, point: &Point, cell: &Cell) -> bool {
        let for_rate = matches!(point.arrivals, Arrivals::Load(_)) && cell.workload.open_loop;
        for_rate || (self.cell_s.is_some() && free_amount(point, cell).is_some())
    }

    /// The points that are to be calibrated, and have not been, each with its cell.
    ///
    /// # Errors
    /// If a point is impossible on the baseline.
    pub fn to_calibrate(&self) -> Result<Vec<(String, Cell)>> {
        let mut cells = Vec::new();
        for point in &self.points {
            let (id, cell) = (point.calibrated().id(), point.calibrated().closed_cell(BASELINE, self.seed)?);
            let is_known = self.calibrations.get(&id).is_some_and(Calibration::is_usable);
            let is_new = !is_known && !cells.iter().any(|(known, _)| *known == id);
            if is_new && self.needs_calibration(point, &cell) {
                cells.push((id, cell));
            }
        }
        Ok(cells)
    }

    /// What the baseline did at a point; `None` if it was not needed there, or is not known yet.
    pub fn calibration(&self, point: &Point) -> Option<&Calibration> {
        self.calibrations.get(&point.id()).or_else(|| self.calibrations.get(&point.calibrated().id()))
    }

    /// Arrivals a second at a point; `None`: a closed loop, because operations cannot arrive on a plan, or what the baseline
    /// serves has not been measured yet.
    pub fn rate(&self, point: &Point) -> Option<f64> {
        match point.arrivals {
            Arrivals::Rate(rate) => Some(rate),
            Arrivals::Closed => None,
            // To a tenth, so that the figure in tables is the one in use.
            Arrivals::Load(load) => {
                let rate = self.calibration(point)?.record.achieved_per_s? * load;
                let rounded = (rate * 10.0).round() / 10.0;
                Some(if rounded > 0.0 { rounded } else { rate }).filter(|&rate| rate > 0.0)
            }
        }
    }

    /// The amount of work at a point, as its dial and the value: what fills the time of a cell.
    fn amount(&self, point: &Point, cell: &Cell, rate: Option<f64>) -> Option<Given> {
        let (dial, (least, most)) = free_amount(point, cell)?;
        let calibration = self.calibration(point)?;
        let cell_s = self.cell_s?;
        let timed_s = (cell_s - calibration.beside_s()).max(cell_s * LEAST_TIMED_SHARE);
        let amount = rate.or(calibration.record.achieved_per_s)? * timed_s;
        // To two digits: an amount that looks measured would be taken for one.
        let unit = 10f64.powf(amount.max(1.0).log10().floor() - 1.0).max(1.0);
        let amount = ((amount / unit).round() * unit) as u64;
        Some((dial.to_owned(), amount.clamp(least.max(1), most).to_string()))
    }

    /// The cell of a point on a heap.
    ///
    /// # Errors
    /// An unknown name or an impossible value.
    pub fn cell(&self, point: &Point, heap: &str, round: u32, twin: bool) -> Result<Cell> {
        let closed = point.closed_cell(heap, self.seed)?;
        let rate = self.rate(point).filter(|_| closed.workload.open_loop);
        let mut point = point.clone();
        if let Some(amount) = self.amount(&point, &closed, rate) {
            point.given.push(amount);
        }
        let cell = point.closed_cell(heap, self.seed)?.with_rate(rate)?;
        Ok(Cell { round, twin, ..cell })
    }

    /// The heaps of a round, the twin among them.
    pub fn heaps_and_twin(&self) -> impl Iterator<Item = (&str, bool)> {
        let twin = self.twin.iter().map(|heap| (heap.as_str(), true));
        self.heaps.iter().map(|heap| (heap.as_str(), false)).chain(twin)
    }

    /// The same at one point, where perhaps not all of them run.
    pub fn heaps_and_twin_at(&self, point: &Point) -> impl Iterator<Item = (&str, bool)> {
        let only = self.narrowed.get(&point.id());
        self.heaps_and_twin()
            .filter(move |(heap, twin)| only.is_none_or(|only| !twin && only.iter().any(|one| one == heap)))
    }

    /// How many cells a round has.
    pub fn cells_of_a_round(&self) -> usize {
        self.points.iter().map(|point| self.heaps_and_twin_at(point).count()).sum()
    }

    /// The cells of a round in the order to run them: points shuffled, and at each the heaps shuffled, so that neighbours
    /// in time are what is compared, and no heap always comes first. Each with its point's place in the list.
    ///
    /// # Errors
    /// An unknown name or an impossible value.
    pub fn round(&self, round: u32) -> Result<Vec<(usize, Cell)>> {
        // One stream a round, so that a round's order does not depend on how many there are.
        let mut random = Pcg64::seed_from_u64(self.seed ^ u64::from(round).rotate_left(32));
        let mut points: Vec<usize> = (0..self.points.len()).collect();
        points.shuffle(&mut random);
        let mut cells = Vec::new();
        for place in points {
            let mut heaps: Vec<(&str, bool)> = self.heaps_and_twin_at(&self.points[place]).collect();
            heaps.shuffle(&mut random);
            for (heap, twin) in heaps {
                let point = &self.points[place];
                let cell = self.cell(point, heap, round, twin).with_context(|| point.title())?;
                cells.push((place, cell));
            }
        }
        Ok(cells)
    }
}

/// Names a sweep: a hash of all its points, those that the budget left out too, before it is shared out. Parts of one sweep
/// have the same.
pub fn grid_hash(points: &[Point], left_out: &[Point]) -> String {
    sha256_hex(json!((points, left_out)).to_string().as_bytes())[..12].to_owned()
}

/// Whether a cell did all its work, if perhaps too slowly.
pub fn is_complete(record: &Record) -> bool {
    matches!(record.status, Status::Ok | Status::Saturated)
}

/// The records of a point.
pub fn of_point<'r>(records: &'r [Record], point: &Point) -> Vec<&'r Record> {
    let id = point.id();
    records.iter().filter(|record| record.point.as_ref() == Some(&id)).collect()
}

/// The dial for the amount of work, with its range, where it was left to the comparison.
fn free_amount(point: &Point, cell: &Cell) -> Option<(&'static str, (u64, u64))> {
    let dial = cell.workload.amount?;
    let given = point.given.iter().any(|(name, _)| name == dial);
    (!given).then(|| (dial, cell.workload.integer_range(dial)))
}

/// The content of `run.json`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// The schema of this file and of its cells.
    pub schema: u32,
    /// What was run: `compare`, or the name of an experiment.
    pub kind: String,
    /// The command line.
    pub command: Vec<String>,
    /// When it was started, UTC.
    pub started: String,
    /// When its last cell ended, UTC; `null` while it has not.
    pub ended: Option<String>,
    /// What is compared.
    pub comparison: Comparison,
    /// The program and the machine.
    pub provenance: Provenance,
    /// How busy the machine was before the first cell.
    pub load_before: Load,
    /// And after the last.
    pub load_after: Option<Load>,
    /// The runs that this one was merged from.
    #[serde(default)]
    pub parts: Vec<Run>,
}

#[cfg(test)]
mod tests {
    use workloads::catalogue;

    use super::*;
    use crate::roster;

    fn point(workload: &str) -> Point {
        Point {
            workload: workload.to_owned(),
            given: Vec::new(),
            heap_settings: Vec::new(),
            threads: 1,
            arrivals: Arrivals::Rate(10.0),
        }
    }

    fn comparison(seed: u64) -> Comparison {
        let open = catalogue::ENTRIES.iter().filter(|entry| entry.open_loop);
        Comparison {
            heaps: roster::entries().iter().map(|entry| entry.name.to_owned()).collect(),
            twin: Some(BASELINE.to_owned()),
            points: open.map(|entry| point(entry.name)).collect(),
            left_out: Vec::new(),
            shard: None,
            grid: None,
            seed,
            rounds: None,
            cell_s: None,
            timeout_s: 1,
            calibrations: BTreeMap::new(),
            narrowed: BTreeMap::new(),
        }
    }

    fn order(comparison: &Comparison, round: u32) -> Vec<(usize, &'static str, bool)> {
        comparison.round(round).unwrap().iter().map(|(point, cell)| (*point, cell.heap.name, cell.twin)).collect()
    }

    #[test]
    fn each_round_has_every_cell_once_in_an_order_that_the_seed_fixes() {
        let all = comparison(1);
        let mut orders = Vec::new();
        for round in 0..20 {
            let cells = order(&all, round);
            assert_eq!(cells, order(&comparison(1), round));
            let mut sorted = cells.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), all.cells_of_a_round());
            orders.push(cells);
        }
        orders.sort();
        orders.dedup();
        assert!(orders.len() > 1, "every round has the same order");
    }

    #[test]
    fn a_narrowed_point_has_the_heaps_named_and_no_twin() {
        let mut all = comparison(1);
        let first = all.points[0].clone();
        all.points.push(Point { arrivals: Arrivals::Closed, ..first.clone() });
        let before = all.cells_of_a_round();
        all.narrowed.insert(first.id(), vec![BASELINE.to_owned()]);
        assert_eq!(all.cells_of_a_round(), before - all.heaps_and_twin().count() + 1);
        let at_first: Vec<_> = order(&all, 0).into_iter().filter(|(point, ..)| *point == 0).collect();
        assert_eq!(at_first, [(0, BASELINE, false)]);
        let last = &all.points[all.points.len() - 1];
        assert_eq!(all.rate(last), None, "a closed loop has no rate");
    }

    #[test]
    fn the_amount_of_work_fills_the_time_of_a_cell() {
        let mut all = comparison(1);
        let web = Point { arrivals: Arrivals::Load(0.5), ..point("web-requests") };
        all.points = vec![web.clone()];
        all.cell_s = Some(2.0);
        let cell = web.closed_cell(BASELINE, 1).unwrap();
        assert_eq!(all.to_calibrate().unwrap().len(), 1);
        let mut record = cell.record(None);
        record.status = Status::Ok;
        (record.achieved_per_s, record.wall_ns) = (Some(30_000.0), Some(1_000_000_000));
        // One that was killed is as good as none.
        let killed = Record { status: Status::Error, achieved_per_s: None, ..record.clone() };
        all.calibrations.insert(web.calibrated().id(), Calibration { record: killed, process_s: 1.5 });
        assert_eq!(all.to_calibrate().unwrap().len(), 1);
        all.calibrations.insert(web.calibrated().id(), Calibration { record: record.clone(), process_s: 1.5 });
        assert!(all.to_calibrate().unwrap().is_empty());
        // A rate below a tenth a second is a rate, and not a closed loop.
        let mut slow = all.clone();
        slow.calibrations.values_mut().for_each(|one| one.record.achieved_per_s = Some(0.02));
        assert_eq!(slow.rate(&web), Some(0.01));
        // A point's own comes before that of all loads: parts of several machines were merged.
        let mut merged = slow.clone();
        merged.calibrations.insert(web.id(), Calibration { record, process_s: 1.5 });
        assert_eq!(merged.rate(&web), Some(15_000.0));
        let cell = all.cell(&web, "refcount", 0, false).unwrap();
        // 1.5 s of 15,000 requests a second.
        assert_eq!((cell.rate, cell.settings.integer("requests")), (Some(15_000.0), 23_000));
        // An amount that was given is left alone.
        let given = Point { given: vec![("requests".to_owned(), "77".to_owned())], ..web };
        assert_eq!(all.cell(&given, "refcount", 0, false).unwrap().settings.integer("requests"), 77);
    }
}
