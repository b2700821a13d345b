//! A replay from a tape takes and gives back the same cells as the run that was recorded, whatever the program; a tape of another
//! program is told; what a replay could not follow is refused.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use gc_core::tape::{Misfit, Unrepeatable};
use gc_core::{
    Control, DebugFlags, Generation, Heap, HeapConfig, HeapStatistics, Kind, Mutator, NoObserver, Place, RecordingHeap,
    RefcountHeap, Root, Shape, Tape, TypeSpec, UncountedHeap,
};

/// Steele's SplitMix64.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % bound
    }
}

/// Objects of all kinds and sizes, linked at random, dropped, looked at through weak references; on two mutators, one after the
/// other. Returns all that it saw, places included.
fn program<H: Heap>(heap: &H, seed: u64, steps: u32) -> Vec<u64> {
    const KINDS: [Kind; 4] = [Kind::Instance, Kind::List, Kind::Dict, Kind::Tuple];
    let types = KINDS.map(|kind| heap.register_type(TypeSpec::new("thing", kind)).unwrap());
    let blob = heap.register_type(TypeSpec::new("blob", Kind::Atomic)).unwrap();
    let mut draws = Draws(seed);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mutator = heap.attach();
        let mut held: Vec<Root<'_, H::Mutator>> = Vec::new();
        let mut weak: Vec<Root<'_, H::Mutator>> = Vec::new();
        for step in 0..steps {
            match draws.below(12) {
                0..5 => {
                    let shape = Shape::new(1 + draws.below(20) as u32, draws.below(5) as u32 * 8);
                    held.push(mutator.allocate(types[draws.below(4) as usize], shape).unwrap());
                }
                5 => {
                    // Now and then one too large for a cell.
                    let bytes = if draws.below(40) == 0 { 100_000 } else { 24 };
                    let object = mutator.allocate(blob, Shape::new(0, bytes)).unwrap();
                    object.mutator().write_word(&object, 0, u64::from(step));
                    held.push(object);
                }
                6..8 if !held.is_empty() => {
                    // Mostly a tree; at times a cycle, which leaks.
                    let from = draws.below(held.len() as u64) as usize;
                    let to = draws.below(held.len() as u64) as usize;
                    let slots = mutator.shape(&held[from]).slots;
                    if slots > 0 && (from < to || draws.below(50) == 0) {
                        held[from].store(draws.below(u64::from(slots)) as u32, Some(&held[to]));
                    }
                }
                8..10 if !held.is_empty() => drop(held.swap_remove(draws.below(held.len() as u64) as usize)),
                10 if !held.is_empty() => {
                    let referent = &held[draws.below(held.len() as u64) as usize];
                    weak.push(mutator.weak_reference(referent, None).unwrap());
                }
                11 if !weak.is_empty() => {
                    let weak = weak.swap_remove(draws.below(weak.len() as u64) as usize);
                    let referent = mutator.upgrade(&weak);
                    seen.push(referent.as_ref().map_or(0, |referent| u64::from(referent.object().bits())));
                    seen.extend(mutator.upgrade(&weak).map(|again| u64::from(again == *referent.as_ref().unwrap())));
                }
                _ => {
                    mutator.safepoint();
                    if draws.below(20) == 0 {
                        seen.push(mutator.collect(Generation::OLD));
                        seen.push(heap.live_objects());
                    }
                }
            }
            seen.extend(held.last().map(|last| u64::from(last.object().bits())));
        }
        held.truncate(held.len() / 2);
        let mut objects = 0;
        mutator.walk(&mut |_, targets| objects += 1 + (targets.len() as u64) * 1_000_000);
        seen.push(objects);
        // A hold without a mutator, which the next mutator or this one's end releases.
        if let Some(last) = held.pop() {
            drop(last.share());
        }
    }
    seen
}

fn counted(seed: u64, config: HeapConfig) -> (Vec<u64>, HeapStatistics) {
    let heap = RefcountHeap::new(config, Arc::new(NoObserver)).unwrap();
    (program(&heap, seed, 4_000), heap.statistics())
}

fn recorded(seed: u64, steps: u32, config: HeapConfig) -> Arc<Tape> {
    let heap = RecordingHeap::new(config, Arc::new(NoObserver)).unwrap();
    program(&heap, seed, steps);
    let tape = heap.tape().unwrap();
    assert_eq!(tape.deaths(), heap.statistics().freed_by_count);
    Arc::new(tape)
}

fn replaying(tape: &Arc<Tape>) -> UncountedHeap {
    UncountedHeap::replaying(Arc::clone(tape), Arc::new(NoObserver)).unwrap()
}

#[test]
fn a_replay_is_cell_for_cell_the_run_that_counts() {
    let side = HeapConfig { place: Place::Side, reservation: 64 << 20, ..HeapConfig::default() };
    for config in [HeapConfig::default(), side] {
        for seed in 0..8 {
            let (seen, statistics) = counted(seed, config);
            let tape = recorded(seed, 4_000, config);
            let heap = replaying(&tape);
            assert_eq!(program(&heap, seed, 4_000), seen, "seed {seed}");
            assert_eq!(heap.replayed(), Ok(tape.deaths()), "seed {seed}");
            // Freed by count, held and peak bytes: all.
            assert_eq!(heap.statistics(), statistics, "seed {seed}");
            assert!(statistics.freed_by_count > 1_000, "seed {seed}: little dies");
        }
    }
}

