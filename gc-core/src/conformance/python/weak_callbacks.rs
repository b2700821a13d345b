//! `ReferencesTestCase` and `SubclassableWeakrefTestCase` on callbacks, collections and finalizers that meet.

use super::held::Held;
use super::late_finalizers::plain_lives;
use super::release::Release;
use super::row::Row;
use crate::config::HeapConfig;
use crate::conformance::fixture::{Fixture, NODE, catch_up, label, labelled, ring};
use crate::control::{Control, Generation, Thresholds};
use crate::heap::{Heap, Mutator};
use crate::object::Kind;
use crate::root::Root;

use super::counters::automatic;

const CALLBACK: &str = "a callback is no object here; what it would hold, the owner of the weak reference holds";

pub fn test_sf_bug_840829<H: Heap>() -> Row {
    Row::new("a callback that collects while its referent is torn down does not free that twice", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let log = fixture.log.clone();
        let collect = fixture.callback(move |mutator, _| log.push(mutator.collect(Generation::OLD).to_string()));
        let object = labelled(&mutator, fixture.node, 1);
        let weak = mutator.weak_reference(&object, Some(collect)).unwrap();
        drop(object);
        assert_eq!(fixture.log.take(), ["0"]);
        drop(weak);
        let inner = labelled(&mutator, fixture.node, 2);
        let weak = mutator.weak_reference(&inner, Some(collect)).unwrap();
        let outer = labelled(&mutator, fixture.node, 3);
        outer.put(0, Some(inner));
        let outermost = labelled(&mutator, fixture.node, 4);
        outermost.put(0, Some(outer));
        drop(outermost);
        assert_eq!(fixture.log.take(), ["0"]);
        drop(weak);
        assert_eq!((fixture.live(), fixture.heap.statistics().freed_by_count), (0, 6));
    })
}

pub fn test_callback_gcs<H: Heap>() -> Row {
    Row::new("a callback may collect while an object with a finalizer dies", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let log = fixture.log.clone();
        let collect = fixture.callback(move |mutator, _| log.push(mutator.collect(Generation::OLD).to_string()));
        let object = labelled(&mutator, fixture.logged(), 1);
        let weak = mutator.weak_reference(&object, Some(collect)).unwrap();
        drop(object);
        assert_eq!(fixture.log.take(), ["f1", "0"], "the finalizer first, once");
        assert_eq!(mutator.collect(Generation::OLD), 0);
        drop(weak);
        assert_eq!(fixture.live(), 0);
    })
}

/// The class of an instance, in a cycle of its own.
fn class<'m, H: Heap>(fixture: &Fixture<H>, mutator: &'m H::Mutator) -> Root<'m, H::Mutator> {
    ring(mutator, fixture.node, 1)
}

pub fn test_callback_in_cycle<H: Heap>() -> Row {
    Row::new(
        "a weak reference in the same garbage as its referent is not called, in whatever order that is cleared",
        |config| {
            // Slot of the referent, slot of the weak reference: either may be released first.
            for (referent, own) in [(2, 3), (3, 2)] {
                let fixture = Fixture::<H>::new(config);
                let mutator = fixture.heap.attach();
                let watched = class(&fixture, &mutator);
                let instance = labelled(&mutator, fixture.node, 1);
                instance.put(1, Some(class(&fixture, &mutator)));
                instance.store(0, Some(&instance));
                let weak = mutator.weak_reference(&watched, Some(fixture.log_event("called"))).unwrap();
                instance.put(own, Some(weak));
                instance.put(referent, Some(watched));
                drop(instance);
                assert_eq!(mutator.collect(Generation::OLD), 4, "instance, two classes and the weak reference");
                assert_eq!(fixture.log.take(), [""; 0]);
                assert_eq!(fixture.live(), 0);
            }
        },
    )
    .standing_in(CALLBACK)
    .of_cycles()
}

/// The owner of a weak reference reaches its referent, which does not reach the owner.
fn reachable_one_way<H: Heap>(config: HeapConfig, own_classes: bool) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let [referent, owner] = [1, 2].map(|n| labelled(&mutator, fixture.node, n));
    owner.store(0, Some(&owner));
    owner.store(1, Some(&referent));
    let weak = mutator.weak_reference(&referent, Some(fixture.log_event("called"))).unwrap();
    owner.put(2, Some(weak));
    if own_classes {
        referent.put(5, Some(class(&fixture, &mutator)));
        owner.put(5, Some(class(&fixture, &mutator)));
    }
    drop((referent, owner));
    assert_eq!(mutator.collect(Generation::OLD), if own_classes { 5 } else { 3 });
    assert_eq!(fixture.log.take(), [""; 0]);
    assert_eq!(fixture.live(), 0);
}

