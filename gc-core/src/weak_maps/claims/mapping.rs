//! `MappingTestCase`: lengths, iterations and defaults of maps whose entries die.

use super::{Scene, number};
use crate::config::HeapConfig;
use crate::control::{Control, Generation, Thresholds};
use crate::heap::{Heap, Mutator};
use crate::sync::Arc;
use crate::weak_maps::{WeakKeyMap, WeakValueMap};

const COUNT: u64 = 10;
const CYCLES: u64 = 20;

/// Twenty objects that hold themselves, as values: once collected they are no entries, whether or not an iteration is open,
/// and their rows go when it ends.
pub fn test_weak_valued_len_cycles<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.heap.attach();
    let map = WeakValueMap::<H::Mutator, u64>::new(&scene.heap);
    (0..CYCLES).for_each(|n| map.insert(&mutator, n, &scene.cycle(&mutator, n)).expect("there is room"));
    let mut iteration = map.iter(&mutator);
    drop(iteration.next());
    mutator.collect(Generation::OLD);
    check_len_cycles::<H>(map.len(), map.stored());
    drop(iteration);
    mutator.collect(Generation::OLD);
    let left = if H::ABILITIES.collects_cycles { 0 } else { CYCLES as usize };
    assert_eq!((map.len(), map.stored()), (left, left));
}

/// The same of keys.
pub fn test_weak_keyed_len_cycles<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.heap.attach();
    let map = WeakKeyMap::<H::Mutator, u64>::new(&scene.heap);
    (0..CYCLES).for_each(|n| map.insert(&mutator, &scene.cycle(&mutator, n), n).expect("there is room"));
    let mut iteration = map.iter(&mutator);
    drop(iteration.next());
    mutator.collect(Generation::OLD);
    check_len_cycles::<H>(map.len(), map.stored());
    drop(iteration);
    mutator.collect(Generation::OLD);
    let left = if H::ABILITIES.collects_cycles { 0 } else { CYCLES as usize };
    assert_eq!((map.len(), map.stored()), (left, left));
}

fn check_len_cycles<H: Heap>(len: usize, stored: usize) {
    if H::ABILITIES.collects_cycles {
        assert!(len <= 1, "{len} entries of dead objects");
    } else {
        assert_eq!(len, CYCLES as usize, "where cycles leak they stay entries");
    }
    assert!(stored >= len);
    assert!(stored >= (CYCLES - 1) as usize, "rows keep their places while an iteration is open, {stored} did");
}

/// Whatever the thresholds, lengths stay between nothing and all, and fall only.
pub fn test_weak_valued_len_race<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.heap.attach();
    for threshold in 1..100 {
        mutator.collect(Generation::YOUNG);
        mutator.set_threshold(Thresholds([threshold; 3]));
        let map = WeakValueMap::<H::Mutator, u64>::new(&scene.heap);
        let cycles: Vec<_> = (0..CYCLES).map(|n| scene.cycle(&mutator, n)).collect();
        for (n, object) in cycles.into_iter().enumerate() {
            map.insert(&mutator, n as u64, &object).expect("there is room");
        }
        let mut iteration = map.iter(&mutator);
        drop(iteration.next());
        let first = map.len();
        drop(iteration);
        check_len_race(threshold, first, map.len());
    }
}

/// The same of keys.
pub fn test_weak_keyed_len_race<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.heap.attach();
    for threshold in 1..100 {
        mutator.collect(Generation::YOUNG);
        mutator.set_threshold(Thresholds([threshold; 3]));
        let map = WeakKeyMap::<H::Mutator, u64>::new(&scene.heap);
        let cycles: Vec<_> = (0..CYCLES).map(|n| scene.cycle(&mutator, n)).collect();
        for object in cycles {
            map.insert(&mutator, &object, 1).expect("there is room");
        }
        let mut iteration = map.iter(&mutator);
        drop(iteration.next());
        let first = map.len();
        drop(iteration);
        check_len_race(threshold, first, map.len());
    }
}

fn check_len_race(threshold: u32, first: usize, second: usize) {
    assert!(first <= CYCLES as usize, "threshold {threshold}: {first} entries of {CYCLES}");
    assert!(second <= first, "threshold {threshold}: {first} entries grew to {second}");
}

