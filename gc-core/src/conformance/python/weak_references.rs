//! `ReferencesTestCase` on weak references and their lists.

use super::held::Held;
use super::row::Row;
use crate::config::HeapConfig;
use crate::conformance::fixture::{Fixture, labelled, refusal};
use crate::control::Control;
use crate::heap::{Heap, Mutator};
use crate::object::Kind;

const KINDS: [Kind; 5] = [Kind::Instance, Kind::List, Kind::Dict, Kind::Tuple, Kind::Atomic];

pub fn test_basic_ref<H: Heap>() -> Row {
    Row::new("gives its referent while that is alive, and nothing afterwards", |config| {
        for kind in KINDS {
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let object = mutator.allocate(fixture.of_kind(kind), crate::Shape::new(0, 8)).unwrap();
            let weak = mutator.weak_reference(&object, None).unwrap();
            assert_eq!(mutator.upgrade(&weak).as_ref(), Some(&object));
            assert_eq!(mutator.retain_count(&object), Some(1), "it does not hold it");
            drop(object);
            assert!(mutator.upgrade(&weak).is_none());
            assert_eq!(fixture.live(), 1);
        }
    })
}

pub fn test_basic_callback<H: Heap>() -> Row {
    Row::new("a callback runs once, when the referent dies, with the dead weak reference", |config| {
        for kind in KINDS {
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let log = fixture.log.clone();
            let callback = fixture.callback(move |mutator, weak| {
                log.push(format!("{:?} {}", weak.object(), mutator.upgrade(&weak).is_none()));
            });
            let object = mutator.allocate(fixture.of_kind(kind), crate::Shape::new(0, 8)).unwrap();
            let weak = mutator.weak_reference(&object, Some(callback)).unwrap();
            assert_eq!(fixture.log.take(), [""; 0]);
            drop(object);
            assert_eq!(fixture.log.take(), [format!("{:?} true", weak.object())]);
            drop(weak);
            assert_eq!((fixture.log.take().len(), fixture.live()), (0, 0));
        }
    })
}

pub fn test_multiple_callbacks<H: Heap>() -> Row {
    Row::new("of two weak references with callbacks both die and both are called", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let object = labelled(&mutator, fixture.node, 1);
        let weak = ["first", "second"].map(|name| {
            let callback = fixture.log_event(name);
            mutator.weak_reference(&object, Some(callback)).unwrap()
        });
        drop(object);
        assert!(weak.iter().all(|weak| mutator.upgrade(weak).is_none()));
        assert_eq!(fixture.log.take(), ["second", "first"], "newest first");
    })
}

pub fn test_multiple_selfref_callbacks<H: Heap>() -> Row {
    Row::new("all weak references to a dying object are dead before its first callback runs", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let weak_references = Held::default();
        let (log, all) = (fixture.log.clone(), weak_references.clone());
        let callback = fixture.callback(move |mutator, _| log.push(format!("{:?}", all.alive(mutator))));
        let object = labelled(&mutator, fixture.node, 1);
        for callback in [Some(callback), Some(callback), None] {
            weak_references.push(&mutator.weak_reference(&object, callback).unwrap());
        }
        drop(object);
        assert_eq!(fixture.log.take(), ["[false, false, false]"; 2]);
        weak_references.take(&mutator);
        assert_eq!(fixture.live(), 0);
    })
}

/// One without a callback is shared while it lives, whatever else refers to the object; one with a callback is not.
fn shared_when_plain<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = labelled(&mutator, fixture.node, 1);
    let first = mutator.weak_reference(&object, None).unwrap();
    let callback = fixture.log_event("called");
    let between = mutator.weak_reference(&object, Some(callback)).unwrap();
    let second = mutator.weak_reference(&object, None).unwrap();
    assert_eq!(first, second);
    assert_ne!(first, between);
    assert_ne!(mutator.weak_reference(&object, Some(callback)).unwrap(), between);
    assert_eq!(mutator.get_weak_references(&object).len(), 2);
    drop(between);
    assert_eq!(mutator.get_weak_references(&object), std::slice::from_ref(&first));
    drop((first, second));
    assert!(mutator.get_weak_references(&object).is_empty());
    let third = mutator.weak_reference(&object, None).unwrap();
    assert_eq!(mutator.weak_reference(&object, None).unwrap(), third, "a new one is shared as well");
    drop(object);
    assert_eq!((fixture.log.take().len(), fixture.live()), (0, 1));
}

const PROXY: &str = "a proxy is a weak reference that forwards operations; no heap has operations to forward, so a weak \
                     reference stands for it";

pub fn test_ref_reuse<H: Heap>() -> Row {
    Row::new(
        "a weak reference without a callback is made once and shared, also with others made in between",
        |config| {
            shared_when_plain::<H>(config);
        },
    )
}

