//! The record of a cell: one line of `cells.jsonl`, schema 1.
//!
//! Fields may be added; none may vanish or change its meaning. Times are nanoseconds, sizes bytes, and what is not known
//! is `null`, never 0.

use std::collections::BTreeMap;

use gc_core::event::Cause;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::floating_trend::FloatingTrend;
use crate::histogram::{Summary, SummaryWithTotal, Timings};
use crate::ledger::CollectionFigures;

/// The version of the schema.
pub const SCHEMA: u32 = 1;

/// How a cell ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// As planned.
    Ok,
    /// More operations arrived than the heap could serve: its response times say nothing.
    Saturated,
    /// The heap was too small.
    OutOfMemory,
    /// It took too long and was killed.
    Timeout,
    /// It read something else than it should, or freed too much or too little.
    WrongDigest,
    /// Anything else.
    Error,
}

impl Status {
    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Saturated => "saturated",
            Status::OutOfMemory => "out-of-memory",
            Status::Timeout => "timeout",
            Status::WrongDigest => "wrong-digest",
            Status::Error => "error",
        }
    }
}

/// The record of one cell. The fields down to `hlog` are those of the schema, in its order; those after it may vary.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Hash of all that determines the cell.
    pub cell: String,
    /// How it ended.
    pub status: Status,
    /// Why, unless `ok`.
    pub error: Option<String>,
    /// The heap's name.
    pub heap: String,
    /// Its settings.
    pub heap_config: Map<String, Value>,
    /// The workload's name.
    pub workload: String,
    /// Its dials.
    pub params: Map<String, Value>,
    /// Mutators at work.
    pub threads: u32,
    /// Of every random choice.
    pub seed: u64,
    /// Which repetition.
    pub round: u32,
    /// Timed operations.
    pub operations: Option<u64>,
    /// From the first timed operation to the end of the last.
    pub wall_ns: Option<u64>,
    /// CPU time of the mutators' threads over the timed part, collections on them included.
    pub mutator_cpu_ns: Option<u64>,
    /// CPU time of collections, on whichever thread: on mutators in their pauses, and all of the heap's own threads.
    pub collector_cpu_ns: Option<u64>,
    /// CPU time of the process in programs over the timed part, the control thread included.
    pub user_ns: Option<u64>,
    /// CPU time of the process in the system.
    pub system_ns: Option<u64>,
    /// Planned arrivals a second; `null` in a closed loop.
    pub offered_per_s: Option<f64>,
    /// Operations a second.
    pub achieved_per_s: Option<f64>,
    /// Operations that had arrived and not begun when the last was due; `null` in a closed loop.
    pub backlog_end: Option<u64>,
    /// End − planned arrival of operations; `null` in a closed loop.
    pub response_ns: Option<Summary>,
    /// End − start of operations.
    pub service_ns: Option<Summary>,
    /// Pauses of every cause; one inside another counts once.
    pub pause_ns: Option<SummaryWithTotal>,
    /// Pauses by cause, nested ones too.
    pub pause_by_cause: Option<PauseByCause>,
    /// Release cascades.
    pub cascade_ns: Option<SummaryWithTotal>,
    /// How often the system took the core from a mutator during a pause.
    pub involuntary_switches: Option<u64>,
    /// Minimum mutator utilization: (window, share).
    pub mmu: Option<Vec<(u64, f64)>>,
    /// How much too late an idle thread woke: the machine's doing.
    pub platform_hiccup_ns: Option<Summary>,
    /// Collections of the timed part, one entry a generation.
    pub collections: Option<Vec<Generation>>,
    /// Objects dead and not reclaimed.
    pub floating: Option<Floating>,
    /// From an object's death to its reclamation.
    pub drag_ns: Option<Summary>,
    /// Objects allocated in the timed part.
    pub allocated_objects: Option<u64>,
    /// Objects freed in it by count.
    pub freed_by_count: Option<u64>,
    /// Objects freed in it by a collection's teardown.
    pub freed_by_collector: Option<u64>,
    /// Objects in the heap after the last drop and a full collection.
    pub live_after: Option<u64>,
    /// Objects that ought to be there.
    pub live_expected: Option<u64>,
    /// The most memory the process had resident up to the end of the timed part.
    pub peak_rss_bytes: Option<u64>,
    /// The most memory the heap held up to then.
    pub heap_peak_bytes: Option<u64>,
    /// What was read, as `0x…`.
    pub digest: Option<String>,
    /// The file with its histograms, beside the record's.
    pub hlog: Option<String>,

    /// What an operation is, in one word.
    #[serde(default)]
    pub operation: Option<String>,
    /// Pauses without an involuntary context switch: those that are surely not the machine's doing.
    #[serde(default)]
    pub pause_unmarked_ns: Option<SummaryWithTotal>,
    /// Collections before and after the timed part.
    #[serde(default)]
    pub collections_outside: Option<Vec<Generation>>,
    /// Pauses in which a collection ran in the mutator's place, one entry a generation: how long that collection took.
    #[serde(default)]
    pub pause_by_generation: Option<Vec<SummaryWithTotal>>,
    /// Callbacks that panicked.
    #[serde(default)]
    pub callback_panics: Option<u64>,
    /// About how long the ledger holds up a mutator per pause, outside the pause as counted.
    #[serde(default)]
    pub ledger_ns_per_pause: Option<u64>,
    /// CPU time of the heap's own threads over the timed part: no part of `mutator_cpu_ns`.
    #[serde(default)]
    pub heap_threads_cpu_ns: Option<u64>,
    /// CPU time of the control thread.
    #[serde(default)]
    pub control_cpu_ns: Option<u64>,
    /// How often the system took the core from any thread of the process over the timed part.
    #[serde(default)]
    pub process_involuntary_switches: Option<u64>,
    /// Page faults of the process over the timed part that needed no disk.
    #[serde(default)]
    pub minor_faults: Option<u64>,
    /// Share of the objects freed in the timed part that were freed by count: `freed_by_count` and `freed_by_collector` in
    /// one number. `null` if none was freed.
    #[serde(default)]
    pub died_by_count_share: Option<f64>,
    /// How long objects lived; `null` unless the workload was asked to watch.
    #[serde(default)]
    pub lifetimes: Option<Lifetimes>,
    /// Further figures of the workload, their unit in the name.
    #[serde(default)]
    pub extra: BTreeMap<String, f64>,
    /// Bounded mutator utilization: (window, the least of `mmu` from this window up). Both are the least of all mutators.
    #[serde(default)]
    pub bmu: Option<Vec<(u64, f64)>>,
    /// `mmu` of each mutator that was paused, if there were several mutators.
    #[serde(default)]
    pub mmu_by_mutator: Option<Vec<Vec<(u64, f64)>>>,
    /// Pauses, cascades and collections whose place in time was not kept, because there were too many. If a pause is among
    /// them, utilization is unknown.
    #[serde(default)]
    pub spans_dropped: Option<u64>,
    /// Metered latency of operations (DaCapo, window 100 ms): for comparison with published tables only.
    #[serde(default)]
    pub metered_ns: Option<Summary>,
    /// Objects freed by each release cascade: counts, not times.
    #[serde(default)]
    pub cascade_objects: Option<SummaryWithTotal>,
    /// Whether floating garbage had become steady.
    #[serde(default)]
    pub floating_trend: Option<FloatingTrend>,
    /// Floating garbage over time: (nanoseconds since the timed part began, objects), at equal distances in operations. At
    /// most 2,000 points.
    #[serde(default)]
    pub trash: Option<Vec<(u64, u64)>>,
    /// Drag in objects that the program made meanwhile: counts, not times.
    #[serde(default)]
    pub drag_allocations: Option<Summary>,
    /// Watched garbage units that were still waiting when the timed part ended: `drag_ns` has nothing of these.
    #[serde(default)]
    pub drag_outstanding: Option<u64>,
    /// Bytes of the objects of `live_after`: header, slots, payload; no rounding to cells.
    #[serde(default)]
    pub live_bytes_after: Option<u64>,
    /// Bytes that the heap held from the system then. Over `live_bytes_after`, that is what fragmentation, rounding and
    /// kept blocks cost.
    #[serde(default)]
    pub held_bytes_after: Option<u64>,
    /// Retains and releases; `null` unless the program was built to count them (feature `traffic`).
    #[serde(default)]
    pub count_traffic: Option<CountTraffic>,
    /// Instruments that were switched off; what they measure is `null`.
    #[serde(default)]
    pub instruments_off: Vec<String>,
    /// The point of the comparison it belongs to, if it belongs to one.
    #[serde(default)]
    pub point: Option<String>,
    /// It is the second cell of a heap that ran twice a round.
    #[serde(default)]
    pub twin: bool,
    /// Tells machines apart: cells of different ones are not to be compared. A hash, from which no name can be had.
    #[serde(default)]
    pub machine: Option<String>,
    /// SHA-256 of the program that ran.
    #[serde(default)]
    pub binary: Option<String>,
}

