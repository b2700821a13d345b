//! Marking: what the roots reach, over edges and bitmaps only.

use rustc_hash::FxHashMap;

use super::{BLOCK_SPOTS_SHIFT, Detector, EdgesOf, touched_words, words_of};
use crate::space::{BlockLayout, prefetch_element};

/// Objects between the prefetch of their edges and the visit.
const QUEUE: usize = 32;
/// A stack as high as this share of the candidates is visited in order of addresses: then a pass over the bitmap costs
/// little beside what is visited.
const SORTED_SHARE: usize = 16;
/// But not one lower than this: its edges are in the cache.
const SORTED_FROM: usize = 1024;

/// Begins a marking over the tables of a detector of so many candidates. A macro, because the roots borrow from the other
/// tables.
macro_rules! marking {
    ($detector:ident, $objects:expr) => {
        Marking {
            unmarked: &mut $detector.unmarked,
            grey: &mut $detector.grey,
            edges_of: &$detector.edges_of,
            edges: &$detector.edges,
            stack: &mut $detector.stack,
            height: 0,
            scope: &$detector.scope,
            sorted_from: ($objects / SORTED_SHARE).max(SORTED_FROM),
        }
    };
}

impl Detector {
    /// Marks what candidates with references from elsewhere reach.
    pub(super) fn mark_from_roots(&mut self, objects: usize) {
        // Each object is pushed once (E1); a push writes before it is decided whether it counts.
        self.stack.grow(objects + 1);
        let left = &self.left;
        let roots = self.scope.iter().zip(&self.touched).flat_map(|(layout, &touched)| {
            touched_words(layout.block(), touched).map(|word| (word, nonzero(&left[word * 64..][..64])))
        });
        marking!(self, objects).run(roots);
    }

    /// Marks from popular candidates that have references left, but a multiple of 256 of them.
    pub(super) fn resolve_popular(&mut self, objects: usize) {
        let is_unmarked = |unmarked: &[u64], spot: u32| unmarked[(spot / 64) as usize] >> (spot % 64) & 1 != 0;
        // References to each that are not yet explained.
        let mut unexplained = FxHashMap::default();
        for &(spot, count) in &self.popular {
            if is_unmarked(&self.unmarked, spot) {
                unexplained.insert(spot, count);
                // Tells which targets to look up; it has served its purpose.
                self.left[spot as usize] = 1;
            }
        }
        if unexplained.is_empty() {
            return;
        }
        for layout in &self.scope {
            let edges_of = self.edges_of[layout.block() as usize];
            for word in words_of(layout.block()) {
                let mut bits = self.unmarked[word];
                while bits != 0 {
                    let begin = edges_of.begin(word as u32 * 64 + bits.trailing_zeros());
                    bits &= bits - 1;
                    let edges = self.edges.get(begin..begin + edges_of.pairs as usize).unwrap_or_default();
                    for target in edges.as_flattened() {
                        if self.left.get(*target as usize).is_some_and(|&left| left != 0)
                            && let Some(references) = unexplained.get_mut(target)
                        {
                            *references = references.wrapping_sub(1);
                        }
                    }
                }
            }
        }
        let roots = unexplained.iter().filter(|&(_, &references)| references != 0);
        let roots = roots.map(|(&spot, _)| ((spot / 64) as usize, 1 << (spot % 64)));
        marking!(self, objects).run(roots);
    }
}

/// A bit for each of 64 bytes that is not zero.
#[inline(always)]
fn nonzero(bytes: &[u8]) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let mut bits = 0;
    for (n, eight) in bytes.as_chunks::<8>().0.iter().enumerate() {
        let word = u64::from_le_bytes(*eight);
        // The top bit of each byte: whether any bit of the byte is set. Then the eight are moved next to each other.
        let tops = (((word & LOW) + LOW) | word) & !LOW;
        bits |= ((tops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (n * 8);
    }
    bits
}

/// A marking in progress.
struct Marking<'m> {
    unmarked: &'m mut [u64],
    grey: &'m mut [u64],
    edges_of: &'m [EdgesOf],
    edges: &'m [[u32; 2]],
    /// Marked and not visited yet: the first `height`.
    stack: &'m mut [u32],
    height: usize,
    scope: &'m [BlockLayout],
    /// A stack higher than this is sorted.
    sorted_from: usize,
}

