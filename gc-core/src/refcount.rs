//! `refcount`: plain counts and no cycle collection. The floor of every comparison. And two instruments beside it, which
//! together tell what a program costs by itself: `recording`, the same heap that writes a [`Tape`] of deaths, and `uncounted`,
//! which counts nothing and frees what the tape says.
//!
//! All keep the collector's settings, so that programs that set them run unchanged, and track nothing: generations are
//! empty, freezing moves nothing, collecting finds nothing. Dead cycles leak, by design.

use crate::config::{CreateError, HeapConfig};
use crate::control::{Counts3, Generation, GenerationStats, Thresholds};
use crate::event::Observer;
use crate::heap::Abilities;
use crate::object::{Kind, ObjectRef};
use crate::plain::{PlainHeap, PlainMutator, Reason, Tracking};
use crate::space::Space;
use crate::switch::Switch;
use crate::sync::{Arc, Mutex, add_exclusive};
use crate::tape::{Misfit, Player, Recorder, Tape, Unrepeatable};

/// The heap that counts and does not collect.
pub type RefcountHeap = PlainHeap<Uncollected<Counted>>;

/// The same, and it writes each death by count on a tape.
pub type RecordingHeap = PlainHeap<Uncollected<Recorded>>;

/// The heap that does not even count. With a tape it frees what died by count in another run of the same program, at the next
/// [tick](crate::tape) after it died there; without one nothing dies. No heap to live with: `retain_count` says 1 of everything,
/// finalizers and callbacks of weak references are not called, and weak references to what the tape frees are cleared.
pub type UncountedHeap = PlainHeap<Uncollected<Replayed>>;

impl RecordingHeap {
    /// The tape, once the program has ended and its mutators are gone.
    ///
    /// # Errors
    /// If a replay could not follow the program, and why.
    pub fn tape(&self) -> Result<Tape, Unrepeatable> {
        self.0.tracking.deaths.0.tape()
    }
}

impl UncountedHeap {
    /// A heap for the program that was recorded. Its configuration is that of the recording, its mutators one at a time in
    /// the same order.
    ///
    /// # Errors
    /// As [`Heap::new`](crate::Heap::new).
    pub fn replaying(tape: Arc<Tape>, observer: Arc<dyn Observer>) -> Result<Self, CreateError> {
        let config = *tape.config();
        let deaths = Replayed(Player::new(Some(tape)));
        Self::tracked_by(config, observer, |_| Uncollected::dying_by(&config, deaths))
    }

    /// How many deaths were replayed, once the program has ended and its mutators are gone.
    ///
    /// # Errors
    /// If it did not do what was recorded.
    pub fn replayed(&self) -> Result<u64, Misfit> {
        self.0.tracking.deaths.0.verdict()
    }
}

/// What a heap without a collector makes of counts and deaths.
pub trait Deaths: Sized + Send + Sync + 'static {
    /// The heap's name.
    const NAME: &'static str;
    /// See [`Tracking::COUNTS`].
    const COUNTS: bool;

    /// The state of a new heap.
    fn new(config: &HeapConfig) -> Self;
    /// See [`Tracking::tick`].
    #[inline(always)]
    fn tick(_: &PlainMutator<Uncollected<Self>>) {}
    /// See [`Tracking::buried`].
    #[inline(always)]
    fn buried(&self, _: ObjectRef, _: u64) {}
    /// See [`Tracking::unrepeatable`].
    #[inline(always)]
    fn unrepeatable(&self, _: Unrepeatable) {}
}

/// Counts, and objects die by it.
pub struct Counted;

impl Deaths for Counted {
    const NAME: &'static str = "refcount";
    const COUNTS: bool = true;

    fn new(_: &HeapConfig) -> Self {
        Self
    }
}

/// Counts, and each death is written down.
pub struct Recorded(Recorder);

impl Deaths for Recorded {
    const NAME: &'static str = "recording";
    const COUNTS: bool = true;

    fn new(config: &HeapConfig) -> Self {
        Self(Recorder::new(config))
    }
    fn tick(mutator: &PlainMutator<Uncollected<Self>>) {
        mutator.shared().tracking.deaths.0.tick();
    }
    fn buried(&self, object: ObjectRef, shape_word: u64) {
        self.0.death(object.bits(), shape_word);
    }
    fn unrepeatable(&self, cause: Unrepeatable) {
        self.0.is_unrepeatable(cause);
    }
}

/// Counts nothing; deaths are played.
pub struct Replayed(Player);

impl Replayed {
    #[inline(never)]
    fn play(mutator: &PlainMutator<Uncollected<Self>>) {
        let shared = mutator.shared();
        let view = shared.space.view();
        let player = &shared.tracking.deaths.0;
        // Relaxed: the turn orders (A1 of `tape`).
        let shape_word = |place| view.shape_word(place).load(crate::sync::Ordering::Relaxed);
        let freed = player.play(shape_word, |place| mutator.bury(view, place));
        add_exclusive(&shared.freed, freed);
    }
}

impl Deaths for Replayed {
    const NAME: &'static str = "uncounted";
    const COUNTS: bool = false;

    fn new(_: &HeapConfig) -> Self {
        Self(Player::new(None))
    }
    #[inline(always)]
    fn tick(mutator: &PlainMutator<Uncollected<Self>>) {
        if mutator.shared().tracking.deaths.0.tick() {
            Self::play(mutator);
        }
    }
    fn unrepeatable(&self, _: Unrepeatable) {
        self.0.stop();
    }
}

/// Tracks nothing.
pub struct Uncollected<D: Deaths> {
    thresholds: Mutex<Thresholds>,
    enabled: Switch,
    deaths: D,
}

impl<D: Deaths> Uncollected<D> {
    fn dying_by(config: &HeapConfig, deaths: D) -> Self {
        Self { thresholds: Mutex::new(config.thresholds), enabled: Switch::default(), deaths }
    }
}

impl<D: Deaths> Tracking for Uncollected<D> {
    const NAME: &'static str = D::NAME;
    const ABILITIES: Abilities = Abilities { collects_cycles: false, list_order: false, parallel_mutators: false };
    const TRACKS: bool = false;
    const COUNTS: bool = D::COUNTS;

    fn new(_: &Space, config: &HeapConfig) -> Self {
        Self::dying_by(config, D::new(config))
    }

    #[inline(always)]
    fn tick(mutator: &PlainMutator<Self>) {
        D::tick(mutator);
    }
    #[inline(always)]
    fn buried(&self, object: ObjectRef, shape_word: u64) {
        self.deaths.buried(object, shape_word);
    }
    #[inline(always)]
    fn unrepeatable(&self, cause: Unrepeatable) {
        self.deaths.unrepeatable(cause);
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
        self.enabled.set(enabled);
    }
    fn is_enabled(&self) -> bool {
        self.enabled.is_on()
    }
    fn suspend(&self) {
        self.enabled.suspend();
    }
    fn resume(&self) {
        self.enabled.resume();
    }
    fn set_threshold(&self, thresholds: Thresholds) {
        *self.thresholds.lock() = thresholds;
    }
    fn get_threshold(&self) -> Thresholds {
        *self.thresholds.lock()
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
}
