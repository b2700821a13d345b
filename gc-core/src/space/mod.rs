//! The memory objects live in: one reserved range per heap, cut into blocks of cells of one size.
//!
//! # Protocol
//! A *block* is 64 KiB of *cells* of one class (`space::classes`): stride and slot capacity are fixed while the block
//! belongs to the class, so each offset of a cell has one access width for that time (*type-stable*). An object too
//! large for a cell gets a *run* of whole blocks. A free cell has only null slots. A block without objects may be given
//! back to the system; it reads as zero when it is used again, perhaps for another class.
//!
//! # Invariants
//! - **S1** The range is mapped, readable and writable, from `Space::new` to the drop (`Reservation` I1); behind it
//!   lies `ROOM`, mapped as well, at least as large as the largest object.
//! - **S2** Every accessor masks the reference to the range, and bounds the offset inside the object by `ROOM`. So
//!   whatever bits a reference holds, the address formed is mapped.
//! - **S3** Granules are 8-aligned; 64-bit accesses use offsets that are multiples of 8, 32-bit ones multiples of 4.
//! - **S4** All accesses are atomic, so whatever threads do, there is no data race.
//!
//! S1–S4 together make every accessor sound for every argument; that a reference names a *live* object is what roots
//! and counts are for, and a breach of it can give wrong values but no undefined behaviour.

mod allocator;
mod blocks;
mod classes;
mod extents;
pub mod header;
mod layout;
mod payload;
mod prefetch;
mod record;
mod reservation;
mod sharing;
mod table;
mod view;

use std::marker::PhantomData;

use crate::config::{Ages, CreateError, HeapConfig, Place};
use crate::object::{ObjectRef, Shape, TypeId};
use crate::sync::{AtomicU32, AtomicU64, Mutex, Ordering};

pub use allocator::{Allocator, Recipe};
use blocks::BlockPool;
pub use blocks::NoRoom;
use classes::{BLOCK_BYTES, MIN_STRIDE};
pub use layout::BlockLayout;
pub(crate) use prefetch::prefetch_element;
use record::field;
use reservation::Reservation;
pub(crate) use table::Table;
pub use view::View;

/// log2 of a granule's bytes.
const GRANULE_SHIFT: u32 = 3;
/// log2 of a block's granules.
pub(crate) const BLOCK_SHIFT: u32 = BLOCK_BYTES.trailing_zeros() - GRANULE_SHIFT;
/// Bytes mapped behind the range, so that an object that begins at its last granule is still inside.
const ROOM: usize = 512 << 20;
/// Bytes of a block's record in the block table: one cache line.
const RECORD_BYTES: usize = 64;
/// Bytes of side table per block: 8 for each of the most cells it can have.
const SIDE_BYTES: usize = (BLOCK_BYTES / MIN_STRIDE) as usize * 8;
/// Bytes of age table per block: one for each of the most cells it can have.
const AGE_BYTES: usize = (BLOCK_BYTES / MIN_STRIDE) as usize;
/// Byte offset of the links in an object's header, and of the slots where the links are elsewhere.
const LINKS_AT: usize = 16;
/// Byte offset of the age in an object's header, where it is there: in the links' place.
const AGE_AT: usize = LINKS_AT;

/// Heads of lists: cells of the first block, which holds no objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sentinel(pub(crate) u32);

impl Sentinel {
    /// The granule index of list head number `n`.
    pub(crate) const fn number(n: u32) -> Self {
        Sentinel((n + 1) * (MIN_STRIDE >> GRANULE_SHIFT))
    }
}

/// The memory of one heap.
pub struct Space {
    heap: Reservation,
    side: Option<Reservation>,
    ages: Option<Reservation>,
    has_ages: bool,
    table: Reservation,
    /// Granules of the range − 1.
    granule_mask: u32,
    /// Bytes before the slots: 24 with inline links or ages, 16 without.
    slots_at: usize,
    pool: Mutex<BlockPool>,
    /// Length of the pool's list of retired memory, for those who do not want its lock.
    retired: AtomicU32,
    held_bytes: AtomicU64,
    peak_bytes: AtomicU64,
}

impl Space {
    /// Reserves the addresses, with links for a collector that keeps lists, in the place that the configuration says.
    pub fn new(config: &HeapConfig) -> Result<Self, CreateError> {
        Self::reserve(config, Some(config.place))
    }

