//! How long objects live, in allocations, and how many of them die by count.
//!
//! Every [`Watch::EVERY`]th object is made of a type with a finalizer, which looks up when the object was made; the other
//! objects are made as always. So nothing is allocated that the program does not allocate, and the trigger sees what it
//! would see. What changes: the death of a watched object takes longer, and a collection that finds one calls a finalizer
//! and looks again whether something came back to life. Response times of such a run are not those of the workload.
//!
//! # Prior work
//!
//! Lifetime in allocations rather than in time is customary since Ungar, "Generation scavenging" (1984): it does not depend
//! on the speed of the machine.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use gc_core::{CallbackId, Heap, HeapFull, HeapStatistics, Mutator, ObjectRef, Root, Shape, TypeId};
use rustc_hash::FxHashMap;

use crate::allocate::Allocate;

/// How long the watched objects of a run lived.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Lifetimes {
    /// Objects whose count fell to zero, among all that died over the timed part or in the full collection after it:
    /// 0 to 1; `None` if none died. On a heap that collects no cycles it is 1: what is on a cycle never dies.
    pub died_by_count_share: Option<f64>,
    /// One object in so many was watched.
    pub every: u64,
    /// Objects watched, all of them made in the timed part.
    pub watched: u64,
    /// Watched objects that had not died when the timed part ended: alive, or not found yet.
    pub outlived: u64,
    /// Watched objects that died, by how many objects the program made between their birth and their death. `buckets[0]`
    /// counts those with none, `buckets[b]` those with at least 2^(b − 1) and less than 2^b. The last one is not 0.
    pub buckets: Vec<u64>,
}

/// Share of the deaths between two readings of a heap's counters that were by count; `None` if there were none.
pub fn died_by_count_share(before: &HeapStatistics, after: &HeapStatistics) -> Option<f64> {
    // Where a collector runs meanwhile, figures of two moments may cross.
    let by_count = after.freed_by_count.saturating_sub(before.freed_by_count);
    let by_collector = after.freed_by_collector.saturating_sub(before.freed_by_collector);
    let died = by_count + by_collector;
    (died > 0).then(|| by_count as f64 / died as f64)
}

/// The births of watched objects, and the deaths seen so far; shared by mutators and finalizers.
pub struct Watch {
    /// Objects made by the program through [`Watched`]: the clock. Weak references are not among them.
    made: AtomicU64,
    births: Mutex<FxHashMap<ObjectRef, u64>>,
    watched: AtomicU64,
    buckets: [AtomicU64; 65],
}

// Orderings in this file are relaxed: each word counts by itself, and is read when the threads that wrote it are joined;
// a clock that is read a moment late makes a lifetime wrong by the few objects that others made meanwhile.

impl Watch {
    /// One object in so many is watched. A prime, so that it does not keep step with a request of always equal objects.
    pub const EVERY: u64 = 31;

    /// Nothing made yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            made: AtomicU64::new(0),
            births: Mutex::default(),
            watched: AtomicU64::new(0),
            buckets: [const { AtomicU64::new(0) }; 65],
        })
    }

    /// The finalizer of watched types.
    pub fn register_finalizer<H: Heap>(self: &Arc<Self>, heap: &H) -> CallbackId {
        let watch = Arc::clone(self);
        heap.register_callback(Arc::new(move |_: &H::Mutator, object| watch.died(object.object())))
    }

    fn born(&self, object: ObjectRef, at: u64) {
        self.watched.fetch_add(1, Relaxed);
        self.births.lock().unwrap_or_else(PoisonError::into_inner).insert(object, at);
    }

    fn died(&self, object: ObjectRef) {
        let born = self.births.lock().unwrap_or_else(PoisonError::into_inner).remove(&object);
        let Some(born) = born else { return };
        let made_later = self.made.load(Relaxed).saturating_sub(born + 1);
        self.buckets[bucket_of(made_later)].fetch_add(1, Relaxed);
    }

    /// What was seen so far, without the share of deaths by count.
    pub fn reading(&self) -> Lifetimes {
        let mut buckets: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        buckets.truncate(buckets.iter().rposition(|&died| died > 0).map_or(0, |last| last + 1));
        Lifetimes {
            died_by_count_share: None,
            every: Self::EVERY,
            watched: self.watched.load(Relaxed),
            outlived: self.births.lock().unwrap_or_else(PoisonError::into_inner).len() as u64,
            buckets,
        }
    }
}

