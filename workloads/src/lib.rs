//! Programs that drive heaps through the contract of [`gc_core`], and never ask which one they drive.
//!
//! Beside the programs: the readers of heap graphs ([`graph`]) and operation logs ([`oplog`]), and the reachability
//! oracle ([`oracle`]) against which every heap's survivors are held.

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
mod web_requests;

pub use deep_cycles::DeepCycles;
pub use frozen_fork::FrozenFork;
pub use web_requests::WebRequests;
