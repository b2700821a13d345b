//! `gclab tune`: the setting of Python's collector that meets a goal, searched on the user's heap.

mod bench;
mod check;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use workloads::catalogue;

use self::bench::Processes;
use super::compare::{Asked, calibrate, new_run, plural, resume, right_answers};
use super::{NoRecommendation, key_value, print};
use crate::cell::Given;
use crate::comparison::{BASELINE, Comparison, Run};
use crate::experiment::tune::answer::{Answer, Findings, Verdict};
use crate::experiment::tune::backtest::{BackTest, Recorded, Scale};
use crate::experiment::tune::chapter::chapter;
use crate::experiment::tune::extent::Extent;
use crate::experiment::tune::goal::{Goal, Memory, Percentile, Slo};
use crate::experiment::tune::judge::{Judged, judge};
use crate::experiment::tune::plan::{Asked as AskedOfRecording, Plan, Wanted};
use crate::experiment::tune::search::search;
use crate::experiment::tune::track::Track;
use crate::experiment::tune::{NAME, files, python};
use crate::provenance::{Load, now_utc};
use crate::recorded::Recording;
use crate::report::origin::Origin;
use crate::report::source::Source;
use crate::run_folder::{RunFolder, words_to_resume};
use crate::{disagreement, units};

const EXAMPLES: &str = "\
Examples:
  gclab tune --slo p99.9=5ms --quick                          over the heap of a Django process, less than three minutes
  gclab tune --slo p99.9=5ms --memory +10% --heap-file dump.gcheap.gz
  gclab tune --slo p99=2ms --slo max=20ms --heap-file dump.gcheap.gz --recording pauses-4711.jsonl --scale auto
  gclab tune --resume gclab-runs/DIR                          go on where it was interrupted
  gclab tune --check gclab-runs/DIR                           three further runs: do they lie in the printed intervals?

Many settings run a little, the better ones more, and the best ones again with fresh seeds, each run in a fresh process. The
setting that is recommended meets the goal with the whole interval of further runs. With --recording, the model must first
predict the recorded pauses and collections within --factor, or nothing is recommended; settings are then compared with the recorded
one, else with 700,10,10, the default up to CPython 3.12.

The run folder gets tune.md, plots/tune-pareto.svg and answer.json (bench-results/schema/tune.schema.json) beside the records.

Exit codes: 0 a recommendation (perhaps: change nothing), or all runs of --check inside; 3 no setting was shown to meet the goal,
the model is not trusted, or a run of --check is outside; 1 bad input or environment; 2 a heap gave a wrong answer.";

/// Find the setting of Python's gc that meets a goal of latency and memory, as lines to paste
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// A limit of latency: p50, p90, p99, p99.9, p99.99 or max, and a time with its unit; may be repeated
    #[arg(long, value_name = "P=TIME", value_parser = Slo::parse, required_unless_present_any = ["resume", "check"])]
    slo: Vec<Slo>,
    /// A limit of peak memory: +10% or +50MiB over what runs now (the recorded setting, else the default), or such as 500MiB
    #[arg(long, value_name = "LIMIT", value_parser = Memory::parse)]
    memory: Option<Memory>,
    /// Your heap: a GCHEAP file, as python/gclab_dump.py writes; the heap of a Django process if not given
    #[arg(long, value_name = "FILE")]
    heap_file: Option<PathBuf>,
    /// Your service's pauses: a file that python/gclab_record.py wrote; one for each process
    #[arg(long, value_name = "FILE")]
    recording: Vec<PathBuf>,
    /// How many times as long the recorded machine takes as this one; auto: as its pauses say
    #[arg(long, value_name = "TIMES|auto", value_parser = Scale::parse, requires = "recording")]
    scale: Option<Scale>,
    /// How many times too high or too low the model may predict what was recorded
    #[arg(long, value_name = "TIMES", default_value_t = 2.0, value_parser = factor, requires = "recording")]
    factor: f64,
    /// Recommend even if the model does not predict what was recorded
    #[arg(long, requires = "recording")]
    despite: bool,
    /// Requests that arrive, as a share of what the baseline can serve
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
    load: f64,
    /// Each request comes when the last one has ended; limits are of service time
    #[arg(long, conflicts_with = "load")]
    closed: bool,
    /// Requests that a worker serves before it is replaced: what grows without end may then be recommended
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    worker_requests: Option<u64>,
    /// Heaps beside the baseline, to see what a better collector would do; with commas
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    heaps: Option<Vec<String>>,
    /// A dial of web-requests, such as nodes=100; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    set: Vec<Given>,
    /// Ten settings, shorter runs: less than three minutes
    #[arg(long)]
    quick: bool,
    /// Runs too short to say anything, to see it run
    #[arg(long, hide = true, conflicts_with = "quick")]
    tiny: bool,
    /// Seed of the first round, 1 if not given; each round has one of its own. Of a check, the first of three; seeds that are new
    /// if not given
    #[arg(long)]
    seed: Option<u64>,
    /// Seconds after which a run is killed
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// The run folder; a new one under gclab-runs if not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in this folder; what it runs is as it was then
    #[arg(long, value_name = "DIR", conflicts_with_all = BEGINNING, conflicts_with = "seed")]
    resume: Option<PathBuf>,
    /// Run what this folder recommends (or what came nearest) three more times, and hold that against the intervals
    #[arg(long, value_name = "DIR", conflicts_with_all = BEGINNING, conflicts_with = "resume")]
    check: Option<PathBuf>,
    /// Print each run's record as a line of JSON when it has ended, then the answer as one
    #[arg(long)]
    json: bool,
}

