//! Heaps with plain counts, where one mutator runs at a time: what `refcount` and `generational` share.
//!
//! The two differ in their [`Tracking`] alone, so that a comparison of their rows prices the collector and nothing else.
//!
//! # Invariants
//! - **P1** Everything in [`Shared`] but the mailbox and the locks is written only by the thread that has the turn.
//! - **P2** count(o) = slots that hold o + roots that hold o + the heap's own holds (a collection's, `garbage`'s).
//! - **P3** No internal lock is held while a callback runs.

mod control;
mod death;
mod mutator;
mod operations;
mod tracking;

use std::fmt;

use crate::callback::{Callback, CallbackId, CallbackTable};
use crate::config::{CreateError, HeapConfig};
use crate::event::Observer;
use crate::extent::Extent;
use crate::heap::{Abilities, Heap, HeapStatistics};
use crate::messages::Messages;
use crate::object::{ObjectRef, TypeError, TypeId, TypeSpec};
use crate::root::Mailbox;
use crate::space::Space;
use crate::sync::{Arc, AtomicU32, AtomicU64, Mutex, Ordering};
use crate::turn::Turn;
use crate::types::TypeTable;
use crate::weak::WeakTable;

pub use mutator::PlainMutator;
pub use tracking::{Reason, Tracking};

/// The state of one heap. (P1)
pub(crate) struct Shared<T: Tracking> {
    pub(crate) space: Space,
    pub(crate) tracking: T,
    pub(crate) turn: Turn,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) types: TypeTable,
    pub(crate) callbacks: CallbackTable<PlainMutator<T>>,
    pub(crate) weak: WeakTable,
    pub(crate) messages: Messages,
    /// The list of that name, each entry with a counted reference.
    pub(crate) garbage: Mutex<Vec<ObjectRef>>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) config: HeapConfig,
    pub(crate) allocated: AtomicU64,
    /// Objects freed, whoever did it.
    pub(crate) freed: AtomicU64,
    /// Those of them that a collector's teardown freed.
    pub(crate) freed_by_collector: AtomicU64,
    pub(crate) mutators: AtomicU32,
}

/// A heap with plain counts.
pub struct PlainHeap<T: Tracking>(pub(crate) Arc<Shared<T>>);

impl<T: Tracking> Clone for PlainHeap<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Tracking> fmt::Debug for PlainHeap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(T::NAME).field("statistics", &self.statistics()).finish_non_exhaustive()
    }
}

impl<T: Tracking> PlainHeap<T> {
    /// A heap with the tracking that `tracking` makes.
    pub(crate) fn tracked_by(
        config: HeapConfig,
        observer: Arc<dyn Observer>,
        tracking: impl FnOnce(&Space) -> T,
    ) -> Result<Self, CreateError> {
        let space = Space::new(&config)?;
        let tracking = tracking(&space);
        Ok(Self(Arc::new(Shared {
            space,
            tracking,
            turn: Turn::default(),
            mailbox: Arc::default(),
            types: TypeTable::default(),
            callbacks: CallbackTable::default(),
            weak: WeakTable::default(),
            messages: Messages::default(),
            garbage: Mutex::default(),
            observer,
            config,
            allocated: AtomicU64::new(0),
            freed: AtomicU64::new(0),
            freed_by_collector: AtomicU64::new(0),
            mutators: AtomicU32::new(0),
        })))
    }
}

impl<T: Tracking> Heap for PlainHeap<T> {
    type Mutator = PlainMutator<T>;
    const NAME: &'static str = T::NAME;
    const ABILITIES: Abilities = T::ABILITIES;

    fn new(config: HeapConfig, observer: Arc<dyn Observer>) -> Result<Self, CreateError> {
        Self::tracked_by(config, observer, |space| T::new(space, &config))
    }

    fn attach(&self) -> PlainMutator<T> {
        PlainMutator::attach(self)
    }

    fn register_type(&self, spec: TypeSpec) -> Result<TypeId, TypeError> {
        self.0.types.register(spec)
    }

    fn register_callback(&self, callback: Callback<PlainMutator<T>>) -> CallbackId {
        self.0.callbacks.register(callback)
    }

    fn live_objects(&self) -> u64 {
        // Relaxed: see `statistics`. Without the turn, objects may be freed between the two readings.
        let freed = self.0.freed.load(Ordering::Relaxed);
        self.0.allocated.load(Ordering::Relaxed).saturating_sub(freed)
    }

    fn extents(&self) -> Vec<Extent> {
        self.0.space.extents()
    }

    fn statistics(&self) -> HeapStatistics {
        let shared = &self.0;
        // Relaxed: without the turn these are figures of a moment ago, one by one.
        let freed_by_collector = shared.freed_by_collector.load(Ordering::Relaxed);
        let (held_bytes, peak_bytes) = shared.space.held_and_peak_bytes();
        HeapStatistics {
            allocated: shared.allocated.load(Ordering::Relaxed),
            freed_by_count: shared.freed.load(Ordering::Relaxed).saturating_sub(freed_by_collector),
            freed_by_collector,
            held_bytes,
            peak_bytes,
            side_bytes: shared.space.side_bytes() + shared.tracking.side_bytes(),
        }
    }
}
