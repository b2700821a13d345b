//! Detection against an oracle: plain reachability over random graphs of several shapes.

use std::collections::BTreeSet;

use super::*;
use crate::config::{HeapConfig, Place};
use crate::object::{Shape, TypeId};
use crate::space::header::{COUNT_MASK, IMMORTAL, flag};
use crate::space::{Allocator, Recipe};
use crate::sync::Ordering::Relaxed;

/// A generator of numbers for tests: splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// Objects in a bare space, with their edges by number.
struct Graph {
    space: Space,
    objects: Vec<ObjectRef>,
    edges: Vec<Vec<usize>>,
}

impl Graph {
    fn new(place: Place, slots: impl IntoIterator<Item = u32>) -> Self {
        let space = Space::new(&HeapConfig { place, ..HeapConfig::default() }).unwrap();
        let allocator = Allocator::default();
        let new = |slots| {
            let recipe: &Recipe = allocator.recipe(&space, TypeId(1), Shape::new(slots, 8), || flag::ALLOCATED);
            let object = allocator.allocate(&space, recipe).unwrap();
            space.count_word(object.bits()).store(0, Relaxed);
            object
        };
        let objects: Vec<_> = slots.into_iter().map(new).collect();
        let edges = vec![Vec::new(); objects.len()];
        Self { space, objects, edges }
    }

    fn slots(&self, n: usize) -> usize {
        self.space.shape_of(self.objects[n]).slots as usize
    }

    fn hold(&self, n: usize) {
        self.space.count_word(self.objects[n].bits()).fetch_add(1, Relaxed);
    }

    fn link(&mut self, from: usize, to: usize) {
        let slot = self.edges[from].len();
        assert!(slot < self.slots(from));
        self.space.slot(self.objects[from].bits(), slot as u32).store(self.objects[to].bits(), Relaxed);
        self.hold(to);
        self.edges[from].push(to);
    }

    fn word(&self, n: usize) -> u64 {
        self.space.count_word(self.objects[n].bits()).load(Relaxed)
    }

    /// What a detector has to find, the slow way: candidates that no candidate with a reference from elsewhere reaches.
    fn oracle(&self, is_candidate: impl Fn(usize) -> bool) -> (u64, BTreeSet<ObjectRef>) {
        let examined = |&n: &usize| is_candidate(n) && self.word(n) & COUNT_MASK != 0 && self.word(n) & IMMORTAL == 0;
        let candidates: BTreeSet<usize> = (0..self.objects.len()).filter(examined).collect();
        let mut left: Vec<i64> = (0..self.objects.len()).map(|n| (self.word(n) & COUNT_MASK) as i64).collect();
        candidates.iter().flat_map(|&n| &self.edges[n]).for_each(|&target| left[target] -= 1);
        let mut reached: BTreeSet<usize> = candidates.iter().copied().filter(|&n| left[n] > 0).collect();
        let mut todo: Vec<usize> = reached.iter().copied().collect();
        while let Some(n) = todo.pop() {
            todo.extend(self.edges[n].iter().filter(|&target| candidates.contains(target) && reached.insert(*target)));
        }
        (candidates.len() as u64, candidates.difference(&reached).map(|&n| self.objects[n]).collect())
    }

    fn check(&self, detector: &mut Detector, what: &str, is_candidate: impl Fn(usize) -> bool) {
        let number: std::collections::BTreeMap<u32, usize> =
            self.objects.iter().enumerate().map(|(n, object)| (object.bits(), n)).collect();
        let (objects, expected) = self.oracle(&is_candidate);
        let asked = |layout: &BlockLayout, cell: u32, index: u32| {
            assert_eq!(index, layout.object(cell));
            number.get(&index).is_none_or(|&n| is_candidate(n))
        };
        let blocks = self.space.blocks();
        let examined = detector.detect(&self.space, &blocks, Fetch::CandidatesOnly, || (), asked);
        assert!(detector.suspects().iter().eq(&expected), "{what}");
        assert_eq!(examined, Examined { objects, suspects: expected.len() as u64 }, "{what}");
        for (at, suspect) in detector.suspects().iter().enumerate() {
            assert_eq!(detector.position(suspect.bits()), Some(at as u32), "{what}");
            assert_eq!(detector.position(suspect.bits() + 1), None, "{what}");
        }
        for object in self.objects.iter().filter(|object| !expected.contains(object)) {
            assert_eq!(detector.position(object.bits()), None, "{what}");
        }
    }

    /// Links every slot at random, a few of them not at all, and holds one object in `rarely`.
    fn link_at_random(&mut self, random: &mut Random, rarely: usize, target: impl Fn(&mut Random, usize) -> usize) {
        for n in 0..self.objects.len() {
            for _ in 0..self.slots(n) {
                if random.below(8) != 0 {
                    self.link(n, target(random, n));
                }
            }
            if random.below(rarely) == 0 {
                self.hold(n);
            }
        }
    }
}