/// A list of `length` objects, dropped at once, and a few objects after it.
fn list<H: Heap>(heap: &H, length: u32) -> Vec<u32> {
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let mutator = heap.attach();
    let new = || mutator.allocate(node, Shape::new(1, 0)).unwrap();
    let mut first = new();
    for _ in 1..length {
        let next = std::mem::replace(&mut first, new());
        first.put(0, Some(next));
    }
    drop(first);
    let after: Vec<_> = (0..3).map(|_| new()).collect();
    after.iter().map(|root| root.object().bits()).collect()
}

#[test]
fn many_deaths_at_one_tick_are_freed_there() {
    for length in [1, 127, 128, 129, 256, 257, 10_000] {
        let recording = recording();
        let places = list(&recording, length);
        let tape = Arc::new(recording.tape().unwrap());
        assert_eq!(tape.deaths(), u64::from(length) + 3);
        let heap = replaying(&tape);
        assert_eq!(list(&heap, length), places);
        assert_eq!((heap.replayed(), heap.live_objects()), (Ok(tape.deaths()), 0), "{length}");
    }
}

#[test]
fn without_a_tape_nothing_dies() {
    let heap = UncountedHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
    program(&heap, 1, 4_000);
    assert_eq!((heap.statistics().freed_by_count, heap.replayed()), (0, Ok(0)));
}

#[test]
fn a_tape_of_another_program_is_told() {
    let config = HeapConfig::default();
    for seed in 0..8 {
        let tape = recorded(seed, 4_000, config);
        for (other, steps) in [(seed + 100, 4_000), (seed, 3_999), (seed, 4_100), (seed, 10)] {
            let heap = replaying(&tape);
            // It may read wrong values until then, and panic for one.
            let _ = catch_unwind(AssertUnwindSafe(|| program(&heap, other, steps)));
            let misfit = heap.replayed().unwrap_err();
            let Misfit { played, deaths } = misfit;
            assert!(played <= deaths && deaths == tape.deaths(), "seeds {seed} and {other}: {misfit:?}");
            assert!(misfit.to_string().starts_with("the tape does not fit"), "{misfit}");
        }
    }
}

fn recording() -> RecordingHeap {
    RecordingHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap()
}

#[test]
fn what_a_replay_cannot_call_is_refused() {
    let heap = recording();
    let finalizer = heap.register_callback(Arc::new(|_, _| ()));
    let spec = TypeSpec { finalizer: Some(finalizer), ..TypeSpec::new("resource", Kind::Instance) };
    let resource = heap.register_type(spec).unwrap();
    let mutator = heap.attach();
    let object = mutator.allocate(resource, Shape::new(0, 0)).unwrap();
    assert!(heap.tape().is_ok(), "nobody has died yet");
    drop(object);
    assert_eq!(heap.tape().unwrap_err(), Unrepeatable::Finalizer);

    let heap = recording();
    let callback = heap.register_callback(Arc::new(|_, _| ()));
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let mutator = heap.attach();
    let object = mutator.allocate(node, Shape::new(1, 0)).unwrap();
    let _weak = mutator.weak_reference(&object, Some(callback)).unwrap();
    drop(object);
    assert_eq!(heap.tape().unwrap_err(), Unrepeatable::Callback);
    assert!(Unrepeatable::Callback.to_string().contains("choose a program without"));
}

#[test]
fn a_program_that_forks_is_refused() {
    let heap = recording();
    let mutator = heap.attach();
    if let gc_core::process::Forked::Child { .. } = mutator.fork().unwrap() {
        std::process::exit(0);
    }
    assert_eq!(heap.tape().unwrap_err(), Unrepeatable::Fork);
}

/// The heap that counts nothing keeps all settings, and has a list `garbage`; it finds nothing and says nothing.
#[test]
fn the_uncounted_heap_has_the_whole_face_of_gc() {
    let heap = UncountedHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    let mutator = heap.attach();
    let object = mutator.allocate(node, Shape::new(1, 0)).unwrap();
    object.store(0, Some(&object));
    mutator.set_debug(DebugFlags::LEAK | DebugFlags::STATS);
    assert_eq!(mutator.get_debug(), DebugFlags::LEAK | DebugFlags::STATS);
    let called = mutator.on_collection(Arc::new(|_: &_, _, _: &_| panic!("there are no collections")));
    assert_eq!(mutator.collect(Generation::OLD), 0);
    assert!(mutator.remove_collection_callback(called) && !mutator.remove_collection_callback(called));
    {
        let _off = mutator.disabled();
        assert!(!mutator.is_enabled());
    }
    assert!(mutator.is_enabled());
    mutator.append_garbage(&object);
    assert_eq!(mutator.garbage(), std::slice::from_ref(&object));
    assert!(mutator.remove_garbage(&object) && !mutator.remove_garbage(&object));
    mutator.append_garbage(&object);
    assert_eq!(mutator.take_garbage().len(), 1);
    mutator.clear_garbage();
    assert!(mutator.get_objects_of(node, None).is_empty() && mutator.get_referrers(&[&object]).is_empty());
    assert_eq!(mutator.get_referents(&object), std::slice::from_ref(&object));
    assert_eq!(mutator.retain_count(&object), Some(1), "of everything");
}
