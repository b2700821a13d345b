//! Blocks whose cells several mutators allocate and free at the same time.
//!
//! # Protocol
//! A block has at most one *owner*, the allocator whose current block it is; the owner alone writes its free list and
//! its number of objects. Everyone else pushes the cells that they free onto the block's *remote list*, which the owner
//! *drains* when its own list is empty. A block without an owner is on its class's list of available ones, unless it is
//! *full*. Whoever frees the sixteenth part of a full block's cells lists it: a block taken for the sake of one free cell
//! would be given up again at once, and each block taken is one more that the next young collection looks through.
//!
//! ```text
//!  remote word   │ FULL (1) │ unused (6) │ cells on the list (12) │ first cell / 2 + 1 (13) │
//! ```
//!
//! Memory that may be put to another use (an empty block beyond those kept, the run of a dead large object) is *retired*
//! first. It is *reclaimed*, which makes it read as zero, when no reference to it can be in flight and no collection
//! looks at it: that is for the heap to say ([`Space::reclaim`]).
//!
//! # Invariants
//! - **R1** A cell is on one list at most, its slots are null and its count is 0.
//! - **R2** Whoever clears `FULL` lists the block.
//! - **R3** Cells are pushed one by one and taken all at once, so that a stale head cannot come back (no ABA).
//! - **R4** Between its retirement and its reclaiming nothing writes a block but mutators that hold a stale reference: they
//!   find count 0 there and turn away.
//!
//! # Prior work
//! Leijen, Zorn, de Moura: *Mimalloc: Free List Sharding in Action* (2019): a list of each page's own for other threads.

use super::allocator::Allocator;
use super::blocks::BlockPool;
use super::classes::{BLOCK_BYTES, MIN_STRIDE};
use super::record::{field, kind, status};
use super::{BLOCK_SHIFT, Space};
use crate::object::ObjectRef;
#[cfg(debug_assertions)]
use crate::object::Shape;
use crate::sync::Ordering::{AcqRel, Acquire, Relaxed, Release};

/// What the payload of a dead object reads, in debug builds.
#[cfg(debug_assertions)]
const POISON: u64 = 0xdead_beef_dead_beef;

/// Remote word: nobody owns the block, and it is on no list.
const FULL: u32 = 1 << 31;
const HEAD: u32 = (1 << 13) - 1;
const COUNT_SHIFT: u32 = 13;
const COUNT: u32 = (1 << 12) - 1;

/// Memory on its way to another use.
pub(super) enum Retired {
    /// An empty block of cells.
    Block(u32),
    /// The run of a large object: its first block, how many blocks, the bytes that were held.
    Run(u32, u32, u64),
}

/// The first cell of a remote list.
fn head(block: u32, word: u32) -> u32 {
    match word & HEAD {
        0 => 0,
        n => (block << BLOCK_SHIFT) | (n - 1) << 1,
    }
}

fn cells(word: u32) -> u32 {
    (word >> COUNT_SHIFT) & COUNT
}

impl Space {
    /// Takes back the cell of a dead object whose slots are null, on a heap whose mutators run in parallel.
    #[inline(always)]
    pub fn free_shared(&self, allocator: &Allocator, object: ObjectRef) {
        let view = self.view();
        let block = object.bits() >> BLOCK_SHIFT;
        #[cfg(debug_assertions)]
        self.poison(object);
        // Relaxed: only this allocator writes its own number there, and it knows what it wrote.
        if view.record(block, field::OWNER).load(Relaxed) == allocator.number() {
            view.push_free(block, object);
        } else {
            self.free_remotely(block, object);
        }
    }

    /// Overwrites the payload of a dead object, so that who still reads it notices.
    #[cfg(debug_assertions)]
    fn poison(&self, object: ObjectRef) {
        let view = self.view();
        let block = object.bits() >> BLOCK_SHIFT;
        // Relaxed, all: a block's record is fixed while it holds an object, and this one is dead.
        if view.record(block, field::KIND).load(Relaxed) != kind::CELLS {
            return;
        }
        let capacity = view.slot_capacity(object.bits());
        let header_and_slots = self.payload_at(Shape::new(capacity, 0));
        let words = (view.record(block, field::STRIDE).load(Relaxed) - header_and_slots) / 8;
        for word in 0..words {
            view.payload_word(object.bits(), capacity, word).store(POISON, Relaxed);
        }
    }

