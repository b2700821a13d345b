//! What happens to unreachable objects: weak references, finalizers, resurrection, teardown.
//!
//! Callbacks and finalizers run in here. They may do anything a program may do, so between any two calls objects can
//! have died, changed lists or come back to life; that is why every loop takes the first object of a list anew.

use crate::callback::Place;
use crate::config::WeakOrder;
use crate::debug::DebugFlags;
use crate::object::ObjectRef;
use crate::plain::PlainMutator;
use crate::root::Root;
use crate::space::Sentinel;
use crate::space::header::{self, flag};
use crate::sync::Ordering::Relaxed;
use crate::sync::add_exclusive;
use crate::weak;

use super::lists::{Lists, head};
use super::state::Generational;
use super::trial_deletion::deduce_unreachable;

// Orderings in this file are relaxed: the thread that has the turn is alone (T1 of `turn`).

type Mutator<const STREAMING: bool> = PlainMutator<Generational<STREAMING>>;

/// The second half of a collection, whose survivors go to `old`.
pub(super) struct Finalization<'c, const SIDE: bool, const STREAMING: bool> {
    mutator: &'c Mutator<STREAMING>,
    lists: Lists<'c, SIDE>,
    old: Sentinel,
}

impl<'c, const SIDE: bool, const STREAMING: bool> Finalization<'c, SIDE, STREAMING> {
    pub(super) fn new(mutator: &'c Mutator<STREAMING>, lists: Lists<'c, SIDE>, old: Sentinel) -> Self {
        Self { mutator, lists, old }
    }

    fn has_legacy_finalizer(&self, object: ObjectRef) -> bool {
        let shared = self.mutator.shared();
        self.mutator.has_flag(object, flag::HOOKED)
            && shared.types.spec(shared.space.type_of(object)).legacy_finalizer.is_some()
    }

    /// Moves objects with a legacy finalizer, and all that they reach, to a list of their own: they are not collected
    /// (`move_legacy_finalizers`, `move_legacy_finalizer_reachable`).
    pub(super) fn set_legacy_aside(&self) {
        let lists = self.lists;
        for object in lists.iter(head::UNREACHABLE) {
            if self.has_legacy_finalizer(object) {
                lists.clear_candidate(object.bits());
                lists.move_to(object.bits(), head::LEGACY);
            }
        }
        // The list grows at its tail while it is walked.
        let mut object = lists.next(head::LEGACY.0);
        while object != head::LEGACY.0 {
            for target in lists.targets(object) {
                if lists.is_candidate(target) {
                    lists.clear_candidate(target);
                    lists.move_to(target, head::LEGACY);
                }
            }
            object = lists.next(object);
        }
    }

    /// Clears the weak references to the unreachable objects, then calls the callbacks of those that are not unreachable
    /// themselves. Returns how many of these died meanwhile; they count as collected. (`handle_weakrefs`)
    pub(super) fn clear_weak_references(&self) -> u64 {
        let (mutator, lists) = (self.mutator, self.lists);
        let shared = mutator.shared();
        let plain_too = shared.config.weak_order == WeakOrder::BeforeFinalizers;
        for object in lists.iter(head::UNREACHABLE) {
            if weak::is_weak(&shared.space, object) {
                // Unreachable itself: never called, and not later from a destructor either.
                if plain_too || weak::callback_of(&shared.space, object).is_some() {
                    shared.weak.unlink(&shared.space, object);
                }
                continue;
            }
            for weak in shared.weak.of(&shared.space, object) {
                let has_callback = weak::callback_of(&shared.space, weak).is_some();
                if has_callback || plain_too {
                    shared.weak.unlink(&shared.space, weak);
                }
                if has_callback && !lists.is_candidate(weak.bits()) {
                    mutator.retain_running(weak);
                    lists.move_to(weak.bits(), head::CALLBACKS);
                }
            }
        }
        let mut died = 0;
        while let Some(weak) = lists.first(head::CALLBACKS) {
            if let Some(callback) = weak::callback_of(&shared.space, weak) {
                weak::forget_callback(&shared.space, weak);
                // The retain of above keeps the object on the list over the call.
                mutator.retain_running(weak);
                let root = Root::adopt(mutator, weak);
                shared.callbacks.call(callback, mutator, root, Place::WeakReference, &*shared.observer);
            }
            mutator.release_running(weak);
            if lists.first(head::CALLBACKS) == Some(weak) {
                lists.move_to(weak.bits(), self.old);
            } else {
                died += 1;
            }
        }
        died
    }

