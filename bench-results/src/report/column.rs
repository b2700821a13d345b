//! The cells of one heap at one point, and what they say together.

use std::collections::BTreeMap;

use anyhow::Result;

use super::merged::{Merged, merge};
use super::source::{Line, Source};
use crate::comparison::{Arrivals, Point};
use crate::record::{Record, Status};
use crate::roster;
use crate::sweep::shown;

/// Full collections below which a column proves nothing about them.
pub const FULL_COLLECTIONS_LEAST: u64 = 20;

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Column<'s> {
    /// The heap's name.
    pub heap: &'s str,
    /// It is the second column of that heap: what the two differ in is noise.
    pub twin: bool,
    /// Its cells, by round.
    pub lines: Vec<&'s Line>,
    /// The histograms of all rounds, by tag.
    pub merged: BTreeMap<String, Merged>,
}

impl<'s> Column<'s> {
    /// Its name as a heading.
    pub fn name(&self) -> String {
        if self.twin { format!("{} (twin)", self.heap) } else { self.heap.to_owned() }
    }

    /// All records.
    pub fn records(&self) -> impl Iterator<Item = &'s Record> {
        self.lines.iter().map(|line| &line.record)
    }

    /// Records of cells that did all their work, if perhaps too slowly.
    pub fn complete(&self) -> impl Iterator<Item = &'s Record> {
        self.records().filter(|record| is_complete(record))
    }

    /// How many cells ended so.
    pub fn count(&self, status: Status) -> usize {
        self.records().filter(|record| record.status == status).count()
    }

    /// Collections of a generation, cell by cell.
    pub fn collections(&self, generation: u8) -> impl Iterator<Item = u64> {
        self.complete().filter_map(move |record| {
            let generations = record.collections.as_ref()?;
            Some(generations.iter().find(|figures| figures.generation == generation)?.collections)
        })
    }

    /// Whether its heap collects cycles; `None` if it is not known here.
    pub fn collects_cycles(&self) -> Option<bool> {
        Some(roster::entry(self.heap).ok()?.abilities.collects_cycles)
    }

    /// Whether it has too few full collections to prove anything about them; `None` for a heap that has none by design or
    /// is not known here, and where no cell was run.
    pub fn is_void(&self) -> Option<bool> {
        let counts = self.collects_cycles()? && !self.lines.is_empty();
        counts.then(|| self.collections(2).sum::<u64>() < FULL_COLLECTIONS_LEAST)
    }
}

fn is_complete(record: &Record) -> bool {
    matches!(record.status, Status::Ok | Status::Saturated)
}

/// A point with its columns: a block of tables and plots.
#[derive(Clone, Debug)]
pub struct Block<'s> {
    /// The point.
    pub point: &'s Point,
    /// Whether operations arrived on a plan.
    pub open_loop: bool,
    /// The machine that ran all its cells, as its hash; `None`: not recorded.
    pub machine: Option<&'s str>,
    /// That machine's number, from 1, where the run has several.
    pub number: Option<usize>,
    /// What each heap did at it, in order of the run, the twin last.
    pub columns: Vec<Column<'s>>,
}

impl<'s> Block<'s> {
    /// Every point of a run; one that several machines ran is a block on each, as cells of two machines do not compare.
    ///
    /// # Errors
    /// If histograms are damaged.
    pub fn of_run(source: &'s Source) -> Result<Vec<Self>> {
        let machines = source.machines();
        let mut blocks = Vec::new();
        for point in &source.run.comparison.points {
            let id = point.id();
            let of_point: Vec<&Line> =
                source.lines.iter().filter(|line| line.record.point.as_ref() == Some(&id)).collect();
            for (place, machine) in machines.iter().enumerate() {
                let lines: Vec<&Line> =
                    of_point.iter().copied().filter(|line| line.record.machine.as_deref() == *machine).collect();
                let number = (machines.len() > 1).then_some(place + 1);
                // A point without any cell is a block all the same, once.
                if !lines.is_empty() || (of_point.is_empty() && place == 0) {
                    blocks.push(Self::new(source, point, &lines, (*machine, number))?);
                }
            }
        }
        Ok(blocks)
    }

    fn new(
        source: &'s Source,
        point: &'s Point,
        lines: &[&'s Line],
        (machine, number): (Option<&'s str>, Option<usize>),
    ) -> Result<Self> {
        let mut columns = Vec::new();
        for (heap, twin) in source.run.comparison.heaps_and_twin_at(point) {
            let of = |line: &&Line| line.record.heap == heap && line.record.twin == twin;
            let mut lines: Vec<&Line> = lines.iter().copied().filter(of).collect();
            lines.sort_by_key(|line| line.record.round);
            let records: Vec<&Record> = lines.iter().map(|line| &line.record).filter(|r| is_complete(r)).collect();
            // In a saturated cell the queue grows with time: its response times depend on how long it ran. Without it, those of
            // the other rounds would be the lucky ones.
            let kept_up = records.iter().all(|record| record.status != Status::Saturated);
            let counts = |_: &Record, tag: &str| kept_up || tag != "response";
            let merged = merge(&records, &source.path, counts)?;
            columns.push(Column { heap, twin, lines, merged });
        }
        let open_loop = lines.iter().any(|line| line.record.offered_per_s.is_some());
        Ok(Self { point, open_loop, machine, number, columns })
    }

    /// The workload, and what was given, for people: `web-requests, live=2000, load 0.3`.
    pub fn title(&self) -> String {
        let mut parts = self.parts();
        let workload = parts.remove(0);
        if parts.is_empty() { workload } else { format!("{workload} ({})", parts.join(", ")) }
    }

    /// The same as the name of a file.
    pub fn stem(&self) -> String {
        let mut parts = self.parts();
        let mut given = self.point.given.iter().chain(&self.point.heap_settings);
        // Files of one name in two folders are two points.
        if given.any(|(_, value)| shown(value) != value) {
            parts.push(self.point.id());
        }
        parts.join("_").chars().map(|c| if c.is_ascii_alphanumeric() || "-_=.".contains(c) { c } else { '-' }).collect()
    }

    /// All its records.
    pub fn records(&self) -> impl Iterator<Item = &'s Record> {
        self.columns.iter().flat_map(Column::records)
    }

    /// The same block as to what it is of, at another point and without cells: for titles.
    pub fn empty_at<'p>(&self, point: &'p Point) -> Block<'p>
    where
        's: 'p,
    {
        Block { point, open_loop: self.open_loop, machine: self.machine, number: self.number, columns: Vec::new() }
    }

    fn parts(&self) -> Vec<String> {
        let given = self.point.given.iter().chain(&self.point.heap_settings);
        let mut parts = vec![self.point.workload.clone()];
        parts.extend(given.map(|(name, value)| format!("{name}={}", shown(value))));
        if self.point.threads != 1 {
            parts.push(format!("threads={}", self.point.threads));
        }
        match self.point.arrivals {
            _ if !self.open_loop => {}
            Arrivals::Closed => {}
            Arrivals::Load(load) => parts.push(format!("load={load}")),
            Arrivals::Rate(rate) => parts.push(format!("rate={rate}")),
        }
        parts.extend(self.number.map(|number| format!("machine={number}")));
        parts
    }

    /// The tag of the times that matter most: of responses where operations arrive on a plan, else of service.
    pub fn main_tag(&self) -> &'static str {
        if self.open_loop { "response" } else { "service" }
    }
}