    #[inline(never)]
    fn free_remotely(&self, block: u32, object: ObjectRef) {
        let view = self.view();
        // Relaxed: a block's kind is fixed while it holds an object.
        if view.record(block, field::KIND).load(Relaxed) == kind::LARGE {
            return self.retire_large(object);
        }
        let remote = view.record(block, field::REMOTE);
        let offset = object.bits() & ((1 << BLOCK_SHIFT) - 1);
        // Relaxed: written once when the block got its class.
        let wanted = view.record(block, field::WANTED).load(Relaxed);
        // Relaxed: only the expected value of the exchange below.
        let mut word = remote.load(Relaxed);
        let pushed = loop {
            // Relaxed: published by the exchange.
            view.shape_word(object.bits()).store(u64::from(head(block, word)), Relaxed);
            let pushed = (cells(word) + 1) << COUNT_SHIFT | ((offset >> 1) + 1);
            let pushed = if cells(pushed) < wanted { pushed | (word & FULL) } else { pushed };
            // AcqRel: the release half pairs with the acquiring swap of `drain`, and publishes the cell (null slots, its
            // link); the acquire half makes the status and number of objects visible that the owner wrote before it let
            // go of the block (`abandon`).
            match remote.compare_exchange_weak(word, pushed, AcqRel, Relaxed) {
                Ok(_) => break pushed,
                Err(now) => word = now,
            }
        };
        // Acquire: pairs with the release stores of the status, after which the number of objects is final.
        let status = view.record(block, field::STATUS).load(Acquire);
        let maybe_empty = status != status::OWNED
            // Relaxed: a hint; looked at again under the pool's lock.
            && cells(pushed) == view.record(block, field::LIVE).load(Relaxed);
        let lists = word & FULL != 0 && pushed & FULL == 0;
        if lists || maybe_empty {
            let mut pool = self.pool.lock();
            if lists {
                self.list(&mut pool, block); // R2
            }
            self.retire_if_empty(&mut pool, block);
        }
    }

    /// Moves the remote list to the block's own, which must be empty. The caller owns the block. False if there was
    /// nothing.
    pub(super) fn drain(&self, block: u32) -> bool {
        let view = self.view();
        let remote = view.record(block, field::REMOTE);
        // Relaxed: a hint, against an exclusive access to the line each time.
        if remote.load(Relaxed) & HEAD == 0 {
            return false;
        }
        // Acquire: pairs with the pushes' release.
        let word = remote.swap(0, Acquire);
        // Relaxed, both: the owner's own (see the protocol).
        view.record(block, field::FREE).store(head(block, word), Relaxed);
        let live = view.record(block, field::LIVE);
        live.store(live.load(Relaxed) - cells(word), Relaxed);
        true
    }

    /// Ends the ownership of a block. One without a free cell is listed by the first who frees one.
    pub(super) fn abandon(&self, block: u32) {
        let mut pool = self.pool.lock();
        let view = self.view();
        // Relaxed: nobody else compares it with their own number and finds it equal.
        view.record(block, field::OWNER).store(0, Relaxed);
        // Relaxed, all: the owner's own until the status says otherwise.
        let has_room = view.record(block, field::FREE).load(Relaxed) != 0 || self.carve(block);
        if !has_room {
            // Release: publishes the number of objects to those who free cells here.
            view.record(block, field::STATUS).store(status::FULL, Release);
            // AcqRel: as a push's; whoever clears the mark sees the status. Relaxed on failure: somebody freed a cell.
            if view.record(block, field::REMOTE).compare_exchange(0, FULL, AcqRel, Relaxed).is_ok() {
                return;
            }
        }
        self.list(&mut pool, block);
        self.retire_if_empty(&mut pool, block);
    }

    /// Retires a block that nobody owns if all its cells are free and enough empty ones are kept.
    fn retire_if_empty(&self, pool: &mut BlockPool, block: u32) {
        let view = self.view();
        // Acquire: see `free_remotely`. Under the pool's lock nobody takes the block.
        if view.record(block, field::STATUS).load(Acquire) != status::AVAILABLE {
            return;
        }
        // An update of nothing rather than a load, AcqRel: a push that it does not see comes after it, and then sees the
        // status (listed) and looks by itself. A load could miss the push while the push misses the status.
        let word = view.record(block, field::REMOTE).fetch_add(0, AcqRel);
        if cells(word) == view.record(block, field::LIVE).load(Relaxed) && !pool.empty.contains(&block) {
            if pool.empty.len() < super::blocks::EMPTY_BLOCKS_KEPT {
                pool.empty.push(block);
            } else {
                self.retire_block(pool, block);
            }
        }
    }

    fn retire_block(&self, pool: &mut BlockPool, block: u32) {
        self.unlist(pool, block);
        // Relaxed: under the pool's lock.
        self.record(block, field::STATUS).store(status::FULL, Relaxed);
        pool.retired.push(Retired::Block(block));
        self.note_retired(pool);
    }

    fn retire_large(&self, object: ObjectRef) {
        let first = object.bits() >> BLOCK_SHIFT;
        let shape = self.shape_of(object);
        // Relaxed, both: the object is dead, and its own until it is retired.
        self.shape_word(object.bits()).store(0, Relaxed);
        let count = self.record(first, field::RUN).load(Relaxed);
        let mut pool = self.pool.lock();
        pool.retired.push(Retired::Run(first, count, self.large_bytes(shape)));
        self.note_retired(&pool);
    }

