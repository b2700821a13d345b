//! `GCTests` on what a program can see of its objects.

use super::held::Held;
use super::late_finalizers::plain_lives;
use super::release::Release;
use super::row::Row;
use crate::conformance::fixture::{Fixture, NODE, labelled, ring};
use crate::control::{Control, Generation, GenerationError};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape};
use crate::root::Root;

pub fn test_get_referents<H: Heap>() -> Row {
    Row::new(
        "the direct children of list, tuple and dict in order, duplicates kept; none of atomic objects",
        |config| {
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let atomic = fixture.of_kind(Kind::Atomic);
            let numbers: Vec<_> = (0..8).map(|_| mutator.allocate(atomic, Shape::new(0, 8)).unwrap()).collect();
            let filled = |kind, values: &[usize]| {
                let object = mutator.allocate(fixture.of_kind(kind), NODE).unwrap();
                (0..).zip(values).for_each(|(slot, &value)| object.store(slot, Some(&numbers[value])));
                object
            };
            let expected = |values: &[usize]| values.iter().map(|&value| numbers[value].clone()).collect::<Vec<_>>();
            for (kind, values) in [
                (Kind::List, &[1, 3, 5][..]),
                (Kind::Tuple, &[1, 3, 5]),
                (Kind::Dict, &[1, 3, 5, 7]),
                (Kind::Tuple, &[0, 0, 0]),
            ] {
                assert_eq!(mutator.get_referents(&filled(kind, values)), expected(values), "{kind:?}");
            }
            assert!(numbers.iter().all(|number| mutator.get_referents(number).is_empty()));
        },
    )
}

pub fn test_is_tracked<H: Heap>() -> Row {
    Row::new("atomic objects are not tracked; containers are, also those without any slot", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let tracked = |kind, shape| {
            let object = mutator.allocate(fixture.of_kind(kind), shape).unwrap();
            mutator.is_tracked(&object)
        };
        for payload in [0, 1, 8, 16, 500] {
            assert!(!tracked(Kind::Atomic, Shape::new(0, payload)));
        }
        // Up to 3.13 an empty dict is not; see the rule below.
        let dict = plain_lives(config).then_some(Kind::Dict);
        for kind in [Kind::Instance, Kind::List].into_iter().chain(dict) {
            for shape in [NODE, Shape::new(0, 0), Shape::new(0, 8)] {
                assert!(tracked(kind, shape), "{kind:?} of {shape:?}");
            }
        }
    })
    .standing_in(
        "the kinds of types stand for Python's types: atomic for int, str and bytes, instance for user classes",
    )
    .changed(
        "an empty dict is untracked up to 3.13, and tracked from 3.14 on; the heaps track dicts from birth with all settings, \
         so up to 3.14 the row asks for none (a known difference up to 3.13)",
    )
    .of_tracking()
}

pub fn test_get_objects<H: Heap>() -> Row {
    Row::new("a living tracked object is listed, once", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let list = ring(&mutator, fixture.of_kind(Kind::List), 1);
        assert_eq!(mutator.get_objects(None), std::slice::from_ref(&list));
        list.store(0, None);
    })
    .of_tracking()
}

pub fn test_get_objects_generations<H: Heap>() -> Row {
    Row::new(
        "an object is listed in generation 0, after collections of 0 and 1 in 1 and 2, and stays there",
        |config| {
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let list = ring(&mutator, fixture.of_kind(Kind::List), 1);
            let listed = || Generation::ALL.map(|generation| mutator.get_objects(Some(generation)).contains(&list));
            assert_eq!(listed(), [true, false, false]);
            for (generation, expected) in
                Generation::ALL.into_iter().zip([[false, true, false], [false, false, true], [false, false, true]])
            {
                mutator.collect(generation);
                assert_eq!(listed(), expected);
            }
            drop(list);
            assert_eq!(mutator.collect(Generation::OLD), 1);
        },
    )
    .of_tracking()
}

