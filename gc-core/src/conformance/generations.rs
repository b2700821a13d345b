//! Rules of generations, counters and triggers (§1.3 of CPython's collector: `gcmodule.c`).

use super::fixture::{Fixture, NODE, labelled, ring};
use crate::config::{FreeLists, HeapConfig, Propose, Trigger};
use crate::control::{Control, Counts3, Generation, Thresholds};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape};
use crate::root::Root;

/// test_gc 37: a survivor moves one generation up with each collection, and stays in the oldest.
pub fn survivors_grow_older<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = labelled(&mutator, fixture.node, 0);
    let found_in = || {
        let holds = |&generation: &Generation| mutator.get_objects(Some(generation)).contains(&object);
        Generation::ALL.into_iter().filter(holds).map(Generation::index).collect::<Vec<_>>()
    };
    assert_eq!(found_in(), [0]);
    for (collected, expected) in [(Generation::YOUNG, 1), (Generation::YOUNG, 1), (Generation::MIDDLE, 2)] {
        mutator.collect(collected);
        assert_eq!(found_in(), [expected]);
    }
    mutator.collect(Generation::OLD);
    assert_eq!(found_in(), [2]);
}

/// A younger collection does not look at older objects: their garbage waits.
pub fn older_garbage_waits_for_its_generation<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let cycle = ring(&mutator, fixture.node, 2);
    mutator.collect(Generation::MIDDLE);
    drop(cycle);
    assert_eq!(mutator.collect(Generation::YOUNG), 0);
    assert_eq!(mutator.collect(Generation::MIDDLE), 0);
    assert_eq!(mutator.collect(Generation::OLD), 2);
    assert_eq!(fixture.live(), 0);
}

/// What an older object holds is reachable for a younger collection, even if the older one is garbage.
pub fn references_from_older_generations_are_roots<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let old = ring(&mutator, fixture.node, 1);
    mutator.collect(Generation::YOUNG);
    old.put(1, Some(ring(&mutator, fixture.node, 2)));
    drop(old);
    assert_eq!(mutator.collect(Generation::YOUNG), 0);
    assert_eq!(mutator.collect(Generation::MIDDLE), 3);
}

/// test_gc 18, 19: net allocations, and collections of the younger generation.
pub fn counters_follow_allocations_and_collections<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let is = |counts| assert_eq!(mutator.get_count(), Counts3(counts));
    is([0, 0, 0]);
    let kept: Vec<_> = (0..5).map(|n| labelled(&mutator, fixture.node, n)).collect();
    drop(labelled(&mutator, fixture.node, 9));
    is([5, 0, 0]);
    let weak = mutator.weak_reference(&kept[0], None).unwrap();
    is([6, 0, 0]);
    drop((weak, mutator.allocate(fixture.of_kind(Kind::Atomic), Shape::new(0, 1)).unwrap()));
    is([5, 0, 0]);
    for (generation, counts) in [
        (Generation::YOUNG, [0, 1, 0]),
        (Generation::YOUNG, [0, 2, 0]),
        (Generation::MIDDLE, [0, 0, 1]),
        (Generation::YOUNG, [0, 1, 1]),
        (Generation::OLD, [0, 0, 0]),
    ] {
        mutator.collect(generation);
        is(counts);
    }
    drop(kept);
    is([0, 0, 0]);
    let _later = labelled(&mutator, fixture.node, 0);
    is([1, 0, 0]);
}

/// The default, and what was set; a heap that does not collect keeps the settings all the same.
pub fn thresholds_are_kept<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::as_configured(config);
    let mutator = fixture.heap.attach();
    assert_eq!(mutator.get_threshold(), config.thresholds);
    mutator.set_threshold(Thresholds([973, 0, u32::MAX]));
    assert_eq!(mutator.get_threshold(), Thresholds([973, 0, u32::MAX]));
    assert!(mutator.is_enabled());
    mutator.disable();
    assert!(!mutator.is_enabled());
    mutator.enable();
    assert!(mutator.is_enabled());
}

/// The positions (objects kept so far, the new one included) and generations of automatic collections while `growth`
/// objects are allocated and kept, on a heap that was empty.
fn trace<H: Heap>(config: HeapConfig, thresholds: Thresholds, growth: u32) -> Vec<(u32, usize)> {
    let fixture = Fixture::<H>::as_configured(HeapConfig { thresholds, ..config });
    let mutator = fixture.heap.attach();
    let mut kept = Vec::with_capacity(growth as usize);
    let mut seen = Vec::new();
    for n in 1..=growth {
        kept.push(mutator.allocate(fixture.node, Shape::new(1, 0)).unwrap());
        let mut collections = fixture.recorder.collections.lock();
        seen.extend(collections.drain(..).inspect(|c| assert!(c.automatic)).map(|c| (n, c.generation.index())));
    }
    seen
}

