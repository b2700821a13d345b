//! The accessors of a space: every word of every object, block record and side table, as an atomic.
//!
//! The invariants S1–S4 of the [space](super) are what makes them sound; they are kept here.

use std::marker::PhantomData;

use super::record::field;
use super::{AGE_AT, AGE_BYTES, BLOCK_SHIFT, GRANULE_SHIFT, LINKS_AT, RECORD_BYTES, ROOM, SIDE_BYTES, Space, classes};
use crate::object::Shape;
use crate::sync::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// The addresses of a space, borrowed from it.
#[derive(Clone, Copy)]
pub struct View<'s> {
    /// The range, with [`ROOM`] behind it.
    pub(super) heap: *mut u8,
    /// The side tables; null without.
    pub(super) side: *mut u8,
    /// The age table; null without, or with ages in headers.
    pub(super) ages: *mut u8,
    /// Ages are in headers.
    pub(super) inline_ages: bool,
    /// The block records.
    pub(super) table: *mut u8,
    /// Granules of the range − 1.
    pub(super) granule_mask: u32,
    /// Bytes before the slots.
    pub(super) slots_at: usize,
    pub(super) space: PhantomData<&'s Space>,
}

impl<'s> View<'s> {
    /// Byte offset of granule `index` in the range, masked. (S2)
    #[inline(always)]
    pub(super) fn offset(self, index: u32) -> usize {
        ((index & self.granule_mask) as usize) << GRANULE_SHIFT
    }

