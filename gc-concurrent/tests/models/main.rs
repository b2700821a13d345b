//! Models of the concurrent protocols: every claim of the design that a checker can settle, and every way of breaking it.
//!
//! The functions under test are those that ship (`count`, `barrier`, `certify`, `deciding`); they are generic over the
//! memory they run on and over the protocol's constants. [`memory`] gives them words that loom watches, so that all
//! executions which the C11 memory model allows are explored (loom's limits: see there). A *scenario* is a small program
//! over a few objects, generic over the protocol. It must hold for `Versioned`, which ships, and fail for each protocol
//! in [`broken`].
//!
//! [`objects`] is an exhaustive exploration of longer programs without weak memory; [`random`] runs longer ones under
//! random schedules; [`threads`] and [`remote`] are models of protocols that are not generic, written after them.

#[macro_use]
mod broken;
mod bulk;
mod exhaustive;
mod exploration;
mod finalizers;
mod loads;
mod memory;
mod moves;
mod objects;
mod orderings;
mod random;
mod remote;
mod scene;
mod suspects;
mod threads;
mod weak;
