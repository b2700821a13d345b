//! What a heap reports to: the instruments of a cell that listen to it.

use std::sync::Arc;
use std::time::Duration;

use gc_core::event::{Cascade, Cause, Collection, Panicked};
use gc_core::{NoObserver, ObjectRef, Observer};
use workloads::drag::DragWatch;

use crate::instruments::{Instrument, Instruments};
use crate::ledger::Ledger;

/// The instruments that listen, if they are switched on.
#[derive(Default)]
pub(crate) struct Attached {
    pub(crate) ledger: Option<Ledger>,
    pub(crate) drag: Option<DragWatch>,
}

impl Attached {
    pub(crate) fn new(instruments: &Instruments) -> Arc<Self> {
        let ledger = instruments.has(Instrument::Ledger).then(Ledger::default);
        Arc::new(Self { ledger, drag: instruments.has(Instrument::Drag).then(DragWatch::default) })
    }
}

impl Observer for Attached {
    fn interruption_begins(&self, cause: Cause) {
        if let Some(ledger) = &self.ledger {
            ledger.interruption_begins(cause);
        }
    }

    fn interruption_ends(&self, cause: Cause, duration: Duration) {
        if let Some(ledger) = &self.ledger {
            ledger.interruption_ends(cause, duration);
        }
    }

    fn collection(&self, collection: &Collection) {
        if let Some(ledger) = &self.ledger {
            ledger.collection(collection);
        }
    }

    fn cascade(&self, cascade: &Cascade) {
        if let Some(ledger) = &self.ledger {
            ledger.cascade(cascade);
        }
    }

    fn panicked(&self, panicked: &Panicked) {
        match &self.ledger {
            Some(ledger) => ledger.panicked(panicked),
            None => NoObserver.panicked(panicked),
        }
    }

    fn teardown(&self, object: ObjectRef, begins: bool) {
        if let Some(drag) = &self.drag
            && begins
        {
            drag.reclaimed(object);
        }
    }
}
