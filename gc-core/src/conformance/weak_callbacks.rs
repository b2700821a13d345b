//! Rules of several weak references to one object, and of callbacks that interfere with each other.

use super::fixture::{Fixture, labelled, ring};
use crate::callback::Place;
use crate::config::HeapConfig;
use crate::control::{Control, Generation};
use crate::heap::{Heap, Mutator};
use crate::root::SharedRoot;
use crate::sync::{Arc, Mutex};

/// `test_getweakrefs`: first the shared one without a callback, whenever it was made, then those with callbacks, newest first;
/// one that dies leaves its place, and the list of another object is another.
pub fn weak_references_are_listed_newest_first<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let [object, other] = [0, 1].map(|n| labelled(&mutator, fixture.node, n));
    let callback = fixture.log_event("called");
    assert!(mutator.get_weak_references(&object).is_empty());
    let first = mutator.weak_reference(&object, Some(callback)).unwrap();
    let second = mutator.weak_reference(&object, Some(callback)).unwrap();
    let plain = mutator.weak_reference(&object, None).unwrap();
    let third = mutator.weak_reference(&object, Some(callback)).unwrap();
    let foreign = mutator.weak_reference(&other, None).unwrap();
    assert_eq!(mutator.get_weak_references(&object), [plain.clone(), third.clone(), second.clone(), first.clone()]);
    drop(second);
    drop(plain);
    assert_eq!(mutator.get_weak_references(&object), [third.clone(), first.clone()]);
    assert_eq!(mutator.get_weak_references(&other), [foreign]);
    assert_eq!(mutator.retain_count(&first), Some(1), "being listed holds nothing for longer than the list");
    assert_eq!(fixture.log.take(), [""; 0], "what died itself is not called");
    drop(object);
    assert_eq!(fixture.log.take(), ["called"; 2]);
    drop((third, first));
}

/// A weak reference that a newer one's callback lets go is called all the same: all of them were held before the first was called
/// (`PyObject_ClearWeakRefs`, `handle_weakrefs`). On death by count, and in a collection.
pub fn callbacks_that_let_go_of_each_other_are_all_called<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    for in_collection in [false, true] {
        if in_collection && !H::ABILITIES.collects_cycles {
            continue;
        }
        let object = ring(&mutator, fixture.node, 1);
        let held: Arc<Mutex<Vec<SharedRoot>>> = Arc::default();
        let (log, all) = (fixture.log.clone(), Arc::clone(&held));
        let callback = fixture.callback(move |mutator, _| {
            let all = std::mem::take(&mut *all.lock());
            log.push(format!("lets go of {}", all.len()));
            all.into_iter().for_each(|shared| drop(mutator.adopt(shared)));
        });
        for _ in 0..3 {
            held.lock().push(mutator.weak_reference(&object, Some(callback)).unwrap().share());
        }
        if in_collection {
            drop(object);
            // The three weak references die in their callbacks: they count as collected.
            assert_eq!(mutator.collect(Generation::OLD), 4);
        } else {
            object.store(0, None);
            drop(object);
        }
        assert_eq!(fixture.log.take(), ["lets go of 3", "lets go of 0", "lets go of 0"]);
        assert_eq!(fixture.live(), 0);
    }
}

/// A callback that collects gets nothing inside a collection, one that panics is reported; the others are called, and the
/// garbage is collected.
pub fn callbacks_that_collect_or_panic_leave_the_others<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let log = fixture.log.clone();
    let collects = fixture.callback(move |mutator, _| {
        log.push(format!("collects {}", mutator.collect(Generation::OLD)));
    });
    let panics = fixture.callback(|_, _| panic!("a callback"));
    let object = ring(&mutator, fixture.node, 3);
    let callbacks = [fixture.log_event("oldest"), panics, collects];
    let weak = callbacks.map(|callback| mutator.weak_reference(&object, Some(callback)).unwrap());
    drop(object);
    assert_eq!(mutator.collect(Generation::OLD), 3);
    assert_eq!(fixture.log.take(), ["collects 0", "oldest"]);
    let reported = std::mem::take(&mut *fixture.recorder.panics.lock());
    assert_eq!(reported.iter().map(|panicked| panicked.place).collect::<Vec<_>>(), [Place::WeakReference]);
    assert!(weak.iter().all(|weak| mutator.upgrade(weak).is_none()));
    drop(weak);
    assert_eq!(fixture.live(), 0);
}

/// A callback is called once, though its referent's finalizer brings it back. On death by count that is at the last death, since
/// the finalizer comes first; in a collection at the first, since there it comes after.
pub fn a_callback_is_called_once_though_its_referent_is_resurrected<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let limbo: Arc<Mutex<Option<SharedRoot>>> = Arc::default();
    for in_collection in [false, true] {
        if in_collection && !H::ABILITIES.collects_cycles {
            continue;
        }
        let (log, keep) = (fixture.log.clone(), Arc::clone(&limbo));
        let type_id = fixture.with_finalizer(move |_, object| {
            log.push("finalizer");
            *keep.lock() = Some(object.share());
        });
        let object = labelled(&mutator, type_id, 1);
        let weak = mutator.weak_reference(&object, Some(fixture.log_event("callback"))).unwrap();
        if in_collection {
            object.store(0, Some(&object));
        }
        drop(object);
        mutator.collect(Generation::OLD);
        let first = if in_collection { &["callback", "finalizer"][..] } else { &["finalizer"] };
        assert_eq!(fixture.log.take(), first);
        assert_eq!(mutator.upgrade(&weak).is_some(), !in_collection);
        let shared = limbo.lock().take().expect("it was resurrected");
        let object = mutator.adopt(shared);
        object.store(0, None);
        drop(object);
        let second = if in_collection { &[][..] } else { &["callback"] };
        assert_eq!(fixture.log.take(), second);
        assert!(mutator.upgrade(&weak).is_none());
        drop(weak);
        assert_eq!(fixture.live(), 0);
    }
}
