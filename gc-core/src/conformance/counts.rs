//! Rules of counting: who holds an object, and when it dies.

use super::fixture::{Fixture, NODE, label, labelled};
use crate::config::HeapConfig;
use crate::control::Control;
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape, TypeSpec};

/// `allocate` returns the only reference.
pub fn a_new_object_has_one_reference<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = mutator.allocate(fixture.node, NODE).unwrap();
    assert_eq!(mutator.retain_count(&object), Some(1));
    assert_eq!(mutator.type_of(&object), fixture.node);
    assert_eq!(mutator.shape(&object), NODE);
}

/// Roots count.
pub fn clone_retains_and_drop_releases<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = mutator.allocate(fixture.node, NODE).unwrap();
    let second = object.clone();
    assert_eq!(object, second, "two roots of one object are equal");
    assert_eq!(mutator.retain_count(&object), Some(2));
    drop(second);
    assert_eq!(mutator.retain_count(&object), Some(1));
}

/// Slots count.
pub fn store_retains_and_overwriting_releases<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let [holder, a, b] = std::array::from_fn(|n| labelled(&mutator, fixture.node, n as u64));
    holder.store(0, Some(&a));
    holder.store(1, Some(&a));
    assert_eq!(mutator.retain_count(&a), Some(3));
    holder.store(0, Some(&b));
    assert_eq!((mutator.retain_count(&a), mutator.retain_count(&b)), (Some(2), Some(2)));
    holder.store(0, None);
    holder.store(1, None);
    assert_eq!((mutator.retain_count(&a), mutator.retain_count(&b)), (Some(1), Some(1)));
}

/// What `load` returns is held.
pub fn load_retains<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let holder = labelled(&mutator, fixture.node, 0);
    holder.put(3, Some(labelled(&mutator, fixture.node, 7)));
    let loaded = holder.load(3).expect("a slot gives back what was put in");
    assert_eq!((label(&loaded), mutator.retain_count(&loaded)), (7, Some(2)));
    drop(holder);
    assert_eq!((label(&loaded), mutator.retain_count(&loaded)), (7, Some(1)));
}

/// `put`, `take` and `replace` move a reference and count nothing.
pub fn moving_a_reference_keeps_its_count<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let holder = labelled(&mutator, fixture.node, 0);
    let object = labelled(&mutator, fixture.node, 1);
    let witness = object.clone();
    holder.put(0, Some(object));
    assert_eq!(mutator.retain_count(&witness), Some(2));
    let taken = holder.take(0).expect("it was put there");
    assert_eq!(mutator.retain_count(&witness), Some(2));
    assert!(mutator.replace(&holder, 1, Some(taken)).is_none());
    assert_eq!(mutator.retain_count(&witness), Some(2));
    drop(mutator.replace(&holder, 1, None));
    assert_eq!(mutator.retain_count(&witness), Some(1));
}

/// Acyclic death is immediate: it waits for no collection.
pub fn the_last_release_frees_at_once<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    mutator.disable();
    let root = labelled(&mutator, fixture.node, 0);
    for slot in 0..6 {
        let child = labelled(&mutator, fixture.node, 1);
        child.put(0, Some(labelled(&mutator, fixture.node, 2)));
        root.put(slot, Some(child));
    }
    assert_eq!(fixture.live(), 13);
    drop(root);
    assert_eq!(fixture.live(), 0, "a tree dies with its root");
}

/// A diamond's lower end dies once, with the last of its two holders.
pub fn a_shared_object_dies_with_its_last_holder<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let shared = labelled(&mutator, fixture.logged(), 9);
    let [left, right] = std::array::from_fn(|n| labelled(&mutator, fixture.node, n as u64));
    left.store(0, Some(&shared));
    right.put(5, Some(shared));
    drop(left);
    assert!(fixture.log.take().is_empty(), "its other holder is alive");
    drop(right);
    assert_eq!(fixture.log.take(), ["f9"]);
    assert_eq!(fixture.live(), 0);
}

/// `allocated`, `freed_by_count` and `live` agree with what was done.
pub fn statistics_count_allocations_and_deaths<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let kept: Vec<_> = (0..10).map(|n| labelled(&mutator, fixture.node, n)).collect();
    (0..5).for_each(|n| drop(labelled(&mutator, fixture.node, n)));
    let statistics = fixture.heap.statistics();
    assert_eq!((statistics.allocated, statistics.freed_by_count, statistics.freed_by_collector), (15, 5, 0));
    assert_eq!(statistics.live(), kept.len() as u64);
    assert!(statistics.held_bytes > 0 && statistics.held_bytes <= statistics.peak_bytes);
}

fn order_of_release<H: Heap>(config: HeapConfig, kind: Kind) -> Vec<String> {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let holder = labelled(&mutator, fixture.of_kind(kind), 0);
    let logged = fixture.logged();
    for slot in [2, 0, 5, 1] {
        holder.put(slot, Some(labelled(&mutator, logged, u64::from(slot))));
    }
    drop(holder);
    fixture.log.take()
}

/// The slots of a dying instance or dict are released first to last.
pub fn an_instance_releases_its_slots_first_to_last<H: Heap>(config: HeapConfig) {
    assert_eq!(order_of_release::<H>(config, Kind::Instance), ["f0", "f1", "f2", "f5"]);
    assert_eq!(order_of_release::<H>(config, Kind::Dict), ["f0", "f1", "f2", "f5"]);
}

/// Those of a list or a tuple last to first (`list_dealloc`, `tupledealloc`).
pub fn a_list_releases_its_slots_last_to_first<H: Heap>(config: HeapConfig) {
    assert_eq!(order_of_release::<H>(config, Kind::List), ["f5", "f2", "f1", "f0"]);
    assert_eq!(order_of_release::<H>(config, Kind::Tuple), ["f5", "f2", "f1", "f0"]);
}

/// A child dies before the next slot of its parent is released: depth first.
pub fn a_subtree_dies_before_the_next_slot<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let logged = fixture.logged();
    let root = labelled(&mutator, logged, 0);
    for slot in 0..2 {
        let child = labelled(&mutator, logged, 10 * u64::from(slot + 1));
        child.put(0, Some(labelled(&mutator, logged, 10 * u64::from(slot + 1) + 1)));
        root.put(slot, Some(child));
    }
    drop(root);
    assert_eq!(fixture.log.take(), ["f0", "f10", "f11", "f20", "f21"]);
}

/// A teardown is reported once at each end, for types that ask for it.
pub fn observed_teardowns_begin_and_end_once<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let observed = fixture.register(TypeSpec::new("observed", Kind::Instance).with_observed_teardown());
    let outer = labelled(&mutator, observed, 0);
    outer.put(0, Some(labelled(&mutator, observed, 1)));
    outer.put(1, Some(labelled(&mutator, fixture.node, 2)));
    drop(outer);
    assert_eq!(*fixture.recorder.teardowns.lock(), [true, true, false, false], "nested, and none for a plain type");
}

/// The cell of a dead object serves the next one: churn takes no memory.
pub fn churn_takes_no_memory<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    for shape in [Shape::new(0, 0), NODE, Shape::new(3, 700), Shape::new(6000, 0), Shape::new(1, 1 << 20)] {
        drop(mutator.allocate(fixture.node, shape).unwrap());
        let held = fixture.heap.statistics().held_bytes;
        for _ in 0..2000 {
            drop(mutator.allocate(fixture.node, shape).unwrap());
        }
        assert_eq!(fixture.heap.statistics().held_bytes, held, "2000 deaths of {shape:?} hold no more than one");
    }
}
