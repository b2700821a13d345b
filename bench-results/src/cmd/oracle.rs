//! `gclab oracle`: fresh operation logs, on a live CPython and on a heap.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use workloads::oplog::Log;

use super::compare::plural;
use super::{WrongAnswer, key_value};
use crate::cell::Given;
use crate::heap_settings;
use crate::oracle::interpreter::{Interpreter, Rules};
use crate::oracle::programs::{GROUPS, Programs};
use crate::oracle::trial::{Disagreement, Trial, step_by_step};
use crate::roster;

const EXAMPLES: &str = "\
Examples:
  gclab oracle --python python3.12                      200 logs of all 13 groups
  gclab oracle --python python3.13 --threshold 2000,10,10 --seed 7
  gclab oracle --python python3.12 --group weak --group resurrect --logs 1000 --keep DIR

Needs a CPython from 3.8 on, whose collector has three generations, and nothing else: the Python side is in this program. A log
runs in an interpreter of its own. The heap gets the version's rules: where a due collection runs (3.12), when plain weak
references are cleared (3.15), how deep deaths nest (3.13). They are printed, and --config changes them.

How the observer costs the counters nothing: CPython's counters count allocations and frees of the objects that its collector
tracks. All that the recorder's loop needs is made before the start and then frozen; the loop itself calls nothing
that makes or frees such an object. After each operation the process forks: the child reads counters, statistics and lists and
writes them down, allocating as it likes, and ends; the parent, whose counters that cannot touch, reads one byte. The
recorder's docstring (workloads/oracle/record_outcome.py, and with --keep in DIR/programs) has the rest.

At a difference it prints log, operation, field and both values, leaves out of the log what is not needed for it, keeps both
logs, and exits 2.";

/// Generate operation logs from a seed, run them on a live CPython and on a heap, and report the first difference
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The interpreter: an executable, by path or name
    #[arg(long, value_name = "PATH")]
    python: PathBuf,
    /// What the logs are made from; two seeds share no log
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=1_000_000_000))]
    seed: u64,
    /// How many logs, over all groups
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    logs: u32,
    /// Logs of this group only; may be repeated [default: all that the version agrees on]
    #[arg(long, value_parser = GROUPS)]
    group: Vec<String>,
    /// Thresholds of every log, in place of its own
    #[arg(long, value_name = "A,B,C", value_parser = thresholds)]
    threshold: Option<String>,
    /// The heap
    #[arg(long, default_value = "generational")]
    heap: String,
    /// A setting of the heap; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    config: Vec<Given>,
    /// Keep programs, logs and outcomes in this folder, new or empty
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Print the result as a line of JSON
    #[arg(long)]
    json: bool,
}

/// `A,B,C`, as CPython's `gc.set_threshold` takes them.
fn thresholds(text: &str) -> Result<String, String> {
    let numbers: Option<Vec<i32>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    match numbers {
        Some(numbers) if numbers.len() == 3 && numbers.iter().all(|&number| number >= 0) => {
            Ok(numbers.iter().map(i32::to_string).collect::<Vec<_>>().join(","))
        }
        _ => Err(format!("give three whole numbers from 0 to {} with commas: `{text}`", i32::MAX)),
    }
}

