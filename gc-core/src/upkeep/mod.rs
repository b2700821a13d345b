//! What a long-running program does about its heap: watch sections of its work and slow collections, choose when to
//! collect, and use objects again instead of allocating them.
//!
//! Built on [`Control`](crate::Control) and [`Observer`](crate::Observer) only, so it costs nothing where it is not used.
//! A heap has one observer; [`Observers`] makes several of it.

mod observers;
mod pool;
mod schedule;
mod section;
mod slow;

pub use observers::Observers;
pub use pool::{NotPooled, ObjectPool};
pub use schedule::{BetweenRequests, ByInterval, Collected, Every};
pub use section::{PauseLog, SectionLimits, SectionMonitor, SectionReport};
pub use slow::SlowCollections;
