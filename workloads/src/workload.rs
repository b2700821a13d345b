//! What a workload is: a program that drives a heap, its dials, and what it returns.

use std::collections::BTreeMap;

use gc_core::{CreateError, Heap, HeapFull};

use crate::drag::Drag;
pub use crate::floating::{Floating, FloatingGauge};
use crate::instruments::Instruments;
use crate::lifetimes::Lifetimes;

/// One setting of a workload.
#[derive(Clone, Copy, Debug)]
pub struct Dial {
    /// As in `--set name=value`.
    pub name: &'static str,
    /// What it does, with its unit.
    pub meaning: &'static str,
    /// Its value when nothing is said.
    pub default: &'static str,
    /// Which values are possible.
    pub range: Range,
}

/// Values of several dials under one name.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// As in `--set preset=name`.
    pub name: &'static str,
    /// What it mirrors.
    pub meaning: &'static str,
    /// The dials it sets; settings given beside it go before it.
    pub settings: &'static [(&'static str, &'static str)],
}

/// The possible values of a dial.
#[derive(Clone, Copy, Debug)]
pub enum Range {
    /// A whole number, bounds included.
    Integer(u64, u64),
    /// A number, bounds included.
    Number(f64, f64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// Any text.
    Text,
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Range::Integer(low, high) => write!(f, "a whole number from {low} to {high}"),
            Range::Number(low, high) => write!(f, "a number from {low} to {high}"),
            Range::Word(words) => write!(f, "one of {}", words.join(", ")),
            Range::Text => f.write_str("a text"),
        }
    }
}

/// The values of a workload's dials: each checked against its range, defaults filled in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings(BTreeMap<&'static str, String>);

impl Settings {
    /// Reads `settings` (name, value) for a workload with these dials. `preset=name` stands for the preset's settings;
    /// the others go before it, wherever they stand.
    ///
    /// # Errors
    /// An unknown name, or a value outside its dial's range; the error names what is possible.
    pub fn new(
        workload: &'static str,
        dials: &'static [Dial],
        presets: &'static [Preset],
        settings: &[(&str, &str)],
    ) -> Result<Self, SettingError> {
        let mut values: BTreeMap<&'static str, String> =
            dials.iter().map(|dial| (dial.name, dial.default.to_owned())).collect();
        let mut all: Vec<(&str, &str)> = Vec::new();
        for &(_, value) in settings.iter().filter(|(name, _)| *name == "preset") {
            let Some(preset) = presets.iter().find(|preset| preset.name == value) else {
                let names: Vec<&str> = presets.iter().map(|preset| preset.name).collect();
                let range = if names.is_empty() { "none: it has no presets".to_owned() } else { names.join(", ") };
                return Err(SettingError::Range { workload, name: "preset", value: value.to_owned(), range });
            };
            all.extend_from_slice(preset.settings);
        }
        all.extend(settings.iter().filter(|(name, _)| *name != "preset"));
        for (name, value) in all {
            let Some(dial) = dials.iter().find(|dial| dial.name == name) else {
                let known = dials.iter().map(|dial| dial.name).collect::<Vec<_>>().join(", ");
                return Err(SettingError::Unknown { workload, name: name.to_owned(), known });
            };
            let possible = match dial.range {
                Range::Integer(low, high) => value.parse().is_ok_and(|value: u64| (low..=high).contains(&value)),
                Range::Number(low, high) => value.parse().is_ok_and(|value: f64| (low..=high).contains(&value)),
                Range::Word(words) => words.contains(&value),
                Range::Text => true,
            };
            if !possible {
                let range = dial.range.to_string();
                return Err(SettingError::Range { workload, name: dial.name, value: value.to_owned(), range });
            }
            values.insert(dial.name, value.to_owned());
        }
        Ok(Self(values))
    }

    /// All values by name, as they are recorded.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(&name, value)| (name, value.as_str()))
    }

    /// A value as text.
    ///
    /// # Panics
    /// If the workload has no such dial, which is a mistake of its author.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("no dial is called {name}"))
    }

    /// A value as a whole number.
    ///
    /// # Panics
    /// If the dial's range is not [`Range::Integer`], which is a mistake of the workload's author.
    pub fn integer(&self, name: &str) -> u64 {
        self.text(name).parse().expect("checked against an integer range")
    }

    /// A value as a number.
    ///
    /// # Panics
    /// If the dial's range is not numeric, which is a mistake of the workload's author.
    pub fn number(&self, name: &str) -> f64 {
        self.text(name).parse().expect("checked against a numeric range")
    }
}

/// A setting that cannot be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SettingError {
    /// No workload of that name.
    #[error("there is no workload `{name}`; there are: {known}")]
    Workload {
        /// The name given.
        name: String,
        /// The names there are.
        known: String,
    },
    /// No dial of that name.
    #[error("{workload} has no dial `{name}`; it has: {known}")]
    Unknown {
        /// The workload.
        workload: &'static str,
        /// The name given.
        name: String,
        /// The names there are.
        known: String,
    },
    /// Outside the dial's range.
    #[error("{workload}: {name}={value} is not possible; give {range}")]
    Range {
        /// The workload.
        workload: &'static str,
        /// The dial.
        name: &'static str,
        /// The value given.
        value: String,
        /// What is possible.
        range: String,
    },
    /// A file named by a dial cannot be used.
    #[error("{workload}: {name}={value}: {cause}")]
    File {
        /// The workload.
        workload: &'static str,
        /// The dial.
        name: &'static str,
        /// The value given.
        value: String,
        /// What is wrong with it, and what to do.
        cause: String,
    },
}

