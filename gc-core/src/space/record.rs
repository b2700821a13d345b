//! The record of a block: what its fields mean. Records stand in a table beside the range, a cache line each.

/// Fields of a block's record.
pub(super) mod field {
    /// What the block holds: see [`kind`](super::kind).
    pub(in crate::space) const KIND: usize = 0;
    /// Granule index of the first free cell; 0 for none.
    pub(in crate::space) const FREE: usize = 1;
    /// Objects in the block.
    pub(in crate::space) const LIVE: usize = 2;
    /// Bytes of the block that were cut into cells so far.
    pub(in crate::space) const CARVED: usize = 3;
    /// Bytes of a cell.
    pub(in crate::space) const STRIDE: usize = 4;
    /// 2^32 / stride, rounded up: turns an offset into a cell number without a division.
    pub(in crate::space) const RECIPROCAL: usize = 5;
    /// Who may allocate here: see [`status`](super::status).
    pub(in crate::space) const STATUS: usize = 6;
    /// Neighbours on the class's list of available blocks; 0 for none.
    pub(in crate::space) const NEXT: usize = 7;
    pub(in crate::space) const PREVIOUS: usize = 8;
    /// The class.
    pub(in crate::space) const CLASS: usize = 9;
    /// Of a large object's first block: how many blocks its run has.
    pub(in crate::space) const RUN: usize = 10;
    /// Of a large object's first block: the payload's bytes.
    pub(in crate::space) const LONG_PAYLOAD: usize = 11;
    /// Slots that each cell has room for; of a large object's first block, that object's.
    pub(in crate::space) const CAPACITY: usize = 12;
    /// Where mutators run in parallel: the number of the allocator whose current block it is; 0 for none.
    pub(in crate::space) const OWNER: usize = 13;
    /// Where mutators run in parallel: cells freed by others than the owner. See `space::sharing`.
    pub(in crate::space) const REMOTE: usize = 14;
    /// Where mutators run in parallel: how many free cells make a full block available.
    pub(in crate::space) const WANTED: usize = 15;
}

/// What a block holds.
pub(super) mod kind {
    /// Nothing; its memory is with the system.
    pub(in crate::space) const FREE: u32 = 0;
    /// Cells of one class.
    pub(in crate::space) const CELLS: u32 = 1;
    /// The beginning of a large object.
    pub(in crate::space) const LARGE: u32 = 2;
    /// The rest of one.
    pub(in crate::space) const LARGE_REST: u32 = 3;
    /// List heads.
    pub(in crate::space) const SENTINELS: u32 = 4;
}

/// Who may allocate in a block of cells.
pub(super) mod status {
    /// Nobody: it has no free cell.
    pub(in crate::space) const FULL: u32 = 0;
    /// The first mutator to take it from its class's list.
    pub(in crate::space) const AVAILABLE: u32 = 1;
    /// The one mutator that has it as its current block.
    pub(in crate::space) const OWNED: u32 = 2;
    /// Nobody: the block begins a large object.
    pub(in crate::space) const LARGE: u32 = 3;
}
