//! The pass over the blocks: each candidate's count and slots, read once, in order of addresses.

use super::{BLOCK_WORDS, Detector, EdgesOf, Fetch, SPOT_SHIFT, spot_of};
use crate::space::header::{COUNT_MASK, IMMORTAL};
use crate::space::{BlockLayout, Space, View, prefetch_element};
use crate::sync::Ordering::Relaxed;

// Orderings in this file are relaxed. On a plain heap the turn orders everything before the pass. Where mutators run
// meanwhile each word is a guess of its own moment, and no order between them is needed: the caller certifies.

/// How far ahead of the pass objects are fetched, in granules: 1 KiB.
const AHEAD: u32 = 128;
/// How many subtractions lag behind their prefetch.
const LAG: usize = 32;

impl Detector {
    /// Fills the tables. Returns how many candidates there are.
    pub(super) fn scan(
        &mut self,
        space: &Space,
        fetch: Fetch,
        between: &mut impl FnMut(),
        mut is_candidate: impl FnMut(&BlockLayout, u32, u32) -> bool,
    ) -> usize {
        let mut pass =
            Pass { fetch, view: space.view(), left: &mut self.left, popular: &mut self.popular, waiting: [0; LAG] };
        let mut objects = 0;
        self.touched.clear();
        for layout in &self.scope {
            between();
            let block = layout.block() as usize;
            let EdgesOf { first, pairs, .. } = self.edges_of[block];
            let edges = &mut self.edges[first as usize..][..pairs as usize * layout.cells as usize];
            let words = &mut self.unmarked[block * BLOCK_WORDS..][..BLOCK_WORDS];
            let candidate = |cell, index| is_candidate(layout, cell, index);
            // Small objects are most objects: for them the number of slots is a constant.
            objects += match pairs {
                1 => pass.block::<1>(layout, edges, words, candidate),
                2 => pass.block::<2>(layout, edges, words, candidate),
                3 => pass.block::<3>(layout, edges, words, candidate),
                4 => pass.block::<4>(layout, edges, words, candidate),
                _ => pass.block::<0>(layout, edges, words, candidate),
            };
            self.touched.push(words.iter().enumerate().fold(0, |bits, (n, word)| bits | u32::from(*word != 0) << n));
        }
        pass.finish();
        objects
    }
}

/// The state of a pass.
struct Pass<'p> {
    fetch: Fetch,
    view: View<'p>,
    left: &'p mut [u8],
    popular: &'p mut Vec<(u32, u32)>,
    /// Spots to be subtracted from, as a ring.
    waiting: [u32; LAG],
}

impl Pass<'_> {
    /// `PAIRS` is the number of pairs of slots of a cell, or 0 for "see the layout".
    #[inline(always)]
    fn block<const PAIRS: usize>(
        &mut self,
        layout: &BlockLayout,
        edges: &mut [[u32; 2]],
        words: &mut [u64],
        mut is_candidate: impl FnMut(u32, u32) -> bool,
    ) -> usize {
        let (view, left) = (self.view, &mut *self.left);
        let mut waiting = self.waiting;
        let pairs = if PAIRS == 0 { layout.capacity.div_ceil(2) as usize } else { PAIRS };
        let mut objects = 0;
        let mut index = layout.first.wrapping_sub(layout.stride);
        for cell in 0..layout.cells {
            index = index.wrapping_add(layout.stride);
            if self.fetch == Fetch::Ahead {
                view.prefetch(index.wrapping_add(AHEAD));
            }
            if !is_candidate(cell, index) {
                continue;
            }
            let word = view.count_word(index).load(Relaxed);
            let count = (word & COUNT_MASK) as u32;
            if count == 0 || word & IMMORTAL != 0 {
                continue;
            }
            objects += 1;
            let spot = spot_of(index);
            if let Some(bits) = words.get_mut((spot / 64) as usize % BLOCK_WORDS) {
                *bits |= 1 << (spot % 64);
            }
            if let Some(left) = left.get_mut(spot as usize) {
                *left = left.wrapping_add(count as u8);
            }
            if count > u32::from(u8::MAX) {
                note_popular(self.popular, spot, count);
            }
            let begin = cell as usize * pairs;
            let Some(own) = edges.get_mut(begin..begin + pairs) else { break };
            let slots = view.slots(index, pairs as u32 * 2);
            for (n, (edge, pair)) in own.iter_mut().zip(slots.chunks(2)).enumerate() {
                let [a, b] = [pair.first(), pair.get(1)].map(|slot| slot.map_or(0, |slot| slot.load(Relaxed)));
                *edge = [a, b].map(|target| target >> SPOT_SHIFT);
                for (k, target) in edge.iter().enumerate() {
                    prefetch_element(left, *target as usize);
                    // Where in the ring does not matter: what waits there has waited since the ring came round.
                    let place = ((begin + n) * 2 + k) % LAG;
                    subtract(left, std::mem::replace(&mut waiting[place], *target));
                }
            }
        }
        self.waiting = waiting;
        objects
    }

    /// Does what is waiting. The ring's first content was null.
    fn finish(self) {
        self.waiting.into_iter().for_each(|target| subtract(self.left, target));
    }
}

#[cold]
#[inline(never)]
fn note_popular(popular: &mut Vec<(u32, u32)>, spot: u32, count: u32) {
    popular.push((spot, count));
}

/// A candidate refers to the object at `target`.
#[inline(always)]
fn subtract(left: &mut [u8], target: u32) {
    // Beyond the table are objects outside the scope, or no objects at all. (E2)
    if let Some(left) = left.get_mut(target as usize) {
        *left = left.wrapping_sub(1);
    }
}
