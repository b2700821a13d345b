//! The memory objects live in: one reserved range per heap, cut into blocks of cells of one size.
//!
//! # Protocol
//! A *block* is 64 KiB of *cells* of one class ([`classes`]): stride and slot capacity are fixed while the block
//! belongs to the class, so each offset of a cell has one access width for that time (*type-stable*). An object too
//! large for a cell gets a *run* of whole blocks. A free cell has only null slots. A block without objects may be given
//! back to the system; it reads as zero when it is used again, perhaps for another class.
//!
//! # Invariants
//! - **S1** The range is mapped, readable and writable, from [`Space::new`] to the drop (`Reservation` I1); behind it
//!   lies [`ROOM`], mapped as well, at least as large as the largest object.
//! - **S2** Every accessor masks the reference to the range, and bounds the offset inside the object by [`ROOM`]. So
//!   whatever bits a reference holds, the address formed is mapped.
//! - **S3** Granules are 8-aligned; 64-bit accesses use offsets that are multiples of 8, 32-bit ones multiples of 4.
//! - **S4** All accesses are atomic, so whatever threads do, there is no data race.
//!
//! S1–S4 together make every accessor sound for every argument; that a reference names a *live* object is what roots
//! and counts are for, and a breach of it can give wrong values but no undefined behaviour.

mod allocator;
mod blocks;
mod classes;
pub(crate) mod header;
mod reservation;

use crate::config::{CreateError, HeapConfig, Place};
use crate::object::{ObjectRef, Shape, TypeId};
use crate::sync::{AtomicU16, AtomicU32, AtomicU64, Mutex, Ordering};

pub(crate) use allocator::Allocator;
pub(crate) use blocks::NoRoom;
use blocks::{BlockPool, field};
use classes::{BLOCK_BYTES, MIN_STRIDE};
use reservation::Reservation;

/// log2 of a granule's bytes.
const GRANULE_SHIFT: u32 = 3;
/// log2 of a block's granules.
const BLOCK_SHIFT: u32 = BLOCK_BYTES.trailing_zeros() - GRANULE_SHIFT;
/// Bytes mapped behind the range, so that an object that begins at its last granule is still inside.
const ROOM: usize = 512 << 20;
/// Bytes of a block's record in the block table: one cache line.
const RECORD_BYTES: usize = 64;
/// Bytes of side table per block: 8 for each of the most cells it can have.
const SIDE_BYTES: usize = (BLOCK_BYTES / MIN_STRIDE) as usize * 8;
/// Byte offset of the links in an object's header, and of the slots where the links are elsewhere.
const LINKS_AT: usize = 16;

/// Heads of lists: cells of the first block, which holds no objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sentinel(pub(crate) u32);

impl Sentinel {
    /// The granule index of list head number `n`.
    pub(crate) const fn number(n: u32) -> Self {
        Sentinel((n + 1) * (MIN_STRIDE >> GRANULE_SHIFT))
    }
}

/// See the [module](self).
pub struct Space {
    heap: Reservation,
    side: Option<Reservation>,
    table: Reservation,
    /// Granules of the range − 1.
    granule_mask: u32,
    /// Bytes before the slots: 24 with inline links, 16 without.
    slots_at: usize,
    /// Classes of small shapes, by slot pairs and payload words; 0 where not assigned yet.
    small_classes: Box<[AtomicU16]>,
    pool: Mutex<BlockPool>,
    held_bytes: AtomicU64,
    peak_bytes: AtomicU64,
}

impl Space {
    /// Reserves the addresses.
    pub(crate) fn new(config: &HeapConfig) -> Result<Self, CreateError> {
        let bytes = config.reservation;
        if !bytes.is_power_of_two() || !(HeapConfig::MIN_RESERVATION..=HeapConfig::MAX_RESERVATION).contains(&bytes) {
            return Err(CreateError::Reservation { bytes });
        }
        let range = usize::try_from(bytes).map_err(|_| CreateError::Reservation { bytes })?;
        let blocks = range / BLOCK_BYTES as usize;
        let reserve = |bytes: usize| {
            Reservation::new(bytes).map_err(|source| CreateError::Addresses { bytes: bytes as u64, source })
        };
        let heap = reserve(range + ROOM)?;
        let side = match config.place {
            Place::Inline => None,
            Place::Side => Some(reserve(blocks * SIDE_BYTES)?),
        };
        let table = reserve((blocks * RECORD_BYTES).next_multiple_of(reservation::PAGE))?;
        let space = Self {
            heap,
            side,
            table,
            granule_mask: ((bytes >> GRANULE_SHIFT) - 1) as u32,
            slots_at: if config.place == Place::Inline { 24 } else { LINKS_AT },
            small_classes: (0..blocks::SMALL_CLASSES).map(|_| AtomicU16::new(0)).collect(),
            pool: Mutex::new(BlockPool::new(blocks as u32, config.limit)),
            held_bytes: AtomicU64::new(0),
            peak_bytes: AtomicU64::new(0),
        };
        space.prepare_sentinels();
        Ok(space)
    }

