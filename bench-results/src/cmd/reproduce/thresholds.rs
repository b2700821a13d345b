//! `gclab reproduce thresholds`: what the settings that people recommend do to a service, heap by heap, beside CPython.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use workloads::catalogue;

use super::super::compare::{Asked, calibrate, new_run, plural, resume, right_answers, run_rounds};
use super::super::{key_value, print};
use super::trial::{pythons, rounds};
use crate::cell::Given;
use crate::comparison::Run;
use crate::experiment::live::{self, Live};
use crate::experiment::thresholds::NAME;
use crate::experiment::thresholds::choice::{Choice, Extent};
use crate::experiment::thresholds::cpython::UNLIKE;
use crate::experiment::thresholds::files::{self, Results};
use crate::experiment::thresholds::live::plan;
use crate::experiment::thresholds::settings::{SETTINGS, Setting, WORKLOAD, Work, setting};
use crate::experiment::trial::{Python, Record};
use crate::run_folder::{RunFolder, remedy, words_to_resume};
use crate::{disagreement, roster, units};

const EXAMPLES: &str = "\
Examples:
  gclab reproduce thresholds --quick                  seven settings, three heaps, one round: less than three minutes
  gclab reproduce thresholds                          everything, one thing changed at a time: less than half an hour
  gclab reproduce thresholds --settings 700,10,10/freeze/off --heaps generational --rounds 10
  gclab reproduce thresholds --quick --python /usr/bin/python3.12 --python /usr/bin/python3.13
  gclab reproduce thresholds --grid --out runs/grid   every setting on every combination of dials: hours
  gclab reproduce thresholds --resume runs/grid       go on where it was interrupted; of a finished run, make its files again

The centre is thresholds of 700,10,10 on web-v1: 100,000 live objects, a tenth of the requests cyclic, two cache entries replaced
by each. Each point runs in a closed loop and in an open one at half of what the generational heap serves.
The run folder gets thresholds.md, thresholds.csv and a plot a work beside the records and histograms.
With --python PATH live interpreters run the same in the same rounds, by a program that is built in: a row each beside the
generational heap's. They are not asked for the real heap and for bytes:4M. Their records are in live/ of the run folder.";

/// Thresholds, the collector off, between requests or by a schedule, and freezing: on every heap, beside CPython
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Fewer settings and heaps, one round
    #[arg(long, conflicts_with = "grid")]
    quick: bool,
    /// Every setting on every combination of live objects, cyclic share and replaced entries
    #[arg(long)]
    grid: bool,
    /// The settings, with slashes; all of them if not given
    #[arg(long, value_name = "A/B", value_delimiter = '/', value_parser = known_setting)]
    settings: Vec<&'static Setting>,
    /// The heaps, with commas; all of them if not given
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    heaps: Vec<String>,
    /// A dial to change on every work; recorded figures of CPython, which ran the works as they are, are then left out; may be
    /// repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    set: Vec<Given>,
    /// A CPython to run the same, in the same rounds; may be repeated
    #[arg(long, value_name = "PATH")]
    python: Vec<PathBuf>,
    /// Repetitions of each cell; as many as half an hour has room for if not given
    #[arg(long, value_name = "N", value_parser = rounds)]
    rounds: Option<u32>,
    /// Seed of every random choice, the order of cells included; CPython ran 1
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds after which a cell is killed
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// The run folder; a new one under gclab-runs if not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in this folder; what it runs is as it was then. Name its interpreters again by --python
    #[arg(long, value_name = "DIR", conflicts_with_all = ["quick", "grid", "settings", "heaps", "set", "rounds", "seed", "timeout", "out"])]
    resume: Option<PathBuf>,
    /// Print each cell's record as a line of JSON when it has ended, then each row of the table as one
    #[arg(long)]
    json: bool,
}

fn known_setting(key: &str) -> Result<&'static Setting, String> {
    setting(key).ok_or_else(|| {
        let known = SETTINGS.iter().map(|setting| setting.key).collect::<Vec<_>>().join(" / ");
        format!("no setting is called `{key}`; give some of {known}")
    })
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    let pythons = pythons(&arguments.python)?;
    let (mut folder, mut run, mut live) = match &arguments.resume {
        Some(path) => go_on(path, pythons)?,
        None => begin(&arguments, pythons)?,
    };
    let mut tell = |record: &Record| match arguments.json {
        true => print(&(serde_json::to_string(record)? + "\n")),
        false => Ok(()),
    };
    let mut beside = |round, place, of| match &mut live {
        Some(live) => live.turn(round, place, of, &mut tell),
        None => Ok(Duration::ZERO),
    };
    let asked = Asked { trace: false, json: arguments.json };
    run_rounds(&mut run, &mut folder, Instant::now(), asked, &mut beside)?;
    folder.amend(disagreement::mark)?;
    let results = Results::read(folder.path())?;
    let written = results.write(folder.path())?;
    if arguments.json {
        for line in results.lines() {
            print(&format!("{line}\n"))?;
        }
    } else {
        if results.has_cpython() {
            print(&format!("\n{UNLIKE}\n"))?;
        }
        for work in &results.works {
            print(&format!("\n{}", files::on_screen(work)))?;
        }
        let names: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        let others = if live.is_some() { ", or, behind a live 3.12's, the heap above as often as it" } else { "" };
        print(&format!(
            "\n=: as often as on CPython 3.12.1{others}. The whole table and plots: {}\n",
            names.join(", ")
        ))?;
    }
    right_answers(&folder)
}

