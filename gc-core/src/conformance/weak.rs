//! Rules of weak references: W1–W8 of PEP 442's world, after CPython's `test_weakref.py` and `test_gc.py`.

use super::fixture::{Fixture, catch_up, label, labelled, refusal, ring};
use crate::config::{HeapConfig, WeakOrder};
use crate::control::{Control, Generation};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape, TypeId};
use crate::root::SharedRoot;
use crate::sync::{Arc, Mutex};

/// `test_basic_ref`.
pub fn a_weak_reference_gives_its_referent_while_it_lives<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = labelled(&mutator, fixture.node, 5);
    let weak = mutator.weak_reference(&object, None).unwrap();
    assert_eq!(mutator.retain_count(&object), Some(1), "it does not hold its referent");
    assert_eq!(mutator.upgrade(&weak).as_ref(), Some(&object));
    assert_eq!(mutator.type_of(&weak), TypeId::WEAK_REFERENCE);
    assert!(mutator.get_referents(&weak).is_empty());
    drop(object);
    assert!(mutator.upgrade(&weak).is_none());
    assert_eq!(fixture.live(), 1);
}

/// `upgrade` of anything else is `None`.
pub fn only_weak_references_upgrade<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = labelled(&mutator, fixture.node, u64::MAX);
    assert!(mutator.upgrade(&object).is_none());
}

/// A weak reference cannot be referred to weakly, as in Python.
pub fn weak_references_to_weak_references_are_refused<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = labelled(&mutator, fixture.node, 0);
    let weak = mutator.weak_reference(&object, None).unwrap();
    refusal("a weak reference to a weak reference", || mutator.weak_reference(&weak, None).map(drop));
    drop(weak);
    assert_eq!(fixture.live(), 1);
}

/// `test_ref_reuse`: one without a callback is shared while it lives; one with a callback is new each time.
pub fn a_plain_weak_reference_is_shared<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = labelled(&mutator, fixture.node, 0);
    let callback = fixture.log_event("called");
    let noisy = mutator.weak_reference(&object, Some(callback)).unwrap();
    let plain = mutator.weak_reference(&object, None).unwrap();
    assert_eq!(mutator.weak_reference(&object, None).unwrap(), plain);
    assert_ne!(mutator.weak_reference(&object, Some(callback)).unwrap(), noisy);
    assert_eq!(mutator.get_weak_references(&object), [plain.clone(), noisy.clone()], "the shared one comes first");
    drop(plain);
    let again = mutator.weak_reference(&object, None).unwrap();
    assert_eq!(mutator.upgrade(&again).as_ref(), Some(&object));
    drop(noisy);
    assert_eq!(mutator.get_weak_references(&object), [again], "a dead weak reference leaves the list");
}

/// `test_multiple_selfref_callbacks`: all are dead before the first callback; newest first; each is called once.
pub fn callbacks_run_newest_first_after_all_are_cleared<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let weak_references: Arc<Mutex<Vec<SharedRoot>>> = Arc::default();
    let (log, all) = (fixture.log.clone(), Arc::clone(&weak_references));
    let callback = fixture.callback(move |mutator, weak| {
        let all: Vec<_> = all.lock().iter().map(|shared| mutator.clone_shared(shared)).collect();
        let mut position = None;
        for (n, shared) in all.into_iter().enumerate() {
            let root = mutator.adopt(shared);
            assert!(mutator.upgrade(&root).is_none(), "weak reference {n} is alive in a callback");
            position = position.or((root.object() == weak.object()).then_some(n));
        }
        log.push(format!("w{}", position.expect("the callback gets its own weak reference")));
    });
    let object = labelled(&mutator, fixture.node, 0);
    for _ in 0..3 {
        let weak = mutator.weak_reference(&object, Some(callback)).unwrap();
        weak_references.lock().push(weak.share());
    }
    weak_references.lock().push(mutator.weak_reference(&object, None).unwrap().share());
    drop(object);
    assert_eq!(fixture.log.take(), ["w2", "w1", "w0"]);
    weak_references.lock().clear();
    mutator.safepoint();
    assert_eq!(fixture.live(), 0);
    assert!(fixture.recorder.panics.lock().is_empty(), "{:?}", fixture.recorder.panics.lock());
}

