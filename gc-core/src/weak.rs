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
use crate::sync::Ordering::{Acquire, Relaxed, Release};

// Orderings in this file are relaxed unless argued: lists change under the table's lock.

/// The shape of a weak reference object.
pub const SHAPE: Shape = Shape::new(0, 16);

/// The first weak reference of each referent that has any; its header says whether it has (`REFERENCED_WEAKLY`).
#[derive(Default)]
pub struct WeakTable {
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
    pub fn link(&self, space: &Space, weak: ObjectRef, referent: ObjectRef, callback: Option<CallbackId>) {
        Self::link_locked(&mut self.first.lock(), space, weak, referent, callback);
    }

    /// Makes a new weak reference object, without a callback, refer to `referent`, unless there is one that `reuse` says yes
    /// to: then that is returned. `reuse` is called under the table's lock.
    pub fn link_unless(
        &self,
        space: &Space,
        weak: ObjectRef,
        referent: ObjectRef,
        mut reuse: impl FnMut(ObjectRef) -> bool,
    ) -> Option<ObjectRef> {
        let mut first = self.first.lock();
        let head = first.get(&referent.bits()).copied().and_then(ObjectRef::from_bits);
        let reused = std::iter::successors(head, |&other| next_of(space, other))
            .find(|&other| callback_of(space, other).is_none() && reuse(other));
        if reused.is_none() {
            Self::link_locked(&mut first, space, weak, referent, None);
        }
        reused
    }

    fn link_locked(
        first: &mut FxHashMap<u32, u32>,
        space: &Space,
        weak: ObjectRef,
        referent: ObjectRef,
        callback: Option<CallbackId>,
    ) {
        let callback_bits = callback.map_or(0, |id| id.0 + 1);
        space.payload_word(weak.bits(), 0, 0).store(join(referent.bits(), callback_bits), Relaxed);
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
        set_referenced(space, referent.bits(), true);
    }

    /// Clears a weak reference: it has no referent from here on. Its callback stays known.
    pub fn unlink(&self, space: &Space, weak: ObjectRef) {
        Self::unlink_locked(&mut self.first.lock(), space, weak);
    }

    /// The same if `chosen` says yes, which is asked under the table's lock: while nobody can come by it through its referent.
    /// Returns the answer.
    pub fn unlink_if(&self, space: &Space, weak: ObjectRef, chosen: impl FnOnce() -> bool) -> bool {
        let mut first = self.first.lock();
        let chosen = chosen();
        if chosen {
            Self::unlink_locked(&mut first, space, weak);
        }
        chosen
    }

    fn unlink_locked(first: &mut FxHashMap<u32, u32>, space: &Space, weak: ObjectRef) {
        let word = space.payload_word(weak.bits(), 0, 0);
        let (referent, callback) = halves(word.load(Relaxed));
        if referent == 0 {
            return;
        }
        // Release: pairs with the second reading of an upgrade, where mutators run in parallel.
        word.store(join(0, callback), Release);
        let (next, previous) = halves(space.payload_word(weak.bits(), 0, 1).load(Relaxed));
        if next != 0 {
            set_previous(space, next, previous);
        }
        if previous != 0 {
            set_next(space, previous, next);
            return;
        }
        if next != 0 {
            first.insert(referent, next);
        } else {
            first.remove(&referent);
            set_referenced(space, referent, false);
        }
    }

    /// Clears those of an object's weak references that `chosen` is true for, in the order of its list. `chosen` is called
    /// under the table's lock: no weak reference of the list can be freed meanwhile, and it must not use the table.
    pub fn clear(
        &self,
        space: &Space,
        referent: ObjectRef,
        mut chosen: impl FnMut(ObjectRef, Option<CallbackId>) -> bool,
    ) {
        let mut first = self.first.lock();
        let mut next = first.get(&referent.bits()).copied().and_then(ObjectRef::from_bits);
        while let Some(weak) = next {
            next = next_of(space, weak);
            if chosen(weak, callback_of(space, weak)) {
                Self::unlink_locked(&mut first, space, weak);
            }
        }
    }

    /// Calls `visit` with the weak references to an object, in the order of its list, under the table's lock.
    pub fn for_each(&self, space: &Space, referent: ObjectRef, mut visit: impl FnMut(ObjectRef, Option<CallbackId>)) {
        self.clear(space, referent, |weak, callback| {
            visit(weak, callback);
            false
        });
    }

    /// Holds the lock over `f`, in which the process forks.
    pub fn hold<R>(&self, f: impl FnOnce() -> R) -> R {
        let _first = self.first.lock();
        f()
    }

    /// The weak references to an object, in the order of its list.
    pub fn of(&self, space: &Space, referent: ObjectRef) -> Vec<ObjectRef> {
        if space.shape_word(referent.bits()).load(Relaxed) & flag::REFERENCED_WEAKLY == 0 {
            return Vec::new();
        }
        let first = self.first.lock();
        let head = first.get(&referent.bits()).copied();
        std::iter::successors(head.and_then(ObjectRef::from_bits), |&weak| next_of(space, weak)).collect()
    }

    /// The shared weak reference without a callback, if there is one.
    pub fn plain(&self, space: &Space, referent: ObjectRef) -> Option<ObjectRef> {
        let first = self.first.lock();
        let head = first.get(&referent.bits()).copied();
        head.and_then(ObjectRef::from_bits).filter(|&weak| callback_of(space, weak).is_none())
    }
}

/// The referent of a weak reference, dead or alive.
pub fn referent_of(space: &Space, weak: ObjectRef) -> Option<ObjectRef> {
    // Acquire: pairs with the release of `unlink_locked`. It matters where mutators run in parallel.
    ObjectRef::from_bits(halves(space.payload_word(weak.bits(), 0, 0).load(Acquire)).0)
}

/// The callback of a weak reference.
pub fn callback_of(space: &Space, weak: ObjectRef) -> Option<CallbackId> {
    halves(space.payload_word(weak.bits(), 0, 0).load(Relaxed)).1.checked_sub(1).map(CallbackId)
}

/// Forgets the callback of a weak reference whose referent is gone: it ran, or never will.
pub fn forget_callback(space: &Space, weak: ObjectRef) {
    let word = space.payload_word(weak.bits(), 0, 0);
    word.store(join(halves(word.load(Relaxed)).0, 0), Relaxed);
}

/// Whether an object is a weak reference.
pub fn is_weak(space: &Space, object: ObjectRef) -> bool {
    space.type_of(object) == TypeId::WEAK_REFERENCE
}

fn set_referenced(space: &Space, referent: u32, referenced: bool) {
    let shape = space.shape_word(referent);
    if referenced {
        shape.fetch_or(flag::REFERENCED_WEAKLY, Relaxed);
    } else {
        shape.fetch_and(!flag::REFERENCED_WEAKLY, Relaxed);
    }
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