/// 0 for 0; otherwise one more than the logarithm to base 2, rounded down.
fn bucket_of(lifetime: u64) -> usize {
    (u64::BITS - lifetime.leading_zeros()) as usize
}

/// A mutator of whose objects every [`Watch::EVERY`]th is watched.
pub struct Watched<'m, 'w, M> {
    mutator: &'m M,
    watch: &'w Watch,
    /// Each type, and the same with the watch's finalizer.
    twins: &'w [(TypeId, TypeId)],
}

impl<'m, 'w, M: Mutator> Watched<'m, 'w, M> {
    /// Watches objects of the types that have a twin: the same type with the [finalizer](Watch::register_finalizer).
    pub fn new(mutator: &'m M, watch: &'w Watch, twins: &'w [(TypeId, TypeId)]) -> Self {
        Self { mutator, watch, twins }
    }
}

impl<M> Clone for Watched<'_, '_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Watched<'_, '_, M> {}

impl<'m, M: Mutator> Allocate<'m> for Watched<'m, '_, M> {
    type Mutator = M;

    fn mutator(self) -> &'m M {
        self.mutator
    }

    fn allocate(self, type_id: TypeId, shape: Shape) -> Result<Root<'m, M>, HeapFull> {
        let at = self.watch.made.fetch_add(1, Relaxed);
        let twin = || self.twins.iter().find(|(plain, _)| *plain == type_id).map(|&(_, twin)| twin);
        match at.is_multiple_of(Watch::EVERY).then(twin).flatten() {
            None => self.mutator.allocate(type_id, shape),
            Some(twin) => {
                let object = self.mutator.allocate(twin, shape)?;
                self.watch.born(object.object(), at);
                Ok(object)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use gc_core::{Control, Generation, GenerationalHeap, HeapConfig, Kind, NoObserver, Thresholds, TypeSpec};

    use super::*;

    #[test]
    fn buckets_double() {
        assert_eq!([0, 1, 2, 3, 4, 7, 8, u64::MAX].map(bucket_of), [0, 1, 2, 2, 3, 3, 4, 64]);
    }

    #[test]
    fn lifetimes_are_counted_in_later_allocations() {
        // Without automatic collections.
        let config = HeapConfig { thresholds: Thresholds([0, 10, 10]), ..HeapConfig::default() };
        let heap = GenerationalHeap::new(config, Arc::new(NoObserver)).unwrap();
        let watch = Watch::new();
        let finalizer = watch.register_finalizer(&heap);
        let plain = heap.register_type(TypeSpec::new("plain", Kind::Instance)).unwrap();
        let twin = heap.register_type(TypeSpec::new("plain", Kind::Instance).with_finalizer(finalizer)).unwrap();
        let mutator = heap.attach();
        let before = heap.statistics();
        let twins = [(plain, twin)];
        let source = Watched::new(&mutator, &watch, &twins);
        let make = || source.allocate(plain, Shape::new(1, 0)).unwrap();

        // Numbers 0, 31, 62 and 93 are watched. 0 dies at once; 31 on a cycle; 62 by count after 37 more; 93 is kept.
        drop(make());
        (1..31).for_each(|_| drop(make()));
        let on_cycle = make();
        on_cycle.store(0, Some(&on_cycle));
        drop(on_cycle);
        (32..62).for_each(|_| drop(make()));
        let for_a_while = make();
        (63..93).for_each(|_| drop(make()));
        let kept = make();
        (94..100).for_each(|_| drop(make()));
        drop(for_a_while);
        assert_eq!(watch.reading().outlived, 2, "31 is dead and not found yet");
        mutator.collect(Generation::OLD);

        // 0 after none, 62 after 37, 31 after 68.
        let mut buckets = vec![0; 8];
        (buckets[0], buckets[6], buckets[7]) = (1, 1, 1);
        let expected = Lifetimes { died_by_count_share: None, every: 31, watched: 4, outlived: 1, buckets };
        assert_eq!(watch.reading(), expected);
        assert_eq!(died_by_count_share(&before, &heap.statistics()), Some(98.0 / 99.0));
        drop(kept);
    }

    #[test]
    fn no_death_has_no_share() {
        assert_eq!(died_by_count_share(&HeapStatistics::default(), &HeapStatistics::default()), None);
    }
}
