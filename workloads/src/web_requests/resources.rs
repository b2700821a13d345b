//! Resources that requests open, as files or connections: an object each, released by hand or by its finalizer.
//!
//! Both ways the object has the finalizer, and it releases what is still open, as Python's files do; the difference is who
//! comes first. A resource hangs off the first node of its request's tree, so with strong parent links it is found with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use gc_core::{Heap, HeapFull, Kind, Mutator, Root, Shape, TypeId, TypeSpec};

/// The word of a resource's payload that says whether it is open.
const OPEN: u32 = 0;

/// How many resources are held. Shared by mutators and finalizers.
#[derive(Debug, Default)]
struct Held {
    now: AtomicU64,
    peak: AtomicU64,
}

// Orderings in this file are relaxed: the figures count by themselves, and are read when the mutators are joined.

impl Held {
    fn release<M: Mutator>(&self, mutator: &M, resource: &Root<'_, M>) {
        if mutator.read_word(resource, OPEN) == 1 {
            mutator.write_word(resource, OPEN, 0);
            self.now.fetch_sub(1, Relaxed);
        }
    }
}

/// The resources of a run.
#[derive(Clone, Debug)]
pub(super) struct Resources {
    resource: TypeId,
    held: Arc<Held>,
}

impl Resources {
    pub(super) fn register<H: Heap>(heap: &H) -> Self {
        let held = Arc::new(Held::default());
        let of_finalizer = Arc::clone(&held);
        let finalizer = heap.register_callback(Arc::new(move |mutator: &H::Mutator, resource| {
            of_finalizer.release(mutator, &resource);
        }));
        let spec = TypeSpec::new("Resource", Kind::Instance).with_finalizer(finalizer);
        Self { resource: heap.register_type(spec).expect("a new heap has few types"), held }
    }

    /// Opens one.
    pub(super) fn open<'m, M: Mutator>(&self, mutator: &'m M) -> Result<Root<'m, M>, HeapFull> {
        let resource = mutator.allocate(self.resource, Shape::new(0, 16))?;
        mutator.write_word(&resource, OPEN, 1);
        let now = self.held.now.fetch_add(1, Relaxed) + 1;
        self.held.peak.fetch_max(now, Relaxed);
        Ok(resource)
    }

    /// Releases one, unless that was done.
    pub(super) fn release<M: Mutator>(&self, mutator: &M, resource: &Root<'_, M>) {
        self.held.release(mutator, resource);
    }

    /// Held at present.
    pub(super) fn held(&self) -> u64 {
        self.held.now.load(Relaxed)
    }

    /// The most held at once, since the last restart.
    pub(super) fn peak(&self) -> u64 {
        self.held.peak.load(Relaxed)
    }

    /// From here on the most is what is held now.
    pub(super) fn restart_peak(&self) {
        self.held.peak.store(self.held(), Relaxed);
    }
}
