//! What the classes of `test_finalization.py` share: nodes that note each call of their finalizers.

use super::held::Held;
use crate::callback::CallbackId;
use crate::config::HeapConfig;
use crate::conformance::fixture::{Fixture, Log, label};
use crate::control::{Control, Generation};
use crate::heap::Heap;
use crate::root::Root;

/// The base of all tests of that file: what was called, and who survived.
pub(super) struct Scene<H: Heap> {
    pub(super) fixture: Fixture<H>,
    /// Labels of objects whose finalizer ran (`del_calls`).
    pub(super) finalized: Log,
    /// Labels of objects whose legacy finalizer ran (`tp_del_calls`).
    pub(super) legacy: Log,
    /// What finalizers brought back (`survivors`).
    pub(super) survivors: Held,
}

impl<H: Heap> Scene<H> {
    pub(super) fn new(config: HeapConfig) -> Self {
        Self {
            fixture: Fixture::new(config),
            finalized: Log::default(),
            legacy: Log::default(),
            survivors: Held::default(),
        }
    }

    /// A finalizer that notes its call, sees that the object is sane, then has its side effect.
    pub(super) fn finalizer(
        &self,
        sane: impl Fn(&Root<'_, H::Mutator>) -> bool + Send + Sync + 'static,
        effect: impl Fn(&Root<'_, H::Mutator>) + Send + Sync + 'static,
    ) -> CallbackId {
        let log = self.finalized.clone();
        self.fixture.callback(move |_, object| {
            log.push(label(&object).to_string());
            if !sane(&object) {
                log.push(format!("{} is broken", label(&object)));
            }
            effect(&object);
        })
    }

    /// A legacy finalizer that notes its call, then has its side effect.
    pub(super) fn legacy_finalizer(
        &self,
        effect: impl Fn(&Root<'_, H::Mutator>) + Send + Sync + 'static,
    ) -> CallbackId {
        let log = self.legacy.clone();
        self.fixture.callback(move |_, object| {
            log.push(label(&object).to_string());
            effect(&object);
        })
    }

    /// Collects. Returns what `collect` did, the labels finalized since the last call, sorted, and those of the survivors.
    pub(super) fn collect(&self, mutator: &H::Mutator) -> (u64, Vec<String>, Vec<u64>) {
        let found = mutator.collect(Generation::OLD);
        let mut finalized = self.finalized.take();
        finalized.sort();
        let mut survivors: Vec<_> = self.survivors.all(mutator).iter().map(label).collect();
        survivors.sort();
        assert!(self.fixture.recorder.panics.lock().is_empty(), "{:?}", self.fixture.recorder.panics.lock());
        (found, finalized, survivors)
    }
}

/// The labels from 0 up to `count`, as `Scene::collect` tells them.
pub(super) fn labels(count: usize) -> Vec<String> {
    (0..count).map(|n| n.to_string()).collect()
}

/// No label.
pub(super) const NONE: [String; 0] = [];
