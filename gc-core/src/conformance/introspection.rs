//! Rules of introspection: `get_objects`, `get_referrers`, `get_referents`, `is_tracked`.

use super::fixture::{Fixture, NODE, label, labelled};
use crate::config::HeapConfig;
use crate::control::{Control, Generation};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape};

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
    let keep = crate::sync::Mutex::new(Some(keeper.share()));
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
