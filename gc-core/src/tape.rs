//! The tape of deaths: which object died by count, and when, written by one run and played to another that does not count.
//!
//! What a program would cost if nothing were counted can be measured only if its dead objects go all the same: else its memory
//! is always new, and the price is one of page faults and lost caches. So a run on plain counts writes down each death, and a
//! run of the same program on a heap without counts frees the same objects where the tape says.
//!
//! # Time and place
//! Time is counted in *ticks*: allocations, and the few other points at which a program can tell whether an object is dead (an
//! upgrade of a weak reference, a look at an object's weak references, an explicit collection, a walk, a mutator's end). What
//! died between two ticks is freed at the second, before anything else happens there. No free cell is taken between, so both
//! runs take and give back the same cells in the same order, and an object's *place* is the same in both: the tape names dead
//! objects by it.
//!
//! ```text
//!  a batch: │ ticks without deaths before its own │ n │ check │ place 1 │ … │ place n │       words of 32 bits
//! ```
//!
//! What dies between two ticks is one batch, or several where it is much.
//!
//! # Invariants
//! - **A1** Only the thread that has the heap's turn writes or plays.
//! - **A2** Nothing of a batch is freed before the check over the shape words of all its objects, and that there are objects,
//!   has come out right. A tape of another program is told by that, or by its end. Until it is, the program may
//!   read wrong values.

use crate::config::HeapConfig;
use crate::space::header::{FLAGS_SHIFT, flag};
use crate::sync::Ordering::Relaxed;
use crate::sync::{Arc, AtomicU32, AtomicU64, Mutex};

// Orderings in this file are relaxed: see A1; the turn's lock orders turns.

/// Most words of a tape: 1 GiB of memory.
const MAX_WORDS: usize = 1 << 28;
/// Words of a batch before its places.
const HEAD: usize = 3;
/// Most places of a batch. It is read twice, to check it and to free: the second time from the nearest cache.
const MOST: usize = 128;
/// In place of the ticks before a batch: it is due at the same tick as the one before it.
const SAME_TICK: u32 = u32::MAX;

/// What died when in one run.
#[derive(Clone, Debug)]
pub struct Tape {
    config: HeapConfig,
    words: Vec<u32>,
    deaths: u64,
    /// Ticks after the last batch's.
    rest: u32,
}

impl Tape {
    /// How many deaths there are on it.
    pub fn deaths(&self) -> u64 {
        self.deaths
    }

    /// Its size in memory.
    pub fn bytes(&self) -> u64 {
        self.words.len() as u64 * 4
    }

    /// The configuration of the heap it was recorded on, with which alone places are the same.
    pub fn config(&self) -> &HeapConfig {
        &self.config
    }

    /// Ticks without deaths before the batch at this word, or before the end.
    fn gap(&self, at: usize) -> u32 {
        self.words.get(at).copied().unwrap_or(self.rest)
    }
}

/// Why a run gives no tape that another could follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unrepeatable {
    /// A finalizer ran.
    #[error(
        "an object with a finalizer died, which a replay without counts cannot call; choose a program without finalizers"
    )]
    Finalizer,
    /// The callback of a weak reference ran.
    #[error(
        "the callback of a weak reference ran, which a replay without counts cannot call; choose a program without such \
         callbacks"
    )]
    Callback,
    /// The process forked.
    #[error("the process forked, and what died in the child is not known here; choose a program that does not fork")]
    Fork,
    /// Too much died.
    #[error("more died than a tape of 1 GiB holds; make the program's work smaller")]
    Length,
}

/// Why a replay is not one of the recorded run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "the tape does not fit: the program did not do what it did when it was recorded (seen after {played} of {deaths} deaths); \
     record it with the same workload, dials, seed and settings, and with one mutator"
)]
pub struct Misfit {
    /// Deaths played before it was noticed.
    pub played: u64,
    /// Deaths on the tape.
    pub deaths: u64,
}

