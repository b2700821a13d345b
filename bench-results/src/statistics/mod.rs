//! What several rounds together say: intervals, ratios of heaps, verdicts. Pure functions; they read and write nothing.

pub mod axis;
pub mod bootstrap;
pub mod comparison;
pub mod geometric;
pub mod lower_bound;
pub mod steady_state;
pub mod verdict;
