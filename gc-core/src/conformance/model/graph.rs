//! The model: a plain graph with counts, generations, weak references and finalizers.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finalizer, REGISTERS, SLOTS};
use crate::config::WeakOrder;
use crate::control::Generation;
use crate::object::{Kind, ObjectRef};

/// What a callback did: of a finalizer, or of the weak reference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Event {
    Finalized(ObjectRef),
    Called(ObjectRef),
}

/// An object's number in the graph: objects are numbered as they are allocated.
pub(super) type Id = usize;

pub(super) struct WeakPart {
    pub(super) target: Option<Id>,
    pub(super) callback: bool,
}

pub(super) struct Node {
    pub(super) object: ObjectRef,
    pub(super) kind: Kind,
    pub(super) finalizer: Finalizer,
    pub(super) finalized: bool,
    pub(super) count: u32,
    pub(super) immortal: bool,
    /// 3 is the permanent one. `None` if untracked.
    pub(super) generation: Option<u8>,
    pub(super) slots: [Option<Id>; SLOTS as usize],
    pub(super) weak: Option<WeakPart>,
    pub(super) weak_references: Vec<Id>,
}

/// The model.
pub(super) struct Graph {
    pub(super) nodes: BTreeMap<Id, Node>,
    pub(super) allocated: Id,
    pub(super) registers: [Option<Id>; REGISTERS as usize],
    pub(super) resurrected: Vec<Id>,
    pub(super) dropped_shared: Vec<Id>,
    pub(super) events: Vec<Event>,
    /// Weak references that a slot ever held. Whether these are called when they die together with their referent
    /// depends on orders that the model does not know, so their calls are not compared.
    pub(super) stored_weak: BTreeSet<ObjectRef>,
    pub(super) collects: bool,
    pub(super) weak_order: WeakOrder,
}

impl Graph {
    pub(super) fn new(collects: bool, weak_order: WeakOrder) -> Self {
        Self {
            nodes: BTreeMap::new(),
            allocated: 0,
            registers: Default::default(),
            resurrected: Vec::new(),
            dropped_shared: Vec::new(),
            events: Vec::new(),
            stored_weak: BTreeSet::new(),
            collects,
            weak_order,
        }
    }

    pub(super) fn node(&mut self, id: Id) -> &mut Node {
        self.nodes.get_mut(&id).expect("a living object")
    }

    pub(super) fn allocate(
        &mut self,
        object: ObjectRef,
        kind: Kind,
        finalizer: Finalizer,
        weak: Option<WeakPart>,
    ) -> Id {
        let id = self.allocated;
        self.allocated += 1;
        if let Some(target) = weak.as_ref().and_then(|weak| weak.target) {
            self.node(target).weak_references.push(id);
        }
        self.stored_weak.remove(&object);
        let generation = (self.collects && kind.is_container()).then_some(0);
        let node = Node {
            object,
            kind,
            finalizer,
            finalized: false,
            count: 1,
            immortal: false,
            generation,
            slots: Default::default(),
            weak,
            weak_references: Vec::new(),
        };
        self.nodes.insert(id, node);
        id
    }

    pub(super) fn retain(&mut self, id: Id) {
        self.node(id).count += 1;
    }

    pub(super) fn release(&mut self, id: Id) {
        let node = self.node(id);
        if !node.immortal {
            node.count -= 1;
            if node.count == 0 {
                self.die(id);
            }
        }
    }

    /// Moves a reference into a register and releases the one that was there.
    pub(super) fn set_register(&mut self, r: u8, value: Option<Id>) {
        if let Some(old) = std::mem::replace(&mut self.registers[r as usize], value) {
            self.release(old);
        }
    }

    pub(super) fn set_slot(&mut self, id: Id, slot: u8, value: Option<Id>) -> Option<Id> {
        if let Some(value) = value
            && self.node(value).weak.is_some()
        {
            let object = self.node(value).object;
            self.stored_weak.insert(object);
        }
        std::mem::replace(&mut self.node(id).slots[slot as usize], value)
    }

    pub(super) fn unlink_weak(&mut self, weak: Id) {
        let part = self.node(weak).weak.as_mut().expect("a weak reference");
        if let Some(target) = part.target.take() {
            self.node(target).weak_references.retain(|&other| other != weak);
        }
    }

