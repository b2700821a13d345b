//! `test_threaded_weak_…`: maps used while another thread collects.

use std::thread;
use std::time::Duration;

use super::{Scene, number};
use crate::config::HeapConfig;
use crate::control::{Control, Generation};
use crate::heap::{Heap, Mutator};
use crate::sync::{AtomicBool, Ordering};
use crate::weak_maps::{WeakKeyMap, WeakValueMap};

/// Rounds of each thread; CPython takes 100,000 and more.
const ROUNDS: u64 = 3_000;
/// Entries of the map that is copied while it dies; CPython takes 70,000.
const ENTRIES: u64 = 2_000;

/// Runs `work` on a thread of its own while another collects all the time (`collect_in_thread`).
fn while_collecting<H: Heap>(heap: &H, work: impl FnOnce() + Send) {
    struct Finished<'a>(&'a AtomicBool);
    impl Drop for Finished<'_> {
        fn drop(&mut self) {
            // Relaxed: the end of the loop publishes nothing.
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let finished = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // Also when the work panics: nobody collects for ever.
            let _finished = Finished(&finished);
            work();
        });
        let mutator = heap.attach();
        // Relaxed: see above.
        while !finished.load(Ordering::Relaxed) {
            mutator.collect(Generation::OLD);
            mutator.safe_region(|| thread::sleep(Duration::from_micros(200)));
        }
    });
}

/// A default is always given back, though the collector takes the entry away at any moment.
pub fn test_threaded_weak_valued_setdefault<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let map = WeakValueMap::<H::Mutator, u64>::new(&scene.heap);
    while_collecting(&scene.heap, || {
        let mutator = scene.heap.attach();
        for n in 0..ROUNDS {
            let object = map.setdefault(&mutator, 10, &scene.cycle(&mutator, n)).expect("there is room");
            assert!(number(&object) <= n);
            mutator.safepoint();
        }
    });
}

/// What is popped is what was put in, or nothing if the collector was faster.
pub fn test_threaded_weak_valued_pop<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let map = WeakValueMap::<H::Mutator, u64>::new(&scene.heap);
    while_collecting(&scene.heap, || {
        let mutator = scene.heap.attach();
        for n in 0..ROUNDS {
            map.insert(&mutator, 10, &scene.cycle(&mutator, n)).expect("there is room");
            mutator.safepoint();
            assert!(map.pop(&mutator, &10).is_none_or(|object| number(&object) == n));
            assert!(map.pop(&mutator, &10).is_none());
        }
    });
}

/// The late death of an old value does not take the new one out (bpo-28427).
pub fn test_threaded_weak_valued_consistency<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let map = WeakValueMap::<H::Mutator, u64>::new(&scene.heap);
    while_collecting(&scene.heap, || {
        let mutator = scene.heap.attach();
        for n in 0..ROUNDS {
            let object = scene.cycle(&mutator, n);
            map.insert(&mutator, 10, &object).expect("there is room");
            mutator.safepoint();
            assert_eq!(map.len(), 1, "round {n}: the object is alive");
            assert!(map.get(&mutator, &10).is_some_and(|found| found == object));
        }
    });
}

/// Copying a map while its values die gives living entries only, each with its own key (bpo-35615).
pub fn test_threaded_weak_value_dict_copy<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let map = WeakValueMap::<H::Mutator, u64>::new(&scene.heap);
    let values: Vec<_> = {
        let mutator = scene.heap.attach();
        (0..ENTRIES)
            .map(|n| {
                let value = scene.cycle(&mutator, n);
                map.insert(&mutator, n, &value).expect("there is room");
                value.share()
            })
            .collect()
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            let mutator = scene.heap.attach();
            for _ in 0..5 {
                let mut last = None;
                for (key, value) in map.iter(&mutator) {
                    assert_eq!(key, number(&value));
                    assert!(last < Some(key), "each once, in order");
                    last = Some(key);
                    mutator.safepoint();
                }
            }
        });
        scope.spawn(|| {
            let mutator = scene.heap.attach();
            for (n, value) in values.into_iter().enumerate() {
                drop(mutator.adopt(value));
                if n % 100 == 0 {
                    mutator.collect(Generation::OLD);
                }
                mutator.safepoint();
            }
        });
    });
    let mutator = scene.heap.attach();
    mutator.collect(Generation::OLD);
    assert_eq!(map.stored(), if H::ABILITIES.collects_cycles { 0 } else { ENTRIES as usize });
}

/// The same of keys.
pub fn test_threaded_weak_key_dict_copy<H: Heap>(config: HeapConfig) {
    let scene = Scene::<H>::new(config);
    let map = WeakKeyMap::<H::Mutator, u64>::new(&scene.heap);
    let keys: Vec<_> = {
        let mutator = scene.heap.attach();
        (0..ENTRIES)
            .map(|n| {
                let key = scene.object(&mutator, n);
                map.insert(&mutator, &key, n).expect("there is room");
                key.share()
            })
            .collect()
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            let mutator = scene.heap.attach();
            for _ in 0..5 {
                for (key, value) in map.iter(&mutator) {
                    assert_eq!(number(&key), *value);
                    mutator.safepoint();
                }
            }
        });
        scope.spawn(|| {
            let mutator = scene.heap.attach();
            for key in keys {
                drop(mutator.adopt(key));
                mutator.safepoint();
            }
        });
    });
    assert_eq!(map.stored(), 0);
}
