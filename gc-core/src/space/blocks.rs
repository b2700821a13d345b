//! The block table and the pool of free blocks: which memory is in use, by which class, and when it goes back to the
//! system.
//!
//! # Invariants
//! - **B1** A block on a class's list of available blocks has a free cell or room to carve one, and is no mutator's own.
//! - **B2** A block in the pool's free runs reads as zero: all slots null, all cells free.
//! - **B3** `held_bytes` is the sum over blocks of cells and pages of large objects; it never exceeds the limit.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::classes::{self, BLOCK_BYTES, MIN_STRIDE};
use super::header::flag;
use super::record::{field, kind, status};
use super::reservation::PAGE;
use super::sharing::Retired;
use super::{BLOCK_SHIFT, GRANULE_SHIFT, SIDE_BYTES, Space, View};
use crate::object::{ObjectRef, Shape};
use crate::sync::Ordering::Relaxed;

// Orderings in this file: the records of a block are written by whoever has the heap's turn (plain heaps), or under the
// pool's lock, which orders them; they are atomics so that S4 holds without further argument. All are relaxed.

/// Most classes there can be: (slot capacities up to 4,096) × (strides up to 16 KiB) is below it.
pub(super) const MAX_CLASSES: usize = 4096;
/// Empty blocks kept with their memory, against returning and fetching the same pages over and over: 1 MiB.
pub(super) const EMPTY_BLOCKS_KEPT: usize = 16;

/// No memory within the limit, or no addresses within the reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom {
    /// Bytes wanted.
    pub requested: u64,
    /// Bytes held.
    pub held: u64,
    /// The limit, or the reservation where that is smaller.
    pub limit: u64,
}

/// What the pool's lock guards.
pub(super) struct BlockPool {
    /// Runs of free blocks: first block → how many. Disjoint, coalesced.
    free_runs: BTreeMap<u32, u32>,
    /// Blocks from here on were never used.
    pub(super) frontier: u32,
    blocks: u32,
    limit: u64,
    /// Class by (slot capacity, stride).
    classes: FxHashMap<(u32, u32), u16>,
    /// First available block of each class; 0 for none.
    available: Vec<u32>,
    /// Available blocks without objects.
    pub(super) empty: Vec<u32>,
    /// Memory that waits until nobody can refer to it, oldest first (`space::sharing`).
    pub(super) retired: Vec<Retired>,
    /// Blocks that allocators took since `take_young_blocks`, where there are ages.
    pub(super) young: Vec<u32>,
}

impl BlockPool {
    pub(super) fn new(blocks: u32, limit: Option<u64>) -> Self {
        Self {
            free_runs: BTreeMap::new(),
            // The first block holds the list heads.
            frontier: 1,
            blocks,
            limit: limit.unwrap_or(u64::MAX).min(u64::from(blocks - 1) * u64::from(BLOCK_BYTES)),
            classes: FxHashMap::default(),
            // Class 0 means "none".
            available: vec![0],
            empty: Vec::new(),
            retired: Vec::new(),
            young: Vec::new(),
        }
    }

    /// First block of a run of `count` blocks, which read as zero.
    fn take_run(&mut self, count: u32) -> Option<u32> {
        let found =
            self.free_runs.iter().find(|&(_, &length)| length >= count).map(|(&first, &length)| (first, length));
        if let Some((first, length)) = found {
            self.free_runs.remove(&first);
            if length > count {
                self.free_runs.insert(first + count, length - count);
            }
            return Some(first);
        }
        let first = self.frontier;
        let end = first.checked_add(count).filter(|&end| end <= self.blocks)?;
        self.frontier = end;
        Some(first)
    }

    pub(super) fn give_run(&mut self, mut first: u32, mut count: u32) {
        if let Some((&before, &length)) = self.free_runs.range(..first).next_back()
            && before + length == first
        {
            self.free_runs.remove(&before);
            first = before;
            count += length;
        }
        if let Some(length) = self.free_runs.remove(&(first + count)) {
            count += length;
        }
        self.free_runs.insert(first, count);
    }
}

