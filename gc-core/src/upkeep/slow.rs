//! Collections that took too long.

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::{Collection, Observer};
use crate::sync::Mutex;

/// What is done with a slow collection.
type Report = Box<dyn Fn(&Collection) + Send + Sync>;

/// An observer that reports each collection of at least `threshold` and keeps the last of them.
///
/// A collection's duration is not a pause where mutators run meanwhile: for pauses see [`PauseLog`](super::PauseLog).
pub struct SlowCollections {
    threshold: Duration,
    keep: usize,
    report: Report,
    last: Mutex<VecDeque<Collection>>,
}

impl SlowCollections {
    /// Reports collections of at least `threshold`, and keeps the last `keep` of them. `report` runs while the heap waits
    /// for it: be quick, do not call the heap and do not panic.
    pub fn new(threshold: Duration, keep: usize, report: impl Fn(&Collection) + Send + Sync + 'static) -> Self {
        Self { threshold, keep, report: Box::new(report), last: Mutex::default() }
    }

    /// The last slow ones, oldest first.
    pub fn last(&self) -> Vec<Collection> {
        self.last.lock().iter().copied().collect()
    }
}

impl Observer for SlowCollections {
    fn collection(&self, collection: &Collection) {
        if collection.duration < self.threshold {
            return;
        }
        let mut last = self.last.lock();
        last.push_back(*collection);
        while last.len() > self.keep {
            last.pop_front();
        }
        drop(last);
        (self.report)(collection);
    }
}
