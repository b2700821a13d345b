//! The rounding rules: which block class serves an object of a given shape.
//!
//! A class is a pair (slot capacity, stride). Real heaps have hundreds of exact pairs, a third of them with one member,
//! so both are rounded:
//!
//! - **slots** up to 16: to an even number (the payload behind them is 8-aligned); above: to a quarter of the power of
//!   two below, so at most 25 % of the slots are unused;
//! - **stride** (header + slots + payload): to 16 bytes up to 128; above: to an eighth of the power of two below, so
//!   at most 12.5 % of the cell is unused.
//!
//! Over the live Django heap that ships with `workloads` they make 318 classes of 767 exact pairs, and waste 6.3 % of the
//! cells' bytes.

/// Bytes of a block, the unit in which memory is classed, held and returned.
pub(crate) const BLOCK_BYTES: u32 = 1 << 16;
/// Cells above this stride get a run of blocks of their own.
pub(crate) const MAX_STRIDE: u32 = 1 << 14;
/// Cells are aligned to this many bytes, so that bit 0 of an object's granule index is free for marks in links.
pub(crate) const CELL_ALIGN: u32 = 16;
/// The smallest cell: a header and two slots.
pub(crate) const MIN_STRIDE: u32 = 32;

/// Rounded up number of slots.
#[inline]
pub(crate) fn slot_capacity(slots: u32) -> u32 {
    if slots <= 16 { slots.next_multiple_of(2) } else { slots.next_multiple_of(step(slots, 2)) }
}

/// Rounded up size of a cell in bytes, for any size up to the largest object.
#[inline]
pub(crate) fn stride(bytes: u32) -> u32 {
    if bytes <= 128 {
        bytes.next_multiple_of(CELL_ALIGN).max(MIN_STRIDE)
    } else {
        bytes.next_multiple_of(step(bytes, 3).max(CELL_ALIGN))
    }
}

/// The power of two at or below `n`, divided by `2^bits`.
fn step(n: u32, bits: u32) -> u32 {
    1 << (n.ilog2() - bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_wastes_no_more_than_the_rules_say() {
        for n in 17..200_000u32 {
            let capacity = slot_capacity(n);
            assert!(capacity >= n && capacity.is_multiple_of(2) && capacity <= n + n / 4, "{n} slots -> {capacity}");
            assert_eq!(slot_capacity(capacity), capacity, "a capacity is its own class");
        }
        for bytes in 129..200_000u32 {
            let stride = stride(bytes);
            assert!(stride >= bytes && stride.is_multiple_of(CELL_ALIGN) && stride <= bytes + bytes / 8 + CELL_ALIGN);
            assert_eq!(super::stride(stride), stride);
        }
    }
}
