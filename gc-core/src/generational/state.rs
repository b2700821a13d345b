//! The state of the baseline's collector, and its trigger.
//!
//! Source: `_gc_runtime_state` in `Include/internal/pycore_gc.h`; `_PyObject_GC_Link`, `PyObject_GC_Del` and
//! `_Py_RunGC` in `Modules/gcmodule.c`.

use crate::config::{FreeLists, HeapConfig};
use crate::control::{Counts3, Generation, GenerationStats, Thresholds};
use crate::heap::Abilities;
use crate::object::{Kind, ObjectRef};
use crate::plain::{PlainMutator, Reason, Tracking};
use crate::root::Mailbox;
use crate::space::{Sentinel, Space};
use crate::streaming::Detector;
use crate::switch::Switch;
use crate::sync::Ordering::Relaxed;
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Mutex};

use super::collect;
use super::lists::{Lists, head};

// Orderings in this file are relaxed: the thread that has the turn is alone, and the turn's lock orders turns (T1).

/// `count0` may not exceed this while no collection can start.
const NEVER: u32 = u32::MAX;

/// The collector's state.
pub struct Generational<const STREAMING: bool = false> {
    counts: [AtomicU32; 3],
    thresholds: [AtomicU32; 3],
    enabled: Switch,
    collecting: AtomicBool,
    scheduled: AtomicBool,
    /// An allocation that brings `counts[0]` above it takes the slow path: the first threshold; [`NEVER`] while no
    /// collection can start; 0 while one is scheduled. Derived from the four above, so that allocation compares once.
    limit: AtomicU32,
    /// Survivors of collections of generation 1 since the last full one (`long_lived_pending`).
    pub(super) pending: AtomicU64,
    /// Survivors of the last full collection (`long_lived_total`).
    pub(super) total: AtomicU64,
    pub(super) stats: Mutex<[GenerationStats; 3]>,
    free_lists: Option<FreeListCounts>,
    /// Of full collections, where detection is streaming.
    pub(super) detector: Mutex<Detector>,
    /// Bytes of its tables after the last collection.
    pub(super) detector_bytes: AtomicU64,
}

/// How many dead objects each of CPython's free lists would hold.
struct FreeListCounts {
    lists: AtomicU32,
    dicts: AtomicU32,
    /// By number of slots − 1.
    tuples: [AtomicU32; FreeListCounts::TUPLE_SIZES],
}

impl FreeListCounts {
    /// `PyList_MAXFREELIST`, `PyDict_MAXFREELIST`.
    const MAX: u32 = 80;
    /// `PyTuple_NFREELISTS`: tuples of 1 to 20 slots.
    const TUPLE_SIZES: usize = 20;
    /// `PyTuple_MAXFREELIST`.
    const MAX_TUPLES: u32 = 2000;

    fn new() -> Self {
        Self { lists: AtomicU32::new(0), dicts: AtomicU32::new(0), tuples: Default::default() }
    }

    /// The free list for objects of this kind and size, and how many it may hold.
    fn of(&self, kind: Kind, slots: u32) -> Option<(&AtomicU32, u32)> {
        match kind {
            Kind::List => Some((&self.lists, Self::MAX)),
            Kind::Dict => Some((&self.dicts, Self::MAX)),
            Kind::Tuple => {
                let size = (slots as usize).checked_sub(1)?;
                self.tuples.get(size).map(|list| (list, Self::MAX_TUPLES))
            }
            Kind::Instance | Kind::Atomic => None,
        }
    }

    fn clear(&self) {
        self.lists.store(0, Relaxed);
        self.dicts.store(0, Relaxed);
        self.tuples.iter().for_each(|list| list.store(0, Relaxed));
    }
}

/// Runs `$body` with `$lists` bound to the lists of `$space`, compiled for either place of the links.
macro_rules! with_lists {
    ($space:expr, $lists:ident => $body:expr) => {
        if $space.is_side() {
            let $lists = Lists::<true>::new($space);
            $body
        } else {
            let $lists = Lists::<false>::new($space);
            $body
        }
    };
}
pub(super) use with_lists;

impl<const STREAMING: bool> Generational<STREAMING> {
    fn derive_limit(&self) {
        let threshold = self.thresholds[0].load(Relaxed);
        let can_start = self.enabled.is_on() && threshold != 0 && !self.collecting.load(Relaxed);
        let limit = if self.scheduled.load(Relaxed) && !self.collecting.load(Relaxed) {
            0
        } else if can_start {
            threshold
        } else {
            NEVER
        };
        self.limit.store(limit, Relaxed);
    }

    /// Marks the beginning of a collection. False if one is under way.
    pub(super) fn begin(&self) -> bool {
        let began = !self.collecting.swap(true, Relaxed);
        self.derive_limit();
        began
    }

    /// Marks its end.
    pub(super) fn end(&self) {
        self.collecting.store(false, Relaxed);
        self.derive_limit();
    }

    /// A collection of `generation` starts to count anew (step 2 of `gc_collect_main`).
    pub(super) fn restart_counts(&self, generation: Generation) {
        if let Some(older) = generation.older() {
            let count = &self.counts[older.index()];
            count.store(count.load(Relaxed) + 1, Relaxed);
        }
        self.counts[..=generation.index()].iter().for_each(|count| count.store(0, Relaxed));
    }

    /// The generation that is due, oldest first (`gc_collect_generations`).
    pub(super) fn due_generation(&self) -> Option<Generation> {
        Generation::ALL.into_iter().rev().find(|generation| {
            let i = generation.index();
            let exceeded = self.counts[i].load(Relaxed) > self.thresholds[i].load(Relaxed);
            // The quarter rule keeps the work of full collections linear in the growth of the heap.
            exceeded && (*generation != Generation::OLD || self.pending.load(Relaxed) >= self.total.load(Relaxed) / 4)
        })
    }