    /// Whether links are in side tables.
    #[inline(always)]
    pub(crate) fn is_side(&self) -> bool {
        self.side.is_some()
    }

    /// Byte offset of granule `index` in the range, masked. (S2)
    #[inline(always)]
    fn offset(&self, index: u32) -> usize {
        ((index & self.granule_mask) as usize) << GRANULE_SHIFT
    }

    /// The 64-bit word at `at` bytes into the object; `at` must be a multiple of 8 below [`ROOM`] − 8.
    #[inline(always)]
    fn word(&self, index: u32, at: usize) -> &AtomicU64 {
        debug_assert!(at < ROOM - 8 && at.is_multiple_of(8));
        let address = self.heap.base().wrapping_add(self.offset(index) + at).cast::<AtomicU64>();
        // SAFETY: mapped for `self`'s life (S1, S2: the callers' offsets are bounded by constants and masks), aligned
        // (S3), accessed as an atomic only (S4). `tests::any_bits_are_a_mapped_address` would fault otherwise.
        #[expect(unsafe_code, reason = "object memory as atomics")]
        unsafe {
            &*address
        }
    }

    /// The 32-bit word at `at` bytes into the object; `at` must be a multiple of 4 below [`ROOM`] − 8.
    #[inline(always)]
    fn half(&self, index: u32, at: usize) -> &AtomicU32 {
        debug_assert!(at < ROOM - 8 && at.is_multiple_of(4));
        let address = self.heap.base().wrapping_add(self.offset(index) + at).cast::<AtomicU32>();
        // SAFETY: as in `word`.
        #[expect(unsafe_code, reason = "object memory as atomics")]
        unsafe {
            &*address
        }
    }

    /// The count word.
    #[inline(always)]
    pub(crate) fn count_word(&self, index: u32) -> &AtomicU64 {
        self.word(index, 0)
    }

    /// The shape word.
    #[inline(always)]
    pub(crate) fn shape_word(&self, index: u32) -> &AtomicU64 {
        self.word(index, 8)
    }

    /// Slot `slot` of the object.
    #[inline(always)]
    pub(crate) fn slot(&self, index: u32, slot: u32) -> &AtomicU32 {
        self.half(index, self.slots_at + (slot & Shape::MAX_SLOTS) as usize * 4)
    }

    /// Word `word` of the payload of an object with `slots` slots.
    #[inline(always)]
    pub(crate) fn payload_word(&self, index: u32, slots: u32, word: u32) -> &AtomicU64 {
        let capacity = classes::slot_capacity(slots & Shape::MAX_SLOTS) as usize;
        self.word(index, self.slots_at + capacity * 4 + (word & (Shape::MAX_PAYLOAD / 8 - 1)) as usize * 8)
    }

    /// The `next` link, in the header. Meaningless with side tables.
    #[inline(always)]
    pub(crate) fn inline_next(&self, index: u32) -> &AtomicU32 {
        self.half(index, LINKS_AT)
    }

    /// The `prev` link, in the header. Meaningless with side tables.
    #[inline(always)]
    pub(crate) fn inline_prev(&self, index: u32) -> &AtomicU32 {
        self.half(index, LINKS_AT + 4)
    }

