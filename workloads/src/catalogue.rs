//! Every workload, by name. To add one: a module, and a line in `catalogue!`.

use gc_core::Heap;

use crate::classic::{BinaryTrees, Cascade, CycleGrid, GcBench, LinkedListGrowth, Lru, MessageRing, NestedLists};
use crate::deep_cycles::DeepCycles;
use crate::frozen_fork::FrozenFork;
use crate::growth::Growth;
use crate::ring_churn::RingChurn;
use crate::web_requests::WebRequests;
use crate::workload::{Dial, Outcome, Plan, Preset, Range, RunError, SettingError, Settings, Workload};

/// What there is to know of a workload before it runs.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name on the command line and in results.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Its dials.
    pub dials: &'static [Dial],
    /// Named sets of dials.
    pub presets: &'static [Preset],
    /// Dials for a run of about a second.
    pub small: &'static [(&'static str, &'static str)],
    /// Whether its operations can arrive on a plan.
    pub open_loop: bool,
    /// Whether it can run on several mutators.
    pub threads: bool,
    /// Whether `gclab compare` runs it unasked.
    pub compared: bool,
    /// The dial for the number of timed operations; see [`Workload::AMOUNT`].
    pub amount: Option<&'static str>,
}

impl Entry {
    /// The range of a dial that is a whole number.
    ///
    /// # Panics
    /// If it is none, which is a mistake of the workload's author.
    pub fn integer_range(&self, dial: &str) -> (u64, u64) {
        match self.dials.iter().find(|one| one.name == dial).map(|one| one.range) {
            Some(Range::Integer(low, high)) => (low, high),
            _ => panic!("{dial} is no dial of {} with whole numbers", self.name),
        }
    }
}

const fn entry<W: Workload>() -> Entry {
    Entry {
        name: W::NAME,
        summary: W::SUMMARY,
        dials: W::DIALS,
        presets: W::PRESETS,
        small: W::SMALL,
        open_loop: W::OPEN_LOOP,
        threads: W::THREADS,
        compared: W::COMPARED,
        amount: W::AMOUNT,
    }
}

macro_rules! catalogue {
    ($($workload:ty),* $(,)?) => {
        /// All workloads, in the order of tables.
        pub const ENTRIES: &[Entry] = &[$(entry::<$workload>()),*];

        /// Runs a workload on a fresh heap.
        ///
        /// # Errors
        /// Settings that only show as impossible when they are used (a file that is none), or a run that failed.
        pub fn run<H: Heap>(name: &str, settings: &Settings, heap: &H, plan: &Plan<'_>) -> Result<Outcome, StartError> {
            $(if name == <$workload>::NAME {
                return Ok(<$workload>::new(settings)?.run(heap, plan)?);
            })*
            Err(unknown(name).into())
        }

        /// Reads everything that the settings name, without running: what would be refused is refused now.
        ///
        /// # Errors
        /// As [`run`], before anything was done.
        pub fn try_settings(name: &str, settings: &Settings) -> Result<(), SettingError> {
            $(if name == <$workload>::NAME {
                return <$workload>::new(settings).map(drop);
            })*
            Err(unknown(name))
        }
    };
}

catalogue!(
    WebRequests,
    FrozenFork,
    DeepCycles,
    Growth,
    RingChurn,
    MessageRing,
    CycleGrid,
    LinkedListGrowth,
    GcBench,
    BinaryTrees,
    NestedLists,
    Lru,
    Cascade,
);

/// A workload did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It could not begin.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// It began.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// The workload of that name.
///
/// # Errors
/// There is none; the error names those there are.
pub fn find(name: &str) -> Result<&'static Entry, SettingError> {
    ENTRIES.iter().find(|entry| entry.name == name).ok_or_else(|| unknown(name))
}

/// Settings for a workload, checked; see [`Settings::new`].
///
/// # Errors
/// No such workload, no such dial, or a value outside its range.
pub fn settings(name: &str, settings: &[(&str, &str)]) -> Result<Settings, SettingError> {
    let entry = find(name)?;
    Settings::new(entry.name, entry.dials, entry.presets, settings)
}

fn unknown(name: &str) -> SettingError {
    let known = ENTRIES.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
    SettingError::Workload { name: name.to_owned(), known }
}
