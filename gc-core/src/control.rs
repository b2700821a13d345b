//! The face of Python's `gc` module: the same names, the same meaning.
//!
//! Source of each meaning: the documentation of `gc` and `Modules/gcmodule.c` of CPython 3.12. On `generational` it is that
//! meaning to the letter; elsewhere it differs where the heap's nature asks for it:
//!
//! | heap | differs |
//! |---|---|
//! | `generational-streaming` | a full collection puts survivors, garbage and messages in order of addresses |
//! | `refcount`, `recording`, `refcount-atomic` | nothing is tracked: no object is listed, found as a referrer or frozen; collections find nothing, call no callback and write no message; settings and `garbage` are kept |
//! | `uncounted` | the same; counts are 1 throughout |
//! | `stop-the-world`, `concurrent` | within a generation objects come in order of addresses; messages of a collection are written at its end; counters are each mutator's own, summed up |
//!
//! # While other mutators run
//! Where mutators take turns, whoever asks has the turn: nothing changes meanwhile. Where they run in parallel, listing objects,
//! finding referrers, freezing and unfreezing wait for the collection that is under way, then make the other mutators stand
//! still at their safepoints. So the answer is the heap of one moment. Missing are objects made after it, and inside a
//! collection's own callbacks what that collection has found. The pause grows with the heap. As for any stop, a mutator that
//! waits for another thread must do so in a [safe region](crate::Mutator::safe_region). All other functions look at one object
//! or at figures, beside running mutators; figures are then of moments close to each other. What comes back as a [`Root`] is
//! held, whatever others do: garbage that was listed before a collection found it waits for the next one after the root is gone.
//!
//! # What counts
//! [`Control::retain_count`] is the sum of slots that hold the object, [`Root`]s, [shared roots](crate::SharedRoot) (one dropped
//! without a mutator until its release at a safepoint), entries of `garbage`, and holds of a collection: one on the object
//! whose finalizer or callback it runs, and, where mutators run in parallel, one on all that it has found, from the first of
//! these calls to the last. Where mutators run in parallel a load by another thread adds one from its first step on, and takes it
//! back if the slot has changed meanwhile; so does an upgrade. Weak references and freezing add nothing.
//!
//! # What disabling stops
//! Collections that thresholds or a timer would start. One that is under way goes on to its end, and one whose start was
//! decided on another thread at that very moment may follow. [`Control::collect`] works as ever, and waits for the one under way; so does
//! the collection of a heap that is full. In a forked child guards of threads that are not there last for ever.

use std::fmt;
use std::io::Write;

use crate::callback::{CollectionCallback, CollectionCallbackId};
use crate::debug::DebugFlags;
use crate::object::TypeId;
use crate::root::{Counts, Root};

/// A generation: 0 youngest, 2 oldest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Hash)]
pub struct Generation(u8);

impl Generation {
    /// The youngest: objects allocated since the last collection.
    pub const YOUNG: Generation = Generation(0);
    /// Survivors of one collection.
    pub const MIDDLE: Generation = Generation(1);
    /// All others; collecting it collects everything that is not frozen.
    pub const OLD: Generation = Generation(2);
    /// How many there are.
    pub const COUNT: usize = 3;
    /// Youngest first.
    pub const ALL: [Generation; 3] = [Self::YOUNG, Self::MIDDLE, Self::OLD];

    /// Generation 0, 1 or 2.
    ///
    /// # Errors
    /// [`InvalidGeneration`] for any other number, as `gc.collect` raises `ValueError`.
    pub fn new(number: u8) -> Result<Self, InvalidGeneration> {
        if number < 3 { Ok(Self(number)) } else { Err(InvalidGeneration(number)) }
    }

    /// The argument of `gc.collect`: 0, 1 or 2.
    ///
    /// # Errors
    /// [`GenerationError::Invalid`] for any other number. (A number beyond a C `int` is an `OverflowError` in Python.)
    pub fn to_collect(number: i64) -> Result<Self, GenerationError> {
        Self::numbered(number).ok_or(GenerationError::Invalid)
    }

