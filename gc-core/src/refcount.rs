//! `refcount`: plain counts and no cycle collection. The floor of every comparison. And `uncounted`, which does not count
//! either: an instrument that tells what a program costs by itself.
//!
//! It keeps the collector's settings, so that programs that set them run unchanged, and tracks nothing: generations are
//! empty, freezing moves nothing, collecting finds nothing. Dead cycles leak, by design.

use crate::config::HeapConfig;
use crate::control::{Counts3, Generation, GenerationStats, Thresholds};
use crate::heap::Abilities;
use crate::object::{Kind, ObjectRef};
use crate::plain::{PlainHeap, PlainMutator, Reason, Tracking};
use crate::space::Space;
use crate::sync::Mutex;

/// The heap that counts and does not collect.
pub type RefcountHeap = PlainHeap<Uncollected<true>>;

/// The heap that does not even count: nothing dies, so memory is all that limits it, and it is new all the time. No heap to
/// live with; it keeps the contract but for deaths.
pub type UncountedHeap = PlainHeap<Uncollected<false>>;

/// Tracks nothing.
pub struct Uncollected<const COUNTS: bool> {
    settings: Mutex<(Thresholds, bool)>,
}

impl<const COUNTS: bool> Tracking for Uncollected<COUNTS> {
    const NAME: &'static str = if COUNTS { "refcount" } else { "uncounted" };
    const ABILITIES: Abilities = Abilities { collects_cycles: false, list_order: false, parallel_mutators: false };
    const TRACKS: bool = false;
    const COUNTS: bool = COUNTS;

    fn new(_: &Space, config: &HeapConfig) -> Self {
        Self { settings: Mutex::new((config.thresholds, true)) }
    }

    fn count_allocation(&self, _: Kind, _: u32) -> bool {
        false
    }
    fn count_death(&self, _: Kind, _: u32) {}
    fn link(&self, _: &Space, _: ObjectRef) {}
    fn unlink(&self, _: &Space, _: ObjectRef) {}
    fn due(_: &PlainMutator<Self>, _: bool) {}
    fn collect(_: &PlainMutator<Self>, _: Generation, _: Reason) -> u64 {
        0
    }
    fn is_collecting(&self) -> bool {
        false
    }

    fn set_enabled(&self, enabled: bool) {
        self.settings.lock().1 = enabled;
    }
    fn is_enabled(&self) -> bool {
        self.settings.lock().1
    }
    fn set_threshold(&self, thresholds: Thresholds) {
        self.settings.lock().0 = thresholds;
    }
    fn get_threshold(&self) -> Thresholds {
        self.settings.lock().0
    }
    fn get_count(&self) -> Counts3 {
        Counts3::default()
    }
    fn get_stats(&self) -> [GenerationStats; 3] {
        Default::default()
    }
    fn freeze(&self, _: &Space) {}
    fn unfreeze(&self, _: &Space) {}
    fn frozen(&self, _: &Space) -> u64 {
        0
    }
    fn generation(&self, _: &Space, _: Generation) -> Vec<ObjectRef> {
        Vec::new()
    }
    fn garbage(&self) -> Vec<ObjectRef> {
        Vec::new()
    }
    fn take_garbage(&self) -> Vec<ObjectRef> {
        Vec::new()
    }
}