impl View<'_> {
    /// Puts a dead object's cell on its block's free list; returns how many objects are left in the block.
    #[inline(always)]
    pub(super) fn push_free(self, block: u32, object: ObjectRef) -> u32 {
        let free = self.record(block, field::FREE);
        self.shape_word(object.bits()).store(u64::from(free.load(Relaxed)), Relaxed);
        free.store(object.bits(), Relaxed);
        let live = self.record(block, field::LIVE);
        let left = live.load(Relaxed) - 1;
        live.store(left, Relaxed);
        left
    }
}

impl Space {
    pub(super) fn prepare_sentinels(&self) {
        self.record(0, field::KIND).store(kind::SENTINELS, Relaxed);
        self.set_stride(0, MIN_STRIDE);
    }

    fn set_stride(&self, block: u32, stride: u32) {
        self.record(block, field::STRIDE).store(stride, Relaxed);
        let reciprocal = (1u64 << 32).div_ceil(u64::from(stride));
        self.record(block, field::RECIPROCAL).store(reciprocal as u32, Relaxed);
    }

    /// Bytes of an object of this shape.
    fn object_bytes(&self, shape: Shape) -> u64 {
        self.slots_at as u64
            + u64::from(classes::slot_capacity(shape.slots)) * 4
            + u64::from(shape.payload).next_multiple_of(8)
    }

    /// Where the payload of an object of this shape begins, in bytes.
    pub(super) fn payload_at(&self, shape: Shape) -> u32 {
        self.slots_at as u32 + classes::slot_capacity(shape.slots) * 4
    }

    /// The class of a shape; 0 if it is large.
    pub(super) fn class_of(&self, shape: Shape) -> u16 {
        let bytes = self.object_bytes(shape);
        if bytes > u64::from(classes::MAX_STRIDE) {
            return 0;
        }
        let key = (classes::slot_capacity(shape.slots), classes::stride(bytes as u32));
        let mut pool = self.pool.lock();
        if let Some(&class) = pool.classes.get(&key) {
            return class;
        }
        let class = pool.available.len();
        assert!(class < MAX_CLASSES, "the rounding rules allow fewer classes than that");
        pool.available.push(0);
        pool.classes.insert(key, class as u16);
        class as u16
    }

    fn hold(&self, pool: &mut BlockPool, bytes: u64) -> Result<(), NoRoom> {
        let mut held = self.held_bytes.load(Relaxed);
        if held + bytes > pool.limit {
            self.release_empty_blocks(pool);
            held = self.held_bytes.load(Relaxed);
            if held + bytes > pool.limit {
                return Err(NoRoom { requested: bytes, held, limit: pool.limit });
            }
        }
        self.held_bytes.store(held + bytes, Relaxed);
        self.peak_bytes.store(self.peak_bytes.load(Relaxed).max(held + bytes), Relaxed);
        Ok(())
    }

    pub(super) fn unhold(&self, bytes: u64) {
        self.held_bytes.store(self.held_bytes.load(Relaxed) - bytes, Relaxed);
    }

    /// A block with a free cell of the class, now the caller's own.
    pub(super) fn take_block(&self, class: u16, shape: Shape, owner: u32) -> Result<u32, NoRoom> {
        let mut pool = self.pool.lock();
        let available = pool.available[class as usize];
        if available != 0 {
            self.unlist(&mut pool, available);
            self.own(&mut pool, available, owner);
            return Ok(available);
        }
        self.hold(&mut pool, u64::from(BLOCK_BYTES))?;
        let Some(block) = pool.take_run(1) else {
            self.unhold(u64::from(BLOCK_BYTES));
            return Err(self.no_addresses(&pool, u64::from(BLOCK_BYTES)));
        };
        self.set_stride(block, classes::stride(self.object_bytes(shape) as u32));
        for (name, value) in [
            (field::KIND, kind::CELLS),
            (field::FREE, 0),
            (field::LIVE, 0),
            (field::CARVED, 0),
            (field::REMOTE, 0),
            (field::WANTED, (BLOCK_BYTES / classes::stride(self.object_bytes(shape) as u32) / 16).max(1)),
            (field::CAPACITY, classes::slot_capacity(shape.slots)),
            (field::CLASS, u32::from(class)),
        ] {
            self.record(block, name).store(value, Relaxed);
        }
        self.own(&mut pool, block, owner);
        Ok(block)
    }

