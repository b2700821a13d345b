//! `gclab tune`: which setting of CPython's collector meets a goal of latency and memory, on the user's own heap?
//!
//! [`candidate`]s are measured over a service with the user's heap as its long-lived part. The [`search`] spends most runs on
//! those that may still meet the [`goal`]; its finalists are measured again with fresh seeds, and what is printed of them is
//! where *further* runs will lie ([`prediction`], [`judge`]). Where the user's service was recorded, the model must first show
//! that it predicts what was recorded ([`backtest`]). The outcome is a few lines of Python to paste ([`python`]).

pub mod answer;
pub mod backtest;
pub mod beside;
pub mod candidate;
pub mod chapter;
pub mod cost;
pub mod extent;
pub mod files;
pub mod findings;
pub mod goal;
pub mod growth;
pub mod judge;
pub mod measured;
mod notes;
pub mod plan;
pub mod prediction;
pub mod python;
pub mod search;
pub mod track;
mod whole;

#[cfg(test)]
mod oracle_tests;

/// Its name in `run.json`.
pub const NAME: &str = "tune";
