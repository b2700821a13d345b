//! What a heap with plain counts does beyond counting: the hooks by which `refcount` and `generational` differ.

use crate::config::HeapConfig;
use crate::control::{Counts3, Generation, GenerationStats, Thresholds};
use crate::heap::Abilities;
use crate::object::{Kind, ObjectRef};
use crate::space::Space;
use crate::tape::Unrepeatable;

use super::mutator::PlainMutator;

/// Why a collection runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// A program asked.
    Explicit,
    /// A threshold was crossed.
    Threshold,
    /// The heap is full.
    Memory,
}

/// Which objects are tracked, how, and what collects them.
pub trait Tracking: Sized + Send + Sync + 'static {
    /// The heap's name.
    const NAME: &'static str;
    /// What the heap can do.
    const ABILITIES: Abilities;
    /// Whether containers are tracked at all.
    const TRACKS: bool;
    /// Whether references are counted. If not, nothing dies but what [`Tracking::tick`] frees.
    const COUNTS: bool = true;

    /// The state of a new heap.
    fn new(space: &Space, config: &HeapConfig) -> Self;

    /// Counts the allocation of a container. True if that makes a collection due.
    fn count_allocation(&self, kind: Kind, slots: u32) -> bool;
    /// Counts the death of a container.
    fn count_death(&self, kind: Kind, slots: u32);
    /// Begins to track a container.
    fn link(&self, space: &Space, object: ObjectRef);
    /// Ceases to track it.
    fn unlink(&self, space: &Space, object: ObjectRef);

    /// An allocation is about to be made, or something else at which a program could tell whether an object is dead.
    #[inline(always)]
    fn tick(_: &PlainMutator<Self>) {}
    /// The object with this shape word has died by count, and its cell is about to be given back.
    #[inline(always)]
    fn buried(&self, _: ObjectRef, _: u64) {}
    /// The program does something that a replay without counts could not follow.
    #[inline(always)]
    fn unrepeatable(&self, _: Unrepeatable) {}

    /// Acts on a collection that is due, at a check (`at_check`) or by scheduling it for the next one.
    fn due(mutator: &PlainMutator<Self>, at_check: bool);
    /// Collects a generation and the younger ones; returns unreachable objects found.
    fn collect(mutator: &PlainMutator<Self>, generation: Generation, reason: Reason) -> u64;
    /// Bytes of the collector's own tables.
    fn side_bytes(&self) -> u64 {
        0
    }
    /// Whether a collection is under way.
    fn is_collecting(&self) -> bool;

    /// See [`crate::Control`] for this and the following.
    fn set_enabled(&self, enabled: bool);
    /// Whether thresholds start collections.
    fn is_enabled(&self) -> bool;
    /// One more guard keeps thresholds from it.
    fn suspend(&self);
    /// One guard less.
    fn resume(&self);
    /// Sets the thresholds.
    fn set_threshold(&self, thresholds: Thresholds);
    /// The thresholds.
    fn get_threshold(&self) -> Thresholds;
    /// The trigger's counters.
    fn get_count(&self) -> Counts3;
    /// Per generation.
    fn get_stats(&self) -> [GenerationStats; 3];
    /// Everything tracked to the permanent generation.
    fn freeze(&self, space: &Space);
    /// And back to the oldest.
    fn unfreeze(&self, space: &Space);
    /// Objects in the permanent generation.
    fn frozen(&self, space: &Space) -> u64;
    /// Objects of a generation, in list order.
    fn generation(&self, space: &Space, generation: Generation) -> Vec<ObjectRef>;
}