    fn note_retired(&self, pool: &BlockPool) {
        // Relaxed: a hint.
        self.retired.store(pool.retired.len() as u32, Relaxed);
    }

    /// How many blocks and runs wait to be reclaimed, as a hint.
    #[inline(always)]
    pub fn retired(&self) -> u32 {
        // Relaxed: a hint.
        self.retired.load(Relaxed)
    }

    /// Retires all empty blocks as well, so that [`Space::reclaim`] gives back all that it can, and lists the full blocks
    /// that have any free cell. For a heap that is full, while its mutators stand still.
    pub fn retire_empty(&self) {
        let blocks = self.blocks();
        let mut pool = self.pool.lock();
        for block in blocks {
            // Relaxed, both: nobody frees anything meanwhile.
            let remote = self.record(block, field::REMOTE);
            let word = remote.load(Relaxed);
            if word & FULL != 0 && cells(word) != 0 {
                remote.store(word & !FULL, Relaxed);
                self.list(&mut pool, block); // R2
            }
        }
        for block in std::mem::take(&mut pool.empty) {
            self.retire_block(&mut pool, block);
        }
    }

    /// How many blocks and runs were retired so far and not reclaimed: an argument for [`Space::reclaim`].
    pub fn retired_until_now(&self) -> usize {
        self.pool.lock().retired.len()
    }

    /// Gives the oldest `count` of what was retired back to the system, for any use.
    ///
    /// The caller knows that since they were retired each mutator has finished the operation it was in, and that no
    /// collection is under way that began before this call ends. Otherwise a stale reference could meet a payload where it
    /// expects a count word: wrong values, though no undefined behaviour.
    pub fn reclaim(&self, count: usize) {
        let mut pool = self.pool.lock();
        let count = count.min(pool.retired.len());
        let reclaimed: Vec<Retired> = pool.retired.drain(..count).collect();
        for memory in reclaimed {
            match memory {
                Retired::Block(block) => {
                    self.clear_ages(block, BLOCK_BYTES / MIN_STRIDE);
                    self.record(block, field::REMOTE).store(0, Relaxed);
                    self.empty(block << BLOCK_SHIFT, u64::from(BLOCK_BYTES));
                    self.record(block, field::KIND).store(kind::FREE, Relaxed);
                    pool.give_run(block, 1);
                    self.unhold(u64::from(BLOCK_BYTES));
                }
                Retired::Run(first, blocks, bytes) => {
                    self.clear_ages(first, 1);
                    self.empty(first << BLOCK_SHIFT, bytes);
                    (first..first + blocks)
                        .for_each(|block| self.record(block, field::KIND).store(kind::FREE, Relaxed));
                    pool.give_run(first, blocks);
                    self.unhold(bytes);
                }
            }
        }
        self.note_retired(&pool);
    }

    /// Clears the side ages of a block's first cells, which nobody uses. Those in headers go with the block's memory.
    fn clear_ages(&self, block: u32, cells: u32) {
        if self.ages.is_some() {
            // Relaxed: see above.
            (0..cells).for_each(|cell| self.view().age_of_cell(block, cell, 0).store(0, Relaxed));
        }
    }

    /// Ends the ownership of the blocks of allocators that are gone with their threads, in a forked child.
    pub fn abandon_blocks_of_others(&self, own: u32) {
        for block in self.blocks() {
            // Relaxed: the child has one thread.
            let owner = self.record(block, field::OWNER).load(Relaxed);
            if owner != 0 && owner != own && self.record(block, field::STATUS).load(Relaxed) == status::OWNED {
                self.abandon(block);
            }
        }
    }

    /// Notes the block of an object that became young again.
    pub fn note_young(&self, object: ObjectRef) {
        self.pool.lock().young.push(object.bits() >> BLOCK_SHIFT);
    }

    /// Blocks in which objects were allocated since the last call, in no order, each at least once. Blocks that are
    /// some allocator's current ones stay noted for the next call.
    pub fn take_young_blocks(&self) -> Vec<u32> {
        let mut pool = self.pool.lock();
        let young = std::mem::take(&mut pool.young);
        // Relaxed, all: an owner that lets go of its block meanwhile does no harm; the block is noted once more. A large object
        // that does not count yet is noted before it is allocated.
        let stays = |block: u32| {
            let load = |field| self.record(block, field).load(Relaxed);
            load(field::STATUS) == status::OWNED
                || (load(field::KIND) == kind::LARGE && self.count_word(block << BLOCK_SHIFT).load(Relaxed) as u32 == 0)
        };
        pool.young = young.iter().copied().filter(|&block| stays(block)).collect();
        pool.young.sort_unstable();
        pool.young.dedup();
        young
    }
}
