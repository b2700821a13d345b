//! Drag: how long garbage on cycles stays, from the moment in which the program dropped its last reference to the moment in
//! which its teardown begins.
//!
//! A *garbage unit* is what becomes unreachable in one step: a ring, the tree of a request. The program knows when it drops
//! the last reference from outside. One object of the unit is of a type whose teardown the heap reports
//! ([`Observer::teardown`](gc_core::event::Observer::teardown)): no finalizer, no weak reference, no further object, so a
//! collection does what it would do. Which units are watched is the program's choice. What a watched one costs is two
//! readings of the clock and two entries in a table.
//!
//! # Prior work
//!
//! Röjemo and Runciman, "Lag, drag, void and use" (ICFP 1996), for the word. There drag begins at the last use; here at
//! unreachability, which is the collector's part of it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gc_core::ObjectRef;
use rustc_hash::FxHashMap;

/// How long watched units stayed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Drag {
    /// Nanoseconds from unreachable to reclaimed, of each watched unit that was reclaimed.
    pub ns: Vec<u64>,
    /// Objects that the program made meanwhile, of the same units.
    pub allocations: Vec<u64>,
    /// Watched units that were unreachable and not reclaimed when it was read: of these only a lower bound is known.
    pub outstanding: u64,
}

/// Watches units; shared by the mutators that drop them and the observer of the heap that reclaims them.
#[derive(Debug, Default)]
pub struct DragWatch {
    /// Objects made by the program: the clock.
    made: AtomicU64,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Unreachable units by their watched object, with when they became so.
    waiting: FxHashMap<ObjectRef, (Instant, u64)>,
    drag: Drag,
}

impl DragWatch {
    /// One unit in so many is watched where units are small. A prime, so that it does not keep step with thresholds.
    pub const EVERY: u64 = 31;

    /// The program made so many objects more.
    pub fn made(&self, objects: u64) {
        // Relaxed, here and below: a clock; what it orders, the lock does.
        self.made.fetch_add(objects, Relaxed);
    }

    /// The program is about to drop the last reference from outside to the unit of this object.
    pub fn unreachable(&self, object: ObjectRef) {
        let made = self.made.load(Relaxed);
        self.open().waiting.insert(object, (Instant::now(), made));
    }

    /// The heap begins to take an object apart. One that is not watched does not count.
    pub fn reclaimed(&self, object: ObjectRef) {
        let mut seen = self.open();
        let Some((since, made)) = seen.waiting.remove(&object) else { return };
        seen.drag.ns.push(since.elapsed().as_nanos() as u64);
        seen.drag.allocations.push(self.made.load(Relaxed).saturating_sub(made));
    }

    /// What was seen so far.
    pub fn reading(&self) -> Drag {
        let seen = self.open();
        Drag { outstanding: seen.waiting.len() as u64, ..seen.drag.clone() }
    }

    fn open(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gc_core::event::Observer;
    use gc_core::{
        Control, Generation, GenerationalHeap, Heap, HeapConfig, Kind, Mutator, Shape, Thresholds, TypeSpec,
    };

    use super::*;

    struct Reports(Arc<DragWatch>);

    impl Observer for Reports {
        fn teardown(&self, object: ObjectRef, begins: bool) {
            if begins {
                self.0.reclaimed(object);
            }
        }
    }

    #[test]
    fn drag_runs_from_the_last_reference_to_the_teardown() {
        let watch = Arc::new(DragWatch::default());
        let config = HeapConfig { thresholds: Thresholds([0, 10, 10]), ..HeapConfig::default() };
        let heap = GenerationalHeap::new(config, Arc::new(Reports(Arc::clone(&watch)))).unwrap();
        let node = heap.register_type(TypeSpec::new("Node", Kind::Instance).with_observed_teardown()).unwrap();
        let mutator = heap.attach();
        // Each unit is an object that refers to itself; each step makes two objects.
        for _ in 0..3 {
            let object = mutator.allocate(node, Shape::new(1, 0)).unwrap();
            object.store(0, Some(&object));
            watch.made(2);
            watch.unreachable(object.object());
        }
        assert_eq!(watch.reading(), Drag { outstanding: 3, ..Drag::default() });
        std::thread::sleep(std::time::Duration::from_millis(2));
        mutator.collect(Generation::OLD);
        let drag = watch.reading();
        let mut allocations = drag.allocations.clone();
        allocations.sort_unstable();
        assert_eq!((allocations, drag.outstanding), (vec![0, 2, 4], 0), "the last one waited for none");
        assert!(drag.ns.iter().all(|&ns| ns >= 2_000_000), "{drag:?}");
    }
}
