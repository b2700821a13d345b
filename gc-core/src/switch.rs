//! Whether thresholds start collections: a setting, and the guards that override it. For heaps.

use crate::sync::Ordering::Relaxed;
use crate::sync::{AtomicBool, AtomicU32};

// Orderings in this file are relaxed: a setting, read for itself.

/// See the [module](self).
pub struct Switch {
    enabled: AtomicBool,
    guards: AtomicU32,
}

impl Default for Switch {
    fn default() -> Self {
        Self { enabled: AtomicBool::new(true), guards: AtomicU32::new(0) }
    }
}

impl Switch {
    /// The setting.
    pub fn set(&self, enabled: bool) {
        self.enabled.store(enabled, Relaxed);
    }

    /// Whether it is set and there is no guard.
    pub fn is_on(&self) -> bool {
        self.enabled.load(Relaxed) && self.guards.load(Relaxed) == 0
    }

    /// One more guard.
    pub fn suspend(&self) {
        self.guards.fetch_add(1, Relaxed);
    }

    /// One guard less.
    pub fn resume(&self) {
        let before = self.guards.fetch_sub(1, Relaxed);
        debug_assert!(before != 0, "there was no guard");
    }
}