    /// Empties the free lists (`clear_freelists`, after a full collection).
    pub(super) fn clear_free_lists(&self) {
        if let Some(free_lists) = &self.free_lists {
            free_lists.clear();
        }
    }
}

impl<const STREAMING: bool> Tracking for Generational<STREAMING> {
    const NAME: &'static str = if STREAMING { "generational-streaming" } else { "generational" };
    const ABILITIES: Abilities = Abilities { collects_cycles: true, list_order: !STREAMING, parallel_mutators: false };
    const TRACKS: bool = true;

    fn new(space: &Space, config: &HeapConfig) -> Self {
        with_lists!(space, lists => (0..head::COUNT).for_each(|n| lists.init(Sentinel::number(n))));
        let this = Self {
            counts: Default::default(),
            thresholds: config.thresholds.0.map(AtomicU32::new),
            enabled: Switch::default(),
            collecting: AtomicBool::new(false),
            scheduled: AtomicBool::new(false),
            limit: AtomicU32::new(0),
            pending: AtomicU64::new(0),
            total: AtomicU64::new(0),
            stats: Mutex::default(),
            free_lists: (config.free_lists == FreeLists::CPython312).then(FreeListCounts::new),
            detector: Mutex::default(),
            detector_bytes: AtomicU64::new(0),
        };
        this.derive_limit();
        this
    }

    #[inline(always)]
    fn count_allocation(&self, kind: Kind, slots: u32) -> bool {
        if let Some((list, _)) = self.free_lists.as_ref().and_then(|free_lists| free_lists.of(kind, slots)) {
            let held = list.load(Relaxed);
            if held > 0 {
                list.store(held - 1, Relaxed);
                return false;
            }
        }
        let count = self.counts[0].load(Relaxed).saturating_add(1);
        self.counts[0].store(count, Relaxed);
        count > self.limit.load(Relaxed)
    }

    #[inline(always)]
    fn count_death(&self, kind: Kind, slots: u32) {
        if let Some((list, max)) = self.free_lists.as_ref().and_then(|free_lists| free_lists.of(kind, slots)) {
            let held = list.load(Relaxed);
            if held < max {
                list.store(held + 1, Relaxed);
                return;
            }
        }
        let count = self.counts[0].load(Relaxed);
        self.counts[0].store(count.saturating_sub(1), Relaxed);
    }

    #[inline(always)]
    fn link(&self, space: &Space, object: ObjectRef) {
        with_lists!(space, lists => lists.append_new(object.bits(), head::GENERATIONS[0]));
    }

    #[inline(always)]
    fn unlink(&self, space: &Space, object: ObjectRef) {
        with_lists!(space, lists => {
            lists.remove(object.bits());
            // Garbage dies with its candidate mark, and the cell may serve an object that is on no list and has links
            // nobody writes. (G2)
            lists.set_raw_prev(object.bits(), 0);
        });
    }

    #[cold]
    fn due(mutator: &PlainMutator<Self>, at_check: bool) {
        let shared = mutator.shared();
        let this = &shared.tracking;
        if at_check {
            this.scheduled.store(false, Relaxed);
            shared.mailbox.answer(Mailbox::COLLECT);
            this.derive_limit();
            if this.enabled.is_on() && !this.collecting.load(Relaxed) {
                collect::collect_due(mutator);
            }
        } else {
            this.scheduled.store(true, Relaxed);
            shared.mailbox.ask(Mailbox::COLLECT);
            this.derive_limit();
        }
    }

    fn collect(mutator: &PlainMutator<Self>, generation: Generation, reason: Reason) -> u64 {
        collect::collect(mutator, generation, reason)
    }

    fn side_bytes(&self) -> u64 {
        self.detector_bytes.load(Relaxed)
    }

    fn is_collecting(&self) -> bool {
        self.collecting.load(Relaxed)
    }

    fn set_enabled(&self, enabled: bool) {
        self.enabled.set(enabled);
        self.derive_limit();
    }

    fn is_enabled(&self) -> bool {
        self.enabled.is_on()
    }

    fn suspend(&self) {
        self.enabled.suspend();
        self.derive_limit();
    }

    fn resume(&self) {
        self.enabled.resume();
        self.derive_limit();
    }

    fn set_threshold(&self, thresholds: Thresholds) {
        for (place, value) in self.thresholds.iter().zip(thresholds.0) {
            place.store(value, Relaxed);
        }
        self.derive_limit();
    }

    fn get_threshold(&self) -> Thresholds {
        Thresholds(std::array::from_fn(|i| self.thresholds[i].load(Relaxed)))
    }

    fn get_count(&self) -> Counts3 {
        Counts3(std::array::from_fn(|i| self.counts[i].load(Relaxed)))
    }

    fn get_stats(&self) -> [GenerationStats; 3] {
        *self.stats.lock()
    }

    fn freeze(&self, space: &Space) {
        with_lists!(space, lists => {
            head::GENERATIONS.into_iter().for_each(|generation| lists.merge(generation, head::PERMANENT));
        });
        self.counts.iter().for_each(|count| count.store(0, Relaxed));
    }

    fn unfreeze(&self, space: &Space) {
        with_lists!(space, lists => lists.merge(head::PERMANENT, head::GENERATIONS[2]));
    }

    fn frozen(&self, space: &Space) -> u64 {
        with_lists!(space, lists => lists.iter(head::PERMANENT).count() as u64)
    }

    fn generation(&self, space: &Space, generation: Generation) -> Vec<ObjectRef> {
        with_lists!(space, lists => lists.iter(head::GENERATIONS[generation.index()]).collect())
    }
}
