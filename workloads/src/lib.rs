//! Programs that drive heaps.

pub mod workload;
