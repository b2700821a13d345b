#![doc = include_str!("../README.md")]

pub mod allocate;
pub mod arrivals;
pub mod audit;
pub mod catalogue;
pub mod drag;
pub mod draws;
pub mod floating;
pub mod frozen_heap;
pub mod graph;
pub mod instruments;
pub mod lifetimes;
pub mod nominal;
pub mod oplog;
pub mod oracle;
pub mod request_tree;
pub mod series;
pub mod structures;
pub mod workload;

mod census;
mod classic;
mod deep_cycles;
mod floating_spans;
mod frozen_fork;
mod growth;
mod ring_churn;
mod web_requests;

pub use classic::{BinaryTrees, Cascade, CycleGrid, GcBench, LinkedListGrowth, Lru, MessageRing, NestedLists};
pub use deep_cycles::DeepCycles;
pub use frozen_fork::FrozenFork;
pub use growth::Growth;
pub use ring_churn::RingChurn;
pub use web_requests::WebRequests;
