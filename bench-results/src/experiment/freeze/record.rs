//! What is kept of a cell of the experiment: a line of `cells.jsonl`, with a schema of its own.
//!
//! Sizes are bytes, times integer nanoseconds; what is not known is `null`, never 0. Fields may be added, none vanish.

use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::plan::Plan;
use crate::process_memory::{ProcessMemory, RangeMemory};
use crate::provenance::{Load, Provenance, machine_hash};
use crate::record::Status;
use crate::run_folder::Line;

/// The version of the schema of these records.
pub const SCHEMA: u32 = 1;

/// How far a child has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It has been forked.
    Forked,
    /// It has served its requests.
    Served,
    /// It has collected once.
    Collected,
    /// It has collected twice.
    CollectedAgain,
    /// It has unfrozen the heap and collected a third time.
    Unfrozen,
    /// It has dropped all that the heap holds, and collected.
    Released,
}

impl Stage {
    /// Those that a child of the cell comes through, in order.
    pub fn of(cell: &Cell) -> Vec<Self> {
        let mut stages = vec![Stage::Forked, Stage::Served, Stage::Collected, Stage::CollectedAgain];
        stages.extend(cell.unfreeze.then_some(Stage::Unfrozen));
        stages.extend(cell.release.then_some(Stage::Released));
        stages
    }
}

/// What a child says of itself when it has come to a stage.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Said {
    /// How far it has come.
    pub stage: Stage,
    /// Page faults since it was forked that needed no disk: each page that is copied is one.
    pub minor_faults: Option<u64>,
    /// Time since the stage before: of a collection, how long it held up the child.
    pub wall_ns: u64,
    /// CPU time of the child's thread in it.
    pub cpu_ns: u64,
    /// Unreachable objects that the collection found; `null` where there was none.
    pub found: Option<u64>,
    /// Objects in the heap.
    pub live_objects: u64,
    /// Bytes the heap holds for objects.
    pub held_bytes: u64,
    /// Bytes of its tables beside the objects, as the heap counts them.
    pub side_bytes: u64,
    /// Objects that are frozen.
    pub frozen_objects: u64,
    /// All that was read so far, as one number in hexadecimal; `null` for the control.
    pub digest: Option<String>,
    /// Requests served so far.
    pub requests: u64,
    /// Entries replaced so far.
    pub replaced: u64,
}

/// A child at a stage: what it says, and what the system says of it and of its parent.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Moment {
    /// What it says.
    #[serde(flatten)]
    pub said: Said,
    /// All of the child's memory.
    pub child: ProcessMemory,
    /// The pages that the heap's objects had at the fork. Private: the child has copied them.
    pub objects: RangeMemory,
    /// Pages of objects beyond these: the child's own.
    pub new_objects: RangeMemory,
    /// The heap's lasting tables: links or ages, and what is known of blocks. Scratch tables are not among them.
    pub tables: RangeMemory,
    /// All of the parent's memory.
    pub parent: ProcessMemory,
    /// The parent's pages of objects. Private: all living children have copied them.
    pub parent_objects: RangeMemory,
    /// What was resident at the most since the stage before, and is no longer; `null` where the system does not tell, at the
    /// fork, and in records of older builds.
    #[serde(default)]
    pub given_back: Option<u64>,
}

impl Moment {
    /// Private memory beside the objects: links or ages that lie in tables, scratch of collections, the allocator's memory,
    /// the stack.
    pub fn beside_objects(&self) -> u64 {
        self.child.private_dirty.saturating_sub(self.objects.private + self.new_objects.private)
    }

    /// The most of it at a time since the stage before: what is there, and what was given back on the way here, less what of
    /// that was pages of objects or of lasting tables, which were there at the stage before. At most: what is copied late in
    /// a stage was not there yet when scratch was.
    pub fn beside_objects_at_most(&self, before: &Self) -> Option<u64> {
        let fall = |of: fn(&Self) -> u64| of(before).saturating_sub(of(self));
        let of_heap = fall(|moment| moment.objects.resident + moment.new_objects.resident)
            + fall(|moment| moment.tables.resident);
        Some(self.beside_objects() + self.given_back?.saturating_sub(of_heap))
    }
}

