//! What runs while objects die: finalizers that resurrect, panic, allocate and collect, and callbacks of weak references.

use std::any::Any;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Once};

use gc_core::{CallbackId, Generation, Heap, Mutator, Root, Shape, TypeId};

use super::random::{below, one_in};
use super::{Stage, TABLE};

/// The message of panics that are part of the test.
pub(crate) const DELIBERATE: &str = "deliberate";

/// Panics that are part of the test are not printed.
pub(crate) fn silence_deliberate_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if message_of(panic.payload()) != DELIBERATE {
                usual(panic);
            }
        }));
    });
}

/// What a panic says.
pub(crate) fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// The table, unless the run is closing.
fn table<'m, M: Mutator>(mutator: &'m M, stage: &Stage) -> Option<Root<'m, M>> {
    if stage.closing.load(Ordering::Relaxed) {
        return None;
    }
    let shared = stage.table.lock().as_ref().map(|table| mutator.clone_shared(table));
    shared.map(|shared| mutator.adopt(shared))
}

fn keep<M: Mutator>(mutator: &M, stage: &Stage, object: &Root<'_, M>) {
    if let Some(table) = table(mutator, stage) {
        table.store(below(TABLE), Some(object));
        Stage::count(&stage.resurrected);
    }
}

/// Does something that a program might do in a callback.
fn act<M: Mutator>(mutator: &M, stage: &Stage, type_id: TypeId) {
    match below(24) {
        0..4 => std::panic::panic_any(DELIBERATE),
        4..8 => {
            for _ in 0..below(6) {
                drop(mutator.allocate(type_id, Shape::new(below(3), 0)));
            }
        }
        8 if one_in(20) => drop(mutator.collect(Generation::ALL[below(3) as usize])),
        9 => mutator.safe_region(std::thread::yield_now),
        10..12 => mutator.safepoint(),
        12 => {
            if let Some(table) = table(mutator, stage) {
                drop(table.take(below(TABLE)));
            }
        }
        _ => {}
    }
}

pub(crate) fn finalizer<H: Heap>(heap: &H, stage: &Arc<Stage>, type_id: TypeId) -> CallbackId {
    let stage = Arc::clone(stage);
    heap.register_callback(Arc::new(move |mutator: &H::Mutator, object: Root<'_, H::Mutator>| {
        let runs = mutator.read_word(&object, 3);
        mutator.write_word(&object, 3, runs + 1);
        Stage::count(&stage.finalized);
        assert_eq!(runs, 0, "{object:?} is finalized once more");
        // It is whole: the stamp is there.
        let stamp = object.load(0).unwrap_or_else(|| panic!("{object:?} is finalized without its stamp"));
        assert_eq!(mutator.read_word(&stamp, 0), mutator.read_word(&object, 2), "{object:?} has another's stamp");
        if one_in(4) {
            keep(mutator, &stage, &object);
        }
        act(mutator, &stage, type_id);
    }))
}

/// The finalizer of an atomic object, which runs at each of its deaths.
pub(crate) fn guard<H: Heap>(heap: &H, stage: &Arc<Stage>, type_id: TypeId) -> CallbackId {
    let stage = Arc::clone(stage);
    heap.register_callback(Arc::new(move |mutator: &H::Mutator, object: Root<'_, H::Mutator>| {
        assert_ne!(mutator.read_word(&object, 0), 0, "{object:?} has its serial");
        if one_in(16) {
            keep(mutator, &stage, &object);
        }
        act(mutator, &stage, type_id);
    }))
}

pub(crate) fn legacy_finalizer<H: Heap>(heap: &H) -> CallbackId {
    heap.register_callback(Arc::new(move |mutator: &H::Mutator, object: Root<'_, H::Mutator>| {
        assert_ne!(mutator.read_word(&object, 0), 0, "{object:?} has its serial");
        if one_in(4) {
            std::panic::panic_any(DELIBERATE);
        }
    }))
}

pub(crate) fn weak_callback<H: Heap>(heap: &H, stage: &Arc<Stage>, type_id: TypeId) -> CallbackId {
    let stage = Arc::clone(stage);
    heap.register_callback(Arc::new(move |mutator: &H::Mutator, weak: Root<'_, H::Mutator>| {
        Stage::count(&stage.weak_callbacks);
        assert!(mutator.upgrade(&weak).is_none(), "the referent of {weak:?} is gone when it is called");
        if one_in(8) {
            keep(mutator, &stage, &weak);
        }
        act(mutator, &stage, type_id);
    }))
}