pub(super) fn run(arguments: Arguments) -> Result<()> {
    let heap = roster::entry(&arguments.heap)?;
    if !heap.abilities.collects_cycles {
        bail!("{} collects no cycles, so no log would agree; give a heap that does by --heap", heap.name);
    }
    let mut folder = Folder::new(arguments.keep.as_deref())?;
    let programs = Programs::write(&folder.path().join("programs"))?;
    let interpreter = Interpreter::find(&arguments.python, &programs)?;
    for warning in interpreter.warnings() {
        eprintln!("warning: {}: {warning}", interpreter.name());
    }
    let config = heap_settings::change(interpreter.rules().apply(step_by_step()), &arguments.config)?;
    let groups = groups(&arguments, &interpreter);
    let paths = fresh_logs(&arguments, &interpreter, &programs, folder.path(), &groups)?;
    let digest = digest(&paths)?;
    let rules = Rules::SETTINGS.map(|name| format!("{name}={}", word(&heap_settings::recorded(&config)[name])));
    if !arguments.json {
        let thresholds = arguments.threshold.as_ref().map_or(String::new(), |given| format!(", thresholds {given}"));
        super::print(&format!(
            "{} at {}: {} of seed {}{thresholds}, digest {digest}\nheap {}: {}\n",
            interpreter.name(),
            arguments.python.display(),
            plural(paths.len(), "log"),
            arguments.seed,
            heap.name,
            rules.join(" ")
        ))?;
    }
    let trial = Trial { interpreter: &interpreter, recorder: programs.record(), heap, config };
    let bar = ProgressBar::with_draw_target(Some(paths.len() as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} logs  {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let held = trial.hold_all(&paths, || bar.inc(1));
    bar.finish_and_clear();
    let held = held?;
    let operations: usize = held.iter().map(|held| held.operations).sum();
    let differing = held.iter().filter(|held| held.disagreement.is_some()).count();
    let first = held.into_iter().zip(&paths).find_map(|(held, path)| Some((held.disagreement?, path)));
    let shown = match &first {
        None => None,
        Some((disagreement, path)) => {
            folder.keep();
            Some(Shown::new(&trial, disagreement, path, &rules, &arguments)?)
        }
    };
    if arguments.json {
        let line = json!({
            "oracle": interpreter.name(), "heap": heap.name, "heap_config": heap_settings::recorded(&config),
            "seed": arguments.seed, "groups": groups, "threshold": arguments.threshold, "logs": paths.len(),
            "logs_digest": digest, "operations": operations, "differing": differing,
            "first_difference": shown.as_ref().map(Shown::json),
        });
        super::print(&format!("{line}\n"))?;
    }
    match shown {
        None if arguments.json => Ok(()),
        None => super::print(&format!("{}, {operations} operations, no difference\n", plural(paths.len(), "log"))),
        Some(shown) => {
            let text = shown.text(heap.name, &interpreter.name());
            Err(WrongAnswer(format!("{text}\n  {differing} of {} differ", plural(paths.len(), "log"))).into())
        }
    }
}

/// The groups asked for, or those that are not known to differ.
fn groups(arguments: &Arguments, interpreter: &Interpreter) -> Vec<String> {
    if !arguments.group.is_empty() {
        return arguments.group.clone();
    }
    let left_out = interpreter.left_out();
    for (group, why) in &left_out {
        eprintln!("Group {group} is left out: {why}. --group {group} asks for it.");
    }
    let known = |group: &&str| !left_out.iter().any(|(left_out, _)| left_out == group);
    GROUPS.iter().copied().filter(known).map(str::to_owned).collect()
}

/// Has the interpreter write the logs; their paths, in order.
fn fresh_logs(
    arguments: &Arguments,
    interpreter: &Interpreter,
    programs: &Programs,
    folder: &Path,
    groups: &[String],
) -> Result<Vec<PathBuf>> {
    let (seed, count, groups) = (arguments.seed.to_string(), arguments.logs.to_string(), groups.join(","));
    let mut given = vec![folder.as_os_str(), OsStr::new(&seed), OsStr::new(&count), OsStr::new(&groups)];
    given.extend(arguments.threshold.as_ref().map(OsStr::new));
    interpreter.run(&programs.fresh_logs(), &given)?;
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.to_string_lossy().ends_with(".ops.jsonl"));
    // By number, which has more digits from the thousandth log on.
    paths.sort_by_key(|path| number_of(path));
    if paths.is_empty() {
        bail!("the interpreter wrote no logs to {}; is it the executable of a CPython?", folder.display());
    }
    Ok(paths)
}

fn number_of(path: &Path) -> u64 {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split('-').next().and_then(|number| number.parse().ok()).unwrap_or(u64::MAX)
}

/// Of all logs, in order: the same on any interpreter.
fn digest(paths: &[PathBuf]) -> Result<String> {
    let mut hash = Sha256::new();
    for path in paths {
        hash.update(fs::read(path).with_context(|| format!("cannot read {}", path.display()))?);
    }
    Ok(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

/// A setting's value as it is given.
fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Where logs and outcomes are: the user's folder, or one that vanishes unless there is something to look at.
struct Folder {
    path: PathBuf,
    temporary: Option<tempfile::TempDir>,
}

impl Folder {
    fn new(keep: Option<&Path>) -> Result<Self> {
        let Some(path) = keep else {
            let folder = tempfile::Builder::new().prefix("gclab-oracle-").tempdir();
            let temporary = folder.context("cannot make a temporary folder; give one by --keep")?;
            return Ok(Self { path: temporary.path().to_owned(), temporary: Some(temporary) });
        };
        fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
        if fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()) {
            bail!(
                "{} is not empty, and its logs would be mixed with the fresh ones; give a new folder",
                path.display()
            );
        }
        Ok(Self { path: path.to_owned(), temporary: None })
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn keep(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            self.path = temporary.keep();
        }
    }
}

/// A long value from a little before its character number `at` to a little after it.
fn around(value: &str, at: usize) -> String {
    const BEFORE: usize = 40;
    const AFTER: usize = 80;
    let skipped = at.saturating_sub(BEFORE);
    let shown: String = value.chars().skip(skipped).take(BEFORE + AFTER).collect();
    let more = value.chars().count() > skipped + BEFORE + AFTER;
    format!("{}{shown}{}", if skipped > 0 { "… " } else { "" }, if more { " …" } else { "" })
}

/// The first difference, with the smaller log that was made for it.
struct Shown<'d> {
    found: &'d Disagreement,
    log: String,
    path: &'d Path,
    smallest: Option<(PathBuf, usize, usize)>,
    again: String,
}

impl<'d> Shown<'d> {
    fn new(
        trial: &Trial<'_>,
        found: &'d Disagreement,
        path: &'d Path,
        rules: &[String],
        arguments: &Arguments,
    ) -> Result<Self> {
        eprintln!("A log differs; leaving out of it what is not needed ...");
        let smallest = trial.smallest(path, found)?;
        let log = Log::parse(&fs::read_to_string(path)?)?.header.log;
        let shown = smallest.as_ref().map_or(path, |(path, ..)| path);
        let given = arguments.config.iter().map(|(name, value)| format!("{name}={value}"));
        let settings: String =
            rules.iter().cloned().chain(given).map(|setting| format!(" --config {setting}")).collect();
        let again = format!(
            "gclab replay {} --expect {} --heap {}{settings}",
            shown.display(),
            Trial::outcome_of(shown).display(),
            trial.heap.name
        );
        Ok(Self { found, log, path, smallest, again })
    }

    fn text(&self, heap: &str, interpreter: &str) -> String {
        let Disagreement { at, field, operation, expected, came } = self.found;
        let same = expected.chars().zip(came.chars()).take_while(|(a, b)| a == b).count();
        let (expected, came) = (around(expected, same), around(came, same));
        let field = field.map_or_else(|| "is missing on one side".to_owned(), |field| format!("differs in `{field}`"));
        let smallest = self.smallest.as_ref().map_or(String::new(), |(path, operations, at)| {
            format!(
                "\n  smaller    {} ({}, differs at operation {at})",
                path.display(),
                plural(*operations, "operation")
            )
        });
        format!(
            "heap {heap}, log {}: operation {at} {field}\n  operation  {operation}\n  {interpreter:<10} {expected}\n  \
             {heap:<10} {came}\n  log        {}{smallest}\n  again      {}",
            self.log,
            self.path.display(),
            self.again
        )
    }

    fn json(&self) -> Value {
        let Disagreement { at, field, operation, expected, came } = self.found;
        json!({
            "log": self.log, "operation": at, "field": field, "does": operation, "interpreter": expected, "heap": came,
            "path": self.path, "smaller": self.smallest.as_ref().map(|(path, ..)| path), "again": self.again,
        })
    }
}
