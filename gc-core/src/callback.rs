//! Functions that a heap calls: finalizers, callbacks of weak references, callbacks around collections.
//!
//! A program registers a function once and gets a [`CallbackId`]; types and weak references name it by that. They run
//! on the mutator whose operation caused them. One that panics is reported to the observer and the heap goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::control::Generation;
use crate::event::{Observer, Panicked};
use crate::root::{Counts, Root};
use crate::sync::{Arc, AtomicU64, Ordering, RwLock};

/// Names one registered callback of one heap.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct CallbackId(pub(crate) u32);

/// Names one callback around collections, to remove it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct CollectionCallbackId(u64);

/// A finalizer or the callback of a weak reference. A finalizer gets the object; the other gets the weak reference,
/// which is dead by then.
pub type Callback<M> = Arc<dyn Fn(&M, Root<'_, M>) + Send + Sync>;

/// A callback around collections, as in `gc.callbacks`.
pub type CollectionCallback<M> = Arc<dyn Fn(&M, Phase, &CollectionInfo) + Send + Sync>;

/// Which end of a collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Before it.
    Start,
    /// After it.
    Stop,
}

/// What a collection callback is told. The figures are 0 at the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CollectionInfo {
    /// The generation collected.
    pub generation: Generation,
    /// Objects found unreachable and taken apart.
    pub collected: u64,
    /// Objects found unreachable and left, for a legacy finalizer's sake.
    pub uncollectable: u64,
    /// Objects examined (in `info` from CPython 3.15 on).
    pub candidates: u64,
    /// How long it took so far, without the callbacks at its stop (in `info` from CPython 3.15 on, in seconds).
    pub duration: Duration,
}

impl CollectionInfo {
    /// What is known at the start.
    pub fn start(generation: Generation) -> Self {
        Self { generation, collected: 0, uncollectable: 0, candidates: 0, duration: Duration::ZERO }
    }
}

/// The callbacks of one heap.
pub struct CallbackTable<M: Counts> {
    objects: RwLock<Vec<Callback<M>>>,
    collections: RwLock<Vec<(CollectionCallbackId, CollectionCallback<M>)>>,
}

/// The next number of a collection callback: no two heaps give out the same, so that a foreign one is not found.
static NEXT_COLLECTION_CALLBACK: AtomicU64 = AtomicU64::new(0);

impl<M: Counts> Default for CallbackTable<M> {
    fn default() -> Self {
        Self { objects: RwLock::default(), collections: RwLock::default() }
    }
}

impl<M: Counts> CallbackTable<M> {
    /// Adds a function.
    pub fn register(&self, callback: Callback<M>) -> CallbackId {
        let mut objects = self.objects.write();
        objects.push(callback);
        CallbackId(u32::try_from(objects.len() - 1).expect("callbacks are few"))
    }

    /// Holds the locks over `f`, in which the process forks.
    pub fn hold<R>(&self, f: impl FnOnce() -> R) -> R {
        let _locks = (self.objects.write(), self.collections.write());
        f()
    }

    /// Adds a function called around each collection, after those already there.
    pub fn register_collection(&self, callback: CollectionCallback<M>) -> CollectionCallbackId {
        // Relaxed: a number, and nothing else.
        let id = CollectionCallbackId(NEXT_COLLECTION_CALLBACK.fetch_add(1, Ordering::Relaxed));
        self.collections.write().push((id, callback));
        id
    }

    /// Removes one of these. False if it is not there.
    pub fn remove_collection(&self, id: CollectionCallbackId) -> bool {
        let removed = {
            let mut collections = self.collections.write();
            let at = collections.iter().position(|(other, _)| *other == id);
            at.map(|at| collections.remove(at))
        };
        // Dropped here, without the lock: what it captured is the program's.
        removed.is_some()
    }

    /// Calls one with a root; a panic in it is reported as coming from `place`.
    pub fn call(&self, id: CallbackId, mutator: &M, root: Root<'_, M>, place: Place, observer: &dyn Observer) {
        let callback = self.objects.read().get(id.0 as usize).cloned();
        let Some(callback) = callback else { return };
        // The root is dropped inside, also when the callback panics: its release is part of the call.
        report_panic(place, observer, || callback(mutator, root));
    }

    /// Calls those around collections, in order of registration. One that registers another has it called too; one that
    /// removes itself or an earlier one makes this round pass over the next, as it does in Python's list.
    pub fn call_collection(&self, mutator: &M, phase: Phase, info: &CollectionInfo, observer: &dyn Observer) {
        let mut index = 0;
        loop {
            let callback = self.collections.read().get(index).map(|(_, callback)| Arc::clone(callback));
            let Some(callback) = callback else { return };
            report_panic(Place::CollectionCallback, observer, || callback(mutator, phase, info));
            index += 1;
        }
    }
}

/// Where a callback was called from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// A finalizer.
    Finalizer,
    /// A legacy finalizer.
    LegacyFinalizer,
    /// The callback of a weak reference.
    WeakReference,
    /// A callback around a collection.
    CollectionCallback,
    /// The writer of debug messages.
    DebugWriter,
}

/// Runs code of the program; a panic in it is reported as coming from `place`.
pub(crate) fn report_panic(place: Place, observer: &dyn Observer, call: impl FnOnce()) {
    // Unwind safety: the callback sees the heap only through its mutator, whose operations leave it whole at every call.
    let Err(payload) = catch_unwind(AssertUnwindSafe(call)) else { return };
    let message = payload
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    // Reporting it and dropping what it carried are the program's code as well, and a collection may be under way.
    for last in [
        catch_unwind(AssertUnwindSafe(|| observer.panicked(&Panicked { place, message }))),
        catch_unwind(AssertUnwindSafe(|| drop(payload))),
    ] {
        // Whoever panics from its own panic is not dropped once more.
        last.unwrap_or_else(std::mem::forget);
    }
}