/// How operations follow one another.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Pace {
    /// Each begins when the last one has ended: measures throughput and service time.
    Closed,
    /// They arrive on a plan made ahead, whether the last one has ended or not: measures response time.
    Open {
        /// Arrivals per second, over all threads together.
        rate: f64,
    },
}

/// What a run is given beside its dials.
pub struct Plan<'p> {
    /// Of every random choice.
    pub seed: u64,
    /// Mutators at work, at least 1.
    pub threads: u32,
    /// How operations follow one another.
    pub pace: Pace,
    /// Told when the timed part begins and ends.
    pub stages: &'p dyn Stages,
}

impl<'p> Plan<'p> {
    /// What is measured beside running.
    pub fn instruments(&self) -> Instruments<'p> {
        self.stages.instruments()
    }

    /// A gauge for a program with `live` live objects at each sampling point, switched off if nobody wants it.
    pub fn floating_gauge(&self, live: u64) -> FloatingGauge {
        FloatingGauge::new(live, self.instruments().floating)
    }
}

/// Receives the stages of a run, on the thread that runs the workload.
pub trait Stages: Sync {
    /// Everything is built and warm; timed operations begin now.
    fn timed_part_begins(&self) {}
    /// The last timed operation has ended.
    fn timed_part_ends(&self) {}
    /// What is measured beside running: the same throughout a run.
    fn instruments(&self) -> Instruments<'_> {
        Instruments::USUAL
    }
}

/// Ignores the stages.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStages;

impl Stages for NoStages {}

/// What a run returns: raw timings and a digest; others aggregate.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Outcome {
    /// Timed operations.
    pub operations: u64,
    /// What an operation is, for tables: `request`, `ring`.
    pub operation: &'static str,
    /// Nanoseconds from the first timed operation to the end of the last.
    pub wall_ns: u64,
    /// Start of each timed operation, in nanoseconds since the first thread's loop began; as many as `service_ns`, in the
    /// same order.
    pub starts_ns: Vec<u64>,
    /// End − start of each operation, in nanoseconds; empty if operations were not timed.
    pub service_ns: Vec<u64>,
    /// End − planned arrival of each operation; `None` in a closed loop, and if operations were not timed.
    pub response_ns: Option<Vec<u64>>,
    /// Operations that had arrived and not begun when the plan's last arrival was due; `None` in a closed loop.
    pub backlog_end: Option<u64>,
    /// CPU nanoseconds of the mutator threads over the timed part, collections on them included.
    pub mutator_cpu_ns: u64,
    /// What was read, as one number: a pure function of workload, dials and seed on every heap and schedule.
    pub digest: u64,
    /// Objects in the heap after the last drop and a full collection.
    pub live_after: u64,
    /// Objects that ought to be there: reachable from what the workload still holds.
    pub live_expected: u64,
    /// Bytes of the objects of `live_after`: header, slots, payload; no rounding to cells.
    pub live_bytes_after: Option<u64>,
    /// Bytes that the heap held from the system then.
    pub held_bytes_after: Option<u64>,
    /// Dead objects not reclaimed, over the timed part; `None` where the workload cannot tell.
    pub floating: Option<Floating>,
    /// How long garbage units stayed; `None` where the workload cannot tell, or nobody asked.
    pub drag: Option<Drag>,
    /// How long objects lived; `None` unless the workload was asked to watch.
    pub lifetimes: Option<Lifetimes>,
    /// Further figures, by name, with their unit in the name.
    pub extra: BTreeMap<&'static str, f64>,
}

/// A run could not end as planned.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The heap could not be made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The heap is too small for the workload.
    #[error(transparent)]
    Full(#[from] HeapFull),
    /// The heap gave a wrong answer.
    #[error("wrong answer: {0}")]
    Wrong(String),
}

/// A program that drives a heap through the contract, and never asks which one it is.
pub trait Workload: Sized {
    /// Its name on the command line and in results.
    const NAME: &'static str;
    /// What it does, in one line.
    const SUMMARY: &'static str;
    /// Its dials.
    const DIALS: &'static [Dial];
    /// Named sets of dials.
    const PRESETS: &'static [Preset];
    /// Dials for a run of about a second, for `gclab verify` and tests.
    const SMALL: &'static [(&'static str, &'static str)];
    /// Whether its operations can arrive on a plan.
    const OPEN_LOOP: bool;
    /// Whether it can run on several mutators.
    const THREADS: bool = false;
    /// Whether `gclab compare` runs it unasked.
    const COMPARED: bool = true;
    /// The dial that says how many operations are timed, if there is one and every operation is as much work as another: what
    /// `gclab compare` turns to fill the time of a cell.
    const AMOUNT: Option<&'static str> = None;

    /// A workload with these settings.
    fn new(settings: &Settings) -> Result<Self, SettingError>;
    /// Runs it on a fresh heap.
    fn run<H: Heap>(&self, heap: &H, plan: &Plan<'_>) -> Result<Outcome, RunError>;
}