/// An iteration gives out each living entry once, in the order of insertion.
pub fn test_weak_valued_iters<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.heap.attach();
    let map = WeakValueMap::<H::Mutator, String>::new(&scene.heap);
    let objects: Vec<_> = (0..COUNT).map(|n| scene.object(&mutator, n)).collect();
    for object in &objects {
        map.insert(&mutator, format!("k{}", number(object)), object).expect("there is room");
    }
    let given: Vec<_> = map.iter(&mutator).map(|(key, object)| (key, number(&object))).collect();
    let expected: Vec<_> = (0..COUNT).map(|n| (format!("k{n}"), n)).collect();
    assert_eq!(given, expected);
}

/// The same of keys; each key is found with its value.
pub fn test_weak_keyed_iters<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.heap.attach();
    let map = WeakKeyMap::<H::Mutator, u64>::new(&scene.heap);
    let objects: Vec<_> = (0..COUNT).map(|n| scene.object(&mutator, n)).collect();
    for object in &objects {
        map.insert(&mutator, object, 100 + number(object)).expect("there is room");
    }
    let given: Vec<_> = map.iter(&mutator).map(|(object, value)| (number(&object), *value)).collect();
    assert_eq!(given, (0..COUNT).map(|n| (n, 100 + n)).collect::<Vec<_>>());
    for object in &objects {
        assert_eq!(map.get(&mutator, object).as_deref(), Some(&(100 + number(object))));
    }
}

/// An object that dies while an iteration is open is no entry from then on, and its row goes when the iteration ends. The key
/// can be used again meanwhile.
pub fn test_weak_values_destroy_while_iterating<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.heap.attach();
    let map = WeakValueMap::<H::Mutator, u64>::new(&scene.heap);
    let mut objects: Vec<_> = (0..COUNT).map(|n| scene.object(&mutator, n)).collect();
    for object in &objects {
        map.insert(&mutator, number(object), object).expect("there is room");
    }
    let mut iteration = map.iter(&mutator);
    drop(iteration.next());
    objects.pop();
    assert_eq!((map.len(), map.stored()), (9, 10));
    assert!(map.get(&mutator, &9).is_none() && map.pop(&mutator, &9).is_none());
    assert_eq!(iteration.by_ref().count(), 8);
    drop(iteration);
    assert_eq!((map.len(), map.stored()), (9, 9));
    // The map may be changed while an iteration is open; what is put in comes last.
    let mut iteration = map.iter(&mutator);
    drop(iteration.next());
    objects.pop();
    let again = scene.object(&mutator, 8);
    map.insert(&mutator, 8, &again).expect("there is room");
    assert!(map.pop(&mutator, &4).is_some());
    assert_eq!(iteration.by_ref().map(|(key, _)| key).collect::<Vec<_>>(), [1, 2, 3, 5, 6, 7, 8]);
    drop(iteration);
    assert_eq!((map.len(), map.stored()), (8, 8));
    assert!(map.get(&mutator, &8).is_some_and(|object| object == again));
    // Two iterations: the last to end takes the rows out.
    let (one, two) = (map.iter(&mutator), map.iter(&mutator));
    drop(again);
    drop(one);
    assert_eq!((map.len(), map.stored()), (7, 8));
    drop(two);
    assert_eq!((map.len(), map.stored()), (7, 7));
    map.clear(&mutator);
    assert!(map.is_empty());
}

/// The same of keys.
pub fn test_weak_keys_destroy_while_iterating<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.heap.attach();
    let map = WeakKeyMap::<H::Mutator, u64>::new(&scene.heap);
    let mut objects: Vec<_> = (0..COUNT).map(|n| scene.object(&mutator, n)).collect();
    for object in &objects {
        map.insert(&mutator, object, number(object)).expect("there is room");
    }
    let mut iteration = map.iter(&mutator);
    drop(iteration.next());
    objects.pop();
    assert_eq!((map.len(), map.stored()), (9, 10));
    // The place of the dead object may be another's by now; nothing is known of that.
    let others: Vec<_> = (0..COUNT).map(|n| scene.object(&mutator, n)).collect();
    assert!(others.iter().all(|other| !map.contains(&mutator, other)));
    assert_eq!(iteration.by_ref().count(), 8);
    drop(iteration);
    assert_eq!((map.len(), map.stored()), (9, 9));
    assert_eq!(map.pop(&mutator, &objects[0]).as_deref(), Some(&0));
    assert_eq!(map.pop(&mutator, &objects[0]), None);
    assert_eq!(map.len(), 8);
}

