//! Streaming detection of unreachable objects: trial deletion in one pass over the blocks, then marking in side tables.
//!
//! The question is that of trial deletion over lists: which of some candidates does nothing but candidates refer to? So
//! is the answer, but for its order, which is that of addresses. The way there differs: no link is followed. One pass in
//! order of addresses reads each candidate's count and slots, once; it writes the slots to an array of *edges* and
//! subtracts them from a table of one byte per cell. What is left above zero is referred to from elsewhere: a root.
//! Marking from the roots reads edges and bitmaps only.
//!
//! # Protocol
//! 1. [`Detector::detect`] clears the tables of the blocks it is given.
//! 2. *Scan*: for each cell, in order of addresses, it asks whether the object is a candidate, before it touches the
//!    object. A candidate's count is added to its byte of `left`, its slots are copied to its place in `edges`, and 1 is
//!    subtracted from the byte of each target. All wraps around: a byte is the count less the references from candidates,
//!    modulo 256.
//! 3. *Mark*: candidates whose byte is not zero are roots; all that they reach lose their bit in `unmarked`.
//! 4. *Resolve*: a candidate with a count above 255 can have a zero byte and references left. Where such a one is still
//!    unmarked, all references to it from candidates come from unmarked ones (else it had been marked), so their edges
//!    tell its exact number, and if that is not zero, marking goes on from it.
//! 5. What is unmarked are the *suspects*: unreachable if nothing changed meanwhile.
//!
//! A table's place for an object is its *spot*: its address in units of 32 bytes. Cells are no smaller, so no two begin at
//! one spot, and no table has to be asked where an object's place is. References to objects that are no candidates, null
//! included, need no test either: their bytes are written and never read, their bits are never set.
//!
//! # Invariants
//! - **E1** A bit is set in `unmarked` only by the scan of the detection under way, for a candidate whose edges it has
//!   written: no stale edge is followed from a bit that is set, and no object is pushed twice while marking.
//! - **E2** Whatever is read from objects, tables are indexed with a bound: mutators may run meanwhile, counts may not
//!   fit the slots, and slots may hold anything. Then the suspects are a guess, which the caller has to certify.

mod mark;
mod scan;
#[cfg(test)]
mod tests;

use crate::object::ObjectRef;
use crate::space::{BLOCK_SHIFT, BlockLayout, Space, Table};

/// log2 of a spot's granules.
const SPOT_SHIFT: u32 = 2;
/// log2 of a block's spots.
const BLOCK_SPOTS_SHIFT: u32 = BLOCK_SHIFT - SPOT_SHIFT;
/// Spots of a block, and bytes of `left` for it.
const BLOCK_SPOTS: usize = 1 << BLOCK_SPOTS_SHIFT;
/// Words of a bitmap for a block.
const BLOCK_WORDS: usize = BLOCK_SPOTS / 64;

/// The spot of the object at a granule index.
#[inline(always)]
fn spot_of(index: u32) -> u32 {
    index >> SPOT_SHIFT
}

/// What a detection looked at, and how much of it is suspect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Examined {
    /// Objects under examination: candidates that were neither dead nor immortal.
    pub objects: u64,
    /// Those of them that only they refer to.
    pub suspects: u64,
}

/// Whether memory is fetched before it is known to be a candidate's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fetch {
    /// It is: where most objects of the blocks are candidates.
    Ahead,
    /// It is not: where few are, and the others' lines are better left with the processors of mutators.
    CandidatesOnly,
}

/// Detects unreachable objects. Its tables are kept from one detection to the next and only ever grow: to a byte and a
/// third for each 32 bytes of the heap, and 4 bytes for each slot and object.
#[derive(Debug, Default)]
pub struct Detector {
    /// The blocks of the last detection, as they were cut.
    scope: Vec<BlockLayout>,
    /// By block: where its edges are.
    edges_of: Vec<EdgesOf>,
    /// By position in the scope, a bit for each word of the bitmap: whether it has a candidate.
    touched: Vec<u32>,
    /// By spot: count − references from candidates, modulo 256.
    left: Table<u8>,
    /// By spot, a bit each: candidates that no root is known to reach. (E1)
    unmarked: Table<u64>,
    /// By spot, a bit each: a stack of spots, sorted. Zero but while that is visited.
    grey: Table<u64>,
    /// The slots of each candidate, in pairs, because capacities are even.
    edges: Table<[u32; 2]>,
    /// Spots still to be visited.
    stack: Table<u32>,
    /// Candidates with a count above 255, and the count.
    popular: Vec<(u32, u32)>,
    suspects: Vec<ObjectRef>,
    /// By word of `unmarked`: suspects before it.
    ranks: Vec<u32>,
}

/// Where the edges of a block's cells are.
#[derive(Clone, Copy, Default, Debug)]
struct EdgesOf {
    /// The first cell's first pair. There are fewer than 2^32: the range has room for as many slots twice.
    first: u32,
    /// Pairs for each cell.
    pairs: u32,
    /// 2^32 / stride, rounded up.
    reciprocal: u32,
    /// Stride in granules − 1: rounds a spot up to the cell that begins in it.
    round: u32,
}

impl EdgesOf {
    /// The cell that begins at a spot.
    #[inline(always)]
    fn cell(self, spot: u32) -> u32 {
        let granules = (spot << SPOT_SHIFT) & ((1 << BLOCK_SHIFT) - 1);
        ((u64::from(granules + self.round) * u64::from(self.reciprocal)) >> 32) as u32
    }

    /// Where the edges of the object at a spot begin.
    #[inline(always)]
    fn begin(self, spot: u32) -> usize {
        self.first.wrapping_add(self.cell(spot).wrapping_mul(self.pairs)) as usize
    }
}