pub fn test_callback_reachable_one_way<H: Heap>() -> Row {
    Row::new("nor is it called where garbage reaches its referent but is not reached from there", |config| {
        reachable_one_way::<H>(config, false);
    })
    .standing_in(CALLBACK)
    .of_cycles()
}

pub fn test_callback_different_classes<H: Heap>() -> Row {
    Row::new("the same where each object's class is garbage too", |config| reachable_one_way::<H>(config, true))
        .standing_in(CALLBACK)
        .of_cycles()
}

pub fn test_callback_in_cycle_resurrection<H: Heap>() -> Row {
    Row::new("callbacks in garbage that would resurrect it do not run; one from outside does", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let revive = fixture.log_event("garbage called");
        let owner = class(&fixture, &mutator);
        let pair = ring(&mutator, fixture.node, 2);
        let other = pair.load(0).expect("the ring is whole");
        for (own, referent) in [(&pair, &other), (&other, &pair)] {
            own.put(1, Some(mutator.weak_reference(referent, Some(revive)).unwrap()));
            own.store(2, Some(&owner));
        }
        let outside = mutator.weak_reference(&owner, Some(fixture.log_event("went away"))).unwrap();
        drop((pair, other, owner));
        assert_eq!(fixture.log.take(), [""; 0]);
        assert_eq!(mutator.collect(Generation::OLD), 5, "the pair, its weak references and its class");
        assert_eq!(fixture.log.take(), ["went away"]);
        assert!(mutator.upgrade(&outside).is_none());
        assert_eq!(mutator.collect(Generation::OLD), 0);
        assert_eq!((fixture.log.take().len(), fixture.live()), (0, 1));
    })
    .standing_in(CALLBACK)
    .of_cycles()
}

pub fn test_callbacks_on_callback<H: Heap>() -> Row {
    Row::new("of weak references to a callback that is garbage itself only the one from outside is called", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let pair = ring(&mutator, fixture.node, 2);
        let other = pair.load(0).expect("the ring is whole");
        let method = labelled(&mutator, fixture.node, 9);
        method.store(0, Some(&pair));
        pair.store(1, Some(&method));
        let inside = fixture.log_event("inside called");
        pair.put(2, Some(mutator.weak_reference(&other, Some(inside)).unwrap()));
        other.put(2, Some(mutator.weak_reference(&method, Some(inside)).unwrap()));
        let outside = mutator.weak_reference(&method, Some(fixture.log_event("safe callback called"))).unwrap();
        assert_eq!(mutator.upgrade(&outside).as_ref(), Some(&method));
        drop((method, pair, other));
        assert_eq!(fixture.log.take(), [""; 0]);
        assert_eq!(mutator.collect(Generation::OLD), 5, "the pair, the method and two weak references");
        assert_eq!(fixture.log.take(), ["safe callback called"]);
        assert!(mutator.upgrade(&outside).is_none());
        assert_eq!(mutator.collect(Generation::OLD), 0);
        assert_eq!((fixture.log.take().len(), fixture.live()), (0, 1));
    })
    .standing_in("a bound method that is a callback is an object of its own, and its weak reference's owner holds it")
    .of_cycles()
}

/// The allocation of a weak reference starts a collection that frees the only other one to the same object.
fn collects_while_it_is_made<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::as_configured(HeapConfig { thresholds: Thresholds([0, 1, 1]), ..config });
    let mutator = fixture.heap.attach();
    let referenced = labelled(&mutator, fixture.node, 1);
    let garbage = ring(&mutator, fixture.node, 1);
    garbage.put(1, Some(mutator.weak_reference(&referenced, None).unwrap()));
    drop(garbage);
    mutator.set_threshold(Thresholds([1, 1, 1]));
    let weak = mutator.weak_reference(&referenced, Some(fixture.log_event("called"))).unwrap();
    mutator.set_threshold(Thresholds([0, 1, 1]));
    assert_eq!(automatic(&fixture), 1, "it came with that allocation");
    assert_eq!(fixture.recorder.collections.lock()[0].collected, 2);
    assert_eq!(mutator.get_weak_references(&referenced), std::slice::from_ref(&weak));
    assert_eq!(fixture.live(), 2);
    drop(referenced);
    assert_eq!(fixture.log.take(), ["called"]);
    assert!(mutator.upgrade(&weak).is_none());
}

pub fn test_gc_during_ref_creation<H: Heap>() -> Row {
    Row::new(
        "a collection inside the making of a weak reference may free others to the same object; the list stays whole",
        collects_while_it_is_made::<H>,
    )
    .of_tracking()
}

pub fn test_gc_during_proxy_creation<H: Heap>() -> Row {
    Row::new("the same of a proxy", collects_while_it_is_made::<H>)
        .standing_in("a weak reference stands for a proxy")
        .of_tracking()
}

