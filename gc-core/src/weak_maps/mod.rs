//! What programs build on weak references: a map with weak values, a map with weak keys, and finalizers that are called
//! once, as Python's `weakref` offers them. Built on the contract alone, so they work on every heap.
//!
//! A cache that keeps `key → weak reference` keeps its dead keys as well: nobody tells it. [`WeakValueMap`] gives each
//! weak reference a callback that takes the entry out. `examples/weak_cache.rs` shows the two side by side.
//!
//! # Protocol
//!
//! A map is a table (`table.rs`) behind a lock: rows in the order of insertion, an index by key, an index by weak reference.
//! The map holds its weak references from outside the heap, so they are never garbage and their callbacks always come.
//! A callback names its row by the weak reference it was called with. A row that was replaced meanwhile is not in that
//! index any more, so a late callback removes nothing that is newer than itself.
//!
//! # Invariants
//!
//! 1. **No heap operation under a lock.** Callbacks run inside heap operations, and take the lock; on heaps where one
//!    mutator runs at a time, a heap operation may also wait for a mutator that waits for the lock. So a lock is held for
//!    a look at the table only: what is needed of the heap is taken out of it first, as a counted pointer to the weak
//!    reference.
//! 2. **No program's code under a lock**, except `Hash`, `Eq` and `Clone` of keys, which must not use the heap or the map.
//!    What leaves the table is dropped after the lock is open.
//! 3. **A dead row is found by nobody**: it leaves both indices when its callback runs. Its place in the order waits for
//!    the last open iteration, so that iterations keep their places (Python's `_pending_removals`).
//! 4. **A weak reference is asked, never an address**: the place of a dead object may be another's. Each look-up ends with
//!    an upgrade.
//!
//! # Forks
//!
//! In a forked child a map is whole if no other thread was inside one of its operations at the fork.
//!
//! # Prior work
//!
//! CPython, `Lib/weakref.py`: `WeakValueDictionary`, `WeakKeyDictionary`, `finalize`; `Lib/_weakrefset.py`: `_IterationGuard`.

pub mod claims;
mod finalizers;
mod key_map;
mod scan;
mod table;
mod value_map;

pub use finalizers::{Call, Exit, Finalizer, Finalizers};
pub use key_map::{KeyEntries, WeakKeyMap};
pub use value_map::{ValueEntries, WeakValueMap};