    /// Runs each unreachable object's finalizer, once in its life, with the graph intact (`finalize_garbage`).
    pub(super) fn run_finalizers(&self) {
        let (mutator, lists) = (self.mutator, self.lists);
        let shared = mutator.shared();
        while let Some(object) = lists.first(head::UNREACHABLE) {
            lists.move_to(object.bits(), head::SEEN);
            if !mutator.has_flag(object, flag::HOOKED) || mutator.has_flag(object, flag::FINALIZED) {
                continue;
            }
            let Some(finalizer) = shared.types.spec(shared.space.type_of(object)).finalizer else { continue };
            mutator.set_flag(object, flag::FINALIZED);
            mutator.retain_running(object);
            // The drop of the root may free the object, which then leaves the list unseen.
            let root = Root::adopt(mutator, object);
            shared.callbacks.call(finalizer, mutator, root, Place::Finalizer, &*shared.observer);
        }
        lists.merge(head::SEEN, head::UNREACHABLE);
    }

    /// Trial deletion once more: what finalizers brought back, and all that it reaches, goes to the old generation
    /// (`handle_resurrected_objects`).
    pub(super) fn keep_resurrected(&self) {
        let lists = self.lists;
        lists.iter(head::UNREACHABLE).for_each(|object| lists.clear_candidate(object.bits()));
        deduce_unreachable(lists, head::UNREACHABLE, head::FINAL);
        lists.merge(head::UNREACHABLE, self.old);
    }

    /// Weak references that are unreachable themselves (CPython 3.15 lets those without a callback live until here).
    pub(super) fn clear_remaining_weak_references(&self) {
        let shared = self.mutator.shared();
        for object in self.lists.iter(head::FINAL) {
            if weak::is_weak(&shared.space, object) {
                shared.weak.unlink(&shared.space, object);
            }
        }
    }

    /// Weak references that finalizers made, or that were left for finalizers to use: dead before anything is cleared,
    /// without a callback (CPython 3.13.15, 3.14.4 and later; older ones could expose cleared objects).
    pub(super) fn clear_weak_references_of_final(&self) {
        let shared = self.mutator.shared();
        for object in self.lists.iter(head::FINAL) {
            for weak in shared.weak.of(&shared.space, object) {
                shared.weak.unlink(&shared.space, weak);
            }
        }
    }

    /// Takes the rest apart: holds the first object, clears its slots, lets it go. Counting does the rest. Under `SAVEALL`
    /// it goes to `garbage` as it is (`delete_garbage`).
    pub(super) fn tear_down(&self) {
        let (mutator, lists) = (self.mutator, self.lists);
        let shared = mutator.shared();
        let freed_before = shared.freed.load(Relaxed);
        if self.saves_all() {
            for object in lists.iter(head::FINAL) {
                mutator.keep_as_garbage(object);
                lists.clear_candidate(object.bits());
            }
            return lists.merge(head::FINAL, self.old);
        }
        while let Some(object) = lists.first(head::FINAL) {
            mutator.retain_running(object);
            let observed = mutator.has_flag(object, flag::OBSERVED);
            if observed {
                mutator.begin_teardown(object);
            }
            let word = shared.space.shape_word(object.bits()).load(Relaxed);
            mutator.release_slots(object.bits(), header::slots(word), header::kind(word));
            if observed {
                mutator.end_teardown(object);
            }
            mutator.release_running(object);
            if lists.first(head::FINAL) == Some(object) {
                // Something holds it still. It may die later.
                lists.clear_candidate(object.bits());
                lists.move_to(object.bits(), self.old);
            }
        }
        add_exclusive(&shared.freed_by_collector, shared.freed.load(Relaxed) - freed_before);
    }

    /// How many objects a legacy finalizer keeps.
    pub(super) fn uncollectable(&self) -> u64 {
        self.lists.iter(head::LEGACY).count() as u64
    }

    /// Puts objects with a legacy finalizer into `garbage`, under `SAVEALL` those that they reach as well; all of them live
    /// on in the old generation (`handle_legacy_finalizers`).
    pub(super) fn keep_legacy(&self) {
        let saves_all = self.saves_all();
        for object in self.lists.iter(head::LEGACY) {
            if saves_all || self.has_legacy_finalizer(object) {
                self.mutator.keep_as_garbage(object);
            }
        }
        self.lists.merge(head::LEGACY, self.old);
    }

    fn saves_all(&self) -> bool {
        self.mutator.shared().messages.has(DebugFlags::SAVEALL)
    }

    /// Names the objects on a list, if `flag` says so (`debug_cycle`).
    pub(super) fn name(&self, flag: DebugFlags, list: Sentinel, line: impl Fn(&str, ObjectRef) -> String) {
        let shared = self.mutator.shared();
        if !shared.messages.has(flag) {
            return;
        }
        let mut text = String::new();
        for object in self.lists.iter(list) {
            text += &line(&shared.types.spec(shared.space.type_of(object)).name, object);
        }
        if !text.is_empty() {
            shared.messages.write(&text, &*shared.observer);
        }
    }
}
