//! What CPython's tests claim of weak maps and finalizers, on the heaps of this crate.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use gc_core::weak_maps::claims::claims;
use gc_core::weak_maps::{Finalizers, WeakValueMap};
use gc_core::{
    Control, GenerationalHeap, GenerationalStreamingHeap, Heap, HeapConfig, Kind, Mutator, NoObserver, RefcountHeap,
    Root, Shape, TypeId, TypeSpec,
};

fn hold<H: Heap>() {
    for (name, claim) in claims::<H>() {
        println!("{name} on {}", H::NAME);
        claim(HeapConfig::default());
    }
}

#[test]
fn refcount_keeps_the_claims_of_cpythons_tests() {
    hold::<RefcountHeap>();
}

#[test]
fn generational_keeps_the_claims_of_cpythons_tests() {
    hold::<GenerationalHeap>();
}

#[test]
fn generational_streaming_keeps_the_claims_of_cpythons_tests() {
    hold::<GenerationalStreamingHeap>();
}

type Asked = WeakValueMap<<GenerationalHeap as Heap>::Mutator, AsksTheMap>;

/// A key that asks its map for something when it is dropped: under the map's lock it would wait for ever.
#[derive(Clone)]
struct AsksTheMap {
    number: u32,
    map: Weak<Asked>,
    drops: Arc<AtomicUsize>,
}

impl Drop for AsksTheMap {
    fn drop(&mut self) {
        if let Some(map) = self.map.upgrade() {
            map.len();
            self.drops.fetch_add(1, Relaxed);
        }
    }
}

impl PartialEq for AsksTheMap {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for AsksTheMap {}

impl std::hash::Hash for AsksTheMap {
    fn hash<S: std::hash::Hasher>(&self, state: &mut S) {
        self.number.hash(state);
    }
}

fn heap() -> (GenerationalHeap, TypeId) {
    let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver)).unwrap();
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).unwrap();
    (heap, node)
}

fn new<M: Mutator>(mutator: &M, node: TypeId) -> Root<'_, M> {
    mutator.allocate(node, Shape::new(0, 0)).unwrap()
}

#[test]
fn keys_are_dropped_with_the_map_unlocked() {
    let (heap, node) = heap();
    let mutator = heap.attach();
    let (map, drops) = (Arc::new(Asked::new(&heap)), Arc::<AtomicUsize>::default());
    let key = |number| AsksTheMap { number, map: Arc::downgrade(&map), drops: Arc::clone(&drops) };
    let fill = || -> Vec<_> {
        let objects: Vec<_> = (0..100).map(|_| new(&mutator, node)).collect();
        for (number, object) in (0..).zip(&objects) {
            map.insert(&mutator, key(number), object).unwrap();
        }
        objects
    };
    // By death, and enough of them to close up the table's holes; by hand; in place of another; all at once; and while
    // an iteration is open.
    drop(fill());
    assert!(map.is_empty());
    let objects = fill();
    map.insert(&mutator, key(3), &objects[4]).unwrap();
    (0..90).for_each(|number| assert!(map.pop(&mutator, &key(number)).is_some()));
    map.clear(&mutator);
    let objects = fill();
    let mut iteration = map.iter(&mutator);
    assert!(iteration.next().is_some());
    drop(objects);
    assert_eq!((map.len(), map.stored()), (0, 100));
    drop(iteration);
    assert_eq!(map.stored(), 0);
    // The two copies of the table of each, at the least.
    assert!(drops.load(Relaxed) >= 600, "{drops:?}");
}

#[test]
fn the_exit_leaves_collections_enabled_as_they_were() {
    let (heap, node) = heap();
    let mutator = heap.attach();
    let object = new(&mutator, node);
    let finalizers = Finalizers::new(&heap);
    let off = Arc::<AtomicUsize>::default();
    let seen = Arc::clone(&off);
    let note = move |mutator: &_| _ = seen.fetch_add(usize::from(!Control::is_enabled(mutator)), Relaxed);
    finalizers.register(&mutator, &object, note).unwrap();
    {
        let _off = mutator.disabled();
        assert_eq!(finalizers.run_all(&mutator).called, 1);
    }
    assert_eq!(off.load(Relaxed), 1, "off meanwhile");
    assert!(mutator.is_enabled(), "on again without the guard");
    mutator.disable();
    finalizers.run_all(&mutator);
    assert!(!mutator.is_enabled(), "off as before");
}