/// A weak reference that died before its referent never fires.
pub fn a_dead_weak_reference_never_fires<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let callback = fixture.log_event("called");
    let object = labelled(&mutator, fixture.node, 0);
    drop(mutator.weak_reference(&object, Some(callback)).unwrap());
    // This one dies with its referent's slot, before the referent does: D2 holds for the living only.
    object.put(0, Some(mutator.weak_reference(&object, Some(callback)).unwrap()));
    object.store(0, None);
    drop(object);
    assert_eq!(fixture.log.take(), [""; 0]);
    assert_eq!(fixture.live(), 0);
}

/// On death by count the finalizer runs first and sees its weak references alive; then they die, then callbacks run.
pub fn on_death_by_count_finalizers_come_before_weak_references<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let weak_reference: Arc<Mutex<Option<SharedRoot>>> = Arc::default();
    let (log, own) = (fixture.log.clone(), Arc::clone(&weak_reference));
    let finalized = fixture.with_finalizer(move |mutator, object| {
        let weak = mutator.adopt(mutator.clone_shared(own.lock().as_ref().expect("set below")));
        log.push(format!("alive {}", mutator.upgrade(&weak) == Some(object)));
    });
    let object = labelled(&mutator, finalized, 0);
    let weak = mutator.weak_reference(&object, Some(fixture.log_event("callback"))).unwrap();
    *weak_reference.lock() = Some(weak.share());
    drop(object);
    assert_eq!(fixture.log.take(), ["alive true", "callback"]);
    assert!(mutator.upgrade(&weak).is_none());
    weak_reference.lock().take();
}

/// Between the death by count of an object and its deferred teardown its weak references give nothing.
pub fn upgrade_fails_while_the_teardown_is_deferred<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let watched: Arc<Mutex<Vec<SharedRoot>>> = Arc::default();
    let (log, all) = (fixture.log.clone(), Arc::clone(&watched));
    let finalized = fixture.with_finalizer(move |mutator, object| {
        log.push("f");
        let weak_references: Vec<_> = all.lock().iter().map(|shared| mutator.clone_shared(shared)).collect();
        for weak in weak_references {
            // A living leaf has a holder beside the root made here.
            if let Some(other) = mutator.upgrade(&mutator.adopt(weak))
                && mutator.retain_count(&other) == Some(1)
            {
                log.push(format!("{} sees the dead {}", label(&object), label(&other)));
            }
        }
    });
    // Leaves at every depth: somewhere a heap that bounds its stack defers them.
    let mut head = labelled(&mutator, fixture.node, 0);
    for depth in 1..120 {
        let next = labelled(&mutator, fixture.node, depth);
        next.put(5, Some(head));
        for slot in 0..4 {
            let leaf = labelled(&mutator, finalized, 10 * depth + u64::from(slot));
            watched.lock().push(mutator.weak_reference(&leaf, None).unwrap().share());
            next.put(if slot < 2 { slot } else { slot + 1 }, Some(leaf));
        }
        head = next;
    }
    drop(head);
    catch_up(&mutator);
    assert_eq!(fixture.log.take(), ["f"; 4 * 119]);
    watched.lock().clear();
    mutator.collect(Generation::YOUNG);
    mutator.safepoint();
    assert_eq!(fixture.live(), 0);
}

/// W1, W2: in a collection every weak reference to garbage is dead when the first callback runs; callbacks come before
/// finalizers.
pub fn in_a_collection_callbacks_come_before_finalizers<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let first = ring(&mutator, fixture.logged(), 2);
    let second = first.load(0).unwrap();
    let weak = [&first, &second].map(|object| {
        let callback = fixture.log_event("w");
        mutator.weak_reference(object, Some(callback)).unwrap()
    });
    drop((first, second));
    assert_eq!(mutator.collect(Generation::OLD), 2);
    let log = fixture.log.take();
    assert_eq!(log[..2], ["w", "w"]);
    assert_eq!(log.len(), 4);
    assert!(weak.iter().all(|weak| mutator.upgrade(weak).is_none()));
}