/// A death's part of its batch's check: which shape and type died, and that it was an object at all.
#[inline(always)]
fn check(shape_word: u64) -> u32 {
    let lasting = flag::ALLOCATED | ((1 << FLAGS_SHIFT) - 1);
    ((shape_word & lasting).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

/// Writes a tape.
pub(crate) struct Recorder(Mutex<Recording>);

struct Recording {
    tape: Tape,
    /// Places of those that died since the last tick.
    dead: Vec<u32>,
    check: u32,
    ticks_without: u32,
    /// The batch before the present one is due at the same tick.
    continues: bool,
    unrepeatable: Option<Unrepeatable>,
}

impl Recorder {
    pub(crate) fn new(config: &HeapConfig) -> Self {
        let tape = Tape { config: *config, words: Vec::new(), deaths: 0, rest: 0 };
        let dead = Vec::with_capacity(MOST);
        Self(Mutex::new(Recording { tape, dead, check: 0, ticks_without: 0, continues: false, unrepeatable: None }))
    }

    /// An object of this shape dies at this place.
    pub(crate) fn death(&self, place: u32, shape_word: u64) {
        let mut recording = self.0.lock();
        if recording.dead.len() == MOST {
            recording.end_batch();
            recording.continues = true;
        }
        recording.dead.push(place);
        recording.check = recording.check.wrapping_add(check(shape_word));
    }

    pub(crate) fn tick(&self) {
        let mut recording = self.0.lock();
        if recording.dead.is_empty() && recording.ticks_without < SAME_TICK - 1 {
            recording.ticks_without += 1;
        } else {
            recording.end_batch();
            recording.continues = false;
        }
    }

    pub(crate) fn is_unrepeatable(&self, cause: Unrepeatable) {
        self.0.lock().unrepeatable.get_or_insert(cause);
    }

    /// The tape up to the last tick. A replay of it fits if nothing has died since.
    pub(crate) fn tape(&self) -> Result<Tape, Unrepeatable> {
        let recording = self.0.lock();
        match recording.unrepeatable {
            Some(cause) => Err(cause),
            None => Ok(Tape { rest: recording.ticks_without, ..recording.tape.clone() }),
        }
    }
}

impl Recording {
    fn end_batch(&mut self) {
        let Self { tape, dead, check, ticks_without, continues, unrepeatable } = self;
        if tape.words.len() + HEAD + dead.len() > MAX_WORDS {
            unrepeatable.get_or_insert(Unrepeatable::Length);
            tape.words = Vec::new();
        }
        if unrepeatable.is_none() {
            let ticks = if *continues { SAME_TICK } else { *ticks_without };
            tape.words.extend([ticks, dead.len() as u32, *check]);
            tape.words.extend_from_slice(dead);
            tape.deaths += dead.len() as u64;
        }
        dead.clear();
        (*check, *ticks_without) = (0, 0);
    }
}

/// Plays a tape, or none: then nothing is ever due.
pub(crate) struct Player {
    tape: Option<Arc<Tape>>,
    /// Ticks to pass before the next batch's.
    left: AtomicU32,
    /// The next batch's first word.
    at: AtomicU64,
    played: AtomicU64,
    /// 1 once the tape was seen not to fit; nothing is played from there on.
    misfit: AtomicU32,
}

impl Player {
    pub(crate) fn new(tape: Option<Arc<Tape>>) -> Self {
        let left = tape.as_ref().map_or(u32::MAX, |tape| tape.gap(0));
        Self {
            tape,
            left: AtomicU32::new(left),
            at: AtomicU64::new(0),
            played: AtomicU64::new(0),
            misfit: AtomicU32::new(0),
        }
    }

    /// A tick passes. True if it is one with deaths, or beyond the end.
    #[inline(always)]
    pub(crate) fn tick(&self) -> bool {
        let left = self.left.load(Relaxed);
        self.left.store(left.wrapping_sub(1), Relaxed);
        left == 0
    }

    /// Frees what is due at a tick that said so. `shape_word` reads that of a place, `free` frees the object there; a batch is
    /// checked before the first of it is freed (A2). Returns how many were freed.
    #[inline(always)]
    pub(crate) fn play(&self, shape_word: impl Fn(u32) -> u64, mut free: impl FnMut(u32)) -> u64 {
        let Some(tape) = self.tape.as_deref().filter(|_| self.misfit.load(Relaxed) == 0) else {
            self.left.store(u32::MAX, Relaxed);
            return 0;
        };
        let mut freed = 0;
        loop {
            let at = self.at.load(Relaxed) as usize;
            let batch = tape.words.get(at..).and_then(|words| words.split_first_chunk::<HEAD>());
            let Some((&[_, deaths, sum], rest)) = batch else {
                // Ticks beyond the end.
                self.stop();
                return freed;
            };
            let places = &rest[..(deaths as usize).min(rest.len())];
            let seen = places.iter().fold(0u32, |sum, &place| sum.wrapping_add(check(shape_word(place))));
            if seen != sum {
                self.stop();
                return freed;
            }
            places.iter().for_each(|&place| free(place));
            let next = at + HEAD + places.len();
            self.at.store(next as u64, Relaxed);
            self.played.store(self.played.load(Relaxed) + u64::from(deaths), Relaxed);
            freed += u64::from(deaths);
            let ticks = tape.gap(next);
            if ticks != SAME_TICK {
                self.left.store(ticks, Relaxed);
                return freed;
            }
        }
    }

    /// The tape does not fit, or cannot be followed from here on.
    pub(crate) fn stop(&self) {
        self.misfit.store(1, Relaxed);
        self.left.store(u32::MAX, Relaxed);
    }

    /// Whether the program did what it did when it was recorded, no less and no more.
    pub(crate) fn verdict(&self) -> Result<u64, Misfit> {
        let played = self.played.load(Relaxed);
        let Some(tape) = &self.tape else { return Ok(0) };
        let at_the_end = self.at.load(Relaxed) == tape.words.len() as u64 && self.left.load(Relaxed) == 0;
        if at_the_end && self.misfit.load(Relaxed) == 0 {
            Ok(played)
        } else {
            Err(Misfit { played, deaths: tape.deaths })
        }
    }
}
