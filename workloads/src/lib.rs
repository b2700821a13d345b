//! Programs that drive heaps.

pub mod oplog;
pub mod workload;
