//! Proposing from candidate roots finds what proposing by generations finds.

use std::sync::Arc;

use gc_concurrent::{ConcurrentHeap, StopTheWorldHeap};
use gc_core::{
    Automatic, Control, Generation, Heap, HeapConfig, Kind, Mutator, NoObserver, Propose, Root, Shape, Thresholds,
    TypeSpec,
};

/// The generator of Steele, Lea and Flood.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % bound
    }
}

const THRESHOLD: u32 = 40;

fn config(propose: Propose) -> HeapConfig {
    HeapConfig {
        reservation: 1 << 26,
        thresholds: Thresholds([THRESHOLD, 10, 10]),
        automatic: Automatic::AtTrigger,
        propose,
        ..HeapConfig::default()
    }
}

/// A random program, then a collection that a threshold starts: no other has anything left to find.
fn a_random_program_leaves_nothing<H: Heap>(seed: u64) {
    const SLOTS: u32 = 3;
    let mut random = Random(seed);
    let heap = H::new(config(Propose::CandidateRoots), Arc::new(NoObserver)).unwrap();
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let mutator = heap.attach();
    let mut held: Vec<Root<'_, H::Mutator>> = Vec::new();
    for _ in 0..400 {
        if held.len() < 4 || random.below(3) == 0 {
            held.push(mutator.allocate(node, Shape::new(SLOTS, 8)).unwrap());
            continue;
        }
        let (a, b) = (random.below(held.len()), random.below(held.len()));
        let slot = random.below(SLOTS as usize) as u32;
        match random.below(8) {
            0..=2 => held[a].store(slot, Some(&held[b])),
            3 => held[a].put(slot, None),
            4 => held.extend(held[a].load(slot)),
            5 => held.extend(held[a].take(slot)),
            _ => drop(held.swap_remove(a)),
        }
    }
    held.truncate(3);
    // Net allocations of containers make a collection due, whatever went before.
    let collections = || mutator.get_stats()[0].collections;
    let before = collections();
    while collections() == before {
        held.push(mutator.allocate(node, Shape::new(0, 0)).unwrap());
    }
    assert_eq!(mutator.collect(Generation::OLD), 0, "seed {seed}: garbage that was in no buffer");
}

#[test]
fn a_collection_from_candidate_roots_leaves_nothing_for_a_full_one() {
    for seed in 0..400 {
        a_random_program_leaves_nothing::<ConcurrentHeap>(seed);
        a_random_program_leaves_nothing::<StopTheWorldHeap>(seed);
    }
}

#[test]
fn rings_beside_a_large_heap_are_found_without_looking_at_it() {
    let heap = ConcurrentHeap::new(config(Propose::CandidateRoots), Arc::new(NoObserver)).unwrap();
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let mutator = heap.attach();
    let beside: Vec<_> = (0..5000).map(|_| mutator.allocate(node, Shape::new(2, 0)).unwrap()).collect();
    let before = mutator.get_stats()[0];
    for _ in 0..2000 {
        let one = mutator.allocate(node, Shape::new(2, 0)).unwrap();
        one.store(0, Some(&one));
    }
    let after = mutator.get_stats()[0];
    assert!(heap.live_objects() <= beside.len() as u64 + u64::from(THRESHOLD) + 1, "{} objects", heap.live_objects());
    assert!(after.collected - before.collected >= 1900);
    // Only what lost a reference is looked at: a live object beside them never did.
    assert_eq!(after.examined - before.examined, after.collected - before.collected);
}

#[test]
fn a_frozen_and_an_immortal_object_are_not_proposed() {
    let heap = ConcurrentHeap::new(config(Propose::CandidateRoots), Arc::new(NoObserver)).unwrap();
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let mutator = heap.attach();
    let one = mutator.allocate(node, Shape::new(2, 0)).unwrap();
    one.store(0, Some(&one));
    mutator.freeze();
    drop(one);
    let other = mutator.allocate(node, Shape::new(2, 0)).unwrap();
    mutator.make_immortal(&other);
    drop(other);
    let held: Vec<_> = (0..=THRESHOLD).map(|_| mutator.allocate(node, Shape::new(2, 0)).unwrap()).collect();
    let stats = mutator.get_stats()[0];
    assert!(stats.collections > 0 && stats.collected == 0, "{stats:?}");
    assert_eq!(heap.live_objects(), held.len() as u64 + 2);
}

/// Noted objects die, their blocks are given back and cut for other objects: those are left alone.
#[test]
fn a_place_that_became_the_middle_of_another_object_is_not_touched() {
    let config = HeapConfig { automatic: Automatic::Background, ..config(Propose::CandidateRoots) };
    let heap = ConcurrentHeap::new(config, Arc::new(NoObserver)).unwrap();
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let bytes = heap.register_type(TypeSpec::new("bytes", Kind::Atomic)).unwrap();
    let mutator = heap.attach();
    for _ in 0..3 {
        mutator.disable();
        // Each lost a reference and lived on, then died by count.
        let noted: Vec<_> = (0..100_000).map(|_| mutator.allocate(node, Shape::new(2, 0)).unwrap()).collect();
        noted.iter().for_each(|object| drop(object.clone()));
        drop(noted);
        for _ in 0..200 {
            mutator.safepoint();
        }
        let filled: Vec<_> = (0..1_000)
            .map(|_| {
                let object = mutator.allocate(bytes, Shape::new(0, 4_000)).unwrap();
                (0..500).for_each(|word| mutator.write_word(&object, word, u64::MAX));
                object
            })
            .collect();
        mutator.enable();
        let before = mutator.get_stats()[0].collections;
        while mutator.get_stats()[0].collections < before + 3 {
            drop(mutator.allocate(node, Shape::new(2, 0)).map(|one| one.store(0, Some(&one))));
        }
        for object in &filled {
            (0..500).for_each(|word| assert_eq!(mutator.read_word(object, word), u64::MAX));
        }
    }
}
