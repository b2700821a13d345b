//! `generational`: plain counts and CPython's cycle collector, the baseline of every comparison.
//!
//! Stop-the-world, three generations, trial deletion over doubly linked lists. Source: CPython 3.12,
//! `Modules/gcmodule.c` (3.13: `Python/gc.c`); function names of the source stand in the comments. Where versions
//! differ there is a switch in [`HeapConfig`](crate::HeapConfig).
//!
//! # Protocol
//! A tracked object is on exactly one list: of generation 0, 1, 2, the permanent one, or, during a collection, a
//! temporary one. A collection merges the younger generations into the one it collects, finds by *trial deletion* the
//! objects that nothing outside refers to, promotes the others, and takes the unreachable apart after their weak
//! references were cleared and their finalizers run.
//!
//! # Invariants
//! - **G1** Outside `trial_deletion` the lists are doubly linked and whole, so that any callback may run.
//! - **G2** While a collection is under way, candidates that are not known to be reachable carry the candidate mark, and
//!   nothing else does.
//! - **G3** Every object with the tracked flag is on a list, and no other object is; except inside `allocate`, between
//!   writing the header and linking, where no collection starts.
//! - **G4** count 0 of the trigger is at most `limit` outside `allocate`, unless a collection was scheduled or is under
//!   way.

mod collect;
mod finalization;
mod lists;
mod state;
mod streaming_detection;
mod trial_deletion;

pub use state::Generational;

/// The heap with CPython's collector.
pub type GenerationalHeap = crate::plain::PlainHeap<Generational>;

/// The same heap, whose full collections stream over the blocks instead of walking the list.
pub type GenerationalStreamingHeap = crate::plain::PlainHeap<Generational<true>>;