/// A run to go on with.
fn go_on(path: &std::path::Path, pythons: Vec<Python>) -> Result<(RunFolder, Run, Option<Live>)> {
    let (folder, run) = resume(path, NAME)?;
    let Some(rounds) = run.comparison.rounds else {
        bail!("{} was interrupted before its first round; {}", path.display(), remedy(NAME, false, path));
    };
    let (planned, done) = (run.comparison.cells_of_a_round() * rounds as usize, folder.records().len());
    let live = Live::resume(path, pythons, plan(&run.comparison))?;
    let beside = live.as_ref().map(|live| live.count());
    let beside = beside.map_or_else(String::new, |(all, done)| format!(", and {done} of {all} of live interpreters"));
    eprintln!("{done} of {planned} cells are there{beside}.");
    Ok((folder, run, live))
}

/// A new run: says what it will do and how long that takes, and measures what the baseline serves.
fn begin(arguments: &Arguments, pythons: Vec<Python>) -> Result<(RunFolder, Run, Option<Live>)> {
    let began = Instant::now();
    let mut choice = chosen(arguments)?;
    choice.interpreters = pythons.len() as u32;
    if !pythons.is_empty() && !choice.asks_interpreters() {
        bail!(
            "nothing of this run can be asked of an interpreter; leave out --python, or choose other settings or dials"
        );
    }
    let comparison = choice.before(arguments.seed, arguments.timeout);
    // Every dial and setting is checked before anything is written.
    for (_, cell) in comparison.round(0)? {
        catalogue::try_settings(cell.workload.name, &cell.settings)?;
    }
    let promise = match (arguments.quick, arguments.grid, arguments.rounds) {
        (_, _, Some(_)) => "As long as the rounds asked for take",
        (true, ..) => "Less than 3 minutes",
        (_, true, _) => "Hours",
        _ => "Less than 30 minutes",
    };
    eprintln!("{promise}; how long is known when the baseline has run ({}).", plural(comparison.points.len(), "cell"));
    let (folder, mut run) = new_run(NAME, comparison, arguments.out.as_deref())?;
    run.command = live::without_places(run.command, &pythons);
    calibrate(&mut run, &folder)?;
    let round_s = choice.enter(&mut run.comparison, began.elapsed().as_secs_f64())?;
    // Before the run says its rounds: until then there is nothing to go on with.
    let live = Live::begin(folder.path(), pythons, plan(&run.comparison))?;
    folder.write_run(&run)?;
    let beside = live.as_ref().map_or_else(String::new, |live| {
        format!(" and {} in all on live interpreters", plural(live.count().0, "cell"))
    });
    let planned = run.comparison.rounds.unwrap_or(1);
    eprintln!(
        "{}\n{} of {}{beside} take about {}. Each finished cell is kept in {p}; if interrupted, go on with `{} {p}`.",
        choice.words(),
        plural(planned as usize, "round"),
        plural(run.comparison.cells_of_a_round(), "cell"),
        units::duration(round_s * f64::from(planned)),
        words_to_resume(NAME),
        p = folder.path().display()
    );
    Ok((folder, run, live))
}

fn chosen(arguments: &Arguments) -> Result<Choice> {
    let extent = match (arguments.quick, arguments.grid) {
        (true, _) => Extent::Quick,
        (_, true) => Extent::Grid,
        _ => Extent::Standard,
    };
    let mut choice = Choice::new(extent);
    choice.rounds = arguments.rounds;
    if !arguments.heaps.is_empty() {
        arguments.heaps.iter().try_for_each(|heap| roster::entry(heap).map(drop))?;
        choice.heaps =
            roster::entries().iter().filter(|entry| arguments.heaps.iter().any(|heap| heap == entry.name)).collect();
        if choice.heaps.len() != arguments.heaps.len() {
            bail!("--heaps {} names an instrument, or a heap twice; see `gclab list`", arguments.heaps.join(","));
        }
    }
    if !arguments.settings.is_empty() {
        choice.settings = SETTINGS.iter().filter(|setting| arguments.settings.contains(setting)).collect();
    }
    if !arguments.set.is_empty() {
        if let Some((name, value)) =
            arguments.set.iter().find(|(name, _)| ["steering", "freeze"].contains(&name.as_str()))
        {
            bail!("--set {name}={value} would change what is tried; choose with --settings");
        }
        let changed = |works: Vec<Work>| -> Vec<Work> {
            let mut all: Vec<Work> = Vec::new();
            for work in works.into_iter().map(|work| work.changed(&arguments.set)) {
                let same = |known: &Work| same_dials(known, &work);
                if !all.iter().any(same) {
                    all.push(work);
                }
            }
            all
        };
        choice.works = changed(choice.works);
        choice.factors = changed(choice.factors);
        choice.factors.retain(|factor| !choice.works.iter().any(|work| same_dials(work, factor)));
    }
    Ok(choice)
}

/// Whether two works come to the same, however their dials are given: their cells would be one cell.
fn same_dials(one: &Work, other: &Work) -> bool {
    let dials = |work: &Work| {
        let pairs: Vec<(&str, &str)> = work.dials.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        catalogue::settings(WORKLOAD, &pairs).ok()
    };
    dials(one).is_some_and(|one| Some(one) == dials(other))
}
