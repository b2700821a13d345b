//! `GCCallbackTests`: functions that are called around each collection.

use std::time::Duration;

use super::row::{Row, Sort};
use crate::callback::{CollectionInfo, Phase};
use crate::conformance::fixture::{Fixture, labelled, refusal, ring};
use crate::control::{Control, Generation};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, TypeSpec};
use crate::root::Counts;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering};

/// What a callback was told: its number, the phase and the figures.
type Visit = (u32, Phase, CollectionInfo);
type Visits = Arc<Mutex<Vec<Visit>>>;

/// Two callbacks that note what they are told.
fn visited<M: Mutator>(mutator: &M) -> Visits {
    let visits = Visits::default();
    for number in [1, 2] {
        let visits = Arc::clone(&visits);
        mutator.on_collection(Arc::new(move |_: &M, phase, info: &CollectionInfo| {
            visits.lock().push((number, phase, *info));
        }));
    }
    visits
}

pub fn test_collect<H: Heap>() -> Row {
    Row::new("two callbacks are called at start and stop, in order, each with all figures", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let _kept = labelled(&mutator, fixture.node, 0);
        let visits = visited(&mutator);
        drop(ring(&mutator, fixture.node, 3));
        assert_eq!(mutator.collect(Generation::OLD), 3);
        let visits = visits.lock();
        let order: Vec<_> = visits.iter().map(|&(number, phase, _)| (number, phase)).collect();
        assert_eq!(order, [(1, Phase::Start), (2, Phase::Start), (1, Phase::Stop), (2, Phase::Stop)]);
        for (_, phase, info) in visits.iter() {
            match phase {
                Phase::Start => assert_eq!(*info, CollectionInfo::start(Generation::OLD)),
                Phase::Stop => {
                    assert_eq!((info.collected, info.uncollectable, info.candidates), (3, 0, 4));
                    assert!(info.duration > Duration::ZERO);
                }
            }
        }
        assert_eq!(visits[2].2, visits[3].2, "both are told the same");
    })
    .changed("candidates and duration are of 3.15; the other figures are the same in all")
    .of_cycles()
}

pub fn test_collect_generation<H: Heap>() -> Row {
    Row::new("callbacks are told which generation is collected", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let visits = visited(&mutator);
        for generation in Generation::ALL {
            mutator.collect(generation);
            let told: Vec<_> = visits.lock().drain(..).map(|(_, _, info)| info.generation).collect();
            assert_eq!(told, [generation; 4]);
        }
    })
    .of_tracking()
}

pub fn test_collect_garbage<H: Heap>() -> Row {
    Row::new(
        "four uncollectable objects are put aside and one is collected; a callback that breaks them up ends it",
        |config| {
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let legacy = fixture
                .register(TypeSpec::new("uncollectable", Kind::Instance).with_legacy_finalizer(fixture.log_event("l")));
            let visits = visited(&mutator);
            let cleaning = Arc::new(AtomicBool::new(false));
            let cleans = Arc::clone(&cleaning);
            mutator.on_collection(Arc::new(move |mutator: &H::Mutator, phase, _: &CollectionInfo| {
                // Relaxed: one thread.
                if phase == Phase::Stop && cleans.load(Ordering::Relaxed) {
                    mutator.take_garbage().iter().for_each(|object| object.store(0, None));
                }
            }));
            let told = || {
                let visits: Vec<Visit> = std::mem::take(&mut *visits.lock());
                let stops = visits.into_iter().filter(|(_, phase, _)| *phase == Phase::Stop);
                stops.map(|(_, _, info)| (info.collected, info.uncollectable)).collect::<Vec<_>>()
            };
            (0..2).for_each(|_| drop(ring(&mutator, legacy, 2)));
            drop(ring(&mutator, fixture.node, 1));
            assert_eq!(mutator.collect(Generation::OLD), 5);
            assert_eq!(told(), [(1, 4); 2]);
            let mut garbage = mutator.garbage();
            assert_eq!(garbage.len(), 4);
            assert!(garbage.iter().all(|object| mutator.type_of(object) == legacy));
            let last = garbage.pop();
            drop(garbage);
            mutator.clear_garbage();
            cleaning.store(true, Ordering::Relaxed);
            assert_eq!(mutator.collect(Generation::OLD), 2, "a variable holds one pair");
            assert_eq!(told(), [(0, 2); 2]);
            assert!(mutator.garbage().is_empty());
            assert_eq!(fixture.live(), 2);
            let last = last.expect("there were four");
            last.store(0, None);
            drop(last);
            assert_eq!(fixture.log.take(), ["l"; 4]);
            assert_eq!(fixture.live(), 0);
        },
    )
    .of_cycles()
}

pub fn test_refcount_errors<H: Heap>() -> Row {
    Row::new("a count below the number of known references is a fatal error that names itself", |config| {
        if !cfg!(debug_assertions) {
            return;
        }
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let inner = labelled(&mutator, fixture.node, 1);
        let outer = labelled(&mutator, fixture.node, 2);
        outer.store(0, Some(&inner));
        outer.store(1, Some(&inner));
        // One release too many, as C code with a fault does it. What it takes is the root's.
        mutator.release(inner.object());
        mutator.release(inner.object());
        let message = refusal("a count that is too small", || mutator.collect(Generation::OLD));
        assert!(message.contains("count is too small"), "{message}");
        // Nothing can be relied on now, not even that these may be dropped.
        std::mem::forget((inner, outer));
    })
    .standing_in("asked of builds with assertions only, as CPython's is")
    .by_reading()
    .spares(Sort::Leaks, "it never compares a count with the references there are")
    .spares(Sort::Unordered, "it never compares a count with the references there are")
}
