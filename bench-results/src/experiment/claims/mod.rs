//! What widely read articles say about Python's `gc` module, each sentence as a check that runs on every heap.
//!
//! There are 43 claims: 42 that five articles, here called A to E, make, and one on frozen cycles that none of them makes. A few
//! remedies that the articles recommend stand beside them. Each [`Claim`] was measured on CPython before. Here each is a small program over the contract of heaps, which measures [`Figures`], and a rule
//! beside it, which makes a [`Verdict`] of figures: of a heap's, of those recorded on CPython 3.12.1, and of a live interpreter's.
//! So no verdict is written down twice, and none is written down for a heap at all.
//!
//! Heaps run as CPython 3.12 is set: thresholds of 700, 10 and 10. On the heaps that model CPython's free lists the trigger sees what
//! these let it see; heaps with parallel mutators do not, and count every object.
//! Collections that a threshold starts run on the mutator that crossed it, on the concurrent heap too, so that claims on when
//! and how often can be asked of it at all; in the runs of a whole service they run where the heap likes.

mod answer;
mod batches;
mod change;
mod checks;
mod claim;
mod contradictions;
mod counting;
mod differences;
mod disagreements;
mod figures;
mod finalizers;
mod forks;
mod freezing;
mod introspection;
mod lab;
mod memory;
mod names;
mod python;
mod remedies;
mod report;
mod rules;
mod rules_of_collection;
mod scripts;
mod service;
mod serving;
mod setup;
mod thresholds;
mod told;
mod trials;
mod weak_references;

pub use answer::{Answer, Verdict};
pub use checks::{CLAIMS, answer, claim, measure, python_names};
pub use claim::{Check, Claim, Kind, Measured, OnCPython};
pub use contradictions::{CONTRADICTIONS, Contradiction};
pub use disagreements::{DISAGREEMENTS, Disagreement, explained};
pub use figures::Figures;
pub use setup::{Scale, Setup};
pub use trials::Claims;

#[cfg(test)]
mod tests;
