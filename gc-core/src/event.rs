//! What a heap tells an observer: rare events only. What is frequent is a counter.

use std::fmt;
use std::time::Duration;

use crate::callback::Place;
use crate::control::Generation;
use crate::object::ObjectRef;

/// Why a mutator could not run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// A collection ran in its place.
    Stop,
    /// It waited for the other mutators to stop.
    Safepoint,
    /// It answered the collector.
    Handshake,
    /// The slow path of a load or a store.
    Barrier,
    /// It waited for memory.
    Stall,
    /// It waited for another mutator to hand over.
    Lock,
}

impl Cause {
    /// Every cause, in the order of the results schema.
    pub const ALL: [Cause; 6] =
        [Cause::Stop, Cause::Safepoint, Cause::Handshake, Cause::Barrier, Cause::Stall, Cause::Lock];

    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Stop => "stop",
            Cause::Safepoint => "safepoint",
            Cause::Handshake => "handshake",
            Cause::Barrier => "barrier",
            Cause::Stall => "stall",
            Cause::Lock => "lock",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One finished collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Collection {
    /// The generation collected.
    pub generation: Generation,
    /// Whether a threshold started it, rather than a call of `collect` or lack of memory.
    pub automatic: bool,
    /// Objects under examination.
    pub examined: u64,
    /// Objects found unreachable and taken apart, as `collect` counts them.
    pub collected: u64,
    /// Objects left for a legacy finalizer's sake.
    pub uncollectable: u64,
    /// Objects that the teardown freed, those that hung off the garbage included.
    pub freed: u64,
    /// From its start to its end, callbacks and finalizers included.
    pub duration: Duration,
}

/// A release that freed many objects in one go. Its duration is the counting's doing, not the collector's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cascade {
    /// Objects freed.
    pub objects: u64,
    /// From the [`Cascade::THRESHOLD`]th object on: a shorter one never reads a clock.
    pub duration: Duration,
}

impl Cascade {
    /// Releases that free fewer objects are not reported.
    pub const THRESHOLD: u64 = 64;
}

/// A callback panicked; the heap went on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Panicked {
    /// Which sort of callback.
    pub place: Place,
    /// The panic's message.
    pub message: String,
}

/// Receives a heap's events on the thread they concern, while the mutator is stopped for them: be quick, and never call
/// the heap, and do not panic. Every method has an empty default. In a forked child only the forking thread exists: a lock that
/// another thread held is held there for ever.
pub trait Observer: Send + Sync + 'static {
    /// The calling mutator stops for `cause`.
    fn interruption_begins(&self, cause: Cause) {
        let _ = cause;
    }
    /// The calling mutator goes on after `duration`. Follows [`Observer::interruption_begins`]; nests.
    fn interruption_ends(&self, cause: Cause, duration: Duration) {
        let _ = (cause, duration);
    }
    /// A collection ended.
    fn collection(&self, collection: &Collection) {
        let _ = collection;
    }
    /// A release freed many objects.
    fn cascade(&self, cascade: &Cascade) {
        let _ = cascade;
    }
    /// A callback panicked. The default prints it, as CPython's unraisable hook does.
    fn panicked(&self, panicked: &Panicked) {
        eprintln!("warning: ignored a panic in a {:?} callback: {}", panicked.place, panicked.message);
    }
    /// The teardown of an object's slots begins or has ended, for types that ask for it.
    fn teardown(&self, object: ObjectRef, begins: bool) {
        let _ = (object, begins);
    }
}

/// Observes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}
