//! The experiments: each asks one question of many heaps and settings, and ends in a table that somebody else can get again.
//!
//! An experiment says what it will run and for how long, runs it in interleaved rounds of fresh processes into a folder that
//! a later call can go on with, and makes its table from the folder alone. One file, or folder, each.

pub mod claims;
pub mod floating;
pub mod freeze;
pub mod live;
pub mod pauses;
pub mod release;
pub mod thresholds;
pub mod trial;
pub mod tune;
