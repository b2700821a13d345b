//! What `gclab compare` and `gclab plan` are asked for: heaps, workloads, sweeps, rounds, and how long it may take.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use workloads::catalogue;

use super::key_value;
use crate::cell::Given;
use crate::comparison::{Arrivals, BASELINE, Comparison, Point, Shard, grid_hash};
use crate::sweep::{Grid, first_of_each};
use crate::{heap_settings, roster, units};

/// The seconds that a quick comparison aims at, its table included.
pub(super) const QUICK_S: f64 = 110.0;
/// The most rounds of a quick comparison.
pub(super) const QUICK_ROUNDS: u32 = 5;
/// Seconds a cell of it takes on the baseline.
const QUICK_CELL_S: f64 = 0.6;
/// The seconds that a full comparison aims at.
const FULL_S: f64 = 23.0 * 60.0;
/// Its rounds.
const FULL_ROUNDS: u32 = 5;
/// Rounds and seconds a cell for a table to be published.
const PUBLISHED: (u32, f64) = (10, 5.0);
/// Seconds a cell takes under a budget, if nothing is said.
const BUDGET_CELL_S: f64 = 3.0;
/// Shorter cells say little.
const LEAST_CELL_S: f64 = 0.5;
/// What a cell takes beside the time it is given: its process, slower heaps than the baseline.
const BESIDE_S: f64 = 0.5;

/// What is to be compared
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// As many rounds, 1 to 5, as fit into about two minutes (the default)
    #[arg(long, conflicts_with_all = ["full", "publish", "rounds", "budget"])]
    quick: bool,
    /// All workloads, five rounds, within half an hour
    #[arg(long, conflicts_with = "budget")]
    full: bool,
    /// All workloads, ten rounds and longer cells, as a table to be published needs; how long it takes is said first
    #[arg(long, conflicts_with_all = ["full", "budget"])]
    publish: bool,
    /// How long it may take, as 20m or 1h30m: each cell gets a fixed time, and of sweeps as many points are run as fit, the
    /// ends and the middle first; with --shard, how long each part may take
    #[arg(long, value_name = "TIME", value_parser = duration)]
    budget: Option<Duration>,
    /// Seconds a cell takes on the baseline, where the amount of work can be chosen for it
    #[arg(long, value_name = "SECONDS")]
    cell_time: Option<f64>,
    /// The heaps, with commas; all of them if not given
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    heaps: Vec<String>,
    /// The workloads, with commas; web-requests, frozen-fork and deep-cycles if not given
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    workloads: Vec<String>,
    /// A dial of a workload; several values with commas are a sweep; may be repeated
    #[arg(long, value_name = "WORKLOAD.NAME=VALUE", value_parser = key_value)]
    set: Vec<Given>,
    /// A setting of every heap; several values with commas are a sweep (thresholds: with slashes); may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    config: Vec<Given>,
    /// Mutators of each cell; several numbers with commas are a sweep, for workloads that run on several
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1")]
    threads: Vec<u32>,
    /// Repetitions of each cell
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Seed of every random choice, the order of cells included
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Operations that arrive a second, where a workload's can; several numbers with commas are a sweep
    #[arg(long, value_name = "PER_SECOND", value_delimiter = ',', conflicts_with = "load")]
    rate: Vec<f64>,
    /// The same as a share of what the generational heap serves in a closed loop, measured first
    #[arg(long, value_name = "SHARE", value_delimiter = ',', default_value = "0.5")]
    load: Vec<f64>,
    /// Leave out the second cell of the baseline in each round, which shows how much is noise
    #[arg(long)]
    no_twin: bool,
    /// Run only this part of the points, as 2/3: for several machines, whose folders `gclab merge` joins
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<Shard>,
    /// Seconds after which a cell is killed
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

/// The names of all of them, for `--resume`, which takes none.
pub(super) const NAMES: [&str; 18] = [
    "quick",
    "full",
    "publish",
    "budget",
    "cell_time",
    "heaps",
    "workloads",
    "set",
    "config",
    "threads",
    "rounds",
    "seed",
    "rate",
    "load",
    "no_twin",
    "shard",
    "timeout",
    "out",
];

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|cause| format!("`{text}` is no time ({cause}); write 90s, 20m or 1h30m"))
}

fn shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
    match parts {
        Some((number, of)) if (1..=of).contains(&number) => Ok(Shard { number, of }),
        _ => Err(format!("`{text}` is no part; write 1/3, 2/3 or 3/3")),
    }
}