    /// Reserves the addresses, with an age byte for each cell in place of links, beside it or in its header as the
    /// configuration says: for heaps whose mutators run in parallel.
    pub fn with_ages(config: &HeapConfig) -> Result<Self, CreateError> {
        Self::reserve(config, None)
    }

    fn reserve(config: &HeapConfig, links: Option<Place>) -> Result<Self, CreateError> {
        let bytes = config.reservation;
        if !bytes.is_power_of_two() || !(HeapConfig::MIN_RESERVATION..=HeapConfig::MAX_RESERVATION).contains(&bytes) {
            return Err(CreateError::Reservation { bytes });
        }
        let range = usize::try_from(bytes).map_err(|_| CreateError::Reservation { bytes })?;
        let blocks = range / BLOCK_BYTES as usize;
        let reserve = |bytes: usize| {
            Reservation::new(bytes).map_err(|cause| CreateError::Addresses { bytes: bytes as u64, cause })
        };
        let heap = reserve(range + ROOM)?;
        let side = if links == Some(Place::Side) { Some(reserve(blocks * SIDE_BYTES)?) } else { None };
        let has_ages = links.is_none();
        let ages = if has_ages && config.ages == Ages::Side {
            Some(reserve((blocks * AGE_BYTES).next_multiple_of(reservation::PAGE))?)
        } else {
            None
        };
        let table = reserve((blocks * RECORD_BYTES).next_multiple_of(reservation::PAGE))?;
        let space = Self {
            heap,
            side,
            ages,
            has_ages,
            table,
            granule_mask: ((bytes >> GRANULE_SHIFT) - 1) as u32,
            slots_at: if links == Some(Place::Inline) || (has_ages && config.ages == Ages::Inline) {
                24
            } else {
                LINKS_AT
            },
            pool: Mutex::new(BlockPool::new(blocks as u32, config.limit)),
            retired: AtomicU32::new(0),
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

    /// The accessors, by value: a function that takes them once keeps the addresses in registers.
    #[inline(always)]
    pub fn view(&self) -> View<'_> {
        View {
            heap: self.heap.base(),
            side: self.side.as_ref().map_or(std::ptr::null_mut(), Reservation::base),
            ages: self.ages.as_ref().map_or(std::ptr::null_mut(), Reservation::base),
            inline_ages: self.has_ages && self.ages.is_none(),
            table: self.table.base(),
            granule_mask: self.granule_mask,
            slots_at: self.slots_at,
            space: PhantomData,
        }
    }

    /// See [`View::count_word`].
    #[inline(always)]
    pub fn count_word(&self, index: u32) -> &AtomicU64 {
        self.view().count_word(index)
    }

    /// See [`View::shape_word`].
    #[inline(always)]
    pub fn shape_word(&self, index: u32) -> &AtomicU64 {
        self.view().shape_word(index)
    }

    /// See [`View::slot`].
    #[inline(always)]
    pub fn slot(&self, index: u32, slot: u32) -> &AtomicU32 {
        self.view().slot(index, slot)
    }

    /// See [`View::payload_word`].
    #[inline(always)]
    pub fn payload_word(&self, index: u32, slots: u32, word: u32) -> &AtomicU64 {
        self.view().payload_word(index, slots, word)
    }

    #[inline(always)]
    fn record(&self, block: u32, field: usize) -> &AtomicU32 {
        self.view().record(block, field)
    }

    /// Slots and payload bytes of a live object.
    pub fn shape_of(&self, object: ObjectRef) -> Shape {
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
    pub fn type_of(&self, object: ObjectRef) -> TypeId {
        header::type_id(self.shape_word(object.bits()).load(Ordering::Relaxed))
    }

    /// Bytes held from the system and the most ever held.
    pub fn held_and_peak_bytes(&self) -> (u64, u64) {
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
                space.view().slots(bits, u32::MAX).iter().for_each(|slot| slot.store(1, Ordering::Relaxed));
                space.payload_word(bits, u32::MAX, u32::MAX).store(1, Ordering::Relaxed);
                space.record(bits, usize::MAX).store(1, Ordering::Relaxed);
                space.view().inline_prev(bits).store(1, Ordering::Relaxed);
                if place == Place::Side {
                    space.view().side_link(bits, 1).store(1, Ordering::Relaxed);
                }
                space.view().prefetch(bits);
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
