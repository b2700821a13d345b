//! Heaps whose mutators run in parallel: what the three rungs share.
//!
//! They differ in their [`Rung`] alone: the protocol of the count word, whether there is a collector, and whether
//! mutators stand still for it.
//!
//! # Invariants
//! - **H1** count(o) = slots that hold o + roots that hold o + the heap's own holds + retains of loads that are about to be
//!   undone.
//! - **H2** No internal lock is held while a callback runs. (The right to collect is held: see `turns`.)
//! - **H3** Locks are taken in this order: `turns`, `world`, then any one of the others, and no other under it; but the
//!   space's own pool, which every other may be held over.

use std::fmt;

use gc_core::callback::CallbackTable;
use gc_core::messages::Messages;
use gc_core::root::Mailbox;
use gc_core::space::Space;
use gc_core::sync::Ordering::Relaxed;
use gc_core::sync::{Arc, AtomicBool, AtomicU32};
use gc_core::types::TypeTable;
use gc_core::weak::WeakTable;
use gc_core::{
    Abilities, Callback, CallbackId, CreateError, Extent, Heap, HeapConfig, HeapStatistics, Observer, TypeId, TypeSpec,
};

use crate::candidates::CandidateRoots;
use crate::collector::Bell;
use crate::deciding::IDLE;
use crate::memory::HeapMemory;
use crate::mutator::ParallelMutator;
use crate::mutators::Mutators;
use crate::protocol::Protocol;
use crate::trigger::Trigger;
use crate::turns::Turns;
use crate::world::World;

/// What one heap with parallel mutators differs in from another.
pub trait Rung: Sized + Send + Sync + 'static {
    /// What counting does.
    type Protocol: Protocol;
    /// The heap's name.
    const NAME: &'static str;
    /// What the heap can do.
    const ABILITIES: Abilities;
    /// Mutators stand still while it collects.
    const STOPS: bool;
}

/// The state of one heap.
pub(crate) struct Shared<R: Rung> {
    pub(crate) space: Space,
    /// Where weak upgrades and a collection meet.
    pub(crate) deciding: AtomicU32,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) types: TypeTable,
    /// There is a type of tuples; an object was made immortal; there is a type with a legacy finalizer.
    pub(crate) has_tuples: AtomicBool,
    pub(crate) has_immortal: AtomicBool,
    pub(crate) has_legacy: AtomicBool,
    pub(crate) callbacks: CallbackTable<ParallelMutator<R>>,
    pub(crate) weak: WeakTable,
    pub(crate) messages: Messages,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) config: HeapConfig,
    pub(crate) mutators: Mutators,
    pub(crate) world: World,
    pub(crate) trigger: Trigger,
    pub(crate) turns: Turns,
    pub(crate) candidates: CandidateRoots,
    pub(crate) bell: Arc<Bell>,
}

impl<R: Rung> Shared<R> {
    #[inline(always)]
    pub(crate) fn memory(&self) -> HeapMemory<'_> {
        HeapMemory::new(&self.space, &self.deciding)
    }
}

impl<R: Rung> Drop for Shared<R> {
    fn drop(&mut self) {
        self.bell.end();
    }
}

/// A heap whose mutators run in parallel.
pub struct ParallelHeap<R: Rung>(pub(crate) Arc<Shared<R>>);

impl<R: Rung> Clone for ParallelHeap<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: Rung> fmt::Debug for ParallelHeap<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(R::NAME).field("statistics", &self.statistics()).finish_non_exhaustive()
    }
}

impl<R: Rung> Heap for ParallelHeap<R> {
    type Mutator = ParallelMutator<R>;
    const NAME: &'static str = R::NAME;
    const ABILITIES: Abilities = R::ABILITIES;

    fn new(config: HeapConfig, observer: Arc<dyn Observer>) -> Result<Self, CreateError> {
        let heap = Self(Arc::new(Shared {
            space: Space::with_ages(&config)?,
            deciding: AtomicU32::new(IDLE),
            mailbox: Arc::default(),
            types: TypeTable::default(),
            has_tuples: AtomicBool::new(false),
            has_immortal: AtomicBool::new(false),
            has_legacy: AtomicBool::new(false),
            callbacks: CallbackTable::default(),
            weak: WeakTable::default(),
            messages: Messages::default(),
            observer,
            config,
            mutators: Mutators::default(),
            world: World::default(),
            trigger: Trigger::new(config.thresholds),
            turns: Turns::default(),
            candidates: CandidateRoots::default(),
            bell: Arc::default(),
        }));
        // What is retired is given back after a barrier on all threads; a collection must not wait for its preparation.
        gc_core::process::prepare_to_order_threads();
        if config.full_every.is_some() && R::ABILITIES.collects_cycles {
            crate::collector::ensure(&heap);
        }
        Ok(heap)
    }

    fn attach(&self) -> ParallelMutator<R> {
        ParallelMutator::attach(self, false)
    }

    fn register_type(&self, spec: TypeSpec) -> Result<TypeId, gc_core::object::TypeError> {
        // Relaxed, both: set before the type's id exists.
        if spec.kind == gc_core::Kind::Tuple {
            self.0.has_tuples.store(true, Relaxed);
        }
        if spec.legacy_finalizer.is_some() {
            self.0.has_legacy.store(true, Relaxed);
        }
        self.0.types.register(spec)
    }

    fn register_callback(&self, callback: Callback<ParallelMutator<R>>) -> CallbackId {
        self.0.callbacks.register(callback)
    }

    fn live_objects(&self) -> u64 {
        self.0.mutators.totals().objects()
    }

    fn extents(&self) -> Vec<Extent> {
        self.0.space.extents()
    }

    fn statistics(&self) -> HeapStatistics {
        let totals = self.0.mutators.totals();
        let (held_bytes, peak_bytes) = self.0.space.held_and_peak_bytes();
        HeapStatistics {
            allocated: totals.allocated,
            freed_by_count: totals.freed.saturating_sub(totals.freed_by_collector),
            freed_by_collector: totals.freed_by_collector,
            held_bytes,
            peak_bytes,
            side_bytes: self.0.space.side_bytes(),
        }
    }
}

/// Atomic counts without versions, and no collector.
#[derive(Clone, Copy, Debug)]
pub struct Counting;

impl Rung for Counting {
    type Protocol = crate::protocol::Unversioned;
    const NAME: &'static str = "refcount-atomic";
    const ABILITIES: Abilities = Abilities { collects_cycles: false, list_order: false, parallel_mutators: true };
    const STOPS: bool = false;
}

/// Versioned counts, and a collector for which all mutators stand still.
#[derive(Clone, Copy, Debug)]
pub struct Stopping;

impl Rung for Stopping {
    type Protocol = crate::protocol::Versioned;
    const NAME: &'static str = "stop-the-world";
    const ABILITIES: Abilities = Abilities { collects_cycles: true, list_order: false, parallel_mutators: true };
    const STOPS: bool = true;
}

/// Versioned counts, and a collector beside which mutators run.
#[derive(Clone, Copy, Debug)]
pub struct Running;

impl Rung for Running {
    type Protocol = crate::protocol::Versioned;
    const NAME: &'static str = "concurrent";
    const ABILITIES: Abilities = Abilities { collects_cycles: true, list_order: false, parallel_mutators: true };
    const STOPS: bool = false;
}

/// The heap that counts atomically and does not collect.
pub type RefcountAtomicHeap = ParallelHeap<Counting>;
/// The heap that stops all mutators while it collects.
pub type StopTheWorldHeap = ParallelHeap<Stopping>;
/// The heap that collects while mutators run.
pub type ConcurrentHeap = ParallelHeap<Running>;