    fn own(&self, pool: &mut BlockPool, block: u32, owner: u32) {
        self.record(block, field::OWNER).store(owner, Relaxed);
        self.record(block, field::STATUS).store(status::OWNED, Relaxed);
        if self.has_ages {
            pool.young.push(block);
        }
    }

    fn no_addresses(&self, pool: &BlockPool, requested: u64) -> NoRoom {
        NoRoom { requested, held: self.held_bytes.load(Relaxed), limit: pool.limit }
    }

    /// Cuts about a page of further cells. False when the block is cut to its end.
    pub(super) fn carve(&self, block: u32) -> bool {
        let stride = self.record(block, field::STRIDE).load(Relaxed);
        let carved = self.record(block, field::CARVED).load(Relaxed);
        let cells = (BLOCK_BYTES - carved) / stride;
        if cells == 0 {
            return false;
        }
        let cells = cells.min((PAGE as u32 / stride).max(1));
        let first = (block << BLOCK_SHIFT) + (carved >> GRANULE_SHIFT);
        let granules = stride >> GRANULE_SHIFT;
        let mut next = self.record(block, field::FREE).load(Relaxed);
        for cell in (0..cells).map(|n| first + n * granules).rev() {
            self.shape_word(cell).store(u64::from(next), Relaxed);
            next = cell;
        }
        self.record(block, field::FREE).store(next, Relaxed);
        self.record(block, field::CARVED).store(carved + cells * stride, Relaxed);
        true
    }

    /// Memory for a large object, which reads as zero.
    pub(super) fn take_large(&self, shape: Shape) -> Result<ObjectRef, NoRoom> {
        let bytes = self.object_bytes(shape);
        let pages = self.large_bytes(shape);
        let count = bytes.div_ceil(u64::from(BLOCK_BYTES)) as u32;
        let mut pool = self.pool.lock();
        self.hold(&mut pool, pages)?;
        let Some(first) = pool.take_run(count) else {
            self.unhold(pages);
            return Err(self.no_addresses(&pool, pages));
        };
        drop(pool);
        self.record(first, field::CAPACITY).store(classes::slot_capacity(shape.slots), Relaxed);
        self.record(first, field::STATUS).store(status::LARGE, Relaxed);
        self.record(first, field::RUN).store(count, Relaxed);
        self.record(first, field::LONG_PAYLOAD).store(shape.payload, Relaxed);
        self.set_stride(first, BLOCK_BYTES);
        self.record(first, field::KIND).store(kind::LARGE, Relaxed);
        for block in first + 1..first + count {
            self.record(block, field::KIND).store(kind::LARGE_REST, Relaxed);
        }
        if self.has_ages {
            self.pool.lock().young.push(first);
        }
        Ok(ObjectRef::from_bits(first << BLOCK_SHIFT).expect("the first block holds no objects"))
    }

    /// Bytes that a large object of this shape holds from the system.
    pub(super) fn large_bytes(&self, shape: Shape) -> u64 {
        self.object_bytes(shape).next_multiple_of(PAGE as u64)
    }

    fn free_large(&self, object: ObjectRef, shape: Shape) {
        let first = object.bits() >> BLOCK_SHIFT;
        let count = self.record(first, field::RUN).load(Relaxed);
        let pages = self.large_bytes(shape);
        self.empty(object.bits(), pages);
        for block in first..first + count {
            self.record(block, field::KIND).store(kind::FREE, Relaxed);
        }
        let mut pool = self.pool.lock();
        pool.give_run(first, count);
        self.unhold(pages);
    }

