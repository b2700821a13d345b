//! Several observers as one.

use std::time::Duration;

use crate::event::{Cascade, Cause, Collection, Observer, Panicked};
use crate::object::ObjectRef;
use crate::sync::Arc;

/// Tells each of its observers, in order.
pub struct Observers(pub Vec<Arc<dyn Observer>>);

impl Observer for Observers {
    fn interruption_begins(&self, cause: Cause) {
        self.0.iter().for_each(|observer| observer.interruption_begins(cause));
    }
    fn interruption_ends(&self, cause: Cause, duration: Duration) {
        self.0.iter().for_each(|observer| observer.interruption_ends(cause, duration));
    }
    fn collection(&self, collection: &Collection) {
        self.0.iter().for_each(|observer| observer.collection(collection));
    }
    fn cascade(&self, cascade: &Cascade) {
        self.0.iter().for_each(|observer| observer.cascade(cascade));
    }
    /// Said once, by the first: the default of each would print it again.
    fn panicked(&self, panicked: &Panicked) {
        if let Some(first) = self.0.first() {
            first.panicked(panicked);
        }
    }
    fn teardown(&self, object: ObjectRef, begins: bool) {
        self.0.iter().for_each(|observer| observer.teardown(object, begins));
    }
}
