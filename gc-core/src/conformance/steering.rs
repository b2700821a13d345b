//! Rules of what steers collections from outside: callbacks around them, the guard that disables them, and the list `garbage`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use super::fixture::{Fixture, labelled, ring};
use crate::callback::{CollectionCallbackId, CollectionInfo, Phase};
use crate::config::HeapConfig;
use crate::control::{Control, Generation, GenerationError, Thresholds};
use crate::heap::{Heap, Mutator};
use crate::sync::{Arc, Mutex};

/// CPython 3.15's figures: candidates and duration are 0 at the start; at the stop they are what `get_stats` counts.
pub fn collection_callbacks_learn_candidates_and_duration<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let push = Arc::clone(&seen);
    mutator.on_collection(Arc::new(move |_: &H::Mutator, phase, info: &CollectionInfo| {
        push.lock().push((phase, *info));
    }));
    let kept: Vec<_> = (0..5).map(|n| labelled(&mutator, fixture.node, n)).collect();
    for (round, generation) in [Generation::OLD, Generation::YOUNG, Generation::OLD].into_iter().enumerate() {
        drop(ring(&mutator, fixture.node, 3));
        let before = mutator.get_stats()[generation.index()];
        assert_eq!(mutator.collect(generation), 3);
        let after = mutator.get_stats()[generation.index()];
        let [(Phase::Start, start), (Phase::Stop, stop)] = std::mem::take(&mut *seen.lock())[..] else {
            panic!("a start and a stop")
        };
        assert_eq!(start, CollectionInfo::start(generation));
        assert_eq!(stop.candidates, if generation == Generation::YOUNG { 3 } else { 8 }, "in round {round}");
        assert_eq!(after.examined - before.examined, stop.candidates);
        assert_eq!(u128::from(after.nanoseconds - before.nanoseconds), stop.duration.as_nanos());
        assert_eq!((stop.collected, stop.uncollectable), (3, 0));
    }
    drop(kept);
}

/// `gc.callbacks` is a list: what is removed is called no more; removing it twice, or with another heap's number,
/// removes nothing.
pub fn collection_callbacks_can_be_removed<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let add = |name: &'static str| {
        let log = fixture.log.clone();
        mutator.on_collection(Arc::new(move |_: &H::Mutator, _, _: &_| log.push(name)))
    };
    let [a, b, c] = ["a", "b", "c"].map(add);
    assert!(mutator.remove_collection_callback(b));
    assert!(!mutator.remove_collection_callback(b), "it is gone");
    let other = H::new(config, Arc::new(crate::NoObserver)).unwrap();
    let foreign = other.attach().on_collection(Arc::new(|_: &H::Mutator, _, _: &_| {}));
    assert!(!mutator.remove_collection_callback(foreign));
    mutator.collect(Generation::YOUNG);
    let both = ["a", "c", "a", "c"];
    assert_eq!(fixture.log.take(), if H::ABILITIES.collects_cycles { &both[..] } else { &[] });
    assert!(mutator.remove_collection_callback(a) && mutator.remove_collection_callback(c));
    mutator.collect(Generation::YOUNG);
    assert_eq!(fixture.log.take(), [""; 0]);
}

/// A callback may remove itself: as in Python's list, the next one moves to its place and is passed over this once.
pub fn a_collection_callback_may_remove_itself<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let own: Arc<Mutex<Option<CollectionCallbackId>>> = Arc::default();
    let (log, id) = (fixture.log.clone(), Arc::clone(&own));
    let first = mutator.on_collection(Arc::new(move |mutator: &H::Mutator, _, _: &_| {
        log.push("first");
        let id = id.lock().take().expect("called once");
        assert!(mutator.remove_collection_callback(id));
    }));
    *own.lock() = Some(first);
    for name in ["second", "third"] {
        let log = fixture.log.clone();
        mutator.on_collection(Arc::new(move |_: &H::Mutator, _, _: &_| log.push(name)));
    }
    mutator.collect(Generation::YOUNG);
    assert_eq!(fixture.log.take(), ["first", "third", "second", "third"]);
}

