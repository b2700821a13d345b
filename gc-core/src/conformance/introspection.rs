//! Rules of introspection: `get_objects`, `get_referrers`, `get_referents`, `is_tracked`, `is_finalized`, counts.

use super::fixture::{Fixture, NODE, label, labelled};
use crate::config::HeapConfig;
use crate::control::{Control, Generation};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape, TypeId, TypeSpec};
use crate::sync::{Arc, Mutex};

/// test_gc 24: in order of slots, duplicates kept, atomic targets too; what it returns is held.
pub fn referents_come_in_order_with_duplicates<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let holder = labelled(&mutator, fixture.node, 0);
    let atom = mutator.allocate(fixture.of_kind(Kind::Atomic), Shape::new(0, 8)).unwrap();
    let node = labelled(&mutator, fixture.node, 1);
    holder.store(1, Some(&node));
    holder.store(2, Some(&atom));
    holder.store(5, Some(&node));
    let referents = mutator.get_referents(&holder);
    assert_eq!(referents, [node.clone(), atom.clone(), node.clone()]);
    assert_eq!(mutator.retain_count(&atom), Some(3));
    drop(referents);
    assert_eq!(mutator.retain_count(&atom), Some(2));
    assert!(mutator.get_referents(&atom).is_empty());
}

/// Tracked holders of any of the given objects, each once; frozen ones are not found.
pub fn referrers_are_the_tracked_holders<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let [a, b, holder, both, frozen] = std::array::from_fn(|n| labelled(&mutator, fixture.node, n as u64));
    frozen.store(0, Some(&a));
    mutator.freeze();
    mutator.unfreeze();
    holder.store(3, Some(&a));
    both.store(0, Some(&a));
    both.store(1, Some(&b));
    both.store(2, Some(&b));
    let found = |objects: &[&_]| {
        let mut labels: Vec<_> = mutator.get_referrers(objects).iter().map(label).collect();
        labels.sort();
        labels
    };
    assert_eq!(found(&[&b]), [3]);
    assert_eq!(found(&[&a, &b]), [2, 3, 4]);
    assert_eq!(found(&[&holder]), [0; 0]);
    mutator.freeze();
    assert_eq!(found(&[&a, &b]), [0; 0]);
}

/// test_gc 36: all living tracked objects, by generation, youngest generation first.
pub fn every_tracked_object_is_listed<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let make = |n| labelled(&mutator, fixture.node, n);
    let old = [make(0), make(1)];
    mutator.collect(Generation::OLD);
    let young = [make(2), make(3)];
    drop(make(4));
    let _atom = mutator.allocate(fixture.of_kind(Kind::Atomic), Shape::new(0, 8)).unwrap();
    let labels = |generation| mutator.get_objects(generation).iter().map(label).collect::<Vec<_>>();
    assert_eq!(labels(None), [2, 3, 0, 1]);
    assert_eq!(labels(Some(Generation::YOUNG)), [2, 3]);
    assert_eq!(labels(Some(Generation::MIDDLE)), [0; 0]);
    assert_eq!(labels(Some(Generation::OLD)), [0, 1]);
    drop((old, young));
    assert!(mutator.get_objects(None).is_empty());
}

/// test_gc 25: containers and weak references are tracked from their allocation on, atomic objects never.
pub fn containers_are_tracked_and_atomic_objects_are_not<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let tracks = H::ABILITIES.collects_cycles;
    for kind in [Kind::Instance, Kind::List, Kind::Dict, Kind::Tuple] {
        let object = mutator.allocate(fixture.of_kind(kind), NODE).unwrap();
        assert_eq!(mutator.is_tracked(&object), tracks, "{kind:?}");
        assert_eq!(mutator.is_tracked(&mutator.weak_reference(&object, None).unwrap()), tracks);
    }
    let atom = mutator.allocate(fixture.of_kind(Kind::Atomic), Shape::new(0, 8)).unwrap();
    assert!(!mutator.is_tracked(&atom));
}