/// What only a new run takes; the seed is not among it, as a check may have one.
const BEGINNING: [&str; 16] = [
    "slo",
    "memory",
    "heap_file",
    "recording",
    "scale",
    "factor",
    "despite",
    "load",
    "closed",
    "worker_requests",
    "heaps",
    "set",
    "quick",
    "tiny",
    "timeout",
    "out",
];

fn share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok().filter(|share| (0.01..=0.95).contains(share));
    share.ok_or_else(|| format!("`{text}` is no load; give a share from 0.01 to 0.95"))
}

fn factor(text: &str) -> Result<f64, String> {
    let factor: Option<f64> = text.parse().ok().filter(|factor| (1.05..=100.0).contains(factor));
    factor.ok_or_else(|| format!("`{text}` is no factor; give a number from 1.05 to 100"))
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    let asked = Asked { trace: false, json: arguments.json };
    if let Some(path) = &arguments.check {
        let (folder, run) = resume(path, NAME)?;
        return check::run(folder, run, arguments.seed, asked);
    }
    let (folder, run, plan) = match &arguments.resume {
        Some(path) => {
            let (folder, run) = resume(path, NAME)?;
            let plan = Plan::read(path)?;
            plan.check_heap()?;
            (folder, run, plan)
        }
        None => begin(&arguments)?,
    };
    let mut bench = Processes::new(folder, run, plan, asked);
    prepare(&mut bench)?;
    let back_test = bench.back_test()?;
    let trusted = back_test.as_ref().is_none_or(|test| test.trusted);
    let despite = bench.plan.recording.as_ref().is_some_and(|asked| asked.despite);
    bench.scale = back_test.as_ref().map_or(1.0, |test| test.scale);
    let mut found: Option<(Vec<Track>, Judged)> = None;
    if trusted || despite {
        let (always, goal) = (bench.plan.always.clone(), bench.plan.goal.clone());
        let (schedule, seed) = (bench.plan.schedule.clone(), bench.run.comparison.seed);
        let tracks = search(&mut bench, &always, &goal, &schedule, seed)?;
        let pasted: Vec<bool> = bench.plan.candidates.iter().map(|one| python::lines(one).is_some()).collect();
        let judged = judge(&tracks, &goal, &pasted);
        found = Some((tracks, judged));
    }
    bench.progress.finish();
    let Processes { mut folder, mut run, plan, .. } = bench;
    run.ended = Some(now_utc());
    run.load_after = Some(Load::now());
    folder.write_run(&run)?;
    folder.amend(disagreement::mark)?;
    plan.check_heap()?;
    publish(&folder, &run, &plan, back_test, found.as_ref(), asked.json)
}

