//! What is in a heap when a collection begins, and what it found dead: counted in callbacks around it.

use gc_core::callback::Phase;
use gc_core::inspection::components::Components;
use gc_core::{Heap, HeapStatistics, Mutator, ObjectRef};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::audit::bytes_of;

/// Sums over the collections of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Census {
    /// What the heap held when the collection under way began.
    before: Contents,
    /// Objects in the heap as collections began.
    pub(crate) objects: u64,
    /// Their references, null ones not counted.
    pub(crate) references: u64,
    /// Their bytes: header, slots, payload; no rounding to cells.
    pub(crate) bytes: u64,
    /// Objects that collections freed and that were on a cycle.
    pub(crate) on_cycles: u64,
    /// Objects of the largest strongly connected component among them.
    pub(crate) largest_cycle: u64,
    /// The heap's counters at the end of the last collection.
    pub(crate) statistics: Option<HeapStatistics>,
}

/// The objects of a heap as a graph.
#[derive(Clone, Debug, Default)]
struct Contents {
    objects: Vec<ObjectRef>,
    /// Where each one's targets end.
    ends: Vec<usize>,
    targets: Vec<ObjectRef>,
}

impl Contents {
    fn of<M: Mutator>(mutator: &M) -> Self {
        let mut contents = Self::default();
        mutator.walk(&mut |object, targets| {
            contents.targets.extend_from_slice(targets);
            contents.objects.push(object);
            contents.ends.push(contents.targets.len());
        });
        contents
    }

    fn targets(&self, node: usize) -> &[ObjectRef] {
        let begin = node.checked_sub(1).map_or(0, |previous| self.ends[previous]);
        &self.targets[begin..self.ends[node]]
    }
}

impl Census {
    /// Counts at one end of a collection. No other mutator may run.
    pub(crate) fn take<M: Mutator>(&mut self, mutator: &M, phase: Phase) {
        match phase {
            Phase::Start => {
                self.before = Contents::of(mutator);
                self.objects += self.before.objects.len() as u64;
                self.references += self.before.targets.len() as u64;
                self.bytes += self.before.objects.iter().map(|&object| bytes_of(mutator, object)).sum::<u64>();
            }
            Phase::Stop => {
                let before = std::mem::take(&mut self.before);
                let mut left = FxHashSet::default();
                mutator.walk(&mut |object, _| {
                    left.insert(object);
                });
                self.count_cycles(&before, &left);
                self.statistics = Some(mutator.heap().statistics());
            }
        }
    }

    /// Among the objects of `before` that are not `left`.
    fn count_cycles(&mut self, before: &Contents, left: &FxHashSet<ObjectRef>) {
        let dead: Vec<usize> =
            (0..before.objects.len()).filter(|&node| !left.contains(&before.objects[node])).collect();
        let number: FxHashMap<ObjectRef, u32> =
            (0..).zip(&dead).map(|(number, &node)| (before.objects[node], number)).collect();
        let edges: Vec<Vec<u32>> = dead
            .iter()
            .map(|&node| before.targets(node).iter().filter_map(|target| number.get(target).copied()).collect())
            .collect();
        let components = Components::over(edges.len(), |node| &edges[node as usize], |_| true);
        for (&size, &cyclic) in components.sizes().iter().zip(components.cyclic()) {
            if cyclic {
                self.on_cycles += u64::from(size);
                self.largest_cycle = self.largest_cycle.max(size.into());
            }
        }
    }
}