pub fn test_proxy_reuse<H: Heap>() -> Row {
    Row::new("the same of a proxy", shared_when_plain::<H>).standing_in(PROXY)
}

pub fn test_shared_ref_without_callback<H: Heap>() -> Row {
    Row::new("no callback and none given are the same: both share", shared_when_plain::<H>)
}

pub fn test_shared_proxy_without_callback<H: Heap>() -> Row {
    Row::new("the same of a proxy", shared_when_plain::<H>).standing_in(PROXY)
}

pub fn test_getweakrefcount<H: Heap>() -> Row {
    Row::new("the number of weak references to an object, whatever their sort; 0 when all are gone", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let object = labelled(&mutator, fixture.node, 1);
        let callback = fixture.log_event("called");
        let count = || mutator.get_weak_references(&object).len();
        assert_eq!(count(), 0);
        let weak: Vec<_> = [None, Some(callback), Some(callback), None]
            .into_iter()
            .map(|callback| mutator.weak_reference(&object, callback).unwrap())
            .collect();
        assert_eq!(count(), 3, "the two without a callback are one");
        drop(weak);
        assert_eq!(count(), 0);
    })
    .standing_in("proxies, which would count too, are weak references")
}

pub fn test_getweakrefs<H: Heap>() -> Row {
    Row::new("the list of weak references, newest first behind the shared one, loses those that die", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let callback = fixture.log_event("called");
        for dropped in [0, 1] {
            let object = labelled(&mutator, fixture.node, 1);
            let mut weak: Vec<_> = (0..2).map(|_| mutator.weak_reference(&object, Some(callback)).unwrap()).collect();
            let plain = mutator.weak_reference(&object, None).unwrap();
            assert_eq!(mutator.get_weak_references(&object), [plain.clone(), weak[1].clone(), weak[0].clone()]);
            drop(plain);
            drop(weak.remove(dropped));
            assert_eq!(mutator.get_weak_references(&object), weak);
            weak.clear();
            assert!(mutator.get_weak_references(&object).is_empty());
        }
        assert_eq!(fixture.log.take(), [""; 0]);
    })
}

pub fn test_callback_attribute<H: Heap>() -> Row {
    Row::new("a weak reference keeps the callback it was made with; one made without has none", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let object = labelled(&mutator, fixture.node, 1);
        let with = mutator.weak_reference(&object, Some(fixture.log_event("with"))).unwrap();
        let without = mutator.weak_reference(&object, None).unwrap();
        assert_ne!(with, without);
        drop(object);
        assert_eq!(fixture.log.take(), ["with"]);
        drop((with, without));
        assert_eq!(fixture.log.take(), [""; 0]);
    })
    .standing_in("the callback shows by being called: it is no attribute that could be read")
}

pub fn test_callback_attribute_after_deletion<H: Heap>() -> Row {
    Row::new(
        "once its referent is dead a weak reference has no callback any more: it is never called again",
        |config| {
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let object = labelled(&mutator, fixture.node, 1);
            let weak = mutator.weak_reference(&object, Some(fixture.log_event("called"))).unwrap();
            drop(object);
            assert_eq!(fixture.log.take(), ["called"]);
            // Another object in the same place is none of its business.
            let later: Vec<_> = (0..4).map(|n| labelled(&mutator, fixture.node, n)).collect();
            assert!(later.iter().all(|object| mutator.get_weak_references(object).is_empty()));
            drop(later);
            mutator.collect(crate::Generation::OLD);
            assert!(mutator.upgrade(&weak).is_none());
            drop(weak);
            assert_eq!(fixture.log.take(), [""; 0]);
        },
    )
    .standing_in("the callback shows by being called: it is no attribute that could be read")
}

pub fn test_ref_created_during_del<H: Heap>() -> Row {
    Row::new("a weak reference that an object's own finalizer makes is dead when the object is", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let made = Held::default();
        let keep = made.clone();
        let target = fixture.with_finalizer(move |mutator, object| {
            keep.push(&mutator.weak_reference(&object, None).expect("room"));
        });
        drop(labelled(&mutator, target, 1));
        assert_eq!(made.alive(&mutator), [false]);
        made.take(&mutator);
        assert_eq!(fixture.live(), 0);
    })
}

pub fn test_callbacks_protected<H: Heap>() -> Row {
    Row::new("a callback that runs while an error is on its way leaves that error as it is", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let callback = fixture.log_event("called");
        for _ in 0..2 {
            let message = refusal("the error", || {
                let object = labelled(&mutator, fixture.node, 1);
                let weak = mutator.weak_reference(&object, Some(callback)).unwrap();
                let _locals = (object, weak);
                panic!("an error of the program");
            });
            assert_eq!(message, "an error of the program");
            assert_eq!(fixture.log.take(), ["called"]);
            assert_eq!(fixture.live(), 0);
        }
    })
    .standing_in("a panic that unwinds is the pending exception")
}