    /// Takes back the cell of a dead object whose slots are null.
    #[inline(always)]
    pub fn free(&self, object: ObjectRef) {
        let view = self.view();
        let block = object.bits() >> BLOCK_SHIFT;
        if view.record(block, field::STATUS).load(Relaxed) == status::OWNED {
            view.push_free(block, object);
        } else {
            self.free_in_unowned_block(block, object);
        }
    }

    #[inline(never)]
    fn free_in_unowned_block(&self, block: u32, object: ObjectRef) {
        let view = self.view();
        let status = view.record(block, field::STATUS).load(Relaxed);
        if status == status::LARGE {
            let shape = self.shape_of(object);
            view.shape_word(object.bits()).store(0, Relaxed);
            return self.free_large(object, shape);
        }
        let left = view.push_free(block, object);
        if status == status::FULL || left == 0 {
            let mut pool = self.pool.lock();
            if status == status::FULL {
                self.list(&mut pool, block);
            }
            if left == 0 {
                self.keep_or_return(&mut pool, block);
            }
        }
    }

    /// Ends a mutator's ownership of a block.
    pub(super) fn disown(&self, block: u32) {
        let mut pool = self.pool.lock();
        let has_room = self.record(block, field::FREE).load(Relaxed) != 0 || self.carve(block);
        if !has_room {
            self.record(block, field::STATUS).store(status::FULL, Relaxed);
            return;
        }
        self.list(&mut pool, block);
        if self.record(block, field::LIVE).load(Relaxed) == 0 {
            self.keep_or_return(&mut pool, block);
        }
    }

    /// Puts a block first on its class's list. (B1)
    pub(super) fn list(&self, pool: &mut BlockPool, block: u32) {
        let class = self.record(block, field::CLASS).load(Relaxed) as usize;
        let next = std::mem::replace(&mut pool.available[class], block);
        self.record(block, field::NEXT).store(next, Relaxed);
        self.record(block, field::PREVIOUS).store(0, Relaxed);
        if next != 0 {
            self.record(next, field::PREVIOUS).store(block, Relaxed);
        }
        self.record(block, field::STATUS).store(status::AVAILABLE, Relaxed);
    }

    pub(super) fn unlist(&self, pool: &mut BlockPool, block: u32) {
        let class = self.record(block, field::CLASS).load(Relaxed) as usize;
        let next = self.record(block, field::NEXT).load(Relaxed);
        let previous = self.record(block, field::PREVIOUS).load(Relaxed);
        if previous == 0 {
            pool.available[class] = next;
        } else {
            self.record(previous, field::NEXT).store(next, Relaxed);
        }
        if next != 0 {
            self.record(next, field::PREVIOUS).store(previous, Relaxed);
        }
        pool.empty.retain(|&empty| empty != block);
    }

    /// An available block lost its last object.
    fn keep_or_return(&self, pool: &mut BlockPool, block: u32) {
        if pool.empty.len() < EMPTY_BLOCKS_KEPT {
            pool.empty.push(block);
        } else {
            self.return_block(pool, block);
        }
    }

    /// Gives memory back, or at least makes it read as zero. (B2)
    pub(super) fn empty(&self, index: u32, bytes: u64) {
        let view = self.view();
        if !self.heap.discard(view.offset(index), bytes as usize) {
            (0..(bytes >> GRANULE_SHIFT) as u32).for_each(|granule| view.count_word(index + granule).store(0, Relaxed));
        }
    }

    fn release_empty_blocks(&self, pool: &mut BlockPool) {
        if self.has_ages {
            // Not without a grace period: see `space::sharing`.
            return;
        }
        for block in std::mem::take(&mut pool.empty) {
            self.return_block(pool, block);
        }
    }

