//! The contract between programs and heaps.
//!
//! A program makes a [`Heap`], attaches a [`Mutator`] on each of its threads, and works on objects through counted
//! [`Root`]s. What Python's `gc` module offers beside that is [`Control`]. The rules are executable: see
//! [`conformance_tests!`](crate::conformance_tests).

use std::ops::Range;

use crate::callback::{Callback, CallbackId};
use crate::config::{CreateError, HeapConfig};
use crate::control::Control;
use crate::event::Observer;
use crate::extent::Extent;
use crate::object::{ObjectRef, Shape, TypeError, TypeId, TypeSpec};
use crate::process::{ForkError, Forked};
use crate::root::{Root, SharedRoot};
use crate::sync::Arc;

/// A heap: a cheap handle, cloned to each thread that attaches to it.
pub trait Heap: Clone + Send + Sync + 'static {
    /// Its attached threads.
    type Mutator: Mutator<Heap = Self>;
    /// Its name on the command line and in results.
    const NAME: &'static str;
    /// What it can do.
    const ABILITIES: Abilities;

    /// Reserves its range of addresses and starts what it needs.
    fn new(config: HeapConfig, observer: Arc<dyn Observer>) -> Result<Self, CreateError>;
    /// Makes the calling thread a mutator. On a heap without parallel mutators it waits for its turn; so a mutator that waits
    /// for another thread (a join, a channel) must do so in a [safe region](Mutator::safe_region).
    ///
    /// A mutator that is leaked (`mem::forget`) keeps its turn for ever.
    ///
    /// # Panics
    /// If this thread is already a running mutator of a heap where one runs at a time: it would wait for itself.
    fn attach(&self) -> Self::Mutator;
    /// Adds a type.
    fn register_type(&self, spec: TypeSpec) -> Result<TypeId, TypeError>;
    /// Adds a finalizer or a callback of weak references.
    fn register_callback(&self, callback: Callback<Self::Mutator>) -> CallbackId;
    /// Counters so far.
    fn statistics(&self) -> HeapStatistics;
    /// Objects allocated and not freed: the one figure of the statistics that is cheap enough for each operation.
    fn live_objects(&self) -> u64;
    /// Where its memory lies, objects first.
    fn extents(&self) -> Vec<Extent>;
}

/// What a heap can do. `gclab verify` and the conformance suite ask it, so that a cycle that `refcount` leaks is
/// expected, not wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Abilities {
    /// `collect` frees dead cycles.
    pub collects_cycles: bool,
    /// Generations are lists, whose order CPython's rules fix: finalizers and survivors come in that order.
    pub list_order: bool,
    /// Mutators run at the same time.
    pub parallel_mutators: bool,
}