/// A new run: everything is checked before anything is written.
fn begin(arguments: &Arguments) -> Result<(RunFolder, Run, Plan)> {
    let slos = arguments.slo.clone();
    for (nth, slo) in slos.iter().enumerate() {
        if slos[..nth].iter().any(|known| known.percentile == slo.percentile) {
            bail!("--slo {} is given twice; give each percentile one limit", slo.percentile.name());
        }
    }
    let goal = Goal { slos, memory: arguments.memory };
    let extent = match (arguments.quick, arguments.tiny) {
        (true, _) => Extent::Quick,
        (_, true) => Extent::Tiny,
        _ => Extent::Standard,
    };
    let heap_file = match &arguments.heap_file {
        None => None,
        Some(file) if file.is_file() => {
            // It is found again from wherever the run goes on.
            let file = std::path::absolute(file)?;
            let Some(name) = file.to_str() else { bail!("the name of the heap file is no text; give it another one") };
            Some(name.to_owned())
        }
        Some(file) => bail!("there is no file {}; give a GCHEAP file with --heap-file", file.display()),
    };
    let plan = Plan::new(Wanted {
        extent,
        recording: recorded(arguments, &goal)?,
        goal,
        heap_file,
        set: arguments.set.clone(),
        load: (!arguments.closed).then_some(arguments.load),
        worker_requests: arguments.worker_requests,
        heaps: arguments.heaps.clone(),
    })?;
    let comparison = Comparison {
        heaps: vec![BASELINE.to_owned()],
        twin: None,
        points: vec![plan.to_calibrate()],
        left_out: Vec::new(),
        shard: None,
        grid: None,
        seed: arguments.seed.unwrap_or(1),
        rounds: None,
        cell_s: None,
        timeout_s: arguments.timeout,
        calibrations: Default::default(),
        narrowed: Default::default(),
    };
    for candidate in &plan.candidates {
        let cell = Plan::cell(&comparison, &plan.point(candidate), &candidate.heap, 0)?;
        if Some(candidate) == plan.candidates.first() {
            catalogue::try_settings(cell.workload.name, &cell.settings)?;
        }
    }
    let promise = match extent {
        Extent::Tiny => "Seconds",
        Extent::Quick => "Less than 3 minutes, if runs of so many requests have room in that",
        Extent::Standard => "Less than 30 minutes, if runs of so many requests have room in that",
    };
    let heap =
        if plan.is_embedded() { "that of a Django process, built in, as no --heap-file is given" } else { "your file" };
    eprintln!(
        "{promise}; how long is known when the baseline has run. Wanted: {}. Long-lived heap: {heap}.",
        plan.goal.words(plan.whose())
    );
    let (folder, run) = new_run(NAME, comparison, arguments.out.as_deref())?;
    plan.write(folder.path())?;
    Ok((folder, run, plan))
}

/// The recorded service, if one is given.
fn recorded(arguments: &Arguments, goal: &Goal) -> Result<Option<AskedOfRecording>> {
    if arguments.recording.is_empty() {
        return Ok(None);
    }
    let recordings = arguments.recording.iter().map(|path| Recording::open(path)).collect::<Result<Vec<_>>>()?;
    let recorded = Recorded::of(&recordings)?;
    let beyond = goal.slos.iter().filter_map(|slo| {
        let share = match slo.percentile {
            Percentile::P50 => 0.5,
            Percentile::P90 => 0.9,
            Percentile::P99 => 0.99,
            Percentile::P99_9 => 0.999,
            Percentile::P99_99 => 0.9999,
            Percentile::Max => 1.0,
        };
        let needed = if slo.percentile == Percentile::Max { 1 } else { slo.percentile.requests_needed() };
        let ns = recorded.unpaused(share, needed)?;
        (ns > slo.limit_ns).then(|| (slo.percentile.name().to_owned(), ns))
    });
    Ok(Some(AskedOfRecording {
        beyond: beyond.collect(),
        scale: arguments.scale.unwrap_or(Scale::Given(1.0)),
        factor: arguments.factor,
        despite: arguments.despite,
        recorded,
    }))
}

