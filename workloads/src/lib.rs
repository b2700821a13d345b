//! Programs that drive heaps, and the readers and oracles that judge them.

pub mod graph;
pub mod oracle;