    /// The 64-bit word at `at` bytes into the object; `at` must be a multiple of 8 below [`ROOM`] − 8.
    #[inline(always)]
    fn word(self, index: u32, at: usize) -> &'s AtomicU64 {
        debug_assert!(at < ROOM - 8 && at.is_multiple_of(8));
        let address = self.heap.wrapping_add(self.offset(index) + at).cast::<AtomicU64>();
        // SAFETY: mapped for the space's life, which `'s` lies in (S1, S2: the callers' offsets are bounded by constants and masks), aligned
        // (S3), accessed as an atomic only (S4). `tests::any_bits_are_a_mapped_address` would fault otherwise.
        #[expect(unsafe_code, reason = "object memory as atomics")]
        unsafe {
            &*address
        }
    }

    /// The 32-bit word at `at` bytes into the object; `at` must be a multiple of 4 below [`ROOM`] − 8.
    #[inline(always)]
    fn half(self, index: u32, at: usize) -> &'s AtomicU32 {
        debug_assert!(at < ROOM - 8 && at.is_multiple_of(4));
        let address = self.heap.wrapping_add(self.offset(index) + at).cast::<AtomicU32>();
        // SAFETY: as in `word`.
        #[expect(unsafe_code, reason = "object memory as atomics")]
        unsafe {
            &*address
        }
    }

    /// The count word.
    #[inline(always)]
    pub fn count_word(self, index: u32) -> &'s AtomicU64 {
        self.word(index, 0)
    }

    /// The shape word.
    #[inline(always)]
    pub fn shape_word(self, index: u32) -> &'s AtomicU64 {
        self.word(index, 8)
    }

    /// Slot `slot` of the object.
    #[inline(always)]
    pub fn slot(self, index: u32, slot: u32) -> &'s AtomicU32 {
        self.half(index, self.slots_at + (slot & Shape::MAX_SLOTS) as usize * 4)
    }

    /// How many slots an object's cell has room for; those beyond the object's own are null. Bounded by
    /// [`Shape::MAX_SLOTS`], whatever the reference.
    #[inline(always)]
    pub fn slot_capacity(self, index: u32) -> u32 {
        // Relaxed: fixed while the block holds objects.
        let capacity = self.record((index & self.granule_mask) >> BLOCK_SHIFT, field::CAPACITY).load(Ordering::Relaxed);
        capacity.min(Shape::MAX_SLOTS)
    }

    /// The first `capacity` slots of the object.
    #[inline(always)]
    pub(crate) fn slots(self, index: u32, capacity: u32) -> &'s [AtomicU32] {
        let address = self.heap.wrapping_add(self.offset(index) + self.slots_at).cast::<AtomicU32>();
        // SAFETY: at most `MAX_SLOTS` slots, 64 MiB, from an address in the range: mapped (S1, S2), aligned (S3), atomics
        // (S4). `tests::any_bits_are_a_mapped_address` would fault otherwise.
        #[expect(unsafe_code, reason = "object memory as atomics")]
        unsafe {
            std::slice::from_raw_parts(address, capacity.min(Shape::MAX_SLOTS) as usize)
        }
    }

    /// Word `word` of the payload of an object with `slots` slots.
    #[inline(always)]
    pub fn payload_word(self, index: u32, slots: u32, word: u32) -> &'s AtomicU64 {
        let capacity = classes::slot_capacity(slots & Shape::MAX_SLOTS) as usize;
        self.word(index, self.slots_at + capacity * 4 + (word & (Shape::MAX_PAYLOAD / 8 - 1)) as usize * 8)
    }

    /// Zeroes the words from `begin` to `end` bytes into the object, both multiples of 8.
    #[inline(always)]
    pub(super) fn zero_words(self, index: u32, begin: u32, end: u32) {
        // Whole words (S3), the last of which lies in the room behind the range (S2).
        let mut at = (begin & !7) as usize;
        let end = end.min((ROOM - 16) as u32) as usize;
        while at < end {
            self.word(index, at).store(0, Ordering::Relaxed);
            at += 8;
        }
    }

    /// The `next` link, in the header. Meaningless with side tables.
    #[inline(always)]
    pub(crate) fn inline_next(self, index: u32) -> &'s AtomicU32 {
        self.half(index, LINKS_AT)
    }

    /// The `prev` link, in the header. Meaningless with side tables.
    #[inline(always)]
    pub(crate) fn inline_prev(self, index: u32) -> &'s AtomicU32 {
        self.half(index, LINKS_AT + 4)
    }

    /// A link in the side table: `next` with `part` 0, `prev` with 1.
    ///
    /// # Panics
    /// If the space has no side tables.
    #[inline]
    pub(crate) fn side_link(self, index: u32, part: usize) -> &'s AtomicU32 {
        assert!(!self.side.is_null(), "side tables are in use");
        let (block, cell) = self.block_and_cell(index);
        let at = block as usize * SIDE_BYTES + cell * 8 + (part & 1) * 4;
        let address = self.side.wrapping_add(at).cast::<AtomicU32>();
        // SAFETY: `block` is masked to the range and `cell` to the block's share, so the address lies in the side
        // reservation (its size is blocks × SIDE_BYTES); 4-aligned; accessed as an atomic only (S4).
        #[expect(unsafe_code, reason = "side tables as atomics")]
        unsafe {
            &*address
        }
    }

    /// The block of an object, masked to the range, and its cell's number there, below the most cells a block can have.
    #[inline(always)]
    fn block_and_cell(self, index: u32) -> (u32, usize) {
        let index = index & self.granule_mask;
        let block = index >> BLOCK_SHIFT;
        let offset = u64::from(index & ((1 << BLOCK_SHIFT) - 1)) << GRANULE_SHIFT;
        // Relaxed: written once when the block got its class, before any of its cells was handed out.
        let reciprocal = self.record(block, field::RECIPROCAL).load(Ordering::Relaxed);
        (block, ((offset * u64::from(reciprocal)) >> 32) as usize & (AGE_BYTES - 1))
    }

    /// The age byte of an object's cell.
    ///
    /// # Panics
    /// If the space was made without ages.
    #[inline(always)]
    pub fn age(self, index: u32) -> &'s AtomicU8 {
        if self.ages.is_null() {
            return self.inline_age(index);
        }
        let (block, cell) = self.block_and_cell(index);
        self.side_age(block, cell)
    }

    /// The same where the block and the number of the cell are known.
    ///
    /// # Panics
    /// If the space was made without ages.
    #[inline(always)]
    pub fn age_of_cell(self, block: u32, cell: u32, index: u32) -> &'s AtomicU8 {
        if self.ages.is_null() { self.inline_age(index) } else { self.side_age(block, cell as usize) }
    }

    #[inline(always)]
    fn inline_age(self, index: u32) -> &'s AtomicU8 {
        assert!(self.inline_ages, "the space was made with ages");
        let address = self.heap.wrapping_add(self.offset(index) + AGE_AT).cast::<AtomicU8>();
        // SAFETY: as in `word`; bytes need no alignment. Where ages are in headers, nothing else is at that place.
        #[expect(unsafe_code, reason = "object memory as atomics")]
        unsafe {
            &*address
        }
    }

    #[inline(always)]
    fn side_age(self, block: u32, cell: usize) -> &'s AtomicU8 {
        debug_assert!(!self.ages.is_null());
        let block = (block & (self.granule_mask >> BLOCK_SHIFT)) as usize;
        let address = self.ages.wrapping_add(block * AGE_BYTES + (cell & (AGE_BYTES - 1))).cast::<AtomicU8>();
        // SAFETY: the callers have seen that there is a table; `block` and `cell` are masked, so the address lies in it (its
        // size is blocks × AGE_BYTES); bytes need no alignment; accessed as atomics only (S4).
        #[expect(unsafe_code, reason = "the age table as atomics")]
        unsafe {
            &*address
        }
    }

    /// A field of a block's record.
    #[inline(always)]
    pub(super) fn record(self, block: u32, field: usize) -> &'s AtomicU32 {
        let block = (block & (self.granule_mask >> BLOCK_SHIFT)) as usize;
        let at = block * RECORD_BYTES + (field & (RECORD_BYTES / 4 - 1)) * 4;
        let address = self.table.wrapping_add(at).cast::<AtomicU32>();
        // SAFETY: both parts are masked, so the address lies in the table (its size is blocks × RECORD_BYTES); 4-aligned;
        // accessed as an atomic only (S4).
        #[expect(unsafe_code, reason = "block records as atomics")]
        unsafe {
            &*address
        }
    }

    /// Asks the processor to fetch the line with the object's header and first slots.
    #[inline(always)]
    pub fn prefetch(self, index: u32) {
        let address = self.heap.wrapping_add(self.offset(index)).cast::<i8>();
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a prefetch has no architectural effect, whatever the address.
        #[expect(unsafe_code, reason = "prefetching")]
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = address;
    }
}
