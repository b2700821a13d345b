//! What a check and the callbacks of its heap hold together: Python's lists and globals.

use crate::heap::Mutator;
use crate::root::{Root, SharedRoot};
use crate::sync::{Arc, Mutex};

/// A list of objects that keeps them alive.
#[derive(Clone, Default)]
pub(super) struct Held(Arc<Mutex<Vec<SharedRoot>>>);

impl Held {
    pub(super) fn push<M: Mutator>(&self, object: &Root<'_, M>) {
        self.0.lock().push(object.share());
    }

    /// The objects, which stay in the list.
    pub(super) fn all<'m, M: Mutator>(&self, mutator: &'m M) -> Vec<Root<'m, M>> {
        // No lock is held over an operation that may run a callback.
        let shared: Vec<_> = self.0.lock().iter().map(|shared| mutator.clone_shared(shared)).collect();
        shared.into_iter().map(|shared| mutator.adopt(shared)).collect()
    }

    /// The objects, which leave the list.
    pub(super) fn take<'m, M: Mutator>(&self, mutator: &'m M) -> Vec<Root<'m, M>> {
        let shared = std::mem::take(&mut *self.0.lock());
        shared.into_iter().map(|shared| mutator.adopt(shared)).collect()
    }

    /// Of each weak reference in the list, whether its referent is alive.
    pub(super) fn alive<M: Mutator>(&self, mutator: &M) -> Vec<bool> {
        self.all(mutator).iter().map(|weak| mutator.upgrade(weak).is_some()).collect()
    }
}
