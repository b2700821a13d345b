//! What checks are made of: a heap, an event log, nodes, and pairs that hold each other.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use gc_core::{
    Callback, CallbackId, Control, Generation, Heap, HeapFull, Kind, Mutator, NoObserver, Root, Shape, TypeId, TypeSpec,
};

use super::setup::Setup;

/// What happened, in order.
#[derive(Clone, Default)]
pub(super) struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    pub(super) fn push(&self, event: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.into());
    }

    /// All since the last call.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Two slots and a label: the node of most checks.
pub(super) const NODE: Shape = Shape::new(2, 8);

/// What an interpreter has on its heap before a program begins, in objects that its collector tracks.
pub(super) const INTERPRETER: usize = 6500;

/// A heap to try a claim on.
pub(super) struct Lab<H: Heap> {
    pub(super) heap: H,
    /// An ordinary type.
    pub(super) node: TypeId,
    pub(super) events: Events,
}

impl<H: Heap> Lab<H> {
    pub(super) fn new(setup: &Setup) -> Result<Self> {
        let heap = H::new(setup.config, Arc::new(NoObserver))?;
        let node = heap.register_type(TypeSpec::new("Node", Kind::Instance))?;
        Ok(Self { heap, node, events: Events::default() })
    }

    /// A plain type.
    pub(super) fn plain(&self, name: &str, kind: Kind) -> Result<TypeId> {
        Ok(self.heap.register_type(TypeSpec::new(name, kind))?)
    }

    pub(super) fn callback(&self, f: impl Fn(&H::Mutator, Root<'_, H::Mutator>) + Send + Sync + 'static) -> CallbackId {
        let callback: Callback<H::Mutator> = Arc::new(f);
        self.heap.register_callback(callback)
    }

    /// A type with this finalizer.
    pub(super) fn finalized(
        &self,
        f: impl Fn(&H::Mutator, Root<'_, H::Mutator>) + Send + Sync + 'static,
    ) -> Result<TypeId> {
        let finalizer = self.callback(f);
        Ok(self.heap.register_type(TypeSpec::new("Finalized", Kind::Instance).with_finalizer(finalizer))?)
    }

    /// A type whose finalizer logs its object's label.
    pub(super) fn logging(&self) -> Result<TypeId> {
        let events = self.events.clone();
        self.finalized(move |mutator, object| events.push(mutator.read_word(&object, 0).to_string()))
    }
}

/// A new object with a label.
pub(super) fn labelled<M: Mutator>(mutator: &M, type_id: TypeId, label: u64) -> Result<Root<'_, M>, HeapFull> {
    let object = mutator.allocate(type_id, NODE)?;
    mutator.write_word(&object, 0, label);
    Ok(object)
}

/// Objects 0 and 1, each of which holds the other.
pub(super) fn pair<M: Mutator>(mutator: &M, type_id: TypeId) -> Result<[Root<'_, M>; 2], HeapFull> {
    let (one, other) = (labelled(mutator, type_id, 0)?, labelled(mutator, type_id, 1)?);
    one.store(0, Some(&other));
    other.store(0, Some(&one));
    Ok([one, other])
}

/// What an interpreter has: objects that are there and collected once before.
pub(super) fn interpreter<M: Mutator>(mutator: &M, type_id: TypeId) -> Result<Vec<Root<'_, M>>, HeapFull> {
    let guard = mutator.disabled();
    let objects = (0..INTERPRETER).map(|_| mutator.allocate(type_id, NODE)).collect::<Result<Vec<_>, _>>()?;
    mutator.collect(Generation::OLD);
    drop(guard);
    Ok(objects)
}

/// Lets a heap that bounds what one operation frees catch up.
pub(super) fn settle<M: Mutator>(mutator: &M) {
    let mut live = mutator.heap().live_objects();
    loop {
        mutator.safepoint();
        match mutator.heap().live_objects() {
            now if now == live => return,
            now => live = now,
        }
    }
}

/// Collections of each generation so far.
pub(super) fn collections<M: Control>(mutator: &M) -> [u64; 3] {
    mutator.get_stats().map(|stats| stats.collections)
}

/// Collections of each generation while `f` runs.
pub(super) fn collections_of<M: Control, R>(mutator: &M, f: impl FnOnce() -> R) -> ([u64; 3], R) {
    let before = collections(mutator);
    let result = f();
    let after = collections(mutator);
    (std::array::from_fn(|generation| after[generation] - before[generation]), result)
}

/// Microseconds that `f` takes.
pub(super) fn microseconds<R>(f: impl FnOnce() -> R) -> (f64, R) {
    let begin = Instant::now();
    let result = f();
    (begin.elapsed().as_nanos() as f64 / 1e3, result)
}

/// The middle one of some figures, the upper of two.
pub(super) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
