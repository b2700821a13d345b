#![doc = include_str!("../README.md")]

mod attached;
pub mod cell;
pub mod cmd;
pub mod comparison;
pub mod floating_trend;
pub mod heap_settings;
pub mod hiccups;
pub mod histogram;
pub mod instruments;
pub mod invocation;
pub mod judgement;
pub mod ledger;
pub mod measure;
pub mod metered;
pub mod mmu;
mod no_count_replay;
pub mod provenance;
pub mod record;
pub mod roster;
pub mod run_folder;
pub mod spans;
pub mod statistics;
pub mod sweep;
pub mod table;
pub mod trace;
pub mod units;
pub mod usage;