    pub(super) fn die(&mut self, id: Id) {
        if self.node(id).weak.is_some() {
            self.unlink_weak(id);
            self.nodes.remove(&id);
            return;
        }
        let tracks = self.collects;
        let node = self.node(id);
        if node.finalizer != Finalizer::Absent && !node.finalized {
            node.finalized = node.kind.is_container();
            let event = Event::Finalized(node.object);
            let resurrects = node.finalizer == Finalizer::Resurrects;
            if resurrects {
                node.count = 1;
                node.generation = (tracks && node.kind.is_container()).then_some(0);
                self.resurrected.push(id);
            }
            self.events.push(event);
            if resurrects {
                return;
            }
        }
        for weak in std::mem::take(&mut self.node(id).weak_references) {
            self.clear_weak(weak, true);
        }
        let slots = std::mem::take(&mut self.node(id).slots);
        let backwards = matches!(self.node(id).kind, Kind::List | Kind::Tuple);
        self.nodes.remove(&id);
        let targets: Vec<Id> = slots.into_iter().flatten().collect();
        if backwards {
            targets.into_iter().rev().for_each(|target| self.release(target));
        } else {
            targets.into_iter().for_each(|target| self.release(target));
        }
    }

    /// The referent of a weak reference is gone. True if its callback was called.
    pub(super) fn clear_weak(&mut self, weak: Id, call: bool) -> bool {
        let node = self.node(weak);
        let part = node.weak.as_mut().expect("a weak reference");
        part.target = None;
        let called = part.callback && call;
        if called {
            part.callback = false;
            let event = Event::Called(node.object);
            self.events.push(event);
        }
        called
    }

    pub(super) fn release_dropped_shared(&mut self) {
        for id in std::mem::take(&mut self.dropped_shared) {
            self.release(id);
        }
    }

    /// The objects of `set` that nothing outside it holds, directly or not.
    pub(super) fn unreachable(&self, set: &BTreeSet<Id>) -> BTreeSet<Id> {
        let targets = |id: &Id| self.nodes[id].slots.iter().flatten().copied().collect::<Vec<_>>();
        let mut inside = BTreeMap::new();
        for target in set.iter().flat_map(targets) {
            *inside.entry(target).or_insert(0) += 1;
        }
        let held = |id: &&Id| self.nodes[*id].count > inside.get(*id).copied().unwrap_or(0);
        let mut reached: Vec<Id> = set.iter().filter(held).copied().collect();
        let mut unreachable = set.clone();
        while let Some(id) = reached.pop() {
            if unreachable.remove(&id) {
                reached.extend(targets(&id));
            }
        }
        unreachable
    }

    pub(super) fn collect(&mut self, generation: Generation) -> u64 {
        self.release_dropped_shared();
        if !self.collects {
            return 0;
        }
        let oldest = generation.index() as u8;
        let old = Some((oldest + 1).min(2));
        let mut set = BTreeSet::new();
        for (&id, node) in &mut self.nodes {
            if node.generation.is_some_and(|generation| generation <= oldest) {
                if node.immortal {
                    node.generation = Some(3);
                } else {
                    node.generation = old;
                    set.insert(id);
                }
            }
        }
        let garbage = self.unreachable(&set);
        let plain_too = self.weak_order == WeakOrder::BeforeFinalizers;
        for &id in &garbage {
            if let Some(part) = &self.nodes[&id].weak {
                if plain_too || part.callback {
                    self.unlink_weak(id);
                }
                continue;
            }
            for weak in self.nodes[&id].weak_references.clone() {
                let callback = self.nodes[&weak].weak.as_ref().is_some_and(|part| part.callback);
                if callback || plain_too {
                    self.unlink_weak(weak);
                    if self.clear_weak(weak, !garbage.contains(&weak)) {
                        self.node(weak).generation = old;
                    }
                }
            }
        }
        for &id in &garbage {
            let node = self.node(id);
            if node.finalizer != Finalizer::Absent && !node.finalized {
                node.finalized = true;
                let event = Event::Finalized(node.object);
                if node.finalizer == Finalizer::Resurrects {
                    node.count += 1;
                    self.resurrected.push(id);
                }
                self.events.push(event);
            }
        }
        let dead = self.unreachable(&garbage);
        for &id in &dead {
            if self.nodes[&id].weak.is_some() {
                self.unlink_weak(id);
            }
            for weak in std::mem::take(&mut self.node(id).weak_references) {
                self.clear_weak(weak, false);
            }
        }
        let nodes: Vec<Node> = dead.iter().map(|id| self.nodes.remove(id).expect("found above")).collect();
        for target in nodes.iter().flat_map(|node| node.slots).flatten().filter(|target| !dead.contains(target)) {
            self.release(target);
        }
        dead.len() as u64
    }
}
