//! Programs that drive heaps through the contract of [`gc_core`], and never ask which one they drive.
//!
//! Beside the programs: the readers of heap graphs ([`graph`]) and operation logs ([`oplog`]), and the reachability
//! oracle ([`oracle`]) against which every heap's survivors are held.

pub mod graph;
pub mod oplog;
pub mod oracle;
pub mod workload;
