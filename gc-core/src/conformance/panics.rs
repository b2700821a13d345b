//! Rules of panics in callbacks: reported to the observer, and the heap goes on.

use super::fixture::{Fixture, catch_up, labelled, ring};
use crate::callback::{Phase, Place};
use crate::config::HeapConfig;
use crate::control::{Control, Generation};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, TypeSpec};
use crate::sync::Arc;

fn reported<H: Heap>(fixture: &Fixture<H>) -> Vec<(Place, String)> {
    fixture.recorder.panics.lock().drain(..).map(|panicked| (panicked.place, panicked.message)).collect()
}

/// On death by count: the object dies all the same, and so does all that it holds.
pub fn a_panicking_finalizer_does_not_keep_its_object<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let type_id = fixture.with_finalizer(|_, object| panic!("of {}", super::fixture::label(&object)));
    let object = labelled(&mutator, type_id, 1);
    object.put(0, Some(labelled(&mutator, type_id, 2)));
    object.put(1, Some(labelled(&mutator, fixture.logged(), 3)));
    let weak = mutator.weak_reference(&object, None).unwrap();
    drop(object);
    let expected = [(Place::Finalizer, "of 1".to_owned()), (Place::Finalizer, "of 2".to_owned())];
    assert_eq!(reported(&fixture), expected);
    assert_eq!(fixture.log.take(), ["f3"]);
    assert!(mutator.upgrade(&weak).is_none());
    assert_eq!(fixture.live(), 1);
}

/// In a collection: all other finalizers run, and everything is collected.
pub fn a_collection_goes_on_after_panicking_finalizers<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let log = fixture.log.clone();
    let type_id = fixture.with_finalizer(move |_, _| {
        log.push("f");
        panic!("a finalizer");
    });
    drop(ring(&mutator, type_id, 10));
    assert_eq!(mutator.collect(Generation::OLD), 10);
    assert_eq!(reported(&fixture), vec![(Place::Finalizer, "a finalizer".to_owned()); 10]);
    assert_eq!((fixture.log.take().len(), fixture.live()), (10, 0));
    drop(ring(&mutator, fixture.node, 2));
    assert_eq!(mutator.collect(Generation::OLD), 2, "the next collection is a collection");
}

/// Callbacks of weak references, in both ways to die: the others run, and none runs twice.
pub fn panicking_weak_reference_callbacks_stop_nothing<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let log = fixture.log.clone();
    let callback = fixture.callback(move |_, _| {
        log.push("w");
        std::panic::panic_any(7);
    });
    let object = labelled(&mutator, fixture.node, 1);
    let weak: Vec<_> = (0..3).map(|_| mutator.weak_reference(&object, Some(callback)).unwrap()).collect();
    drop(object);
    assert_eq!(fixture.log.take(), ["w"; 3]);
    assert_eq!(reported(&fixture), vec![(Place::WeakReference, "a panic without a message".to_owned()); 3]);
    drop(weak);
    if H::ABILITIES.collects_cycles {
        let cycle = ring(&mutator, fixture.node, 4);
        let weak: Vec<_> = (0..3).map(|_| mutator.weak_reference(&cycle, Some(callback)).unwrap()).collect();
        drop(cycle);
        assert_eq!(mutator.collect(Generation::OLD), 4);
        assert_eq!((fixture.log.take().len(), reported(&fixture).len()), (3, 3));
        assert!(weak.iter().all(|weak| mutator.upgrade(weak).is_none()));
    }
}

/// Callbacks around collections.
pub fn panicking_collection_callbacks_stop_nothing<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let log = fixture.log.clone();
    mutator.on_collection(Arc::new(|_: &H::Mutator, phase, _: &_| panic!("at {phase:?}")));
    mutator.on_collection(Arc::new(move |_: &H::Mutator, phase, _: &_| {
        log.push(if phase == Phase::Start { "start" } else { "stop" });
    }));
    drop(ring(&mutator, fixture.node, 4));
    assert_eq!(mutator.collect(Generation::OLD), 4);
    assert_eq!(fixture.log.take(), ["start", "stop"]);
    let place = Place::CollectionCallback;
    assert_eq!(reported(&fixture), [(place, "at Start".to_owned()), (place, "at Stop".to_owned())]);
    assert_eq!(mutator.collect(Generation::OLD), 0);
}

/// Legacy finalizers.
pub fn a_panicking_legacy_finalizer_does_not_keep_its_object<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let finalizer = fixture.callback(|_, _| panic!("legacy"));
    let type_id = fixture.register(TypeSpec::new("legacy", Kind::Instance).with_legacy_finalizer(finalizer));
    drop(labelled(&mutator, type_id, 1));
    assert_eq!(reported(&fixture), [(Place::LegacyFinalizer, "legacy".to_owned())]);
    assert_eq!(fixture.live(), 0);
}

/// A panic deep in a cascade of deferred teardowns: the cascade ends, and the next one works.
pub fn a_cascade_goes_on_after_a_panic<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let type_id = fixture.with_finalizer(|_, _| panic!("in a cascade"));
    for _ in 0..2 {
        let mut head = labelled(&mutator, type_id, 0);
        for n in 1..300 {
            let next = labelled(&mutator, if n % 3 == 0 { type_id } else { fixture.node }, n);
            next.put(0, Some(head));
            head = next;
        }
        drop(head);
        catch_up(&mutator);
        assert_eq!((reported(&fixture).len(), fixture.live()), (100, 0));
    }
}
