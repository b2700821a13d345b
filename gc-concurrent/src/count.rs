//! The versioned count: retain, release, and the retain that may find the object dead.

use crate::memory::{CountWord, Memory};
use crate::protocol::{COUNT_LIMIT, COUNT_MASK, IMMORTAL, ONE, Protocol};
use gc_core::sync::Ordering::{AcqRel, Relaxed};

/// Count + 1, by somebody who holds a reference.
#[inline(always)]
pub fn retain<P: Protocol, M: Memory>(memory: &M, object: u32) {
    let word = memory.count_word(object);
    // Relaxed: an object becomes immortal while the world stands still, or by its holder; and what is immortal is not
    // written, because its page may be shared with a forked process.
    if word.load(Relaxed) & IMMORTAL != 0 {
        return;
    }
    let before = word.add(P::RETAIN, P::RETAIN_ORDER);
    #[cfg(feature = "traffic")]
    gc_core::traffic::retained();
    if before & COUNT_MASK >= COUNT_LIMIT {
        // Relaxed: whether others count on for a while does not matter.
        word.set(IMMORTAL, Relaxed);
    }
}

/// Count − 1. True if that was the last reference: the object is the caller's to take apart.
#[inline(always)]
#[must_use]
pub fn release<P: Protocol, M: Memory>(memory: &M, object: u32) -> bool {
    let word = memory.count_word(object);
    // Relaxed: as in `retain`.
    if word.load(Relaxed) & IMMORTAL != 0 {
        return false;
    }
    let before = word.subtract(ONE, P::RELEASE_ORDER);
    #[cfg(feature = "traffic")]
    gc_core::traffic::released();
    debug_assert!(before & COUNT_MASK != 0, "#{object:x} is released more often than retained");
    if before & (COUNT_MASK | IMMORTAL) != ONE {
        return false;
    }
    word.load(P::DEATH_ORDER);
    true
}

/// What a retain found that did not know whether the object is alive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// Alive; it is retained.
    Alive,
    /// Alive for ever; nothing is counted.
    Immortal,
    /// Dead: its count is 0.
    Dead,
}

/// Count + 1, unless it is 0.
#[inline(always)]
pub fn retain_if_alive<P: Protocol, M: Memory>(memory: &M, object: u32) -> Found {
    let word = memory.count_word(object);
    let mut seen = word.expected();
    loop {
        if seen & IMMORTAL != 0 {
            return Found::Immortal;
        }
        if seen & COUNT_MASK == 0 && !P::LOAD_FROM_ZERO {
            return Found::Dead;
        }
        match word.exchange(seen, seen.wrapping_add(P::RETAIN), P::LOAD_RETAIN_ORDER) {
            Ok(()) if seen & COUNT_MASK >= COUNT_LIMIT => {
                // Relaxed: as in `retain`.
                word.set(IMMORTAL, Relaxed);
                return Found::Immortal;
            }
            Ok(()) => {
                #[cfg(feature = "traffic")]
                gc_core::traffic::retained();
                return Found::Alive;
            }
            Err(now) => {
                #[cfg(feature = "traffic")]
                gc_core::traffic::contended();
                seen = now;
            }
        }
    }
}

/// Takes away all references to garbage that was taken apart: `count` of them, as its certification found. True if its
/// place is the caller's to free; otherwise somebody is about to undo a retain, and that last release is.
#[must_use]
pub fn disown<M: Memory>(memory: &M, object: u32, count: u64) -> bool {
    // AcqRel: release, so that an undoing release that comes after sees the slots null; acquire, as its partner.
    let before = memory.count_word(object).subtract(count, AcqRel);
    debug_assert!(before & COUNT_MASK >= count, "#{object:x} lost references after it was certified");
    // A callback of the teardown may have made all objects immortal: then it stays where it is.
    before & (COUNT_MASK | IMMORTAL) == count
}
