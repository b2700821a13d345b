//! `GCTogglingTests`: collections that thresholds start, and that `disable` stops.

use super::counters::automatic;
use super::held::Held;
use super::row::Row;
use crate::config::HeapConfig;
use crate::conformance::fixture::{Fixture, labelled, ring};
use crate::control::{Control, Generation, Thresholds};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, TypeSpec};
use crate::root::Root;

/// Allocates lists and keeps them, until `happened` says so or there are 10,000. Returns how many.
fn keep_lists<H: Heap>(fixture: &Fixture<H>, mutator: &H::Mutator, mut happened: impl FnMut() -> bool) -> usize {
    let list = fixture.of_kind(Kind::List);
    let mut junk: Vec<Root<'_, H::Mutator>> = Vec::new();
    while junk.len() < 10_000 && !happened() {
        junk.push(labelled(mutator, list, 0));
        // The end of a loop is a check for a scheduled collection.
        mutator.safepoint();
    }
    junk.len()
}

/// What watches the old object of `sneaks_in`.
#[derive(Clone, Copy, PartialEq)]
enum Watch {
    Callback,
    Finalizer,
}

/// Two young self loops are garbage. One holds the only reference to an object of generation 2, whose callback or finalizer
/// looks at the other. A threshold starts the collection, of generation 0 only.
fn sneaks_in<H: Heap>(config: HeapConfig, watch: Watch) {
    let fixture = Fixture::<H>::as_configured(config);
    let mutator = fixture.heap.attach();
    let to_second = Held::default();
    let (log, seen) = (fixture.log.clone(), to_second.clone());
    let look = fixture.callback(move |mutator, _| log.push(format!("{:?}", seen.alive(mutator))));
    let spec = TypeSpec::new("old", Kind::Instance);
    let old_type = fixture.register(if watch == Watch::Finalizer { spec.with_finalizer(look) } else { spec });
    let old = ring(&mutator, old_type, 1);
    mutator.collect(Generation::OLD);
    fixture.recorder.collections.lock().clear();
    let first = ring(&mutator, fixture.node, 1);
    first.store(1, Some(&old));
    old.store(0, None);
    let second = ring(&mutator, fixture.node, 1);
    to_second.push(&mutator.weak_reference(&second, None).unwrap());
    let _weak = (watch == Watch::Callback).then(|| mutator.weak_reference(&old, Some(look)).unwrap());
    drop((old, first, second));
    let allocated = mutator.get_count().0[0] as usize;
    let threshold = mutator.get_threshold().0[0] as usize;
    let made = keep_lists(&fixture, &mutator, || automatic(&fixture) > 0);
    assert_eq!(made + allocated, threshold + 1, "the collection comes with the allocation that exceeds the threshold");
    let collections = fixture.recorder.collections.lock();
    assert_eq!(collections[0].generation, Generation::YOUNG);
    assert_eq!(collections[0].collected, 2, "the old object dies by count");
    assert_eq!(fixture.log.take(), ["[false]"], "it sees no garbage");
    drop(collections);
    to_second.take(&mutator);
}

pub fn test_bug1055820c<H: Heap>() -> Row {
    Row::new(
        "young garbage holds the last reference to an old object with a callback, which sees no other young garbage alive",
        |config| sneaks_in::<H>(config, Watch::Callback),
    )
    .of_cycles()
}

pub fn test_bug1055820d<H: Heap>() -> Row {
    Row::new("the same with a finalizer on the old object", |config| {
        let thresholds = Thresholds([1000, 0, 0]);
        sneaks_in::<H>(HeapConfig { thresholds, ..config }, Watch::Finalizer);
    })
    .of_cycles()
}

pub fn test_indirect_calls_with_gc_disabled<H: Heap>() -> Row {
    Row::new(
        "allocations start a collection where they exceed the threshold; while disabled, 10,000 start none",
        |config| {
            let thresholds = Thresholds([1000, 0, 0]);
            let fixture = Fixture::<H>::as_configured(HeapConfig { thresholds, ..config });
            let mutator = fixture.heap.attach();
            assert_eq!(keep_lists(&fixture, &mutator, || automatic(&fixture) > 0), 1001);
            let guard = mutator.disabled();
            assert_eq!(keep_lists(&fixture, &mutator, || automatic(&fixture) > 1), 10_000);
            drop(guard);
            assert!(mutator.is_enabled());
        },
    )
    .of_tracking()
}