/// A default is entered where nothing is alive, and only there.
pub fn test_weak_valued_dict_setdefault<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.heap.attach();
    let map = WeakValueMap::<H::Mutator, &'static str>::new(&scene.heap);
    let (first, second) = (scene.object(&mutator, 1), scene.object(&mutator, 2));
    assert!(map.setdefault(&mutator, "key", &first).is_ok_and(|object| object == first));
    assert!(map.setdefault(&mutator, "key", &second).is_ok_and(|object| object == first));
    drop(first);
    assert_eq!(map.len(), 0);
    assert!(map.setdefault(&mutator, "key", &second).is_ok_and(|object| object == second));
    assert!(map.get(&mutator, &"key").is_some_and(|object| object == second));
}

/// The same of keys. Values die with their entries, objects among them too.
pub fn test_weak_keyed_dict_setdefault<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.heap.attach();
    let map = WeakKeyMap::<H::Mutator, u64>::new(&scene.heap);
    let key = scene.object(&mutator, 1);
    assert!(map.setdefault(&mutator, &key, 10).is_ok_and(|value| *value == 10));
    assert!(map.setdefault(&mutator, &key, 11).is_ok_and(|value| *value == 10));
    map.insert(&mutator, &key, 12).expect("there is room");
    let value = map.get(&mutator, &key).expect("it was entered");
    assert_eq!((*value, map.len()), (12, 1));
    drop(key);
    assert!(map.is_empty());
    assert_eq!(Arc::strong_count(&value), 1, "the entry gave its value up");
}

/// Keys that die while a loop over the map deletes others (SF bug 742860): no error, and the loop meets half of them. In
/// CPython a comparison of the deletion drops the last reference to the last key. Keys are compared by identity here, which
/// runs no program's code, so the loop itself drops it, before the deletion.
pub fn test_weak_keyed_cascading_deletes<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.heap.attach();
    let map = WeakKeyMap::<H::Mutator, u64>::new(&scene.heap);
    let mut objects: Vec<_> = (0..4).map(|n| scene.object(&mutator, n)).collect();
    for object in &objects {
        map.insert(&mutator, object, number(object)).expect("there is room");
    }
    let mut met = Vec::new();
    for (key, value) in map.iter(&mutator) {
        objects.pop();
        assert_eq!(map.pop(&mutator, &key), Some(value));
        met.push(number(&key));
    }
    assert_eq!(met, [0, 1]);
    assert_eq!((map.len(), map.stored()), (0, 0));
    drop(objects);
    mutator.safepoint();
    assert_eq!(scene.heap.live_objects(), 0);
}

/// No test of CPython: a chain of keys, each the value of the one before: the death of the first takes all with it, through the map.
pub fn a_chain_of_keys_goes_with_its_first<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let mutator = scene.heap.attach();
    let map = WeakKeyMap::new(&scene.heap);
    let first = scene.object(&mutator, 0);
    let mut last = first.clone();
    for n in 1..COUNT {
        let next = scene.object(&mutator, n);
        map.insert_object(&mutator, &last, &next).expect("there is room");
        last = next;
    }
    drop(last);
    assert_eq!(map.len(), 9);
    assert_eq!(map.get_object(&mutator, &first).map(|object| number(&object)), Some(1));
    drop(first);
    // Values that are shared roots are released at safepoints, one link of the chain each.
    (0..COUNT).for_each(|_| mutator.safepoint());
    assert_eq!((map.len(), map.stored()), (0, 0));
    mutator.safepoint();
    assert_eq!(scene.heap.live_objects(), 0);
}