impl Detector {
    /// Examines the objects of `blocks`, ascending, for which `is_candidate` is true, and finds those that only they refer
    /// to, directly or not.
    ///
    /// `is_candidate` is asked with the block, the number of the cell and the object's granule index, before the memory of
    /// the object is touched. It is asked about free cells too; they have count 0, so the answer does not matter. Objects
    /// that are dead (count 0) or immortal are no candidates in any case. What an object refers to that is no candidate
    /// is not suspect.
    ///
    /// `between` is called now and then, between two blocks, for what should not wait until the end.
    ///
    /// Mutators may run meanwhile: then the answer is a guess. Otherwise it is that of trial deletion.
    pub fn detect(
        &mut self,
        space: &Space,
        blocks: &[u32],
        fetch: Fetch,
        mut between: impl FnMut(),
        is_candidate: impl FnMut(&BlockLayout, u32, u32) -> bool,
    ) -> Examined {
        self.forget();
        for layout in blocks.iter().filter_map(|&block| space.layout(block)) {
            // Each block once, whatever the list says.
            if self.scope.last().is_none_or(|last| last.first < layout.first) {
                self.scope.push(layout);
            }
        }
        self.prepare();
        let objects = self.scan(space, fetch, &mut between, is_candidate);
        between();
        self.mark_from_roots(objects);
        if !self.popular.is_empty() {
            self.resolve_popular(objects);
        }
        self.list_suspects();
        Examined { objects: objects as u64, suspects: self.suspects.len() as u64 }
    }

    /// What the last detection found, in order of addresses.
    pub fn suspects(&self) -> &[ObjectRef] {
        &self.suspects
    }

    /// The place among the suspects of the object at a granule index; `None` if it is none of them.
    #[inline]
    pub fn position(&self, index: u32) -> Option<u32> {
        let spot = spot_of(index);
        let word = (spot / 64) as usize;
        let bits = *self.unmarked.get(word)?;
        if bits >> (spot % 64) & 1 == 0 {
            return None;
        }
        let below = bits & ((1 << (spot % 64)) - 1);
        let position = self.ranks.get(word)? + below.count_ones();
        // Any bits can be asked about: an index inside an object is at its spot and is not its index.
        (self.suspects.get(position as usize)?.bits() == index).then_some(position)
    }

    /// Bytes of the tables.
    pub fn side_bytes(&self) -> u64 {
        fn bytes<T>(list: &Vec<T>) -> u64 {
            (list.capacity() * size_of::<T>()) as u64
        }
        bytes(&self.scope)
            + bytes(&self.edges_of)
            + self.left.bytes()
            + self.unmarked.bytes()
            + self.grey.bytes()
            + self.edges.bytes()
            + self.stack.bytes()
            + bytes(&self.popular)
            + bytes(&self.suspects)
            + bytes(&self.ranks)
    }

    /// Clears the bits of the last detection: those of other blocks must be clear in the next. (E1)
    fn forget(&mut self) {
        for layout in self.scope.drain(..) {
            self.unmarked[words_of(layout.block())].fill(0);
        }
        self.suspects.clear();
        self.popular.clear();
    }

    /// Gives each block of the scope its places in the tables.
    fn prepare(&mut self) {
        let blocks = self.scope.iter().map(|layout| layout.block() as usize + 1).max().unwrap_or(0);
        if self.edges_of.len() < blocks {
            self.edges_of.resize(blocks, EdgesOf::default());
            self.ranks.resize(blocks * BLOCK_WORDS, 0);
        }
        self.left.grow(blocks * BLOCK_SPOTS);
        // There is nothing in it but zeros now.
        self.unmarked.grow(blocks * BLOCK_WORDS);
        self.grey.grow(blocks * BLOCK_WORDS);
        let mut pairs = 0;
        for layout in &self.scope {
            let block = layout.block() as usize;
            self.edges_of[block] = EdgesOf {
                first: pairs as u32,
                pairs: layout.capacity.div_ceil(2),
                reciprocal: layout.reciprocal,
                round: layout.stride - 1,
            };
            self.left[block * BLOCK_SPOTS..][..BLOCK_SPOTS].fill(0);
            pairs += layout.capacity.div_ceil(2) as usize * layout.cells as usize;
        }
        self.edges.grow(pairs);
    }

    fn list_suspects(&mut self) {
        for (layout, &touched) in self.scope.iter().zip(&self.touched) {
            let edges_of = self.edges_of[layout.block() as usize];
            for word in touched_words(layout.block(), touched) {
                self.ranks[word] = self.suspects.len() as u32;
                let mut bits = self.unmarked[word];
                while bits != 0 {
                    let spot = word as u32 * 64 + bits.trailing_zeros();
                    bits &= bits - 1;
                    self.suspects.extend(ObjectRef::from_bits(layout.object(edges_of.cell(spot))));
                }
            }
        }
    }
}

/// Those of the words of a bitmap for a block that have a candidate.
#[inline(always)]
fn touched_words(block: u32, mut touched: u32) -> impl Iterator<Item = usize> {
    const { assert!(BLOCK_WORDS == u32::BITS as usize) };
    let first = block as usize * BLOCK_WORDS;
    std::iter::from_fn(move || {
        let word = (touched != 0).then(|| first + touched.trailing_zeros() as usize);
        touched &= touched.wrapping_sub(1);
        word
    })
}

/// The words of a bitmap for a block.
fn words_of(block: u32) -> std::ops::Range<usize> {
    let first = block as usize * BLOCK_WORDS;
    first..first + BLOCK_WORDS
}