    /// A link in the side table: `next` with `part` 0, `prev` with 1.
    ///
    /// # Panics
    /// If the space has no side tables.
    #[inline]
    pub(crate) fn side_link(&self, index: u32, part: usize) -> &AtomicU32 {
        let side = self.side.as_ref().expect("side tables are in use");
        let index = index & self.granule_mask;
        let block = index >> BLOCK_SHIFT;
        let offset = u64::from(index & ((1 << BLOCK_SHIFT) - 1)) << GRANULE_SHIFT;
        // Relaxed: written once when the block got its class, before any of its cells was handed out.
        let reciprocal = self.record(block, field::RECIPROCAL).load(Ordering::Relaxed);
        let cell = ((offset * u64::from(reciprocal)) >> 32) as usize & (SIDE_BYTES / 8 - 1);
        let at = block as usize * SIDE_BYTES + cell * 8 + (part & 1) * 4;
        let address = side.base().wrapping_add(at).cast::<AtomicU32>();
        // SAFETY: `block` is masked to the range and `cell` to the block's share, so the address lies in the side
        // reservation (its size is blocks × SIDE_BYTES); 4-aligned; accessed as an atomic only (S4).
        #[expect(unsafe_code, reason = "side tables as atomics")]
        unsafe {
            &*address
        }
    }

    /// A field of a block's record.
    #[inline(always)]
    fn record(&self, block: u32, field: usize) -> &AtomicU32 {
        let block = (block & (self.granule_mask >> BLOCK_SHIFT)) as usize;
        let at = block * RECORD_BYTES + (field & (RECORD_BYTES / 4 - 1)) * 4;
        let address = self.table.base().wrapping_add(at).cast::<AtomicU32>();
        // SAFETY: both parts are masked, so the address lies in the table (its size is blocks × RECORD_BYTES); 4-aligned;
        // accessed as an atomic only (S4).
        #[expect(unsafe_code, reason = "block records as atomics")]
        unsafe {
            &*address
        }
    }

    /// Asks the processor to fetch the line with the object's header and first slots.
    #[inline(always)]
    pub(crate) fn prefetch(&self, index: u32) {
        let address = self.heap.base().wrapping_add(self.offset(index)).cast::<i8>();
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a prefetch has no architectural effect, whatever the address.
        #[expect(unsafe_code, reason = "prefetching")]
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = address;
    }

    /// Slots and payload bytes of a live object.
    pub(crate) fn shape_of(&self, object: ObjectRef) -> Shape {
        let word = self.shape_word(object.bits()).load(Ordering::Relaxed);
        let payload = match header::payload(word) {
            header::LONG_PAYLOAD => {
                self.record(object.bits() >> BLOCK_SHIFT, field::LONG_PAYLOAD).load(Ordering::Relaxed)
            }
            short => short as u32,
        };
        Shape { slots: header::slots(word), payload }
    }

    /// The type of a live object.
    pub(crate) fn type_of(&self, object: ObjectRef) -> TypeId {
        header::type_id(self.shape_word(object.bits()).load(Ordering::Relaxed))
    }

    /// Bytes held from the system and the most ever held.
    pub(crate) fn held_and_peak_bytes(&self) -> (u64, u64) {
        // Relaxed: figures for reports.
        (self.held_bytes.load(Ordering::Relaxed), self.peak_bytes.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bits_are_a_mapped_address() {
        for place in [Place::Inline, Place::Side] {
            let config = HeapConfig { reservation: HeapConfig::MIN_RESERVATION, place, ..HeapConfig::default() };
            let space = Space::new(&config).unwrap();
            for bits in [0, 1, 0x1234_5678, space.granule_mask, space.granule_mask + 1, u32::MAX] {
                space.count_word(bits).store(1, Ordering::Relaxed);
                space.shape_word(bits).store(1, Ordering::Relaxed);
                space.slot(bits, u32::MAX).store(1, Ordering::Relaxed);
                space.payload_word(bits, u32::MAX, u32::MAX).store(1, Ordering::Relaxed);
                space.record(bits, usize::MAX).store(1, Ordering::Relaxed);
                space.inline_prev(bits).store(1, Ordering::Relaxed);
                if place == Place::Side {
                    space.side_link(bits, 1).store(1, Ordering::Relaxed);
                }
                space.prefetch(bits);
            }
        }
    }

    #[test]
    fn an_impossible_reservation_is_refused_with_the_possible_ones() {
        for reservation in [0, 1 << 19, 3 << 20, 1 << 36] {
            let error = Space::new(&HeapConfig { reservation, ..HeapConfig::default() }).err().unwrap();
            assert!(error.to_string().contains("power of two"), "{error}");
        }
    }
}