/// Measures what the baseline serves, if that is not known, and says what will run and for how long.
fn prepare(bench: &mut Processes) -> Result<()> {
    let to_calibrate = bench.plan.to_calibrate();
    let id = to_calibrate.calibrated().id();
    if !bench.run.comparison.calibrations.contains_key(&id) {
        bench.run.comparison.points = vec![to_calibrate.clone()];
        calibrate(&mut bench.run, &bench.folder)?;
    }
    let comparison = &mut bench.run.comparison;
    let Some(calibration) = comparison.calibrations.get(&id).cloned() else {
        bail!("what {BASELINE} serves is not known; start a new run");
    };
    let rate = comparison.rate(&to_calibrate);
    let serving_s = match (bench.plan.load, rate) {
        (Some(_), Some(rate)) => bench.plan.requests() as f64 / rate + calibration.beside_s(),
        _ => calibration.process_s,
    };
    // Some settings and heaps are slower, and each process costs a little beside its own time.
    let run_s = serving_s * 1.1 + 0.1;
    let most_s = bench.plan.fit(rate.filter(|_| bench.plan.load.is_some()), run_s, calibration.process_s);
    let plan = &bench.plan;
    comparison.points.clear();
    comparison.narrowed.clear();
    comparison.heaps = vec![BASELINE.to_owned()];
    for candidate in &plan.candidates {
        if !comparison.heaps.contains(&candidate.heap) {
            comparison.heaps.push(candidate.heap.clone());
        }
        let point = plan.point(candidate);
        comparison.narrowed.entry(point.id()).or_default().push(candidate.heap.clone());
        if !comparison.points.contains(&point) {
            comparison.points.push(point);
        }
    }
    for point in plan.back_test_points() {
        comparison.narrowed.entry(point.id()).or_default().push(BASELINE.to_owned());
        if !comparison.points.contains(&point) {
            comparison.points.push(point);
        }
    }
    plan.write(bench.folder.path())?;
    bench.folder.write_run(&bench.run)?;
    let always = plan.always.iter().filter(|always| **always).count();
    let runs = plan.schedule.most_runs(plan.candidates.len(), always) + plan.back_test_points().len();
    bench.progress.cells(runs as u64);
    let arrivals = plan.rate.map_or("closed loop".to_owned(), |rate| format!("{} arrive", units::rate(rate)));
    let names: Vec<String> = plan.candidates.iter().map(|candidate| candidate.name()).collect();
    eprintln!(
        "{} settings: {}.\nAt most {} of {} requests ({arrivals}) take about {}. Each finished run is kept in {p}; if interrupted, go \
         on with `{} {p}`.",
        names.len(),
        names.join(" / "),
        plural(runs, "run"),
        units::count(plan.requests()),
        units::duration(most_s),
        words_to_resume(NAME),
        p = bench.folder.path().display()
    );
    let done = bench.folder.records().len();
    if done > 0 {
        eprintln!("{} are there.", plural(done, "run"));
    }
    Ok(())
}

/// Writes the answer and shows it.
fn publish(
    folder: &RunFolder,
    run: &Run,
    plan: &Plan,
    back_test: Option<BackTest>,
    found: Option<&(Vec<Track>, Judged)>,
    json: bool,
) -> Result<()> {
    right_answers(folder)?;
    let answer = Answer::new(Findings {
        plan,
        comparison: &run.comparison,
        tracks: found.map_or(&[], |(tracks, _)| tracks),
        judged: found.map(|(_, judged)| judged),
        back_test,
        run: last_name(folder.path()),
    })?;
    let source = Source::read(folder.path())?;
    let written = files::write(&answer, &chapter(&answer, &Origin::of(&source))?, folder.path())?;
    if json {
        print(&(serde_json::to_string(&answer)? + "\n"))?;
    } else {
        let names: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        print(&format!("{}\nThe whole of it: {}\n", files::on_screen(&answer), names.join(", ")))?;
    }
    match answer.verdict {
        Verdict::Recommended | Verdict::DefaultMeets => Ok(()),
        Verdict::None | Verdict::Untrusted => Err(NoRecommendation.into()),
    }
}

fn last_name(path: &Path) -> String {
    let full = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    full.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned())
}