/// Guards nest; inside them explicit collections work and automatic ones do not; afterwards all is as it was, whether that was
/// enabled or not, and what `enable` and `disable` said meanwhile holds.
pub fn a_disabled_guard_nests_and_restores<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::as_configured(HeapConfig { thresholds: Thresholds([10, 0, 0]), ..config });
    let mutator = fixture.heap.attach();
    let churn = || (0..100).for_each(|_| drop(ring(&mutator, fixture.node, 1)));
    let automatic = || fixture.recorder.collections.lock().iter().filter(|collection| collection.automatic).count();
    {
        let _off = mutator.disabled();
        assert!(!mutator.is_enabled());
        {
            let _off = mutator.disabled();
            churn();
        }
        assert!(!mutator.is_enabled(), "the outer guard holds on");
        churn();
        assert_eq!(automatic(), 0);
        assert_eq!(mutator.collect(Generation::OLD), if H::ABILITIES.collects_cycles { 200 } else { 0 });
    }
    assert!(mutator.is_enabled());
    churn();
    assert_eq!(automatic() > 0, H::ABILITIES.collects_cycles);
    mutator.disable();
    drop(mutator.disabled());
    assert!(!mutator.is_enabled(), "it was disabled before");
    let off = mutator.disabled();
    mutator.enable();
    assert!(!mutator.is_enabled(), "not before the guard goes");
    drop(off);
    assert!(mutator.is_enabled());
    let (outer, inner) = (mutator.disabled(), mutator.disabled());
    drop(outer);
    assert!(!mutator.is_enabled(), "in any order");
    drop(inner);
    assert!(mutator.is_enabled());
}

/// A panic ends a guard.
pub fn a_disabled_guard_ends_with_a_panic<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let _off = mutator.disabled();
        panic!("inside");
    }));
    assert!(result.is_err() && mutator.is_enabled());
}

/// Guards of two threads add up: whichever ends first, collections stay disabled until the other has ended.
pub fn disabled_guards_of_two_threads_add_up<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let own = mutator.disabled();
    let (held, wait) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    mutator.safe_region(|| {
        thread::scope(|scope| {
            scope.spawn(|| {
                let mutator = fixture.heap.attach();
                let _off = mutator.disabled();
                mutator.safe_region(|| {
                    held.wait();
                    wait.wait();
                });
                assert!(!mutator.is_enabled(), "this guard is left");
            });
            held.wait();
            drop(own);
            assert!(!mutator.is_enabled(), "the other thread's guard is left");
            wait.wait();
        });
    });
    assert!(mutator.is_enabled());
}

/// `garbage` is a list that holds its entries: appended and removed one by one, taken, or cleared last to first.
pub fn garbage_is_a_list_of_references<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let type_id = fixture.logged();
    let objects: Vec<_> = (0..3).map(|n| labelled(&mutator, type_id, n)).collect();
    for object in [&objects[0], &objects[1], &objects[0], &objects[2]] {
        mutator.append_garbage(object);
    }
    assert_eq!(mutator.garbage(), [0, 1, 0, 2].map(|n: usize| objects[n].clone()));
    assert_eq!(mutator.retain_count(&objects[0]), Some(3));
    assert!(mutator.remove_garbage(&objects[0]));
    assert_eq!(mutator.garbage(), [1, 0, 2].map(|n: usize| objects[n].clone()), "the first entry goes");
    assert_eq!(mutator.retain_count(&objects[0]), Some(2));
    assert!(mutator.remove_garbage(&objects[0]) && !mutator.remove_garbage(&objects[0]));
    let taken = mutator.take_garbage();
    assert_eq!(taken, [1, 2].map(|n: usize| objects[n].clone()));
    assert!(mutator.garbage().is_empty());
    assert_eq!(mutator.retain_count(&objects[1]), Some(2), "its reference is the caller's now");
    drop(taken);
    objects.iter().for_each(|object| mutator.append_garbage(object));
    drop(objects);
    assert_eq!((mutator.collect(Generation::OLD), fixture.live()), (0, 3), "held by the list");
    mutator.clear_garbage();
    assert_eq!(fixture.log.take(), ["f2", "f1", "f0"]);
    assert_eq!(fixture.live(), 0);
}

/// test_gc 38, and the argument of `collect`: numbers that are no generations, in the words of CPython's errors.
pub fn numbers_of_generations_are_checked_as_in_cpython<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let _object = labelled(&mutator, fixture.node, 0);
    for all in [None, Some(-1)] {
        let generation = Generation::to_list(all).expect("all of them");
        assert_eq!(mutator.get_objects(generation), mutator.get_objects(None));
    }
    for generation in Generation::ALL {
        let number = generation.index() as i64;
        assert_eq!(Generation::to_list(Some(number)), Ok(Some(generation)));
        assert_eq!(Generation::to_collect(number), Ok(generation));
    }
    let too_large = "generation parameter must be less than the number of available generations (3)";
    let negative = "generation parameter cannot be negative";
    for (number, text) in [(3, too_large), (1000, too_large), (i64::MAX, too_large), (-2, negative), (-1000, negative)]
    {
        assert_eq!(Generation::to_list(Some(number)).map_err(|error| error.to_string()), Err(text.to_owned()));
    }
    for number in [-1, 3, 256, i64::MIN] {
        assert_eq!(Generation::to_collect(number), Err(GenerationError::Invalid));
    }
    assert_eq!(GenerationError::Invalid.to_string(), "invalid generation");
}