pub fn test_trashcan_16602<H: Heap>() -> Row {
    Row::new(
        "in a long cascade through a weak-keyed table no callback gets hold of an object that is dead already",
        |config| {
            const LENGTH: u32 = 100;
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let table = mutator.allocate(fixture.node, crate::Shape::new(LENGTH, 8)).unwrap();
            let keys = mutator.allocate(fixture.node, crate::Shape::new(LENGTH, 8)).unwrap();
            let (shared_table, own) = (Held::default(), Held::default());
            shared_table.push(&table);
            let root = labelled(&mutator, fixture.node, 0);
            let mut parent = root.clone();
            for n in 0..LENGTH {
                let child = labelled(&mutator, fixture.node, u64::from(n) + 1);
                own.push(&mutator.weak_reference(&child, None).unwrap());
                let (log, itself) = (fixture.log.clone(), own.clone());
                let look = fixture.callback(move |mutator, _| {
                    let own = itself.all(mutator).swap_remove(n as usize);
                    if let Some(object) = mutator.upgrade(&own) {
                        let holders = mutator.retain_count(&object);
                        // Its root here is one; a living object has another holder.
                        log.push(if holders > Some(1) { "living" } else { "dying" });
                    }
                });
                child.put(0, Some(mutator.weak_reference(&parent, Some(look)).unwrap()));
                let values = shared_table.clone();
                let forget = fixture.callback(move |mutator, _| values.all(mutator)[0].store(n, None));
                keys.put(n, Some(mutator.weak_reference(&parent, Some(forget)).unwrap()));
                table.store(n, Some(&child));
                parent = child;
            }
            assert_eq!(table.load(0).map(|child| label(&child)), Some(1), "the first key holds the chain up");
            drop(root);
            catch_up(&mutator);
            mutator.collect(Generation::OLD);
            assert!(!fixture.log.take().contains(&"dying".to_owned()));
            assert!((0..LENGTH).all(|n| table.load(n).is_none()), "every entry went with its key");
            drop((own.take(&mutator), shared_table.take(&mutator)));
            assert_eq!(label(&parent), u64::from(LENGTH), "a variable holds the last");
            drop((table, keys, parent));
            catch_up(&mutator);
            assert_eq!(fixture.live(), 0);
        },
    )
}

pub fn test_clearing_weakrefs_in_gc<H: Heap>() -> Row {
    Row::new(
        "in finalizers, weak references with callbacks are dead and plain ones alive; afterwards both are dead",
        |config| {
            let fixture = Fixture::<H>::new(config);
            let mutator = fixture.heap.attach();
            let weak_references = Held::default();
            let (log, all) = (fixture.log.clone(), weak_references.clone());
            let finalized = fixture.with_finalizer(move |mutator, _| log.push(format!("{:?}", all.alive(mutator))));
            let object = ring(&mutator, finalized, 1);
            weak_references.push(&mutator.weak_reference(&object, Some(fixture.log_event("called"))).unwrap());
            weak_references.push(&mutator.weak_reference(&object, None).unwrap());
            drop(object);
            assert!(plain_lives(config));
            assert_eq!(mutator.collect(Generation::OLD), 1);
            assert_eq!(fixture.log.take(), ["called", "[false, true]"]);
            assert_eq!(weak_references.alive(&mutator), [false; 2]);
            weak_references.take(&mutator);
            assert_eq!(fixture.live(), 0);
        },
    )
    .only(&[Release::Python315], "since 3.15; before, both were dead in finalizers (weak-order)")
    .of_cycles()
}

pub fn test_subclass_refs_with_cycle<H: Heap>() -> Row {
    Row::new("a weak reference that dies together with its referent, just before it, is not called", |config| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let called = fixture.log_event("called");
        let holder_type = fixture.of_kind(Kind::Instance);
        let holder = |references: &[Root<'_, H::Mutator>], object: Root<'_, H::Mutator>| {
            let holder = mutator.allocate(holder_type, NODE).unwrap();
            (0..).zip(references).for_each(|(slot, weak)| holder.store(slot, Some(weak)));
            holder.store(5, Some(&object));
            holder
        };
        for count in [1, 2] {
            let object = labelled(&mutator, fixture.node, 1);
            let references: Vec<_> =
                (0..count).map(|_| mutator.weak_reference(&object, Some(called)).unwrap()).collect();
            let holder = holder(&references, object);
            drop(references);
            drop(holder);
            assert_eq!(fixture.log.take(), [""; 0]);
            assert_eq!(fixture.live(), 0);
        }
    })
    .standing_in("a weak reference has no slots; one object holds first the weak references, then their referent")
}
