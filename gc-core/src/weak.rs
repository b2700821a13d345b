//! Weak references: objects with one word that names their referent and that no collection follows.
//!
//! Each referent has a doubly linked list of its weak references: first the one without a callback, which all askers
//! share, then those with callbacks, newest first. So callbacks run from newest to oldest. Source: CPython,
//! `Objects/weakrefobject.c` (`PyWeakref_NewRef`, `insert_after`).
//!
//! ```text
//!  payload word 0   │ callback + 1 (32) │ referent (32) │      0 where there is none
//!  payload word 1   │ previous (32)     │ next (32)     │
//! ```

use rustc_hash::FxHashMap;

use crate::callback::CallbackId;
use crate::object::{ObjectRef, Shape, TypeId};
use crate::space::Space;
use crate::space::header::flag;
use crate::sync::Mutex;
use crate::sync::Ordering::Relaxed;

// Orderings in this file are relaxed: on plain heaps the turn guards weak references.

/// The shape of a weak reference object.
pub(crate) const SHAPE: Shape = Shape::new(0, 16);

/// The first weak reference of each referent that has any; its header says whether it has (`REFERENCED_WEAKLY`).
#[derive(Default)]
pub(crate) struct WeakTable {
    first: Mutex<FxHashMap<u32, u32>>,
}

/// Splits a payload word into its halves, low one first.
fn halves(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

fn join(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

impl WeakTable {
    /// Makes a new weak reference object refer to `referent`.
    pub(crate) fn link(&self, space: &Space, weak: ObjectRef, referent: ObjectRef, callback: Option<CallbackId>) {
        let callback_bits = callback.map_or(0, |id| id.0 + 1);
        space.payload_word(weak.bits(), 0, 0).store(join(referent.bits(), callback_bits), Relaxed);
        let mut first = self.first.lock();
        let head = first.get(&referent.bits()).copied();
        let plain_head = head.and_then(ObjectRef::from_bits).filter(|&head| callback_of(space, head).is_none());
        let (previous, next) = match (plain_head, callback) {
            (Some(plain), Some(_)) => (plain.bits(), next_of(space, plain).map_or(0, ObjectRef::bits)),
            _ => (0, head.unwrap_or(0)),
        };
        set_links(space, weak.bits(), previous, next);
        if previous == 0 {
            first.insert(referent.bits(), weak.bits());
        } else {
            set_next(space, previous, weak.bits());
        }
        if next != 0 {
            set_previous(space, next, weak.bits());
        }
        let shape = space.shape_word(referent.bits());
        shape.store(shape.load(Relaxed) | flag::REFERENCED_WEAKLY, Relaxed);
    }

    /// Clears a weak reference: it has no referent from here on. Its callback stays known.
    pub(crate) fn unlink(&self, space: &Space, weak: ObjectRef) {
        let word = space.payload_word(weak.bits(), 0, 0);
        let (referent, callback) = halves(word.load(Relaxed));
        if referent == 0 {
            return;
        }
        word.store(join(0, callback), Relaxed);
        let (next, previous) = halves(space.payload_word(weak.bits(), 0, 1).load(Relaxed));
        if next != 0 {
            set_previous(space, next, previous);
        }
        if previous != 0 {
            set_next(space, previous, next);
            return;
        }
        let mut first = self.first.lock();
        if next != 0 {
            first.insert(referent, next);
        } else {
            first.remove(&referent);
            let shape = space.shape_word(referent);
            shape.store(shape.load(Relaxed) & !flag::REFERENCED_WEAKLY, Relaxed);
        }
    }

    /// The weak references to an object, in the order of its list.
    pub(crate) fn of(&self, space: &Space, referent: ObjectRef) -> Vec<ObjectRef> {
        if space.shape_word(referent.bits()).load(Relaxed) & flag::REFERENCED_WEAKLY == 0 {
            return Vec::new();
        }
        let first = self.first.lock().get(&referent.bits()).copied();
        std::iter::successors(first.and_then(ObjectRef::from_bits), |&weak| next_of(space, weak)).collect()
    }

    /// The shared weak reference without a callback, if there is one.
    pub(crate) fn plain(&self, space: &Space, referent: ObjectRef) -> Option<ObjectRef> {
        let first = self.first.lock().get(&referent.bits()).copied();
        first.and_then(ObjectRef::from_bits).filter(|&weak| callback_of(space, weak).is_none())
    }
}

/// The referent of a weak reference, dead or alive.
pub(crate) fn referent_of(space: &Space, weak: ObjectRef) -> Option<ObjectRef> {
    ObjectRef::from_bits(halves(space.payload_word(weak.bits(), 0, 0).load(Relaxed)).0)
}

/// The callback of a weak reference.
pub(crate) fn callback_of(space: &Space, weak: ObjectRef) -> Option<CallbackId> {
    halves(space.payload_word(weak.bits(), 0, 0).load(Relaxed)).1.checked_sub(1).map(CallbackId)
}

/// Forgets the callback of a weak reference whose referent is gone: it ran, or never will.
pub(crate) fn forget_callback(space: &Space, weak: ObjectRef) {
    let word = space.payload_word(weak.bits(), 0, 0);
    word.store(join(halves(word.load(Relaxed)).0, 0), Relaxed);
}

/// Whether an object is a weak reference.
pub(crate) fn is_weak(space: &Space, object: ObjectRef) -> bool {
    space.type_of(object) == TypeId::WEAK_REFERENCE
}

fn next_of(space: &Space, weak: ObjectRef) -> Option<ObjectRef> {
    ObjectRef::from_bits(halves(space.payload_word(weak.bits(), 0, 1).load(Relaxed)).0)
}

fn set_links(space: &Space, weak: u32, previous: u32, next: u32) {
    space.payload_word(weak, 0, 1).store(join(next, previous), Relaxed);
}

fn set_next(space: &Space, weak: u32, next: u32) {
    let (_, previous) = halves(space.payload_word(weak, 0, 1).load(Relaxed));
    set_links(space, weak, previous, next);
}

fn set_previous(space: &Space, weak: u32, previous: u32) {
    let (next, _) = halves(space.payload_word(weak, 0, 1).load(Relaxed));
    set_links(space, weak, previous, next);
}