/// W3: a weak reference that is garbage itself never fires, also not later from the teardown.
pub fn a_weak_reference_in_garbage_never_fires<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let callback = fixture.log_event("called");
    let garbage = ring(&mutator, fixture.node, 3);
    let next = garbage.load(0).unwrap();
    garbage.put(1, Some(mutator.weak_reference(&next, Some(callback)).unwrap()));
    next.put(1, Some(mutator.weak_reference(&garbage, Some(callback)).unwrap()));
    // To a living object, and to one that hangs off the garbage and dies by count in the teardown.
    let living = labelled(&mutator, fixture.node, 9);
    garbage.put(2, Some(mutator.weak_reference(&living, Some(callback)).unwrap()));
    let tail = mutator.allocate(fixture.of_kind(Kind::Atomic), Shape::new(0, 8)).unwrap();
    next.put(2, Some(mutator.weak_reference(&tail, Some(callback)).unwrap()));
    next.put(3, Some(tail));
    drop((garbage, next));
    assert_eq!(mutator.collect(Generation::OLD), 7, "three nodes and four weak references");
    drop(living);
    assert_eq!(fixture.log.take(), [""; 0]);
    assert_eq!(fixture.live(), 0);
}

/// W2: a callback whose weak reference lives outside the garbage runs once, and the weak reference lives on, dead.
pub fn a_living_weak_reference_to_garbage_fires_once<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let garbage = ring(&mutator, fixture.node, 1);
    let weak = mutator.weak_reference(&garbage, Some(fixture.log_event("called"))).unwrap();
    drop(garbage);
    assert_eq!(mutator.collect(Generation::OLD), 1);
    assert_eq!(fixture.log.take(), ["called"]);
    assert_eq!(mutator.collect(Generation::OLD), 0);
    assert!(mutator.upgrade(&weak).is_none());
    assert_eq!(mutator.retain_count(&weak), Some(1));
    drop(weak);
    assert_eq!((fixture.log.take().len(), fixture.live()), (0, 0));
}

/// A weak reference that dies in its own callback counts as collected (`handle_weakrefs`).
pub fn a_weak_reference_that_dies_in_its_callback_counts_as_collected<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let table = labelled(&mutator, fixture.node, 0);
    let shared = Arc::new(Mutex::new(Some(table.share())));
    let own = Arc::clone(&shared);
    let forget = fixture.callback(move |mutator, _| {
        let table = mutator.adopt(mutator.clone_shared(own.lock().as_ref().expect("set until the end")));
        table.store(0, None);
    });
    let garbage = ring(&mutator, fixture.node, 1);
    table.put(0, Some(mutator.weak_reference(&garbage, Some(forget)).unwrap()));
    drop(garbage);
    assert_eq!(mutator.collect(Generation::OLD), 2, "the node, and the weak reference");
    assert_eq!(fixture.live(), 1);
    shared.lock().take();
}

/// W6: inside finalizers weak references to garbage are dead; those without a callback live where
/// [`WeakOrder::PlainAfterFinalizers`] says so, and go on living if their referent is resurrected.
pub fn weak_references_in_finalizers_follow_the_configured_order<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let weak_references: Arc<Mutex<Vec<SharedRoot>>> = Arc::default();
    let limbo: Arc<Mutex<Vec<SharedRoot>>> = Arc::default();
    let (log, all, hold) = (fixture.log.clone(), Arc::clone(&weak_references), Arc::clone(&limbo));
    let finalized = fixture.with_finalizer(move |mutator, object| {
        let all: Vec<_> = all.lock().iter().map(|shared| mutator.clone_shared(shared)).collect();
        for shared in all {
            let weak = mutator.adopt(shared);
            log.push(if mutator.upgrade(&weak).is_some() { "alive" } else { "dead" });
        }
        hold.lock().push(object.share());
    });
    let object = labelled(&mutator, finalized, 0);
    object.store(0, Some(&object));
    let plain = mutator.weak_reference(&object, None).unwrap();
    let noisy = mutator.weak_reference(&object, Some(fixture.log_event("called"))).unwrap();
    weak_references.lock().extend([plain.share(), noisy.share()]);
    drop(object);
    assert_eq!(mutator.collect(Generation::OLD), 0, "resurrected");
    let plain_lives = config.weak_order == WeakOrder::PlainAfterFinalizers;
    assert_eq!(fixture.log.take(), ["called", if plain_lives { "alive" } else { "dead" }, "dead"]);
    assert_eq!(mutator.upgrade(&plain).is_some(), plain_lives);
    assert!(mutator.upgrade(&noisy).is_none());
    let object = mutator.adopt(limbo.lock().pop().expect("resurrected"));
    object.store(0, None);
    drop(object);
    assert!(mutator.upgrade(&plain).is_none());
    weak_references.lock().clear();
}