    /// Gives an available block's memory back. (B2)
    fn return_block(&self, pool: &mut BlockPool, block: u32) {
        self.unlist(pool, block);
        self.empty(block << BLOCK_SHIFT, u64::from(BLOCK_BYTES));
        if let Some(side) = &self.side {
            // Links are written before they are read: what a refusal leaves does no harm.
            let _ = side.discard(block as usize * SIDE_BYTES, SIDE_BYTES);
        }
        self.record(block, field::KIND).store(kind::FREE, Relaxed);
        pool.give_run(block, 1);
        self.unhold(u64::from(BLOCK_BYTES));
    }

    /// Holds the pool's lock over `f`, in which the process forks: a thread without the turn may ask for figures.
    pub fn hold_pool<R>(&self, f: impl FnOnce() -> R) -> R {
        let _pool = self.pool.lock();
        f()
    }

    /// Calls `visit` with every allocated object, in order of addresses. Objects must not come or go meanwhile.
    pub fn for_each_object(&self, mut visit: impl FnMut(ObjectRef)) {
        let frontier = self.pool.lock().frontier;
        let mut visit_allocated = |index: u32| {
            if self.shape_word(index).load(Relaxed) & flag::ALLOCATED != 0 {
                visit(ObjectRef::from_bits(index).expect("cells begin behind the first block"));
            }
        };
        for block in 1..frontier {
            let first = block << BLOCK_SHIFT;
            match self.record(block, field::KIND).load(Relaxed) {
                kind::CELLS => {
                    let stride = self.record(block, field::STRIDE).load(Relaxed);
                    let cells = self.record(block, field::CARVED).load(Relaxed) / stride;
                    (0..cells).for_each(|n| visit_allocated(first + n * (stride >> GRANULE_SHIFT)));
                }
                kind::LARGE => visit_allocated(first),
                _ => {}
            }
        }
    }

    /// Bytes of side tables in use: one table for each block in use.
    pub fn side_bytes(&self) -> u64 {
        let per_cell = match (&self.side, &self.ages) {
            (Some(_), _) => 8,
            (None, Some(_)) => 1,
            (None, None) => return 0,
        };
        let frontier = self.pool.lock().frontier;
        let used = (0..frontier).filter(|&block| {
            matches!(self.record(block, field::KIND).load(Relaxed), kind::CELLS | kind::LARGE | kind::SENTINELS)
        });
        // Whoever asks without the turn may see a block that is just being cut.
        let stride = |block| self.record(block, field::STRIDE).load(Relaxed);
        used.map(|block| u64::from(BLOCK_BYTES.checked_div(stride(block)).unwrap_or(0)) * per_cell).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::NonNull;

    use super::*;
    use crate::config::HeapConfig;

    #[test]
    fn memory_that_the_system_will_not_take_back_reads_as_zero_all_the_same() {
        let config = HeapConfig { reservation: HeapConfig::MIN_RESERVATION, ..HeapConfig::default() };
        let space = Space::new(&config).unwrap();
        let (index, bytes) = (1 << BLOCK_SHIFT, u64::from(BLOCK_BYTES));
        let start = NonNull::new(space.view().heap.wrapping_add(space.view().offset(index))).unwrap();
        // SAFETY: locking changes nothing but whether the pages may leave memory; the range is the space's.
        #[expect(unsafe_code, reason = "locking memory in a test")]
        let locked = unsafe { nix::sys::mman::mlock(start.cast(), bytes as usize) };
        // Without the right to lock memory there is nothing to see here; `empty` is then used by every other test.
        if locked.is_ok() {
            assert!(!space.heap.discard(space.view().offset(index), bytes as usize), "locked memory is kept");
        }
        let last = index + (1 << BLOCK_SHIFT) - 1;
        space.count_word(last).store(7, Relaxed);
        space.empty(index, bytes);
        assert_eq!(space.count_word(last).load(Relaxed), 0);
    }
}