impl Record {
    /// CPU time of collections in the mutators' place: the part of `collector_cpu_ns` that is in `mutator_cpu_ns`.
    pub fn collecting_in_place_ns(&self) -> Option<u64> {
        // Records of before there were threads of the heap's own have none of their time.
        Some(self.collector_cpu_ns?.saturating_sub(self.heap_threads_cpu_ns.unwrap_or(0)))
    }

    /// CPU time of the program and its heap over the timed part: mutators and the heap's own threads.
    pub fn cpu_in_all_ns(&self) -> Option<u64> {
        Some(self.mutator_cpu_ns? + self.heap_threads_cpu_ns.unwrap_or(0))
    }
}

/// Pauses by cause.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct PauseByCause {
    /// A collection ran in its place.
    pub stop: SummaryWithTotal,
    /// It waited for the other mutators to stop.
    pub safepoint: SummaryWithTotal,
    /// It answered the collector.
    pub handshake: SummaryWithTotal,
    /// The slow path of a load or a store.
    pub barrier: SummaryWithTotal,
    /// It waited for memory.
    pub stall: SummaryWithTotal,
    /// It waited for another mutator to hand over.
    pub lock: SummaryWithTotal,
}

impl PauseByCause {
    /// From histograms in the order of [`Cause::ALL`].
    pub fn new(by_cause: &[Timings; Cause::ALL.len()]) -> Self {
        let of = |cause| {
            let position = Cause::ALL.iter().position(|&known| known == cause).expect("a cause of the list");
            by_cause[position].summary_with_total()
        };
        Self {
            stop: of(Cause::Stop),
            safepoint: of(Cause::Safepoint),
            handshake: of(Cause::Handshake),
            barrier: of(Cause::Barrier),
            stall: of(Cause::Stall),
            lock: of(Cause::Lock),
        }
    }
}