/// W8, `test_ref_created_during_del`: a weak reference that a finalizer makes to garbage is dead before any teardown,
/// and does not fire.
pub fn weak_references_made_in_finalizers_die_silently<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let callback = fixture.log_event("called");
    let made: Arc<Mutex<Vec<SharedRoot>>> = Arc::default();
    let keep = Arc::clone(&made);
    let finalized = fixture.with_finalizer(move |mutator, object| {
        keep.lock().push(mutator.weak_reference(&object, None).expect("room").share());
        keep.lock().push(mutator.weak_reference(&object, Some(callback)).expect("room").share());
    });
    let object = labelled(&mutator, finalized, 0);
    if H::ABILITIES.collects_cycles {
        object.store(0, Some(&object));
        drop(object);
        assert_eq!(mutator.collect(Generation::OLD), 1);
        assert_eq!(fixture.log.take(), [""; 0], "in a collection they die silently");
    } else {
        drop(object);
        assert_eq!(fixture.log.take(), ["called"], "on death by count weak references follow the finalizer");
    }
    for shared in made.lock().drain(..) {
        assert!(mutator.upgrade(&mutator.adopt(shared)).is_none());
    }
    assert_eq!(fixture.live(), 0);
}

/// `test_callback_gcs`, `test_sf_bug_840829`: a collection inside a callback of a death by count is a collection.
pub fn a_callback_may_collect<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let log = fixture.log.clone();
    let callback = fixture.callback(move |mutator, _| log.push(mutator.collect(Generation::OLD).to_string()));
    drop(ring(&mutator, fixture.node, 5));
    let object = labelled(&mutator, fixture.logged(), 1);
    let weak = mutator.weak_reference(&object, Some(callback)).unwrap();
    drop(object);
    assert_eq!(fixture.log.take(), ["f1", if H::ABILITIES.collects_cycles { "5" } else { "0" }]);
    drop(weak);
}

/// `test_bug1055820c`: garbage holds the only reference to an older object with a weak reference. Its callback runs in
/// the teardown, when every weak reference to the garbage is dead.
pub fn a_callback_in_the_teardown_sees_no_garbage<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let to_garbage: Arc<Mutex<Option<SharedRoot>>> = Arc::default();
    let (log, seen) = (fixture.log.clone(), Arc::clone(&to_garbage));
    let callback = fixture.callback(move |mutator, _| {
        let weak = mutator.adopt(mutator.clone_shared(seen.lock().as_ref().expect("set below")));
        log.push(format!("garbage alive: {}", mutator.upgrade(&weak).is_some()));
    });
    let older = labelled(&mutator, fixture.node, 1);
    let weak = mutator.weak_reference(&older, Some(callback)).unwrap();
    mutator.collect(Generation::YOUNG);
    let garbage = ring(&mutator, fixture.node, 2);
    garbage.put(1, Some(older));
    *to_garbage.lock() = Some(mutator.weak_reference(&garbage, None).unwrap().share());
    drop(garbage);
    assert_eq!(mutator.collect(Generation::YOUNG), 2);
    assert_eq!(fixture.log.take(), ["garbage alive: false"]);
    assert!(mutator.upgrade(&weak).is_none());
    to_garbage.lock().take();
}
