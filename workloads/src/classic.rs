//! Programs that others judged memory management by, each in a file of its own.
//!
//! They are small, and their shapes are known: a figure of theirs can be held against what was published of other languages
//! and collectors. All run on one mutator and are left out of a comparison unless asked for.

mod binary_trees;
mod cascade;
mod cycle_grid;
mod gcbench;
mod linked_list_growth;
mod lru;
mod message_ring;
mod nested_lists;
mod trees;

pub use binary_trees::BinaryTrees;
pub use cascade::Cascade;
pub use cycle_grid::CycleGrid;
pub use gcbench::GcBench;
pub use linked_list_growth::LinkedListGrowth;
pub use lru::Lru;
pub use message_ring::MessageRing;
pub use nested_lists::NestedLists;

use gc_core::{Heap, Kind, TypeId, TypeSpec};

use crate::arrivals::Timings;
use crate::audit::Audit;
use crate::web_requests::merge;
use crate::workload::{Outcome, Plan};

/// A type of a heap that has few yet.
fn register<H: Heap>(heap: &H, name: &str, kind: Kind) -> TypeId {
    heap.register_type(TypeSpec::new(name, kind)).expect("a new heap has few types")
}

/// What one mutator's run comes to.
fn outcome(timings: Timings, plan: &Plan<'_>, operation: &'static str, digest: u64, audit: Audit) -> Outcome {
    let mut outcome = merge(vec![timings], plan.pace);
    outcome.operation = operation;
    outcome.digest = digest;
    audit.enter(&mut outcome);
    outcome
}