#[test]
fn what_is_found_is_what_is_unreachable() {
    let mut detector = Detector::default();
    for seed in 0..60 {
        let random = &mut Random(seed);
        let place = if seed % 2 == 0 { Place::Inline } else { Place::Side };
        let count = 1 + random.below(4000);
        let most = [2, 3, 5, 12, 40][random.below(5)];
        let large = random.below(count);
        let slots: Vec<u32> =
            (0..count).map(|n| if n == large { 6000 } else { random.below(most + 1) as u32 }).collect();
        let mut graph = Graph::new(place, slots);
        let rarely = [2, 20, 400, 100_000][random.below(4)];
        match seed % 4 {
            // Anything to anything.
            0 => graph.link_at_random(random, rarely, |random, _| random.below(count)),
            // Small clusters.
            1 => graph.link_at_random(random, rarely, |random, n| (n / 10 * 10 + random.below(10)).min(count - 1)),
            // A few hubs with counts of many times 256.
            2 => graph.link_at_random(random, rarely, |random, n| if random.below(2) == 0 { n } else { n % 3 }),
            // Chains against the order of addresses.
            _ => graph.link_at_random(random, rarely, |_, n| n.saturating_sub(1)),
        }
        if seed % 5 == 0 {
            for _ in 0..3 {
                let (dead, immortal) = (random.below(count), random.below(count));
                graph.space.count_word(graph.objects[dead].bits()).fetch_and(!COUNT_MASK, Relaxed);
                graph.space.count_word(graph.objects[immortal].bits()).fetch_or(IMMORTAL, Relaxed);
            }
        }
        graph.check(&mut detector, &format!("seed {seed}: all"), |_| true);
        graph.check(&mut detector, &format!("seed {seed}: two in three"), |n| n % 3 != 0);
        graph.check(&mut detector, &format!("seed {seed}: the younger half"), |n| n >= count / 2);
        graph.check(&mut detector, &format!("seed {seed}: none"), |_| false);
    }
    assert!(detector.side_bytes() > 0);
}

#[test]
fn a_multiple_of_256_references_from_elsewhere_is_noticed() {
    for (held, followers) in [(256, 0), (512, 3), (65_536, 1), (1, 300), (0, 300), (256, 300), (255, 257)] {
        // A hub that holds a tail, and followers that hold the hub and nothing else holds.
        let mut graph = Graph::new(Place::Inline, std::iter::repeat_n(1, 2 + followers));
        graph.link(0, 1);
        (0..followers).for_each(|n| graph.link(2 + n, 0));
        (0..held).for_each(|_| graph.hold(0));
        // Followers are on cycles of their own by a count that nothing explains only where the hub is held.
        (0..followers).for_each(|n| graph.hold(2 + n));
        graph.check(&mut Detector::default(), &format!("{held} {followers}"), |_| true);
        graph.check(&mut Detector::default(), &format!("{held} {followers}, hub and tail"), |n| n < 2);
    }
}

#[test]
fn blocks_outside_the_scope_are_neither_read_nor_found() {
    let mut graph = Graph::new(Place::Inline, std::iter::repeat_n(2, 10_000));
    (0..10_000).for_each(|n| graph.link(n, (n + 1) % 10_000));
    let mut detector = Detector::default();
    let blocks = graph.space.blocks();
    assert!(blocks.len() > 3);
    assert_eq!(detector.detect(&graph.space, &blocks, Fetch::Ahead, || (), |_, _, _| true).suspects, 10_000);
    let doubled: Vec<u32> = blocks.iter().flat_map(|&block| [block, block, 1]).collect();
    assert_eq!(detector.detect(&graph.space, &doubled, Fetch::Ahead, || (), |_, _, _| true).suspects, 10_000);
    for scope in [&blocks[1..2], &blocks[..0], &[u32::MAX, 0, 7_000_000]] {
        let found = detector.detect(&graph.space, scope, Fetch::Ahead, || (), |_, _, _| true);
        assert_eq!(found.suspects, 0, "the first is referred to from the block before");
        assert!(graph.objects.iter().all(|object| detector.position(object.bits()).is_none()));
    }
}

#[test]
fn nonsense_in_objects_does_no_harm() {
    for seed in 0..40 {
        let random = &mut Random(seed);
        let count = 1 + random.below(3000);
        let graph = Graph::new(Place::Inline, (0..count).map(|n| (n % 7) as u32));
        for n in 0..count {
            let object = graph.objects[n].bits();
            graph.space.count_word(object).store(random.below(usize::MAX) as u64, Relaxed);
            for slot in 0..graph.slots(n) as u32 {
                let anything = [
                    random.below(1 << 32) as u32,
                    graph.objects[random.below(count)].bits() + random.below(9) as u32,
                    random.below(1 << 16) as u32,
                    u32::MAX,
                ];
                graph.space.slot(object, slot).store(anything[random.below(4)], Relaxed);
            }
        }
        let mut detector = Detector::default();
        for _ in 0..2 {
            detector.detect(&graph.space, &graph.space.blocks(), Fetch::Ahead, || (), |_, _, _| random.below(3) != 0);
            detector.suspects().iter().for_each(|suspect| assert!(graph.objects.contains(suspect), "seed {seed}"));
        }
        let asked = (0..1000).filter_map(|_| detector.position(random.below(1 << 32) as u32));
        assert!(asked.max() < Some(count as u32));
    }
}
