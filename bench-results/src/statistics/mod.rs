//! What several rounds together say: intervals, ratios of heaps, verdicts.

pub mod bootstrap;