    /// The argument of `gc.get_objects`: 0, 1 or 2; `None` and −1 mean all three.
    ///
    /// # Errors
    /// [`GenerationError::TooLarge`] and [`GenerationError::Negative`] for any other number.
    pub fn to_list(number: Option<i64>) -> Result<Option<Self>, GenerationError> {
        match number {
            None | Some(-1) => Ok(None),
            Some(number) if number < -1 => Err(GenerationError::Negative),
            Some(number) => Self::numbered(number).map(Some).ok_or(GenerationError::TooLarge),
        }
    }

    fn numbered(number: i64) -> Option<Self> {
        u8::try_from(number).ok().filter(|&number| number < 3).map(Self)
    }

    /// 0, 1 or 2.
    pub fn index(self) -> usize {
        self.0.into()
    }

    /// The next older one, if any.
    pub fn older(self) -> Option<Self> {
        (self.0 < 2).then(|| Self(self.0 + 1))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// There are generations 0, 1 and 2 only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("invalid generation {0}: a heap has generations 0, 1 and 2")]
pub struct InvalidGeneration(pub u8);

/// A number that is no generation, in the words of the `ValueError` that CPython raises.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GenerationError {
    /// `gc.collect` was given something else than 0, 1 or 2.
    #[error("invalid generation")]
    Invalid,
    /// `gc.get_objects` was given 3 or more.
    #[error("generation parameter must be less than the number of available generations (3)")]
    TooLarge,
    /// `gc.get_objects` was given less than −1.
    #[error("generation parameter cannot be negative")]
    Negative,
}

/// When each generation is due (`gc.get_threshold`).
///
/// Generation 0 is due when net allocations since its last collection *exceed* the first; a first threshold of 0
/// means never. Generations 1 and 2 are due when collections of the next younger one exceed theirs; 0 there means
/// *always* due, not never.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Thresholds(pub [u32; 3]);

impl Thresholds {
    /// The default of CPython up to 3.12.
    pub const CPYTHON_3_12: Thresholds = Thresholds([700, 10, 10]);
    /// The default of CPython from 3.13 on.
    pub const CPYTHON_3_13: Thresholds = Thresholds([2000, 10, 10]);
}

impl fmt::Display for Thresholds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.0[0], self.0[1], self.0[2])
    }
}

/// The trigger's counters (`gc.get_count`): net allocations since the last collection, collections of generation 0
/// since the last of 1, of 1 since the last of 2.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts3(pub [u32; 3]);

/// What one generation's collections did (`gc.get_stats`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GenerationStats {
    /// Collections of this generation.
    pub collections: u64,
    /// Objects they found unreachable and took apart.
    pub collected: u64,
    /// Objects they found unreachable and left.
    pub uncollectable: u64,
    /// Objects they examined (CPython 3.15 calls them candidates).
    pub examined: u64,
    /// Nanoseconds they took.
    pub nanoseconds: u64,
}

/// What Python's `gc` module lets a program see and steer. Implemented by every mutator; a heap that does not collect
/// cycles keeps the settings and collects nothing.
pub trait Control: Counts {
    /// Collects a generation and all younger ones. Returns the number of unreachable objects found; 0 inside a
    /// collection, where it does nothing.
    fn collect(&self, generation: Generation) -> u64;