impl Selection {
    /// Checks everything that was asked for, and says what it comes to. Nothing is written or run.
    ///
    /// # Errors
    /// An unknown name, an impossible value, or a budget that has no room for one point.
    pub(super) fn comparison(&self) -> Result<Comparison> {
        self.heaps.iter().try_for_each(|heap| roster::entry(heap).map(drop))?;
        if let Some(heap) = self.heaps.iter().find(|heap| roster::INSTRUMENTS.iter().any(|one| one.name == *heap)) {
            bail!("{heap} is an instrument and no heap to compare; see `gclab costs`");
        }
        let chosen_heap =
            |entry: &&roster::Entry| self.heaps.is_empty() || self.heaps.iter().any(|heap| heap == entry.name);
        let heaps: Vec<String> =
            roster::entries().iter().filter(chosen_heap).map(|entry| entry.name.to_owned()).collect();
        let twin = heaps.iter().find(|heap| *heap == BASELINE).or(heaps.first());
        let lists = self.points()?;
        let mut comparison = Comparison {
            twin: twin.filter(|_| !self.no_twin).cloned(),
            heaps,
            points: Vec::new(),
            left_out: Vec::new(),
            shard: self.shard,
            grid: None,
            seed: self.seed,
            rounds: self.rounds,
            cell_s: self.cell_time,
            timeout_s: self.timeout,
            calibrations: Default::default(),
            narrowed: Default::default(),
        };
        lists.iter().try_for_each(|points| refuse_twins(points, self.seed))?;
        self.fit(&mut comparison, &lists)?;
        if self.shard.is_some() && comparison.rounds.is_none() {
            bail!(
                "a quick comparison finds its rounds from the time that the first takes, and each part would find others; give \
                 --rounds N, --budget TIME or --full beside --shard, the same for all parts"
            );
        }
        comparison.grid = Some(grid_hash(&comparison.points, &comparison.left_out));
        if let Some(shard) = self.shard {
            let mine = |n: usize| n as u32 % shard.of == shard.number - 1;
            let mut number = 0..;
            comparison.points.retain(|_| number.next().is_some_and(mine));
            if comparison.points.is_empty() {
                let Shard { number, of } = shard;
                bail!(
                    "part {number} of {of} has no point: there are fewer than {of}; give --shard a smaller number of parts"
                );
            }
        }
        // Every setting and dial is checked here, before anything is written.
        for (_, cell) in comparison.round(0)? {
            catalogue::try_settings(cell.workload.name, &cell.settings)?;
        }
        Ok(comparison)
    }

    /// The points of each workload, those that say most first.
    fn points(&self) -> Result<Vec<Vec<Point>>> {
        self.workloads.iter().try_for_each(|workload| catalogue::find(workload).map(drop))?;
        let chosen: Vec<&catalogue::Entry> = catalogue::ENTRIES
            .iter()
            .filter(|entry| match &self.workloads[..] {
                [] => entry.compared || self.full || self.publish,
                chosen => chosen.iter().any(|name| name == entry.name),
            })
            .collect();
        for (key, value) in &self.set {
            let workload = key.split_once('.').map(|(workload, _)| workload);
            if !chosen.iter().any(|entry| Some(entry.name) == workload) {
                let known = chosen.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
                bail!("--set {key}={value} names none of the workloads compared ({known}); write WORKLOAD.NAME=VALUE");
            }
        }
        // Checked one by one: a list with commas would be refused as one value.
        for (name, value) in &self.config {
            let separator = if name == "thresholds" { '/' } else { ',' };
            for one in value.split(separator) {
                heap_settings::parse(&[(name.clone(), one.trim().to_owned())])?;
            }
        }
        let arrivals = self.arrivals()?;
        let mut lists = Vec::new();
        for entry in chosen {
            // A workload whose operations cannot arrive on a plan has one load; one that runs on one mutator, one number.
            let arrivals = if entry.open_loop { &arrivals[..] } else { &arrivals[..1] };
            let alone = [1];
            let swept = self.threads.len() > 1 && !entry.threads;
            let threads = if swept { &alone[..] } else { &self.threads[..] };
            let dials = dials_of(entry.name, &self.set);
            let grid = Grid { workload: entry.name, dials: &dials, heap_settings: &self.config, threads, arrivals };
            lists.push(grid.points()?);
        }
        Ok(lists)
    }

