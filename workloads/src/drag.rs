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

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gc_core::{HeapFull, Mutator, ObjectRef, Root, Shape, TypeId};
use rustc_hash::FxHashMap;

use crate::allocate::Allocate;

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

/// What a [`Dragged`] source keeps from one object to the next.
#[derive(Debug, Default)]
pub(crate) struct DragState {
    made: Cell<u64>,
    watch_next: Cell<bool>,
    watched: Cell<Option<ObjectRef>>,
}

/// A mutator that makes the first node of a cyclic tree one whose teardown is reported, and counts what it makes.
pub(crate) struct Dragged<'m, 'w, M> {
    mutator: &'m M,
    watch: &'w DragWatch,
    /// A type, and the same with its teardown reported.
    twin: (TypeId, TypeId),
    state: &'w DragState,
}

impl<'m, 'w, M: Mutator> Dragged<'m, 'w, M> {
    pub(crate) fn new(mutator: &'m M, watch: &'w DragWatch, twin: (TypeId, TypeId), state: &'w DragState) -> Self {
        Self { mutator, watch, twin, state }
    }
}

impl<M> Clone for Dragged<'_, '_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Dragged<'_, '_, M> {}

impl<'m, M: Mutator> Allocate<'m> for Dragged<'m, '_, M> {
    type Mutator = M;

    #[inline(always)]
    fn mutator(self) -> &'m M {
        self.mutator
    }

    #[inline(always)]
    fn allocate(self, type_id: TypeId, shape: Shape) -> Result<Root<'m, M>, HeapFull> {
        let state = self.state;
        state.made.set(state.made.get() + 1);
        if state.watch_next.get() && type_id == self.twin.0 {
            state.watch_next.set(false);
            let object = self.mutator.allocate(self.twin.1, shape)?;
            state.watched.set(Some(object.object()));
            return Ok(object);
        }
        self.mutator.allocate(type_id, shape)
    }

    fn unit_begins(self) {
        self.state.watch_next.set(true);
    }

    fn unit_ends(self) {
        self.watch.made(self.state.made.take());
        if let Some(object) = self.state.watched.take() {
            self.watch.unreachable(object);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gc_core::event::Observer;
    use gc_core::{Control, Generation, GenerationalHeap, Heap, HeapConfig, Kind, Thresholds, TypeSpec};

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
        let plain = heap.register_type(TypeSpec::new("Node", Kind::Instance)).unwrap();
        let twin = heap.register_type(TypeSpec::new("Node", Kind::Instance).with_observed_teardown()).unwrap();
        let mutator = heap.attach();
        let state = DragState::default();
        let source = Dragged::new(&mutator, &watch, (plain, twin), &state);
        // Each unit is two objects on a ring: the one watched and another.
        for _ in 0..3 {
            source.unit_begins();
            let first = source.allocate(plain, Shape::new(1, 0)).unwrap();
            let second = source.allocate(plain, Shape::new(1, 0)).unwrap();
            first.store(0, Some(&second));
            second.store(0, Some(&first));
            source.unit_ends();
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
