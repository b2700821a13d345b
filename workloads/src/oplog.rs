//! Operation logs: reading them, executing them on any heap, printing what happened.
//!
//! An operation log is a list of heap operations (JSON lines); the outcome has a line for each: return value, ordered
//! events, the trigger's counters, changes of statistics, and at times the generations' lists. Outcomes recorded from
//! CPython 3.12.1 are what a faithful heap prints for the same log, byte for byte.

mod log;
mod outcome;
mod replay;

pub use log::{Header, Log, LogError, ObjectKind, Operation};
pub use outcome::{Difference, Line, compare, parse_baseline, parse_lines};
pub use replay::{Baseline, ReplayError, replay, replay_beside};