    /// Lets thresholds start collections.
    fn enable(&self);
    /// Stops thresholds from starting collections; [`Control::collect`] still works.
    fn disable(&self);
    /// Whether thresholds start collections.
    fn is_enabled(&self) -> bool;
    /// Stops thresholds from starting collections until the guard is dropped, also by a panic. Guards nest, and those of
    /// several threads add up: the last one to go restores what [`Control::enable`] and [`Control::disable`] last said.
    /// Not in Python, where each program writes its own.
    fn disabled(&self) -> Disabled<'_, Self> {
        self.suspend();
        Disabled { mutator: self }
    }
    /// One more guard; [`Control::is_enabled`] is false while there is any. For [`Control::disabled`].
    fn suspend(&self);
    /// One guard less. For [`Disabled`].
    fn resume(&self);

    /// Sets the thresholds.
    fn set_threshold(&self, thresholds: Thresholds);
    /// The thresholds.
    fn get_threshold(&self) -> Thresholds;
    /// The trigger's counters.
    fn get_count(&self) -> Counts3;
    /// What each generation's collections did so far. A collection under way is not among them.
    fn get_stats(&self) -> [GenerationStats; 3];

    /// Moves every tracked object to the permanent generation, which no collection examines, and clears the counters.
    /// A frozen object still dies by count.
    fn freeze(&self);
    /// Moves the permanent generation to the oldest.
    fn unfreeze(&self);
    /// Objects in the permanent generation.
    fn get_freeze_count(&self) -> u64;
    /// Freezes, and stops writing the counts of every object there is: a forked child that only reads copies no page.
    /// One way; none of these objects ever dies. Not in Python.
    fn freeze_immortal(&self);

    /// Tracked objects in list order: of one generation, or of 0, 1 and 2 in turn. Never of the permanent one.
    fn get_objects(&self, generation: Option<Generation>) -> Vec<Root<'_, Self>>;
    /// The same, of one type only.
    fn get_objects_of(&self, type_id: TypeId, generation: Option<Generation>) -> Vec<Root<'_, Self>>;
    /// Tracked objects, frozen ones excepted, with a slot that holds one of `objects`.
    fn get_referrers(&self, objects: &[&Root<'_, Self>]) -> Vec<Root<'_, Self>>;
    /// What the slots of an object hold, in order, duplicates kept.
    fn get_referents(&self, object: &Root<'_, Self>) -> Vec<Root<'_, Self>>;
    /// Whether collections examine the object.
    fn is_tracked(&self, object: &Root<'_, Self>) -> bool;
    /// Whether the object's finalizer has run.
    fn is_finalized(&self, object: &Root<'_, Self>) -> bool;
    /// How many [counted references](self#what-counts) an object has; the given root is one of them. `None` for an immortal
    /// object. (`sys.getrefcount`, less its own argument.)
    fn retain_count(&self, object: &Root<'_, Self>) -> Option<u32>;
    /// The weak references to an object, in the order of its list (`weakref.getweakrefs`): first the shared one without a
    /// callback, then those with callbacks, newest first.
    fn get_weak_references(&self, object: &Root<'_, Self>) -> Vec<Root<'_, Self>>;
    /// The object's type.
    fn type_of(&self, object: &Root<'_, Self>) -> TypeId;

    /// The list of what collections found unreachable and could not free, or by [`DebugFlags::SAVEALL`] were not to
    /// (`gc.garbage`). Each entry is one counted reference.
    fn garbage(&self) -> Vec<Root<'_, Self>>;
    /// Adds an entry at the end (`gc.garbage.append`).
    fn append_garbage(&self, object: &Root<'_, Self>);
    /// Removes the first entry that is this object (`gc.garbage.remove`). False if there is none.
    fn remove_garbage(&self, object: &Root<'_, Self>) -> bool;
    /// Empties that list and gives its references to the caller.
    fn take_garbage(&self) -> Vec<Root<'_, Self>>;
    /// Empties that list and releases its references, last to first (`gc.garbage.clear`).
    fn clear_garbage(&self);

    /// Adds a function called at the start and the stop of each collection (`gc.callbacks.append`).
    fn on_collection(&self, callback: CollectionCallback<Self>) -> CollectionCallbackId;
    /// Removes one (`gc.callbacks.remove`). False if it was removed before, or is another heap's.
    fn remove_collection_callback(&self, id: CollectionCallbackId) -> bool;

    /// Chooses what collections report and keep (`gc.set_debug`).
    fn set_debug(&self, flags: DebugFlags);
    /// What was chosen.
    fn get_debug(&self) -> DebugFlags;
    /// Where the reports go from now on; the standard error stream before. What fails there, or panics, breaks no
    /// collection. It must not wait for other mutators of the heap. Not in Python, which writes to `sys.stderr`.
    fn set_debug_writer(&self, writer: Box<dyn Write + Send>);
}

/// Keeps thresholds from starting collections while it lives; see [`Control::disabled`].
#[must_use = "dropping it lets thresholds start collections again"]
pub struct Disabled<'m, M: Control> {
    mutator: &'m M,
}

impl<M: Control> Drop for Disabled<'_, M> {
    fn drop(&mut self) {
        self.mutator.resume();
    }
}

impl<M: Control> fmt::Debug for Disabled<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disabled")
    }
}