    fn arrivals(&self) -> Result<Vec<Arrivals>> {
        let rate = |&rate: &f64| {
            if rate.is_finite() && rate > 0.0 {
                return Ok(Arrivals::Rate(rate));
            }
            bail!("--rate {rate} is not possible; give a number above 0")
        };
        let load = |&load: &f64| {
            if load > 0.0 && load <= 2.0 {
                return Ok(Arrivals::Load(load));
            }
            bail!("--load {load} is not possible; give a share above 0 and at most 2")
        };
        if self.rate.is_empty() { self.load.iter().map(load).collect() } else { self.rate.iter().map(rate).collect() }
    }

    /// Chooses points, rounds and the time of a cell for the time there is.
    fn fit(&self, comparison: &mut Comparison, lists: &[Vec<Point>]) -> Result<()> {
        let all: usize = lists.iter().map(Vec::len).sum();
        if let Some(cell_s) = self.cell_time
            && !(cell_s.is_finite() && cell_s >= 0.05)
        {
            bail!("--cell-time {cell_s} is not possible; give seconds from 0.05");
        }
        let columns = comparison.heaps_and_twin().count();
        let mut most = all;
        if let Some(budget) = self.budget {
            let budget_s = budget.as_secs_f64();
            let cell_s = self.cell_time.unwrap_or(BUDGET_CELL_S);
            // Fewer rounds before fewer than one point, and shorter cells at last.
            let tries = [(5, cell_s), (3, cell_s), (3, LEAST_CELL_S), (1, LEAST_CELL_S)];
            let needed = |rounds: u32, cell_s: f64| (columns as f64 * f64::from(rounds) + 1.0) * (cell_s + BESIDE_S);
            let tries = tries.map(|(rounds, cell_s)| {
                (
                    self.rounds.unwrap_or(rounds),
                    if self.cell_time.is_some() { self.cell_time.unwrap_or(cell_s) } else { cell_s },
                )
            });
            let Some((rounds, cell_s)) = tries.into_iter().find(|&(rounds, cell_s)| needed(rounds, cell_s) <= budget_s)
            else {
                let (rounds, cell_s) = tries[tries.len() - 1];
                let least = units::duration(needed(rounds, cell_s));
                bail!(
                    "--budget has no room for one point of {columns} cells a round; give at least {least}, fewer heaps, or fewer rounds"
                );
            };
            // Each part may take that long. What is run follows from the whole grid, so that all parts agree on it.
            let parts = self.shard.map_or(1, |shard| shard.of as usize);
            most = parts * (budget_s / needed(rounds, cell_s)) as usize;
            (comparison.rounds, comparison.cell_s) = (Some(rounds), Some(cell_s));
        } else if self.publish {
            comparison.rounds.get_or_insert(PUBLISHED.0);
            comparison.cell_s.get_or_insert(PUBLISHED.1);
        } else if self.full {
            let rounds = *comparison.rounds.get_or_insert(FULL_ROUNDS);
            let cells = (all * (columns * rounds as usize + 1)) as f64;
            comparison.cell_s.get_or_insert((FULL_S / cells - BESIDE_S).clamp(LEAST_CELL_S, 10.0));
        } else if self.rounds.is_none() {
            comparison.cell_s.get_or_insert(QUICK_CELL_S);
        }
        (comparison.points, comparison.left_out) = first_of_each(lists, most);
        Ok(())
    }
}

/// Seconds that a comparison takes, where its cells have a fixed time.
pub(super) fn expected_s(comparison: &Comparison) -> Option<f64> {
    let cells = comparison.cells_of_a_round() as f64 * f64::from(comparison.rounds?) + comparison.points.len() as f64;
    Some(cells * (comparison.cell_s? + BESIDE_S))
}

/// Refuses points that are the same however their values are spelled: their cells would be one cell.
fn refuse_twins(points: &[Point], seed: u64) -> Result<()> {
    let mut seen: BTreeMap<(String, String), String> = BTreeMap::new();
    for point in points {
        let (cell, title) = (point.closed_cell(BASELINE, seed)?.record(None).cell, point.title());
        let is = (cell, format!("{:?}", point.arrivals));
        if let Some(twin) = seen.insert(is, title.clone()) {
            bail!("the points `{twin}` and `{title}` are the same; leave out the value that is there twice");
        }
    }
    Ok(())
}

fn dials_of(workload: &str, set: &[Given]) -> Vec<Given> {
    let dial = |(key, value): &Given| {
        let (named, dial) = key.split_once('.')?;
        (named == workload).then(|| (dial.to_owned(), value.clone()))
    };
    set.iter().filter_map(dial).collect()
}
