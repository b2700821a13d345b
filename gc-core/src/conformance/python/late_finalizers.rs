//! `GCTests` on finalizers that meet a collection or a deep teardown.

use std::thread;

use super::held::Held;
use super::release::Release;
use super::row::Row;
use crate::config::{HeapConfig, WeakOrder};
use crate::conformance::fixture::{Fixture, catch_up, label, labelled, ring};
use crate::control::{Control, Generation, Thresholds};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, TypeId, TypeSpec};
use crate::root::Root;
use crate::sync::{Arc, AtomicU64, Ordering};

pub fn test_function_tp_clear_leaves_consistent_state<H: Heap>() -> Row {
    Row::new(
        "a weak reference that a finalizer makes to garbage is dead for a finalizer that runs in the teardown",
        |config| {
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let globals = Held::default();
            let log = fixture.log.clone();
            let late = fixture.with_finalizer(move |mutator, object| {
                let weak = object.load(0).expect("the early finalizer left it there");
                log.push(if mutator.upgrade(&weak).is_some() { "alive" } else { "dead" });
            });
            let own = globals.clone();
            let early = fixture.with_finalizer(move |mutator, object| {
                let function = object.load(0).expect("the graph is whole");
                let late = object.load(1).expect("the graph is whole");
                late.put(0, Some(mutator.weak_reference(&function, None).expect("room")));
                own.take(mutator);
            });
            let late = labelled(&mutator, late, 1);
            let function = labelled(&mutator, fixture.node, 2);
            let cyclic = labelled(&mutator, early, 3);
            cyclic.store(0, Some(&function));
            cyclic.store(1, Some(&late));
            function.store(0, Some(&cyclic));
            globals.push(&late);
            drop((late, function, cyclic));
            assert_eq!(mutator.collect(Generation::OLD), 2, "the late object is no garbage when the collection begins");
            assert_eq!(fixture.log.take(), ["dead"]);
            assert_eq!(fixture.live(), 0);
        },
    )
    .only(
        &[Release::Python314, Release::Python315],
        "since 3.13.15 and 3.14.4; before, it gave the half-cleared object, which no heap here does",
    )
    .of_cycles()
}

pub fn test_datetime_weakref_cycle<H: Heap>() -> Row {
    Row::new(
        "a plain weak reference that a finalizer of the same garbage needs is alive until finalizers are done",
        |config| {
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let globals = Held::default();
            let (own, log) = (globals.clone(), fixture.log.clone());
            let user = fixture.with_finalizer(move |mutator, _| {
                let modules: Vec<_> =
                    own.all(mutator).iter().map(|weak| mutator.upgrade(weak).map(|m| label(&m))).collect();
                log.push(format!("{modules:?}"));
            });
            let module = labelled(&mutator, fixture.node, 7);
            let user = labelled(&mutator, user, 1);
            module.store(0, Some(&user));
            user.store(0, Some(&module));
            globals.push(&mutator.weak_reference(&module, None).unwrap());
            drop((module, user));
            assert_eq!(mutator.collect(Generation::OLD), 2);
            assert_eq!(fixture.log.take(), ["[Some(7)]"]);
            assert_eq!(globals.alive(&mutator), [false], "and dead afterwards");
            globals.take(&mutator);
            assert_eq!(fixture.live(), 0);
        },
    )
    .only(&[Release::Python315], "since 3.15; before, it was dead in every finalizer (weak-order)")
    .of_cycles()
}

/// A finalizer that allocates while every second allocation makes a collection due.
fn allocating_finalizer<H: Heap>(config: HeapConfig, kind: Kind) {
    let fixture = Fixture::<H>::as_configured(config);
    let mutator = fixture.heap.attach();
    let (log, node) = (fixture.log.clone(), fixture.node);
    let finalizer = fixture.callback(move |mutator, object| {
        log.push("f");
        let names: Vec<_> = (0..9).map(|n| labelled(mutator, node, n)).collect();
        mutator.safepoint();
        assert_eq!((names.len(), label(&object)), (9, 1));
    });
    let type_id = fixture.register(TypeSpec::new("finalized", kind).with_finalizer(finalizer));
    mutator.collect(Generation::OLD);
    fixture.recorder.collections.lock().clear();
    mutator.set_threshold(Thresholds([1, 10, 10]));
    drop(labelled(&mutator, type_id, 1));
    assert_eq!(fixture.log.take(), ["f"]);
    let collections = fixture.recorder.collections.lock();
    assert!(collections.len() > 2, "{} collections ran inside the finalizer", collections.len());
    assert!(collections.iter().all(|collection| collection.automatic && collection.collected == 0));
    assert!(fixture.recorder.panics.lock().is_empty());
    assert_eq!(fixture.live(), 0);
}

pub fn test_del<H: Heap>() -> Row {
    Row::new("collections that a finalizer's own allocations start leave the dying object alone", |config| {
        allocating_finalizer::<H>(config, Kind::Instance);
    })
    .of_tracking()
}

pub fn test_del_newclass<H: Heap>() -> Row {
    Row::new("the same of another class", |config| allocating_finalizer::<H>(config, Kind::List)).of_tracking()
}

