//! What a load, a store and a move do beyond the access.
//!
//! Each function is called by a thread that holds a counted root of the object whose slot it works on, from beginning
//! to end (rule R3): in the heaps, because it has borrowed a [`Root`](gc_core::Root).

use std::ops::Range;

use crate::count::{Found, retain_if_alive};
use crate::memory::{CountWord, Memory, Word};
use crate::protocol::{IMMORTAL, Protocol};
use gc_core::sync::Ordering::Relaxed;

/// What slot `slot` of `owner` holds, retained. `undo` releases an object that was retained by mistake.
///
/// The slot is read, its target retained unless it is dead, and the slot read again: a target that is no longer there may
/// have been freed, and its place used again, before the retain. The place is still an object's (blocks keep their
/// class), so the mistake is undone.
#[inline(always)]
pub fn load<P: Protocol, M: Memory>(memory: &M, owner: u32, slot: u32, mut undo: impl FnMut(u32)) -> Option<u32> {
    let place = memory.slot(owner, slot);
    loop {
        let target = place.load(P::LOAD_SLOT_ORDER);
        if target == 0 {
            return None;
        }
        match retain_if_alive::<P, M>(memory, target) {
            Found::Immortal => return Some(target),
            Found::Alive => {
                // Relaxed: the exchange's acquire is what makes the change of the slot visible (LOAD_RETAIN_ORDER).
                if !P::LOAD_CHECKS_AGAIN || place.load(Relaxed) == target {
                    return Some(target);
                }
                undo(target);
            }
            // Its last reference was taken out of this slot: the next reading shows what came in its place.
            Found::Dead => memory.pause(),
        }
    }
}

/// Puts a counted reference (or null, 0) into a slot; what was there is the caller's, who releases it at once or calls
/// [`raise`].
#[inline(always)]
pub fn swap<P: Protocol, M: Memory>(memory: &M, owner: u32, slot: u32, value: u32) -> u32 {
    memory.slot(owner, slot).swap(value, P::SWAP_ORDER)
}

/// Raises the version of an object whose reference came out of a slot and is used further (rule R2).
#[inline(always)]
pub fn raise<P: Protocol, M: Memory>(memory: &M, object: u32) {
    let word = memory.count_word(object);
    // Relaxed: as in `count::retain`.
    if P::RAISE != 0 && word.load(Relaxed) & IMMORTAL == 0 {
        word.add(P::RAISE, P::RAISE_ORDER);
    }
}

/// Moves the references in slots `from` to those beginning at `to`, as `memmove` does; what they overwrite is handed to
/// `overwritten` afterwards, in order of slots, to be released.
///
/// The references move without a write to their targets. So the object is marked busy for the time, and a collection
/// takes nothing for granted that it reads in it (rule R4). Two threads that move inside one object wait for each other.
pub fn move_slots<P: Protocol, M: Memory>(memory: &M, object: u32, from: Range<u32>, to: u32) -> Vec<u32> {
    let word = memory.count_word(object);
    let counted = loop {
        let seen = word.expected();
        if seen & IMMORTAL != 0 {
            // Never a suspect, and not to be written.
            break false;
        }
        if seen & P::BUSY == 0 {
            if word.exchange(seen, seen | P::BUSY, P::BUSY_ORDER).is_ok() {
                break true;
            }
        } else {
            memory.pause();
        }
    };
    let length = from.end - from.start;
    let moved: Vec<u32> = from.map(|slot| memory.slot(object, slot).swap(0, P::SWAP_ORDER)).collect();
    let overwritten = (to..to + length)
        .zip(moved)
        .map(|(slot, value)| memory.slot(object, slot).swap(value, P::SWAP_ORDER))
        .filter(|&value| value != 0)
        .collect();
    if counted {
        // Both at once: there is no moment without the mark and with the old version.
        word.add(P::MOVED.wrapping_sub(P::BUSY), P::BUSY_ORDER);
    }
    overwritten
}