/// test_gc 44: while its finalizer runs in a collection an object is on no list and has no referrers; afterwards, if
/// it lives, it is.
pub fn an_object_in_finalization_is_on_no_list<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.list_order {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let (log, keeper) = (fixture.log.clone(), labelled(&mutator, fixture.node, 9));
    let keep = Mutex::new(Some(keeper.share()));
    let type_id = fixture.with_finalizer(move |mutator, object| {
        let listed = mutator.get_objects(None).contains(&object);
        let referrers = mutator.get_referrers(&[&object]).len();
        log.push(format!("{listed} {referrers} {}", mutator.is_finalized(&object)));
        let keeper = mutator.adopt(keep.lock().take().expect("called once"));
        mutator.store(&keeper, 0, Some(&object));
    });
    let object = labelled(&mutator, type_id, 1);
    object.store(0, Some(&object));
    drop(object);
    mutator.collect(Generation::OLD);
    assert_eq!(fixture.log.take(), ["false 0 true"]);
    let object = keeper.load(0).expect("resurrected");
    assert!(mutator.get_objects(Some(Generation::OLD)).contains(&object));
    assert_eq!(mutator.get_referrers(&[&object]).len(), 2);
    object.store(0, None);
}

/// The same of one type only, weak references among them.
pub fn objects_are_listed_by_type<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let other = fixture.of_kind(Kind::List);
    let tracks = |n: usize| if H::ABILITIES.collects_cycles { n } else { 0 };
    let old = [labelled(&mutator, fixture.node, 0), labelled(&mutator, other, 1)];
    mutator.collect(Generation::OLD);
    let young = [labelled(&mutator, fixture.node, 2), labelled(&mutator, other, 3), labelled(&mutator, other, 4)];
    let weak = mutator.weak_reference(&old[0], None).unwrap();
    let count = |type_id, generation| mutator.get_objects_of(type_id, generation).len();
    assert_eq!(count(fixture.node, None), tracks(2));
    assert_eq!(count(other, Some(Generation::YOUNG)), tracks(2));
    assert_eq!(count(other, Some(Generation::MIDDLE)), 0);
    assert_eq!(count(other, Some(Generation::OLD)), tracks(1));
    assert_eq!(count(fixture.of_kind(Kind::Dict), None), 0);
    let weak_references = mutator.get_objects_of(TypeId::WEAK_REFERENCE, None);
    assert_eq!(weak_references, vec![weak.clone(); tracks(1)]);
    drop((old, young));
}

/// An object that is not tracked is on no list and is nobody's referrer; its own referents are told all the same. So it is with
/// tuples that a collection untracks and objects that the program untracks.
pub fn untracked_objects_are_not_found<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let atom = mutator.allocate(fixture.of_kind(Kind::Atomic), Shape::new(0, 8)).unwrap();
    let tuple = mutator.allocate(fixture.of_kind(Kind::Tuple), Shape::new(1, 0)).unwrap();
    tuple.store(0, Some(&atom));
    let hidden = labelled(&mutator, fixture.node, 1);
    hidden.store(0, Some(&atom));
    let shown = labelled(&mutator, fixture.node, 2);
    shown.store(0, Some(&atom));
    assert_eq!(mutator.get_referrers(&[&atom]).len(), 3);
    mutator.untrack(&hidden);
    mutator.collect(Generation::OLD);
    let mut expected = vec![shown.clone()];
    if !config.untrack_tuples {
        expected.insert(0, tuple.clone());
    }
    assert_eq!(mutator.is_tracked(&tuple), !config.untrack_tuples);
    assert!(!mutator.is_tracked(&hidden) && mutator.is_tracked(&shown));
    let mut listed = mutator.get_objects(None);
    listed.sort_by_key(|object| *object != tuple);
    let mut referrers = mutator.get_referrers(&[&atom]);
    referrers.sort_by_key(|object| *object != tuple);
    assert_eq!((&listed, &referrers), (&expected, &expected));
    for object in [&tuple, &hidden] {
        assert_eq!(mutator.get_referents(object), std::slice::from_ref(&atom));
    }
}

/// A weak reference refers to nothing as far as introspection goes: it is no referrer of its referent.
pub fn weak_references_are_no_referrers<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = labelled(&mutator, fixture.node, 1);
    let callback = fixture.log_event("weak");
    let weak = [None, Some(callback)].map(|callback| mutator.weak_reference(&object, callback).unwrap());
    assert!(mutator.get_referrers(&[&object]).is_empty());
    for weak in &weak {
        assert!(mutator.get_referents(weak).is_empty());
        assert!(!mutator.is_finalized(weak));
    }
    assert_eq!(mutator.retain_count(&object), Some(1), "nor is it counted");
    let listed = mutator.get_objects_of(TypeId::WEAK_REFERENCE, None).len();
    assert_eq!(listed, if H::ABILITIES.collects_cycles { 2 } else { 0 });
}

