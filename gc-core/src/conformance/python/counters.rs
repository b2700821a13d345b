//! `GCTests` on counters, thresholds and statistics.

use std::collections::VecDeque;

use super::row::Row;
use crate::conformance::fixture::{Fixture, labelled, ring};
use crate::control::{Control, Counts3, Generation, Thresholds};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape};

/// Collections that thresholds started, so far.
pub(super) fn automatic<H: Heap>(fixture: &Fixture<H>) -> usize {
    fixture.recorder.collections.lock().iter().filter(|collection| collection.automatic).count()
}

pub fn test_get_count<H: Heap>() -> Row {
    Row::new("a collection leaves the counters at zero, and one more object raises the first by one", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let _kept = labelled(&mutator, fixture.node, 0);
        mutator.collect(Generation::OLD);
        assert_eq!(mutator.get_count(), Counts3([0, 0, 0]));
        let _list = labelled(&mutator, fixture.of_kind(Kind::List), 1);
        assert_eq!(mutator.get_count(), Counts3([1, 0, 0]));
    })
    .of_tracking()
}

pub fn test_collect_generations<H: Heap>() -> Row {
    Row::new("after collections of 0, 1 and 2 the counters of 1 and 2 are (1, 0), (0, 1) and (0, 0)", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        mutator.collect(Generation::OLD);
        let _list = labelled(&mutator, fixture.of_kind(Kind::List), 1);
        for (generation, expected) in Generation::ALL.into_iter().zip([[0, 1, 0], [0, 0, 1], [0, 0, 0]]) {
            mutator.collect(generation);
            assert_eq!(mutator.get_count(), Counts3(expected));
        }
    })
    .of_tracking()
}

pub fn test_get_stats<H: Heap>() -> Row {
    Row::new(
        "a collection raises the figures of its own generation alone; candidates and time are told too",
        |config| {
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let _guard = mutator.disabled();
            let _kept = labelled(&mutator, fixture.node, 0);
            let stats =
                || mutator.get_stats().map(|one| [one.collections, one.collected, one.uncollectable, one.examined]);
            let before = stats();
            drop(ring(&mutator, fixture.node, 2));
            mutator.collect(Generation::YOUNG);
            let [mut young, middle, mut old] = before;
            (young[0], young[1], young[3]) = (young[0] + 1, young[1] + 2, young[3] + 3);
            assert_eq!(stats(), [young, middle, old]);
            mutator.collect(Generation::OLD);
            (old[0], old[3]) = (old[0] + 1, old[3] + 1);
            assert_eq!(stats(), [young, middle, old]);
            let [young, middle, old] = mutator.get_stats().map(|one| one.nanoseconds);
            assert!(young > 0 && middle == 0 && old > 0);
        },
    )
    .changed("candidates and duration are of 3.15; the other figures are the same in all")
    .of_tracking()
}

pub fn test_get_count_nonnegative<H: Heap>() -> Row {
    Row::new("deaths after a collection do not take the first counter below zero", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let kept: Vec<_> = (0..1000).map(|n| labelled(&mutator, fixture.of_kind(Kind::List), n)).collect();
        mutator.collect(Generation::OLD);
        drop(kept);
        assert_eq!(mutator.get_count(), Counts3([0, 0, 0]));
        let _later = labelled(&mutator, fixture.node, 0);
        assert_eq!(mutator.get_count(), Counts3([1, 0, 0]), "what died earlier is forgotten");
    })
    .of_tracking()
}

pub fn test_get_count_does_not_prevent_collection<H: Heap>() -> Row {
    Row::new("reading the counters resets nothing: the collection comes where it was due", |config| {
        let fixture = Fixture::<H>::as_configured(config);
        let mutator = fixture.heap.attach();
        let threshold = mutator.get_threshold().0[0];
        let mut kept = Vec::new();
        for n in 0..threshold {
            assert_eq!(mutator.get_count(), Counts3([n, 0, 0]));
            kept.push(labelled(&mutator, fixture.node, 0));
        }
        assert_eq!(automatic(&fixture), 0);
        kept.push(labelled(&mutator, fixture.node, 0));
        assert_eq!(automatic(&fixture), 1);
        assert_eq!(mutator.get_count(), Counts3([0, 1, 0]));
    })
    .of_tracking()
}

pub fn test_threshold_zero<H: Heap>() -> Row {
    Row::new("with a first threshold of 0 fifty thousand allocations start no collection", |config| {
        let fixture = Fixture::<H>::as_configured(config);
        let mutator = fixture.heap.attach();
        mutator.set_threshold(Thresholds([0, 10, 10]));
        let kept: Vec<_> =
            (0..50_000).map(|_| mutator.allocate(fixture.node, Shape::new(1, 0)).expect("room")).collect();
        mutator.safepoint();
        assert_eq!(automatic(&fixture), 0);
        assert!(fixture.recorder.collections.lock().is_empty());
        drop(kept);
    })
}

pub fn test_tuple_untrack_counts<H: Heap>() -> Row {
    Row::new(
        "tuples that a collection untracked do not count among the long-lived objects that put off a full one",
        |config| {
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let atom = mutator.allocate(fixture.of_kind(Kind::Atomic), Shape::new(0, 8)).unwrap();
            let tuple = fixture.of_kind(Kind::Tuple);
            let tuples: Vec<_> = (0..5000)
                .map(|_| {
                    let one = mutator.allocate(tuple, Shape::new(1, 0)).unwrap();
                    one.store(0, Some(&atom));
                    one
                })
                .collect();
            mutator.collect(Generation::OLD);
            assert!(tuples.iter().all(|one| !mutator.is_tracked(one)));
            // A full collection is due when those of 1 exceed 0 and survivors of 1 are a quarter of the long-lived.
            fixture.recorder.collections.lock().clear();
            mutator.set_threshold(Thresholds([100, 0, 0]));
            let kept: Vec<_> = (0..303).map(|n| labelled(&mutator, fixture.node, n)).collect();
            let generations: Vec<_> =
                fixture.recorder.collections.lock().iter().map(|collection| collection.generation.index()).collect();
            assert_eq!(generations, [0, 1, 2], "nothing long-lived puts it off");
            drop(kept);
        },
    )
    .changed("a build without the global lock counts them since 3.14, so that its full collections come later")
    .standing_in("the default build's rule, seen by when the next full collection comes")
    .of_tracking()
}

pub fn test_incremental_gc_handles_fast_cycle_creation<H: Heap>() -> Row {
    Row::new("short dead lists that refer to a living one, made over and over, do not pile up", |config| {
        const LIVING: u64 = 1000;
        const LENGTH: u64 = 20;
        const AT_ONCE: usize = 20;
        let fixture = Fixture::<H>::as_configured(config);
        let mutator = fixture.heap.attach();
        mutator.set_threshold(Thresholds([200, 10, 10]));
        let linked = |length| {
            let mut head = labelled(&mutator, fixture.node, 0);
            for n in 1..length {
                let next = labelled(&mutator, fixture.node, n);
                next.store(1, Some(&head));
                head.store(0, Some(&next));
                head = next;
            }
            head
        };
        let living = linked(LIVING);
        let before = fixture.live();
        let mut held = VecDeque::new();
        for n in 1..=20_000 {
            let list = linked(LENGTH);
            list.store(2, Some(&living));
            held.push_back(list);
            if n % AT_ONCE == 0 {
                held.clear();
                let growth = fixture.live() - before;
                assert!(growth < 27_000, "{growth} more objects after {n} lists");
            }
        }
    })
    .changed("a test of the incremental collector of 3.14.0 to 3.14.4; that of the other releases keeps the bound too")
    .of_cycles()
}
