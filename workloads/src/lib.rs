//! Programs that drive heaps.

pub mod catalogue;
pub mod workload;