pub fn test_get_objects_arguments<H: Heap>() -> Row {
    Row::new(
        "no generation and −1 mean all three; 3 and more, and less than −1, are errors with these messages",
        |config| {
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let [first, second] = [0, 1].map(|n| labelled(&mutator, fixture.node, n));
            mutator.collect(Generation::YOUNG);
            let third = labelled(&mutator, fixture.node, 2);
            let list = |number| Generation::to_list(number).map(|generation| mutator.get_objects(generation));
            let all = list(None).expect("no argument is one");
            assert_eq!(all, [third.clone(), first.clone(), second.clone()], "0, then 1, then 2");
            assert_eq!(list(Some(-1)), Ok(all));
            assert_eq!(list(Some(0)), Ok(vec![third.clone()]));
            let message = |number| list(Some(number)).expect_err("no generation").to_string();
            for number in [3, 1000] {
                assert_eq!(
                    message(number),
                    "generation parameter must be less than the number of available generations (3)"
                );
            }
            for number in [-2, -1000] {
                assert_eq!(message(number), "generation parameter cannot be negative");
            }
            assert_eq!(Generation::to_collect(3), Err(GenerationError::Invalid));
            assert_eq!(Generation::to_collect(-1).unwrap_err().to_string(), "invalid generation");
        },
    )
    .of_tracking()
}

pub fn test_get_objects_during_gc<H: Heap>() -> Row {
    Row::new("while its finalizer runs in a collection, an object is on no list and has no referrers", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let log = fixture.log.clone();
        let finalized = fixture.with_finalizer(move |mutator, object| {
            let listed = mutator.get_objects(None).contains(&object);
            log.push(format!("{listed} {}", mutator.get_referrers(&[&object]).len()));
        });
        drop(ring(&mutator, finalized, 1));
        assert_eq!(mutator.collect(Generation::OLD), 1);
        assert_eq!(fixture.log.take(), ["false 0"]);
    })
    .of_cycles()
}

pub fn test_heap_size<H: Heap>() -> Row {
    Row::new("one more tracked object counts one more, and one less again when it dies", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let size = || mutator.get_objects(None).len() as u64 + mutator.get_freeze_count();
        let before = size();
        let list = labelled(&mutator, fixture.of_kind(Kind::List), 1);
        assert_eq!(size(), before + 1);
        mutator.freeze();
        assert_eq!(size(), before + 1);
        drop(list);
        assert_eq!(size(), before);
    })
    .only(&[Release::Python315], "the counter is of 3.15")
    .standing_in("the tracked and the frozen objects, counted, are the interpreter's counter")
    .of_tracking()
}

pub fn test_freeze<H: Heap>() -> Row {
    Row::new("freezing makes every tracked object permanent, and unfreezing leaves none so", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let kept: Vec<_> = (0..3).map(|n| labelled(&mutator, fixture.node, n)).collect();
        mutator.freeze();
        assert_eq!(mutator.get_freeze_count(), 3);
        mutator.unfreeze();
        assert_eq!(mutator.get_freeze_count(), 0);
        assert_eq!(mutator.get_objects(Some(Generation::OLD)), kept, "they are in the oldest generation");
    })
    .of_tracking()
}

pub fn test_traverse_frozen_objects<H: Heap>() -> Row {
    Row::new("garbage that refers to a frozen object is collected, and that object left alone", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let frozen = ring(&mutator, fixture.node, 1);
        mutator.freeze();
        let garbage = ring(&mutator, fixture.node, 1);
        garbage.store(1, Some(&frozen));
        drop((garbage, frozen));
        assert_eq!(mutator.collect(Generation::OLD), 1);
        assert_eq!((fixture.live(), mutator.get_freeze_count()), (1, 1), "frozen garbage waits");
        mutator.unfreeze();
        assert_eq!(mutator.collect(Generation::OLD), 1);
        assert_eq!(fixture.live(), 0);
    })
    .of_tracking()
}

pub fn test_deferred_refcount_frozen<H: Heap>() -> Row {
    Row::new("a collection while all objects are frozen finds nothing and harms nothing", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let coroutine = fixture.with_finalizer(|_, _| {});
        let held = Held::default();
        held.push(&ring(&mutator, coroutine, 2));
        drop(ring(&mutator, coroutine, 2));
        mutator.freeze();
        assert_eq!(mutator.collect(Generation::OLD), 0);
        mutator.unfreeze();
        assert_eq!(mutator.collect(Generation::OLD), 2);
        let kept: Vec<Root<'_, _>> = held.take(&mutator);
        assert_eq!(mutator.retain_count(&kept[0]), Some(2));
        drop(kept);
        assert_eq!(mutator.collect(Generation::OLD), 2);
        assert_eq!(fixture.live(), 0);
    })
    .of_cycles()
}
