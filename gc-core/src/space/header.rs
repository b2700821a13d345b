//! The header of an object, drawn and packed.
//!
//! ```text
//!  byte   inline                                      side
//!   0    ┌───────────────────────────────────────┐   ┌───────────────────────────────────────┐
//!        │ version (32)      │ I B count (30)    │   │ version (32)      │ I B count (30)    │  count word
//!   8    ├───────────────────────────────────────┤   ├───────────────────────────────────────┤
//!        │ flags 10 │ type 14 │ payload 16 │ slots 24 │ flags 10 │ type 14 │ ...            │  shape word
//!  16    ├───────────────────┬───────────────────┤   ├───────────────────────────────────────┤
//!        │ next (32)         │ prev (32)         │   │ slot 0            │ slot 1            │
//!  24    ├───────────────────┴───────────────────┤   │ ...                                   │
//!        │ slot 0            │ slot 1            │   │ payload, 8-aligned                    │
//!        │ ...                                   │   └───────────────────────────────────────┘
//!        │ payload, 8-aligned                    │    next and prev: in a table beside the block
//!        └───────────────────────────────────────┘
//! ```
//!
//! - **count word**: `I` immortal, `B` busy (reserved for bulk moves under a concurrent collector); the version is
//!   written by heaps with a concurrent collector only. It survives the object: a free cell keeps it.
//! - **shape word**: of the flags the top six and the last are bits, the three between them the kind; of a free cell its low half links the block's free list.
//! - **next**, **prev**: the list of the object's generation, as granule indices. Objects begin at even granules, so
//!   bit 0 is free: of `next` it marks an object on the unreachable list, of `prev` a candidate, whose other 31 bits
//!   are then its copied count (`gc_refs`), all as in CPython's `pycore_gc.h`.

use crate::object::{Kind, Shape, TypeId};

/// Count word: these bits are the count.
pub const COUNT_MASK: u64 = (1 << 30) - 1;
/// Count word: the object is immortal; its count is no longer written.
pub const IMMORTAL: u64 = 1 << 31;
/// Count word: the low half that a retain may not overflow into. A count of 2^30 − 1 becomes immortal instead.
pub const COUNT_LIMIT: u32 = COUNT_MASK as u32;

/// Payload field of an object whose length stands in its run's record.
pub const LONG_PAYLOAD: u64 = 0xffff;

/// Flags of the shape word.
pub mod flag {
    /// The cell holds an object.
    pub const ALLOCATED: u64 = 1 << 63;
    /// On a generation's list.
    pub const TRACKED: u64 = 1 << 62;
    /// The finalizer has run.
    pub const FINALIZED: u64 = 1 << 61;
    /// Has weak references.
    pub const REFERENCED_WEAKLY: u64 = 1 << 60;
    /// Its death has more to do than to release its slots, and a collection that finds it has to look: see the type.
    pub const HOOKED: u64 = 1 << 59;
    /// Its teardown is to be reported, and has not been. What a collection does is the same with it and without.
    pub const OBSERVED: u64 = 1 << 58;
    /// Noted as a candidate root.
    pub const NOTED: u64 = 1 << 54;
}

/// Where a type's kind stands among the flags.
pub const KIND_SHIFT: u32 = 55;

const SLOTS_BITS: u32 = 24;
const PAYLOAD_SHIFT: u32 = SLOTS_BITS;
const TYPE_SHIFT: u32 = PAYLOAD_SHIFT + 16;
/// Where the flags begin.
pub const FLAGS_SHIFT: u32 = TYPE_SHIFT + 14;
/// Types that a header can name.
pub const MAX_TYPES: usize = 1 << 14;

/// A shape word without flags.
#[inline(always)]
pub fn pack(type_id: TypeId, shape: Shape) -> u64 {
    let payload = u64::from(shape.payload).min(LONG_PAYLOAD);
    u64::from(shape.slots) | payload << PAYLOAD_SHIFT | u64::from(type_id.0) << TYPE_SHIFT
}

/// Slots of the object with this shape word.
#[inline(always)]
pub fn slots(word: u64) -> u32 {
    (word & ((1 << SLOTS_BITS) - 1)) as u32
}

/// Payload bytes, or [`LONG_PAYLOAD`].
#[inline(always)]
pub fn payload(word: u64) -> u64 {
    (word >> PAYLOAD_SHIFT) & 0xffff
}

/// Kind of the object with this shape word.
#[inline(always)]
pub fn kind(word: u64) -> Kind {
    match (word >> KIND_SHIFT) & 7 {
        0 => Kind::Instance,
        1 => Kind::List,
        2 => Kind::Dict,
        3 => Kind::Tuple,
        _ => Kind::Atomic,
    }
}

/// Whether the object with this shape word is a container.
#[inline(always)]
pub fn is_container(word: u64) -> bool {
    (word >> KIND_SHIFT) & 7 < 4
}

/// Whether its slots are released last to first when it dies: a list's and a tuple's, as in CPython.
#[inline(always)]
pub fn dies_backwards(word: u64) -> bool {
    (word >> KIND_SHIFT) & 5 == 1
}

/// The bits of a kind in a shape word.
pub fn kind_bits(kind: Kind) -> u64 {
    let number: u64 = match kind {
        Kind::Instance => 0,
        Kind::List => 1,
        Kind::Dict => 2,
        Kind::Tuple => 3,
        Kind::Atomic => 4,
    };
    number << KIND_SHIFT
}

/// Type of the object with this shape word.
#[inline(always)]
pub fn type_id(word: u64) -> TypeId {
    TypeId(((word >> TYPE_SHIFT) & (MAX_TYPES as u64 - 1)) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_word_gives_back_its_kind() {
        for kind in [Kind::Instance, Kind::List, Kind::Dict, Kind::Tuple, Kind::Atomic] {
            let word = pack(TypeId(9), Shape::new(3, 5)) | kind_bits(kind) | flag::ALLOCATED | flag::OBSERVED;
            assert_eq!(super::kind(word), kind);
            assert_eq!(is_container(word), kind.is_container());
            assert_eq!(dies_backwards(word), matches!(kind, Kind::List | Kind::Tuple));
        }
    }

    #[test]
    fn a_shape_word_gives_back_what_was_packed() {
        let shape = Shape::new(Shape::MAX_SLOTS, 65_534);
        let word = pack(TypeId(MAX_TYPES as u16 - 1), shape) | flag::ALLOCATED | flag::OBSERVED;
        assert_eq!(slots(word), Shape::MAX_SLOTS);
        assert_eq!(payload(word), 65_534);
        assert_eq!(type_id(word), TypeId(MAX_TYPES as u16 - 1));
        assert_eq!(payload(pack(TypeId(0), Shape::new(0, 65_535))), LONG_PAYLOAD);
    }
}