/// One child.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ChildRecord {
    /// Which worker, the first being 0; of the control, 0 too.
    pub number: u32,
    /// How long the fork took the parent.
    pub fork_ns: u64,
    /// Stage by stage.
    pub moments: Vec<Moment>,
}

impl ChildRecord {
    /// It at a stage.
    pub fn at(&self, stage: Stage) -> Option<&Moment> {
        self.moments.iter().find(|moment| moment.said.stage == stage)
    }
}

/// The parent, up to its first fork.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ParentRecord {
    /// How long building took.
    pub build_ns: u64,
    /// How long the collection before the freeze took, if there was one.
    pub collect_ns: Option<u64>,
    /// Unreachable objects it found.
    pub collected: Option<u64>,
    /// How long the freeze took, if there was one.
    pub freeze_ns: Option<u64>,
    /// Objects that are frozen.
    pub frozen_objects: u64,
    /// Objects in the heap.
    pub live_objects: u64,
    /// Entries, or objects of a graph that requests read.
    pub places: u32,
    /// Bytes the heap holds for objects.
    pub held_bytes: u64,
    /// Bytes of its tables beside the objects, as the heap counts them.
    pub side_bytes: u64,
    /// All memory when the heap was built.
    pub built: ProcessMemory,
    /// All memory before the first fork.
    pub before_fork: ProcessMemory,
    /// The pages of objects before the first fork.
    pub objects: RangeMemory,
    /// The pages of lasting tables.
    pub tables: RangeMemory,
}

/// Memory of the parent and so many workers together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Total {
    /// Workers alive, all of them done.
    pub workers: u32,
    /// The sum of `Pss`: pages that several of them share count once.
    pub pss: u64,
}

/// The memory of the parent and of each worker in the end, when all workers are alive and done.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Last {
    /// The parent.
    pub parent: ProcessMemory,
    /// The workers in order.
    pub workers: Vec<ProcessMemory>,
}

/// The record of a cell.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// `freeze`.
    pub kind: String,
    /// The cell's hash.
    pub cell: String,
    /// How it ended.
    pub status: Status,
    /// Why, unless `ok`.
    pub error: Option<String>,
    /// What it was.
    pub spec: Cell,
    /// The parent.
    pub parent: Option<ParentRecord>,
    /// The child that did nothing; it ended before the first worker was forked.
    pub control: Option<ChildRecord>,
    /// The workers in order.
    pub workers: Vec<ChildRecord>,
    /// Memory at 0, 1, 2, 4, … workers.
    pub totals: Vec<Total>,
    /// All of them at one last moment; `null` in records of older builds.
    #[serde(default)]
    pub last: Option<Last>,
    /// How long the process of the cell took.
    pub process_ns: Option<u64>,
    /// Tells machines apart; a hash.
    pub machine: Option<String>,
    /// SHA-256 of the program that ran.
    pub binary: Option<String>,
}

impl Record {
    /// Of a cell that has not run.
    pub fn of(cell: &Cell, binary: &str) -> Self {
        Self {
            schema: SCHEMA,
            kind: "freeze".to_owned(),
            cell: cell.hash(binary),
            status: Status::Error,
            error: None,
            spec: cell.clone(),
            parent: None,
            control: None,
            workers: Vec::new(),
            totals: Vec::new(),
            last: None,
            process_ns: None,
            machine: machine_hash().map(str::to_owned),
            binary: Some(binary.to_owned()),
        }
    }
}

impl Line for Record {
    const VERB: &'static str = "reproduce freeze";
}

/// `run.json`: what was asked for, of which program, on which machine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// [`SCHEMA`].
    pub schema: u32,
    /// `freeze`.
    pub kind: String,
    /// The command line.
    pub command: Vec<String>,
    /// When it began, in UTC.
    pub started: String,
    /// When it ended.
    pub ended: Option<String>,
    /// What it runs.
    pub plan: Plan,
    /// Program and machine.
    pub provenance: Provenance,
    /// How busy the machine was before.
    pub load_before: Load,
    /// And after.
    pub load_after: Option<Load>,
}