/// A frozen object is tracked and tells its referents; it is on no list and nobody's referrer until it is unfrozen.
pub fn frozen_objects_are_tracked_and_not_found<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let tracks = H::ABILITIES.collects_cycles;
    let holder = labelled(&mutator, fixture.node, 0);
    let held = labelled(&mutator, fixture.node, 1);
    holder.store(0, Some(&held));
    mutator.freeze();
    assert_eq!(mutator.is_tracked(&holder), tracks);
    assert_eq!(mutator.get_referents(&holder), std::slice::from_ref(&held));
    assert!(mutator.get_referrers(&[&held]).is_empty());
    assert!(mutator.get_objects_of(fixture.node, None).is_empty());
    mutator.unfreeze();
    assert_eq!(mutator.get_referrers(&[&held]).len(), usize::from(tracks));
    assert_eq!(mutator.get_objects_of(fixture.node, Some(Generation::OLD)).len(), if tracks { 2 } else { 0 });
}

/// test_gc 26: no object is finalized before its finalizer ran; one that it resurrected is for the rest of its life.
/// Atomic objects have no such mark: their finalizers run at each death.
pub fn is_finalized_tells_whether_the_finalizer_ran<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let push = Arc::clone(&kept);
    let finalizer = fixture.callback(move |mutator: &H::Mutator, object| push.lock().push(mutator.share(&object)));
    for (kind, finalized) in [(Kind::Instance, true), (Kind::Atomic, false)] {
        let type_id = fixture.register(TypeSpec::new("phoenix", kind).with_finalizer(finalizer));
        let slots = if kind == Kind::Atomic { 0 } else { 1 };
        let object = mutator.allocate(type_id, Shape::new(slots, 8)).unwrap();
        assert!(!mutator.is_finalized(&object));
        drop(object);
        let shared = kept.lock().pop().expect("it was resurrected");
        let object = mutator.adopt(shared);
        assert_eq!(mutator.is_finalized(&object), finalized, "{kind:?}");
        drop(object);
        for shared in kept.lock().drain(..) {
            drop(shared);
        }
    }
    assert!(!mutator.is_finalized(&labelled(&mutator, fixture.node, 1)), "without a finalizer nothing is finalized");
}

/// What a count is made of: roots, shared roots, slots, entries of `garbage`, and the roots that introspection returned. Of an
/// immortal object there is none.
pub fn counts_tell_all_counted_references<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = labelled(&mutator, fixture.node, 0);
    let holder = labelled(&mutator, fixture.node, 1);
    let count = || mutator.retain_count(&object);
    assert_eq!(count(), Some(1), "the root");
    let second = object.clone();
    assert_eq!(count(), Some(2), "one more root");
    let shared = object.share();
    assert_eq!(count(), Some(3), "a shared root");
    drop(shared);
    assert_eq!(count(), Some(3), "which is released at a safepoint");
    mutator.safepoint();
    assert_eq!(count(), Some(2));
    (0..2).for_each(|slot| holder.store(slot, Some(&object)));
    assert_eq!(count(), Some(4), "slots");
    let loaded = holder.load(0);
    assert_eq!(count(), Some(5), "a load that ended");
    drop(loaded);
    assert_eq!(holder.take(0).as_ref(), Some(&object));
    assert_eq!(count(), Some(3), "what was taken out was released");
    mutator.append_garbage(&object);
    assert_eq!(count(), Some(4), "an entry of garbage");
    let found = mutator.get_referents(&holder);
    assert_eq!(count(), Some(5), "a root that introspection returned");
    drop((found, second));
    mutator.clear_garbage();
    assert_eq!(count(), Some(2));
    let _weak = mutator.weak_reference(&object, None).unwrap();
    mutator.freeze();
    assert_eq!(count(), Some(2), "weak references and freezing count nothing");
    mutator.make_immortal(&object);
    assert_eq!(count(), None);
    let objects = mutator.get_referents(&holder);
    assert_eq!(objects, std::slice::from_ref(&object), "an immortal object is found as any other");
}
