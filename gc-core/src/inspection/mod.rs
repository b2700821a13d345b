//! Questions about a graph of objects: what fills the heap, what holds an object, which cycle it is on, what grew.
//!
//! An [`ObjectGraph`] is taken from a living heap ([`capture`]) or made from the dump of a real process (`workloads`
//! does), and every question is asked of that. So a leak in a test program and one in a server's dump are looked for by
//! the same functions.
//!
//! | question | answer | time for n objects, m references |
//! |---|---|---|
//! | what is in it | [`MemoryReport`] | n + t log t (t types) |
//! | what grew between two moments | [`Snapshot`], [`Difference`] | n; t |
//! | what grows all the time | [`accumulating`] | s t (s snapshots) |
//! | what a piece of work leaves behind | [`find_leaks`] | one capture a run |
//! | who holds this object | [`Referrers`], [`chains`] | n + m |
//! | who holds objects of this type | [`holders`] | n + m |
//! | what would be freed with it | [`Dominators`] | (n + m) log n |
//! | the shortest cycle through it | [`shortest_cycle`] | n + m |
//! | which cycles there are | [`cycle_cover`] | n + m, and a budget |
//!
//! Nothing recurses and nothing takes more memory than a few words an object and a reference: a list of millions of
//! objects is no harder than a short one.

pub mod components;
mod cycles;
mod dominators;
mod graph;
mod growth;
mod leaks;
mod live;
mod referrers;
mod report;
mod sites;
mod snapshot;

pub use cycles::{CycleCover, CycleGroup, cycle_cover, shortest_cycle};
pub use dominators::Dominators;
pub use graph::{GraphParts, ObjectGraph, PartsError};
pub use growth::{Accumulation, accumulating};
pub use leaks::{Leak, LeakPlan, find_leaks};
pub use live::{TypeNames, capture};
pub use referrers::{Chain, ChainEnd, Chains, Holder, Limits, Referrers, chains, holders};
pub use report::{MemoryReport, TypeTotal};
pub use sites::{AllocationSites, Site};
pub use snapshot::{Change, Difference, Snapshot, Total};
