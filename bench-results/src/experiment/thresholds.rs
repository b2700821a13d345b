//! The experiment `thresholds`: what the settings that people recommend do to a service, on every heap, beside CPython.
//!
//! One thing is changed at a time from a stated centre: thresholds, which are the heap's, or what the program does about
//! collections, or one dial of the work. Each point runs in a closed loop, which counts and serves as fast as it can, and in an
//! open one, in which requests arrive at half of what the baseline serves.

mod chapter;
pub mod choice;
pub mod cpython;
pub mod figures;
pub mod files;
pub mod live;
pub mod pareto;
pub mod settings;
pub mod table;

/// Its name on the command line and in `run.json`.
pub const NAME: &str = "thresholds";
