//! Which blocks are in use, and how each is cut: what a pass over all objects needs, without touching an object.

use super::classes::BLOCK_BYTES;
use super::record::{field, kind};
use super::{BLOCK_SHIFT, GRANULE_SHIFT, Space};
use crate::object::Shape;
use crate::sync::Ordering::Relaxed;

// Orderings in this file are relaxed: plain heaps ask with the turn, which orders everything before it; a concurrent
// caller gets the record of a moment ago, whose use the accessors make harmless (S2).

const SLOTS_PER_GRANULE: u32 = (1 << GRANULE_SHIFT) / 4;

/// How a block in use is cut: into cells of one class, or the one cell of a large object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockLayout {
    /// Granule index of the first cell.
    pub first: u32,
    /// Granules from one cell to the next.
    pub stride: u32,
    /// Slots in each cell; those that its object does not have are null.
    pub capacity: u32,
    /// Cells so far: further ones have held no object yet.
    pub cells: u32,
    /// 2^32 / stride, rounded up: turns granules into a cell number without a division.
    pub reciprocal: u32,
}

impl BlockLayout {
    /// The block's number.
    pub fn block(&self) -> u32 {
        self.first >> BLOCK_SHIFT
    }

    /// The granule index of a cell.
    #[inline(always)]
    pub fn object(&self, cell: u32) -> u32 {
        self.first.wrapping_add(cell.wrapping_mul(self.stride))
    }
}

impl Space {
    /// The numbers of the blocks that hold objects or may: blocks of cells, and the first of each large object, ascending.
    pub fn blocks(&self) -> Vec<u32> {
        let frontier = self.pool.lock().frontier;
        let in_use = |block: &u32| matches!(self.record(*block, field::KIND).load(Relaxed), kind::CELLS | kind::LARGE);
        (1..frontier).filter(in_use).collect()
    }

    /// The block of the object at a granule index.
    #[inline(always)]
    pub fn block_of(&self, index: u32) -> u32 {
        (index & self.granule_mask) >> BLOCK_SHIFT
    }

    /// Whether an object can begin at a granule index, as its block is cut now.
    pub fn begins_cell(&self, index: u32) -> bool {
        self.layout(self.block_of(index)).is_some_and(|layout| {
            let granules = (index & self.granule_mask).wrapping_sub(layout.first);
            granules.is_multiple_of(layout.stride) && granules / layout.stride < layout.cells
        })
    }

    /// How a block is cut; `None` if it begins no cell.
    pub fn layout(&self, block: u32) -> Option<BlockLayout> {
        if block > self.granule_mask >> BLOCK_SHIFT {
            return None;
        }
        let bytes = self.record(block, field::STRIDE).load(Relaxed).min(BLOCK_BYTES);
        let stride = bytes >> GRANULE_SHIFT;
        let (cells, most_slots) = match self.record(block, field::KIND).load(Relaxed) {
            kind::CELLS => {
                let carved = self.record(block, field::CARVED).load(Relaxed).min(BLOCK_BYTES);
                (carved.checked_div(bytes)?, stride * SLOTS_PER_GRANULE)
            }
            kind::LARGE => (1, Shape::MAX_SLOTS + 1),
            _ => return None,
        };
        let reciprocal = (1u64 << 32).checked_div(u64::from(stride))?;
        let reciprocal = if stride.is_power_of_two() { reciprocal } else { reciprocal + 1 };
        Some(BlockLayout {
            first: block << BLOCK_SHIFT,
            stride,
            // No more than fit, whatever a block that changes its class meanwhile says.
            capacity: self.record(block, field::CAPACITY).load(Relaxed).min(most_slots),
            cells,
            reciprocal: reciprocal as u32,
        })
    }
}