/// The rules of the trigger, and nothing else: what `trace` should see.
fn simulated_trace(config: HeapConfig, Thresholds(thresholds): Thresholds, growth: u32) -> Vec<(u32, usize)> {
    let (mut counts, mut lists) = ([0u32; 3], [0u64; 3]);
    let (mut pending, mut total) = (0, 0);
    let mut seen = Vec::new();
    for n in 1..=growth {
        counts[0] += 1;
        // Since 3.12 the new object is part of the collection that it makes due.
        let new_is_candidate = config.trigger == Trigger::After;
        lists[0] += u64::from(new_is_candidate);
        let due = |g: &usize| counts[*g] > thresholds[*g] && (*g < 2 || pending >= total / 4);
        if thresholds[0] != 0
            && counts[0] > thresholds[0]
            && let Some(g) = (0..3).rev().find(due)
        {
            seen.push((n, g));
            let survivors: u64 = lists[..=g].iter().sum();
            lists[..=g].fill(0);
            lists[(g + 1).min(2)] += survivors;
            counts[..=g].fill(0);
            if g < 2 {
                counts[g + 1] += 1;
            }
            match g {
                1 => pending += survivors,
                2 => (pending, total) = (0, survivors),
                _ => {}
            }
        }
        lists[0] += u64::from(!new_is_candidate);
    }
    seen
}

/// Whether the collections that thresholds start are of several generations.
fn has_generations<H: Heap>(config: HeapConfig) -> bool {
    H::ABILITIES.collects_cycles && config.propose == Propose::Generations
}

/// The trigger's arithmetic while a heap grows: strictly more than the threshold, the oldest due generation, the quarter
/// rule for full collections; a threshold of 0 is "always due" for generations 1 and 2.
pub fn a_growing_heap_is_collected_where_the_rules_say<H: Heap>(config: HeapConfig) {
    if !has_generations::<H>(config) {
        return;
    }
    for (thresholds, growth) in
        [([700, 10, 10], 400_000), ([100, 0, 0], 5000), ([1, 1, 1], 2000), ([50, 3, 0], 20_000), ([9, 0, 5], 3000)]
    {
        let thresholds = Thresholds(thresholds);
        let expected = simulated_trace(config, thresholds, growth);
        assert_eq!(trace::<H>(config, thresholds, growth), expected, "thresholds {thresholds}");
    }
}

/// The positions of the first full collections in CPython 3.12 at 700,10,10, from an empty heap: every 133rd event
/// while the quarter rule permits, then later by it.
pub fn full_collections_become_rarer_as_the_heap_grows<H: Heap>(config: HeapConfig) {
    if !has_generations::<H>(config) {
        return;
    }
    let trace = trace::<H>(config, Thresholds::CPYTHON_3_12, 500_000);
    let full: Vec<_> = trace.iter().filter(|event| event.1 == 2).map(|event| event.0).collect();
    assert_eq!(
        full,
        [93_233, 186_466, 279_699, 372_932, 474_577],
        "133 × 701, three times more, then the quarter rule"
    );
    assert_eq!(
        trace[..12].iter().map(|event| event.0).collect::<Vec<_>>(),
        (1..=12).map(|n| n * 701).collect::<Vec<_>>()
    );
    assert_eq!(trace[11].1, 1, "the twelfth event is the first of generation 1");
}

fn automatic_collections<H: Heap>(fixture: &Fixture<H>) -> usize {
    fixture.recorder.collections.lock().iter().filter(|collection| collection.automatic).count()
}

/// test_gc 60: a first threshold of 0 means never.
pub fn a_first_threshold_of_zero_means_never<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::as_configured(config);
    let mutator = fixture.heap.attach();
    mutator.set_threshold(Thresholds([0, 0, 0]));
    let kept: Vec<_> = (0..50_000).map(|_| mutator.allocate(fixture.node, Shape::new(1, 0)).unwrap()).collect();
    assert_eq!(automatic_collections(&fixture), 0);
    drop(kept);
}