pub fn test_trashcan<H: Heap>() -> Row {
    Row::new("deep nests die whole while every 17th finalizer in them collects", |config| {
        const DEPTH: u64 = 150;
        let fixture = Fixture::<H>::as_configured(config);
        let mutator = fixture.heap.attach();
        let ran = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&ran);
        let ouch = fixture.with_finalizer(move |mutator, _| {
            // Relaxed: one thread.
            if (count.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(17) {
                mutator.collect(Generation::OLD);
            }
        });
        let nest = |kind| {
            let type_id = fixture.of_kind(kind);
            let mut inner = labelled(&mutator, type_id, 0);
            for n in 1..=DEPTH {
                let outer = labelled(&mutator, type_id, n);
                outer.put(0, Some(inner));
                outer.put(1, Some(labelled(&mutator, ouch, n)));
                inner = outer;
            }
            drop(inner);
            catch_up(&mutator);
        };
        for _ in 0..2 {
            for kind in [Kind::List, Kind::List, Kind::Dict] {
                nest(kind);
            }
        }
        assert_eq!(ran.load(Ordering::Relaxed), 6 * DEPTH);
        assert_eq!(fixture.live(), 0);
    })
}

/// A nest of lists, each with a finalizer, in lists without.
fn nested<M: Mutator>(mutator: &M, finalized: TypeId, plain: TypeId, depth: u64) -> Root<'_, M> {
    let mut inner = labelled(mutator, finalized, 0);
    for n in 1..=depth {
        let own = labelled(mutator, finalized, n);
        own.put(0, Some(inner));
        let outer = labelled(mutator, plain, n);
        outer.put(0, Some(own));
        inner = outer;
    }
    inner
}

pub fn test_trashcan_threads<H: Heap>() -> Row {
    Row::new("deep nests die in two threads whose finalizers let each other run: as many deaths as births", |config| {
        const DEPTH: u64 = 60;
        const NESTS: u64 = 25;
        let fixture = Fixture::<H>::as_configured(config);
        let (log, list) = (fixture.log.clone(), fixture.of_kind(Kind::List));
        let finalizer = fixture.callback(move |mutator: &H::Mutator, _| {
            log.push("f");
            mutator.safe_region(thread::yield_now);
        });
        let finalized = fixture.register(TypeSpec::new("list of its own", Kind::List).with_finalizer(finalizer));
        thread::scope(|scope| {
            let work = || {
                let mutator = fixture.heap.attach();
                for _ in 0..NESTS {
                    drop(nested(&mutator, finalized, list, DEPTH));
                    mutator.safepoint();
                }
            };
            let threads = [scope.spawn(work), scope.spawn(work)];
            threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        });
        let mutator = fixture.heap.attach();
        catch_up(&mutator);
        assert_eq!(fixture.log.take().len() as u64, 2 * NESTS * (DEPTH + 1));
        assert_eq!(fixture.live(), 0);
        drop(mutator);
    })
}

pub fn test_bug21435<H: Heap>() -> Row {
    Row::new(
        "a finalizer that drops its own cycle in the midst of garbage: all dies by count, none is counted",
        |config| {
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let log = fixture.log.clone();
            let finalized = fixture.with_finalizer(move |_, object| {
                log.push("f");
                object.store(1, None);
            });
            let first = labelled(&mutator, fixture.node, 1);
            let inner = labelled(&mutator, fixture.node, 2);
            let second = labelled(&mutator, finalized, 3);
            second.put(0, Some(inner));
            first.store(0, Some(&second));
            second.store(1, Some(&first));
            drop((first, second));
            assert_eq!(mutator.collect(Generation::OLD), 0);
            assert_eq!(fixture.log.take(), ["f"]);
            assert_eq!(fixture.live(), 0);
        },
    )
    .of_cycles()
}

pub fn test_bug1055820b<H: Heap>() -> Row {
    Row::new("the callbacks of two dead self loops both find both weak references dead", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let weak_references = Held::default();
        let (log, all) = (fixture.log.clone(), weak_references.clone());
        let callback = fixture.callback(move |mutator, _| log.push(format!("{:?}", all.alive(mutator))));
        let loops: Vec<_> = (0..2).map(|_| ring(&mutator, fixture.node, 1)).collect();
        for object in &loops {
            weak_references.push(&mutator.weak_reference(object, Some(callback)).unwrap());
        }
        assert_eq!(mutator.collect(Generation::OLD), 0);
        assert_eq!(fixture.log.take(), [""; 0]);
        drop(loops);
        assert_eq!(mutator.collect(Generation::OLD), 2);
        assert_eq!(fixture.log.take(), ["[false, false]"; 2]);
        weak_references.take(&mutator);
        assert_eq!(fixture.live(), 0);
    })
    .of_cycles()
}

pub fn test_trash_weakref_clear<H: Heap>() -> Row {
    Row::new(
        "a weak reference in garbage never fires, even where its referent hides from the collection and dies after it",
        |config| {
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let called = fixture.log_event("called");
            let hidden = labelled(&mutator, fixture.node, 1);
            let opaque = labelled(&mutator, fixture.node, 2);
            mutator.untrack(&opaque);
            let outer = labelled(&mutator, fixture.node, 3);
            outer.store(0, Some(&outer));
            let weak = mutator.weak_reference(&hidden, Some(called)).unwrap();
            opaque.put(0, Some(hidden));
            outer.put(1, Some(opaque));
            outer.store(2, Some(&weak));
            let second = ring(&mutator, fixture.of_kind(Kind::List), 1);
            second.put(1, Some(weak));
            assert_eq!(mutator.collect(Generation::OLD), 0);
            drop((outer, second));
            assert_eq!(mutator.collect(Generation::OLD), 3, "two containers and the weak reference");
            assert_eq!(fixture.log.take(), [""; 0]);
            assert_eq!(fixture.live(), 0);
        },
    )
    .standing_in("an untracked container is the one without a traverse function")
    .of_cycles()
}

/// Whether plain weak references outlive finalizers.
pub(super) fn plain_lives(config: HeapConfig) -> bool {
    config.weak_order == WeakOrder::PlainAfterFinalizers
}