impl Marking<'_> {
    /// Marks the unmarked ones of `roots` (words of the bitmap, and bits in them) and all that they reach.
    fn run(mut self, mut roots: impl Iterator<Item = (usize, u64)>) {
        loop {
            while self.height <= self.sorted_from {
                let Some((word, bits)) = roots.next() else { break };
                self.push_unmarked(word, bits);
            }
            if self.height == 0 {
                return;
            }
            while self.height > self.sorted_from {
                self.visit_sorted();
            }
            self.visit_stack();
        }
    }

    #[inline(always)]
    fn push_unmarked(&mut self, word: usize, bits: u64) {
        let mut bits = bits & self.unmarked[word];
        self.unmarked[word] &= !bits;
        while bits != 0 {
            self.stack[self.height] = word as u32 * 64 + bits.trailing_zeros();
            self.height += 1;
            bits &= bits - 1;
        }
    }

    /// Visits what is on the stack in order of addresses, so that their edges come in a stream; what they reach is on the
    /// stack afterwards.
    #[inline(never)]
    fn visit_sorted(&mut self) {
        for spot in &self.stack[..self.height] {
            self.grey[(spot / 64) as usize] |= 1 << (spot % 64);
        }
        self.height = 0;
        for layout in self.scope {
            let edges_of = self.edges_of[layout.block() as usize];
            for word in words_of(layout.block()) {
                let mut bits = std::mem::take(&mut self.grey[word]);
                while bits != 0 {
                    let begin = edges_of.begin(word as u32 * 64 + bits.trailing_zeros());
                    bits &= bits - 1;
                    self.height = if edges_of.pairs == 1 {
                        visit(self.edges.get(begin..begin + 1), self.unmarked, self.stack, self.height)
                    } else {
                        let end = begin + edges_of.pairs as usize;
                        visit(self.edges.get(begin..end), self.unmarked, self.stack, self.height)
                    };
                }
            }
        }
    }

    /// Visits what is on the stack, last first, and what they reach, until nothing is left or the stack is high.
    #[inline(never)]
    fn visit_stack(&mut self) {
        // Ranges of pairs that were asked for, oldest at `head`.
        let mut queue = [(0, 0); QUEUE];
        let (mut head, mut length) = (0, 0);
        let mut height = self.height;
        loop {
            while length < QUEUE && height > 0 && height <= self.sorted_from {
                height -= 1;
                let spot = self.stack[height];
                let edges_of = self.edges_of[(spot >> BLOCK_SPOTS_SHIFT) as usize];
                let begin = edges_of.begin(spot);
                prefetch_element(self.edges, begin);
                queue[(head + length) % QUEUE] = (begin, begin + edges_of.pairs as usize);
                length += 1;
            }
            if length == 0 {
                break;
            }
            let (begin, end) = queue[head % QUEUE];
            head += 1;
            length -= 1;
            height = visit(self.edges.get(begin..end), self.unmarked, self.stack, height);
        }
        self.height = height;
    }
}

/// Marks what an object's edges lead to, and pushes what was unmarked. Returns the height of the stack.
#[inline(always)]
fn visit(edges: Option<&[[u32; 2]]>, unmarked: &mut [u64], stack: &mut [u32], mut height: usize) -> usize {
    for target in edges.unwrap_or_default().as_flattened() {
        // Beyond the bitmap is no candidate. (E2)
        let Some(word) = unmarked.get_mut((target / 64) as usize) else { continue };
        let bits = *word;
        *word = bits & !(1 << (target % 64));
        // Without a branch: whether an object was reached before cannot be predicted.
        stack[height] = *target;
        height += (bits >> (target % 64) & 1) as usize;
    }
    height
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonzero_bytes_are_told_by_bits() {
        for n in 0..64 {
            for value in [1, 0x7f, 0x80, 0xff] {
                let mut bytes = [0; 64];
                bytes[n] = value;
                assert_eq!(nonzero(&bytes), 1 << n);
            }
        }
        assert_eq!(nonzero(&[0x80; 64]), u64::MAX);
        assert_eq!(nonzero(&[0; 64]), 0);
    }
}
