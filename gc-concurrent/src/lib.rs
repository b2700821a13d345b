#![doc = include_str!("../README.md")]

pub mod age;
pub mod barrier;
pub mod certify;
pub mod count;
pub mod deciding;
pub mod heap;
pub mod memory;
pub mod protocol;

mod candidates;
mod collection;
mod collector;
mod commit;
mod control;
mod death;
mod garbage;
mod introspection;
mod mutator;
mod mutators;
mod operations;
#[cfg(debug_assertions)]
mod sanity;
mod teardown;
mod trigger;
mod turns;
mod work;
mod world;

pub use heap::{ConcurrentHeap, ParallelHeap, RefcountAtomicHeap, Rung, StopTheWorldHeap};
pub use mutator::ParallelMutator;