/// One attached thread. Dropping it detaches. Neither `Send` nor `Sync`.
///
/// An operation that panics on bad arguments (a slot that is not there, a root of another heap) has changed nothing.
pub trait Mutator: Control + 'static {
    /// Its heap.
    type Heap: Heap<Mutator = Self>;

    /// The heap it is attached to.
    fn heap(&self) -> &Self::Heap;

    /// A new object: slots null, payload zero, one reference, which the root holds. May collect and run callbacks
    /// first or, by configuration, before it returns.
    ///
    /// # Errors
    /// [`HeapFull`] when the heap is at its limit even after one full collection.
    fn allocate(&self, type_id: TypeId, shape: Shape) -> Result<Root<'_, Self>, HeapFull>;
    /// The number of slots and payload bytes of an object.
    fn shape(&self, object: &Root<'_, Self>) -> Shape;

    /// What a slot holds, retained.
    fn load(&self, object: &Root<'_, Self>, slot: u32) -> Option<Root<'_, Self>>;
    /// Retains `value`, writes it, then releases what was there.
    fn store(&self, object: &Root<'_, Self>, slot: u32, value: Option<&Root<'_, Self>>);
    /// Moves `value` in, then releases what was there.
    fn put(&self, object: &Root<'_, Self>, slot: u32, value: Option<Root<'_, Self>>) {
        drop(self.replace(object, slot, value));
    }
    /// Moves what a slot holds out and leaves null.
    fn take(&self, object: &Root<'_, Self>, slot: u32) -> Option<Root<'_, Self>> {
        self.replace(object, slot, None)
    }
    /// Moves `value` in and what was there out.
    fn replace(&self, object: &Root<'_, Self>, slot: u32, value: Option<Root<'_, Self>>) -> Option<Root<'_, Self>>;
    /// Moves the references in slots `from` to those beginning at `to`, as `memmove` does. What they overwrite is
    /// released afterwards, in order of slots; what they leave is null.
    fn move_slots(&self, object: &Root<'_, Self>, from: Range<u32>, to: u32);

    /// Word `word` (8 bytes, little endian) of the payload.
    fn read_word(&self, object: &Root<'_, Self>, word: u32) -> u64;
    /// Writes a word of the payload.
    fn write_word(&self, object: &Root<'_, Self>, word: u32, value: u64);
    /// Copies payload bytes out, from `offset` on.
    fn read_payload(&self, object: &Root<'_, Self>, offset: u32, into: &mut [u8]);
    /// Copies payload bytes in, from `offset` on.
    fn write_payload(&self, object: &Root<'_, Self>, offset: u32, bytes: &[u8]);

    /// A weak reference to `referent`: itself an object, tracked and counted. One without a callback is shared: the
    /// same object again while it lives. A weak reference itself cannot be referred to weakly: that panics.
    ///
    /// # Errors
    /// [`HeapFull`], as for [`Mutator::allocate`].
    fn weak_reference(
        &self,
        referent: &Root<'_, Self>,
        callback: Option<CallbackId>,
    ) -> Result<Root<'_, Self>, HeapFull>;
    /// The referent, while it is alive. `None` as well for an object that is no weak reference.
    fn upgrade(&self, weak: &Root<'_, Self>) -> Option<Root<'_, Self>>;

    /// A hold on the object that may outlive this mutator or go to another thread.
    fn share(&self, root: &Root<'_, Self>) -> SharedRoot;
    /// Another such hold.
    fn clone_shared(&self, shared: &SharedRoot) -> SharedRoot;
    /// Turns such a hold into a root of this mutator.
    fn adopt(&self, shared: SharedRoot) -> Root<'_, Self>;

    /// Lets the heap act: hand over to another mutator, run a scheduled collection, release dropped shared roots.
    /// One load and one branch when there is nothing to do.
    fn safepoint(&self);
    /// Runs `f`, which may block: nobody waits for this mutator meanwhile. A heap operation inside first re-enters, and
    /// leaves again after it.
    fn safe_region<R>(&self, f: impl FnOnce() -> R) -> R;
    /// Forks the process at a point where this is the only running mutator and no collection is under way. In the
    /// child only this thread exists: other mutators are gone, and what their roots held stays counted.
    fn fork(&self) -> Result<Forked, ForkError>;

    /// Ceases to track the object, as C code may (`PyObject_GC_UnTrack`): no collection examines it, and what it holds
    /// counts as held from outside. A weak reference stays tracked.
    fn untrack(&self, object: &Root<'_, Self>);
    /// Stops counting references to this object, for ever (PEP 683). It never dies.
    fn make_immortal(&self, object: &Root<'_, Self>);
    /// Runs `f` while no other mutator runs and no collection is under way but this thread's own: what it sees is of one
    /// moment. For those who look at the whole heap. `f` must not wait for another thread, allocate, or give up what may
    /// be the last reference to an object.
    fn at_standstill<R>(&self, f: impl FnOnce() -> R) -> R;
    /// Calls `visit` with each object of the heap, whether tracked or not, and its slots' targets, [at a
    /// standstill](Mutator::at_standstill), whose rules `visit` keeps. Dead objects that nobody has freed yet are among
    /// them. Afterwards the collector and other mutators may free what was visited: who goes on to look at it does so
    /// within one standstill around both.
    fn walk(&self, visit: &mut dyn FnMut(ObjectRef, &[ObjectRef]));
}

/// The heap is at its limit. A full collection did not help, or could not: the object alone is larger than the limit, or a
/// collection is under way already.
///
/// Its figures are boxed, so that the result of an allocation fits two registers.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "the heap is full: {} bytes wanted, {} of {} bytes in use, and a full collection did not help or could not run here; \
     raise the heap limit or keep fewer objects",
    .0.requested, .0.in_use, .0.limit
)]
pub struct HeapFull(Box<Shortage>);

/// By how much a heap is too small.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shortage {
    /// Bytes that the allocation needed from the system.
    pub requested: u64,
    /// Bytes of memory the heap holds.
    pub in_use: u64,
    /// The configured limit.
    pub limit: u64,
}

impl HeapFull {
    /// The error with its figures. For heaps.
    pub fn new(shortage: Shortage) -> Self {
        Self(Box::new(shortage))
    }

    /// By how much the heap is too small.
    pub fn shortage(&self) -> &Shortage {
        &self.0
    }
}

/// Counters of a heap since its creation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HeapStatistics {
    /// Objects allocated.
    pub allocated: u64,
    /// Objects whose count fell to zero outside a collector's teardown.
    pub freed_by_count: u64,
    /// Objects freed by a collector's teardown, with what hung off them.
    pub freed_by_collector: u64,
    /// Bytes of memory held from the system at present: blocks and large objects.
    pub held_bytes: u64,
    /// The most ever held.
    pub peak_bytes: u64,
    /// Bytes of side tables at present.
    pub side_bytes: u64,
}

impl HeapStatistics {
    /// Objects allocated and not freed.
    pub fn live(&self) -> u64 {
        // Without the turn the figures are of different moments.
        self.allocated.saturating_sub(self.freed_by_count + self.freed_by_collector)
    }
}
