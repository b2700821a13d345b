//! Payloads, checked: words and bytes of an object's data, copied in and out.
//!
//! A payload of an object of another heap or a dead one gives wrong values, as S1–S4 of the [space](super) say, and nothing
//! worse.

use super::{Space, header};
use crate::object::ObjectRef;
use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;

// Orderings in this file are relaxed. On plain heaps the turn orders accesses; where mutators run in parallel, programs order
// them by the references through which they get at an object, and one that does not reads some value that was written.

impl Space {
    /// A whole word of a payload.
    ///
    /// # Panics
    /// If the payload is shorter.
    #[inline(always)]
    pub fn checked_payload_word(&self, object: ObjectRef, word: u32) -> &AtomicU64 {
        let view = self.view();
        let shape_word = view.shape_word(object.bits()).load(Relaxed);
        if u64::from(word) * 8 + 8 > header::payload(shape_word) {
            // Too long for the header, or too short for the word.
            self.check_payload(object, word.saturating_mul(8), 8);
        }
        view.payload_word(object.bits(), header::slots(shape_word), word)
    }

    /// Copies payload bytes out, from `offset` on.
    ///
    /// # Panics
    /// If the payload is shorter.
    pub fn read_payload(&self, object: ObjectRef, offset: u32, into: &mut [u8]) {
        let slots = self.check_payload(object, offset, into.len());
        for (n, byte) in into.iter_mut().enumerate() {
            let at = offset + n as u32;
            let word = self.payload_word(object.bits(), slots, at / 8).load(Relaxed);
            *byte = word.to_le_bytes()[at as usize % 8];
        }
    }

    /// Copies payload bytes in, from `offset` on.
    ///
    /// # Panics
    /// If the payload is shorter.
    pub fn write_payload(&self, object: ObjectRef, offset: u32, bytes: &[u8]) {
        let slots = self.check_payload(object, offset, bytes.len());
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let place = self.payload_word(object.bits(), slots, at / 8);
            let begin = at as usize % 8;
            let (now, later) = rest.split_at(rest.len().min(8 - begin));
            let mut word = if now.len() == 8 { [0; 8] } else { place.load(Relaxed).to_le_bytes() };
            word[begin..begin + now.len()].copy_from_slice(now);
            place.store(u64::from_le_bytes(word), Relaxed);
            at += now.len() as u32;
            rest = later;
        }
    }

    /// Checks that a payload has so many bytes at `offset`; returns the object's number of slots.
    #[cold]
    #[inline(never)]
    fn check_payload(&self, object: ObjectRef, offset: u32, length: usize) -> u32 {
        let shape = self.shape_of(object);
        let end = u32::try_from(length).ok().and_then(|length| offset.checked_add(length));
        assert!(
            end.is_some_and(|end| end <= shape.payload),
            "{length} bytes at {offset} of a payload of {} bytes",
            shape.payload
        );
        shape.slots
    }
}