/// test_gc 57: `disable` stops automatic collections and leaves explicit ones; `enable` makes what is due happen.
pub fn disabled_heaps_collect_only_when_asked<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::as_configured(HeapConfig { thresholds: Thresholds([100, 0, 0]), ..config });
    let mutator = fixture.heap.attach();
    mutator.disable();
    (0..1000).for_each(|_| drop(ring(&mutator, fixture.node, 1)));
    assert_eq!((automatic_collections(&fixture), fixture.live()), (0, 1000));
    assert_eq!(mutator.collect(Generation::YOUNG), 1000);
    (0..500).for_each(|_| drop(ring(&mutator, fixture.node, 1)));
    mutator.enable();
    drop(ring(&mutator, fixture.node, 1));
    mutator.safepoint();
    assert_eq!(automatic_collections(&fixture), 1);
    assert!(fixture.live() <= 2, "{} objects are left", fixture.live());
}

/// Garbage made over and over is collected by the thresholds alone.
pub fn cycles_made_over_and_over_stay_bounded<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::as_configured(HeapConfig { thresholds: Thresholds::CPYTHON_3_12, ..config });
    let mutator = fixture.heap.attach();
    for _ in 0..20_000 {
        drop(ring(&mutator, fixture.node, 3));
        // One collection's worth, and what was under construction when an earlier one came.
        assert!(fixture.live() <= 1000, "{} objects are alive", fixture.live());
    }
}

/// test_gc 58: a heap whose net allocations stay flat is never collected, and counters never fall below 0.
pub fn net_allocations_count_and_never_fall_below_zero<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::as_configured(HeapConfig { thresholds: Thresholds([700, 10, 10]), ..config });
    let mutator = fixture.heap.attach();
    let kept: Vec<_> = (0..600).map(|n| labelled(&mutator, fixture.node, n)).collect();
    mutator.collect(Generation::OLD);
    drop(kept);
    assert_eq!(mutator.get_count(), Counts3([0, 0, 0]));
    let mut ring = std::collections::VecDeque::new();
    for n in 0..20_000 {
        ring.push_back(labelled(&mutator, fixture.node, n));
        if ring.len() > 500 {
            ring.pop_front();
        }
        assert!(mutator.get_count().0[0] <= 501, "reading counters resets nothing (test_gc 59)");
    }
    assert_eq!(automatic_collections(&fixture), 0);
}

/// Where collections run after an allocation (CPython ≥ 3.12) a list, dict or tuple only schedules one; it runs at the
/// next instance or safepoint.
pub fn a_list_schedules_and_a_safepoint_collects<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.list_order || config.trigger != Trigger::After {
        return;
    }
    let config = HeapConfig { thresholds: Thresholds([10, 10, 10]), ..config };
    let fixture = Fixture::<H>::as_configured(config);
    let mutator = fixture.heap.attach();
    for kind in [Kind::List, Kind::Dict, Kind::Tuple] {
        let type_id = fixture.of_kind(kind);
        let mut kept: Vec<Root<'_, _>> = Vec::new();
        kept.extend((0..30).map(|_| mutator.allocate(type_id, NODE).unwrap()));
        assert_eq!(automatic_collections(&fixture), 0, "{kind:?} does not check");
        mutator.safepoint();
        assert_eq!(automatic_collections(&fixture), 1);
        kept.extend((0..30).map(|_| mutator.allocate(type_id, NODE).unwrap()));
        assert_eq!(automatic_collections(&fixture), 1);
        kept.push(mutator.allocate(fixture.node, NODE).unwrap());
        assert_eq!(automatic_collections(&fixture), 2);
        drop(kept);
        fixture.recorder.collections.lock().clear();
        mutator.collect(Generation::OLD);
        fixture.recorder.collections.lock().clear();
    }
}

/// Dead lists, dicts and tuples are recycled past the counter where it is configured so; instances never.
pub fn free_lists_hide_recycled_objects_from_the_counter<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.list_order {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let count_after = |type_id| {
        let make = || (0..100).map(|_| mutator.allocate(type_id, NODE).unwrap()).collect::<Vec<_>>();
        drop(make());
        let died = mutator.get_count().0[0];
        let again = make();
        let counted = mutator.get_count().0[0];
        drop(again);
        mutator.collect(Generation::OLD);
        [died, counted]
    };
    let recycled = config.free_lists == FreeLists::CPython312;
    let expected = |held: u32| if recycled { [held, 100] } else { [0, 100] };
    assert_eq!(count_after(fixture.node), [0, 100]);
    assert_eq!(count_after(fixture.of_kind(Kind::List)), expected(80));
    assert_eq!(count_after(fixture.of_kind(Kind::Dict)), expected(80));
    assert_eq!(count_after(fixture.of_kind(Kind::Tuple)), expected(100));
}
