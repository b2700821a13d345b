#![doc = include_str!("../README.md")]

pub mod arrivals;
pub mod audit;
pub mod catalogue;
pub mod draws;
pub mod graph;
pub mod oplog;
pub mod oracle;
pub mod request_tree;
pub mod workload;

mod deep_cycles;
mod frozen_fork;
mod growth;
mod web_requests;

pub use deep_cycles::DeepCycles;
pub use frozen_fork::FrozenFork;
pub use growth::Growth;
pub use web_requests::WebRequests;