/// What the collections of one generation did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Generation {
    /// 0, 1 or 2.
    pub generation: u8,
    /// How many there were.
    pub collections: u64,
    /// Objects found unreachable and taken apart.
    pub collected: u64,
    /// Objects found unreachable and left.
    pub uncollectable: u64,
    /// Objects examined.
    pub examined: u64,
    /// Nanoseconds they took.
    pub ns: u64,
}

impl Generation {
    /// One entry a generation.
    pub fn each(figures: &[CollectionFigures; 3]) -> Vec<Self> {
        (0..)
            .zip(figures)
            .map(|(generation, figures)| {
                let CollectionFigures { collections, collected, uncollectable, examined, ns } = *figures;
                Self { generation, collections, collected, uncollectable, examined, ns }
            })
            .collect()
    }
}

/// Objects dead and not reclaimed, over the timed part.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Floating {
    /// The most.
    pub peak_objects: Option<u64>,
    /// The mean over samples.
    pub mean_objects: Option<f64>,
    /// The most, in bytes.
    pub peak_bytes: Option<u64>,
}

/// Count operations of the timed part, on all threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CountTraffic {
    /// Count + 1.
    pub retains: u64,
    /// Count − 1.
    pub releases: u64,
    /// Of these, how often a count had to be tried again because another thread changed it meanwhile: a lower bound of
    /// contention, because most counting is by instructions that never fail.
    pub contended: u64,
}

impl CountTraffic {
    /// What came since an earlier reading.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            retains: self.retains - earlier.retains,
            releases: self.releases - earlier.releases,
            contended: self.contended - earlier.contended,
        }
    }
}

/// How long watched objects of the timed part lived, in objects made by the program between birth and death.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Lifetimes {
    /// Of all objects that died in the timed part or in the full collection after it, the share that died by count.
    pub died_by_count_share: Option<f64>,
    /// One object in so many was watched.
    pub every: u64,
    /// Objects watched.
    pub watched: u64,
    /// Watched objects not dead, or not found dead, when the timed part ended.
    pub outlived: u64,
    /// Watched objects that died: those with no allocation between, then those with at least 2^(b − 1) and less than 2^b.
    pub buckets: Vec<u64>,
}

impl From<&workloads::lifetimes::Lifetimes> for Lifetimes {
    fn from(measured: &workloads::lifetimes::Lifetimes) -> Self {
        let workloads::lifetimes::Lifetimes { died_by_count_share, every, watched, outlived, buckets } =
            measured.clone();
        Self { died_by_count_share, every, watched, outlived, buckets }
    }
}
