//! Cells that other threads free in a block, against its owner and against each other.
//!
//! A model of the protocol of a block's remote word (`gc-core`, `space/sharing.rs`), not the shipped code: the functions
//! are written after it with the same constants and orderings, and are to be kept like it.

use loom::sync::Mutex;
use loom::sync::atomic::AtomicU32;
use loom::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::Arc;

use crate::exploration::{caught, holds, holds_within};

const FULL: u32 = 1 << 31;
const HEAD: u32 = (1 << 13) - 1;
const COUNT_SHIFT: u32 = 13;
const COUNT: u32 = (1 << 12) - 1;

const IS_FULL: u32 = 0;
const AVAILABLE: u32 = 1;
const OWNED: u32 = 2;

fn cells(word: u32) -> u32 {
    (word >> COUNT_SHIFT) & COUNT
}

/// What the pool knows of the block.
#[derive(Default)]
struct Pool {
    listed: u32,
    retired: u32,
}

/// A block of cells 1, 2, …, all of which hold an object in the beginning; its owner's list is empty.
struct Block<const RETIRES_BY_LOAD: bool> {
    remote: AtomicU32,
    status: AtomicU32,
    live: AtomicU32,
    /// The first cell of the owner's list.
    free: AtomicU32,
    /// The next cell of a list.
    links: Vec<AtomicU32>,
    pool: Mutex<Pool>,
}

impl<const RETIRES_BY_LOAD: bool> Block<RETIRES_BY_LOAD> {
    fn new(objects: u32) -> Arc<Self> {
        Arc::new(Self {
            remote: AtomicU32::new(0),
            status: AtomicU32::new(OWNED),
            live: AtomicU32::new(objects),
            free: AtomicU32::new(0),
            links: (0..=objects).map(|_| AtomicU32::new(0)).collect(),
            pool: Mutex::new(Pool::default()),
        })
    }

    fn free_remotely(&self, cell: u32) {
        // The shipped function loads; see `memory` for why a model does not.
        let mut word = self.remote.fetch_add(0, Relaxed);
        let pushed = loop {
            self.links[cell as usize].store(word & HEAD, Relaxed);
            let pushed = (cells(word) + 1) << COUNT_SHIFT | cell;
            match self.remote.compare_exchange(word, pushed, AcqRel, Relaxed) {
                Ok(_) => break pushed,
                Err(now) => word = now,
            }
        };
        let status = self.status.load(Acquire);
        let maybe_empty = status != OWNED && cells(pushed) == self.live.load(Relaxed);
        if word & FULL != 0 || maybe_empty {
            let mut pool = self.pool.lock().unwrap();
            if word & FULL != 0 {
                self.list(&mut pool);
            }
            self.retire_if_empty(&mut pool);
        }
    }

    fn drain(&self) -> bool {
        if self.remote.load(Relaxed) & HEAD == 0 {
            return false;
        }
        let word = self.remote.swap(0, Acquire);
        self.free.store(word & HEAD, Relaxed);
        self.live.store(self.live.load(Relaxed) - cells(word), Relaxed);
        true
    }

    fn abandon(&self) {
        let mut pool = self.pool.lock().unwrap();
        if self.free.load(Relaxed) == 0 {
            self.status.store(IS_FULL, Release);
            if self.remote.compare_exchange(0, FULL, AcqRel, Relaxed).is_ok() {
                return;
            }
        }
        self.list(&mut pool);
        self.retire_if_empty(&mut pool);
    }

    fn list(&self, pool: &mut Pool) {
        pool.listed += 1;
        self.status.store(AVAILABLE, Relaxed);
    }

    fn retire_if_empty(&self, pool: &mut Pool) {
        if self.status.load(Acquire) != AVAILABLE {
            return;
        }
        let word = if RETIRES_BY_LOAD { self.remote.load(Acquire) } else { self.remote.fetch_add(0, AcqRel) };
        if cells(word) == self.live.load(Relaxed) {
            self.status.store(IS_FULL, Relaxed);
            pool.retired += 1;
        }
    }

    /// How many free cells there are, each on one list.
    fn free_cells(&self) -> u32 {
        let word = self.remote.load(Relaxed);
        let mut seen = vec![false; self.links.len()];
        for first in [word & HEAD, self.free.load(Relaxed)] {
            let mut cell = first;
            while cell != 0 {
                assert!(!std::mem::replace(&mut seen[cell as usize], true), "cell {cell} is on a list twice");
                cell = self.links[cell as usize].load(Relaxed);
            }
        }
        seen.into_iter().filter(|&seen| seen).count() as u32
    }
}

/// Two threads free all cells but `kept` while the owner drains once, takes a cell if it finds one, and lets go.
fn freed_while_the_owner_lets_go<const KEPT: u32, const RETIRES_BY_LOAD: bool>() {
    let block = Block::<RETIRES_BY_LOAD>::new(2 + KEPT);
    let threads: Vec<_> = (1..=2)
        .map(|cell| {
            let block = Arc::clone(&block);
            loom::thread::spawn(move || block.free_remotely(cell))
        })
        .collect();
    block.drain();
    block.abandon();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(block.free_cells() == 2, "a cell is lost");
    let pool = block.pool.lock().unwrap();
    assert!(pool.listed == 1, "listed {} times, with free cells", pool.listed);
    assert!(pool.retired == u32::from(KEPT == 0), "retired {} times", pool.retired);
}

/// The owner drains twice and goes on owning the block.
fn freed_while_the_owner_drains() {
    let block = Block::<false>::new(2);
    let threads: Vec<_> = (1..=2)
        .map(|cell| {
            let block = Arc::clone(&block);
            loom::thread::spawn(move || block.free_remotely(cell))
        })
        .collect();
    let mut got = 0;
    for _ in 0..2 {
        if block.drain() {
            let mut cell = block.free.load(Relaxed);
            while cell != 0 {
                got += 1;
                cell = block.links[cell as usize].load(Relaxed);
            }
            block.free.store(0, Relaxed);
        }
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(got + block.free_cells() == 2, "a cell is lost");
    assert!(block.pool.lock().unwrap().listed == 0, "a block that is owned is listed");
}

#[test]
fn a_block_with_free_cells_that_nobody_owns_is_listed_once() {
    holds_within(freed_while_the_owner_lets_go::<1, false>, 4);
}

#[test]
fn an_empty_block_that_nobody_owns_is_retired_once() {
    holds_within(freed_while_the_owner_lets_go::<0, false>, 4);
}

#[test]
fn an_owner_that_drains_gets_each_cell_once() {
    holds(freed_while_the_owner_drains);
}

#[test]
fn whether_a_block_is_empty_must_be_asked_by_an_update() {
    caught(freed_while_the_owner_lets_go::<0, true>);
}
