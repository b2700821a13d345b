//! The count word's protocol: what each operation adds to it, and with which ordering.
//!
//! A protocol is a set of constants. [`Versioned`] is what ships; [`Unversioned`] is the same without the version, for
//! the rung that does not collect. The models define further ones, each broken in one place, and see them fail.
//!
//! Each ordering is argued once, here, and named elsewhere.

use gc_core::sync::Ordering::{self, AcqRel, Acquire, Relaxed, Release};

pub use gc_core::space::header::{COUNT_MASK, IMMORTAL};

/// Count word: one reference.
pub const ONE: u64 = 1;
/// Count word: one version.
pub const VERSION: u64 = 1 << 32;
/// Count word: a mutator moves references about inside the object in bulk.
pub const BUSY: u64 = 1 << 30;
/// A count that reaches this makes the object immortal. Retaining is an unconditional addition, which cannot stop at a
/// limit; half the field leaves room for 2^29 additions under way at the same time.
pub const COUNT_LIMIT: u64 = 1 << 29;

/// How mutators and collections use the count word.
///
/// The partners of each ordering are named. "P1: a token's way out" is the pairing on which the proof rests (README,
/// "Why it is safe").
pub trait Protocol: Send + Sync + 'static {
    /// What a retain adds. The version is the write barrier: a second reading of the word shows that there was a retain.
    const RETAIN: u64 = VERSION | ONE;
    /// Relaxed: whoever retains holds a reference already, so it learns nothing; and as a read-modify-write it continues
    /// the release sequences of the word.
    const RETAIN_ORDER: Ordering = Relaxed;
    /// Release: all that was done through the reference happens before its end is seen; partners: `DEATH_ORDER`,
    /// `LOAD_RETAIN_ORDER`, `FIRST_READING_ORDER`. Relaxed, an object could be taken apart, or found dead, while a write
    /// through its last reference is not yet seen.
    const RELEASE_ORDER: Ordering = Release;
    /// Acquire: the last release sees what all others did. A load of the word and not a fence: the same code, and the
    /// thread sanitizer understands it.
    const DEATH_ORDER: Ordering = Acquire;
    /// Acquire: whoever finds a reference in a slot sees its target initialised; partner: `SWAP_ORDER`.
    const LOAD_SLOT_ORDER: Ordering = Acquire;
    /// Acquire: if the reference was taken out of the slot and given up, or taken out with `RAISE`, before this exchange,
    /// then the second reading of the slot sees that. Partners: `RELEASE_ORDER`, `RAISE_ORDER`, the allocator's release.
    /// Relaxed, a load could return an object that was freed and used again.
    const LOAD_RETAIN_ORDER: Ordering = Acquire;
    /// A load reads the slot again after it has retained.
    const LOAD_CHECKS_AGAIN: bool = true;
    /// A load retains an object whose count is 0.
    const LOAD_FROM_ZERO: bool = false;
    /// AcqRel: release publishes the new target (partner `LOAD_SLOT_ORDER`); acquire makes the old target, which its new
    /// owner goes on to use, initialised for it.
    const SWAP_ORDER: Ordering = AcqRel;
    /// What is added to the word of a reference that a swap brought out and that is used further (rule R2).
    const RAISE: u64 = VERSION;
    /// Release: P1. Partner: `FIRST_READING_ORDER`. A collection whose first reading includes the raise sees the slot
    /// without the reference. Relaxed, a token that moves on could be counted in two slots.
    const RAISE_ORDER: Ordering = Release;
    /// What marks an object while references move inside it.
    const BUSY: u64 = BUSY;
    /// What the end of such a move adds.
    const MOVED: u64 = VERSION;
    /// AcqRel: acquire keeps the moves behind the mark, release in front of its end; partners: both readings of a
    /// collection. It is also the lock between two threads that move inside one object.
    const BUSY_ORDER: Ordering = AcqRel;

    /// Acquire: P1's other end.
    const FIRST_READING_ORDER: Ordering = Acquire;
    /// Acquire: a reference seen in a slot was put there after its target's word was raised (if it moved), so the second
    /// reading, which comes later, includes the raise. Partner: `SWAP_ORDER`.
    const READ_SLOT_ORDER: Ordering = Acquire;
    /// All words are read before any slot (rule R5).
    const WORDS_FIRST: bool = true;
    /// A count of 0 is rejected: the object died by count meanwhile.
    const REJECTS_ZERO: bool = true;
    /// The cascade takes back the references that were recorded, rather than reading slots again.
    const CASCADE_BY_RECORD: bool = true;
    /// An upgrade passes a fence between its retain and its reading of the state.
    const UPGRADE_FENCE: bool = true;
    /// An upgrade turns DECIDING into DIRTY.
    const UPGRADE_DIRTIES: bool = true;
    /// A collection fences between its DECIDING and the second reading.
    const DECIDING_FENCE: bool = true;
}

/// The protocol of the heaps that collect.
#[derive(Clone, Copy, Debug)]
pub struct Versioned;

impl Protocol for Versioned {}

/// The same without versions: what counting costs when nobody collects.
#[derive(Clone, Copy, Debug)]
pub struct Unversioned;

impl Protocol for Unversioned {
    const RETAIN: u64 = ONE;
    const RAISE: u64 = 0;
    const MOVED: u64 = 0;
}
