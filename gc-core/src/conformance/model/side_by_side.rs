//! A heap and the model, side by side: each operation on both, then the comparisons.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Event, Graph, Id, Node, WeakPart};
use super::{Finalizer, Operation, REGISTERS, SLOTS};
use crate::callback::CallbackId;
use crate::config::WeakOrder;
use crate::control::Generation;
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, ObjectRef, Shape, TypeId, TypeSpec};
use crate::root::{Root, SharedRoot};
use crate::sync::{Arc, Mutex};

/// The types of a run, and what their callbacks write to.
pub(super) struct Types {
    by_form: Vec<((Kind, Finalizer), TypeId)>,
    callback: CallbackId,
    events: Arc<Mutex<Vec<Event>>>,
    resurrected: Arc<Mutex<Vec<SharedRoot>>>,
}

impl Types {
    pub(super) fn register<H: Heap>(heap: &H) -> Self {
        let events: Arc<Mutex<Vec<Event>>> = Arc::default();
        let resurrected: Arc<Mutex<Vec<SharedRoot>>> = Arc::default();
        let log = Arc::clone(&events);
        let callback = heap.register_callback(Arc::new(move |_: &H::Mutator, weak: Root<'_, H::Mutator>| {
            log.lock().push(Event::Called(weak.object()));
        }));
        let finalizer = |resurrects: bool| {
            let (log, hold) = (Arc::clone(&events), Arc::clone(&resurrected));
            heap.register_callback(Arc::new(move |_: &H::Mutator, object: Root<'_, H::Mutator>| {
                log.lock().push(Event::Finalized(object.object()));
                if resurrects {
                    let shared = object.share();
                    hold.lock().push(shared);
                }
            }))
        };
        let (reports, resurrects) = (finalizer(false), finalizer(true));
        let mut by_form = Vec::new();
        for kind in [Kind::Instance, Kind::List, Kind::Dict, Kind::Tuple, Kind::Atomic] {
            for (form, finalizer) in [
                (Finalizer::Absent, None),
                (Finalizer::Reports, Some(reports)),
                (Finalizer::Resurrects, Some(resurrects)),
            ] {
                let spec = TypeSpec { finalizer, ..TypeSpec::new(format!("{kind:?} {form:?}"), kind) };
                by_form.push(((kind, form), heap.register_type(spec).expect("few types")));
            }
        }
        Self { by_form, callback, events, resurrected }
    }

    fn of(&self, kind: Kind, finalizer: Finalizer) -> TypeId {
        let found = self.by_form.iter().find(|(form, _)| *form == (kind, finalizer));
        found.expect("every form is registered").1
    }
}

/// A heap and the model, side by side.
pub(super) struct SideBySide<'m, M: Mutator> {
    mutator: &'m M,
    registers: Vec<Option<Root<'m, M>>>,
    graph: Graph,
    types: &'m Types,
    full_checks: bool,
}

impl<'m, M: Mutator> SideBySide<'m, M> {
    pub(super) fn new(mutator: &'m M, types: &'m Types, collects: bool, weak_order: WeakOrder) -> Self {
        Self {
            mutator,
            registers: (0..REGISTERS).map(|_| None).collect(),
            graph: Graph::new(collects, weak_order),
            types,
            full_checks: collects,
        }
    }

    /// The object in a register, if it has slots.
    fn holder(&self, r: u8) -> Option<(Root<'m, M>, Id)> {
        let id = self.graph.registers[r as usize]?;
        let node = &self.graph.nodes[&id];
        (node.weak.is_none() && node.kind.is_container()).then(|| (self.root(r).expect("as in the model"), id))
    }

    fn root(&self, r: u8) -> Option<Root<'m, M>> {
        self.registers[r as usize].clone()
    }

    fn set(&mut self, r: u8, root: Option<Root<'m, M>>, id: Option<Id>) -> Result<(), String> {
        let is = root.as_ref().map(Root::object);
        let ought = id.map(|id| self.graph.nodes[&id].object);
        if is != ought {
            return Err(format!("register {r} gets {is:?} and should get {ought:?}"));
        }
        drop(std::mem::replace(&mut self.registers[r as usize], root));
        self.graph.set_register(r, id);
        Ok(())
    }

    pub(super) fn step(&mut self, operation: Operation) -> Result<(), String> {
        let mutator = self.mutator;
        match operation {
            Operation::Allocate(r, kind, finalizer) => {
                let slots = if kind.is_container() { u32::from(SLOTS) } else { 0 };
                let type_id = self.types.of(kind, finalizer);
                let root = mutator.allocate(type_id, Shape::new(slots, 8)).map_err(|full| full.to_string())?;
                let id = self.graph.allocate(root.object(), kind, finalizer, None);
                mutator.write_payload(&root, 0, &(id as u64).to_le_bytes());
                self.set(r, Some(root), Some(id))?;
            }
            Operation::Store(r, s, q) => {
                // The holder's clone is dropped before anything is compared.
                if let Some((holder, id)) = self.holder(r) {
                    holder.store(s.into(), self.registers[q as usize].as_ref());
                    let value = self.graph.registers[q as usize];
                    value.into_iter().for_each(|value| self.graph.retain(value));
                    let old = self.graph.set_slot(id, s, value);
                    old.into_iter().for_each(|old| self.graph.release(old));
                }
            }
            Operation::Clear(r, s) => {
                if let Some((holder, id)) = self.holder(r) {
                    holder.store(s.into(), None);
                    let old = self.graph.set_slot(id, s, None);
                    old.into_iter().for_each(|old| self.graph.release(old));
                }
            }
            Operation::Load(r, q, s) => {
                if let Some((holder, id)) = self.holder(q) {
                    let value = self.graph.nodes[&id].slots[s as usize];
                    value.into_iter().for_each(|value| self.graph.retain(value));
                    self.set(r, holder.load(s.into()), value)?;
                }
            }
            Operation::Take(r, q, s) => {
                if let Some((holder, id)) = self.holder(q) {
                    let value = self.graph.set_slot(id, s, None);
                    self.set(r, holder.take(s.into()), value)?;
                }
            }
            Operation::Exchange(r, s, q) => {
                if let Some((holder, id)) = self.holder(r) {
                    let given = self.registers[q as usize].take();
                    let taken = mutator.replace(&holder, s.into(), given);
                    let value = self.graph.registers[q as usize].take();
                    let old = self.graph.set_slot(id, s, value);
                    self.set(q, taken, old)?;
                }
            }
            Operation::MoveSlots(r, from, to, length) => {
                let length = length.min(SLOTS - from).min(SLOTS - to.min(SLOTS));
                if let Some((holder, id)) = self.holder(r) {
                    mutator.move_slots(&holder, from.into()..(from + length).into(), to.into());
                    let slots = &mut self.graph.node(id).slots;
                    let moved: Vec<_> = (from..from + length).map(|slot| slots[slot as usize].take()).collect();
                    let places = to as usize..(to + length) as usize;
                    let released: Vec<Id> = slots[places.clone()].iter_mut().filter_map(Option::take).collect();
                    slots[places].copy_from_slice(&moved);
                    released.into_iter().for_each(|old| self.graph.release(old));
                }
            }
            Operation::Move(r, q) => {
                let value = self.graph.registers[q as usize];
                value.into_iter().for_each(|value| self.graph.retain(value));
                self.set(r, self.root(q), value)?;
            }
            Operation::Drop(r) => self.set(r, None, None)?,
            Operation::Weak(r, q, callback) => self.make_weak(r, q, callback)?,
            Operation::Upgrade(r, q) => {
                if let (Some(root), Some(id)) = (self.root(q), self.graph.registers[q as usize]) {
                    let value = self.graph.nodes[&id].weak.as_ref().and_then(|part| part.target);
                    value.into_iter().for_each(|value| self.graph.retain(value));
                    self.set(r, mutator.upgrade(&root), value)?;
                }
            }
            Operation::DropShared(r) => {
                if let (Some(root), Some(id)) = (self.root(r), self.graph.registers[r as usize]) {
                    drop(root.share());
                    self.graph.retain(id);
                    self.graph.dropped_shared.push(id);
                }
            }
            Operation::Safepoint => {
                mutator.safepoint();
                self.graph.release_dropped_shared();
            }
            Operation::TakeResurrected(r) => {
                let shared = self.types.resurrected.lock().pop();
                if let (Some(shared), Some(id)) = (shared, self.graph.resurrected.pop()) {
                    self.set(r, Some(mutator.adopt(shared)), Some(id))?;
                }
            }
            Operation::MakeImmortal(r) => {
                if let (Some(root), Some(id)) = (self.root(r), self.graph.registers[r as usize]) {
                    mutator.make_immortal(&root);
                    self.graph.node(id).immortal = true;
                }
            }
            Operation::Collect(generation) => {
                let (is, ought) = (mutator.collect(generation), self.graph.collect(generation));
                if is != ought {
                    return Err(format!("collect({generation}) found {is} objects and should find {ought}"));
                }
            }
            Operation::Freeze => {
                mutator.freeze();
                self.graph.nodes.values_mut().filter_map(|node| node.generation.as_mut()).for_each(|g| *g = 3);
            }
            Operation::Unfreeze => {
                mutator.unfreeze();
                let generations = self.graph.nodes.values_mut().filter_map(|node| node.generation.as_mut());
                generations.filter(|g| **g == 3).for_each(|g| *g = 2);
            }
        }
        Ok(())
    }

    fn make_weak(&mut self, r: u8, q: u8, callback: bool) -> Result<(), String> {
        let (Some(referent), Some(target)) = (self.root(q), self.graph.registers[q as usize]) else { return Ok(()) };
        if self.graph.nodes[&target].weak.is_some() {
            return Ok(());
        }
        let made = self.mutator.weak_reference(&referent, callback.then_some(self.types.callback));
        let weak = made.map_err(|full| full.to_string())?;
        drop(referent);
        let plain = |id: &Id| self.graph.nodes[id].weak.as_ref().is_some_and(|part| !part.callback);
        let shared = self.graph.nodes[&target].weak_references.iter().copied().find(plain).filter(|_| !callback);
        let id = match shared {
            Some(shared) => {
                self.graph.retain(shared);
                shared
            }
            None => {
                let part = WeakPart { target: Some(target), callback };
                self.graph.allocate(weak.object(), Kind::Instance, Finalizer::Absent, Some(part))
            }
        };
        self.set(r, Some(weak), Some(id))
    }

    /// Events, resurrected objects and the number of the living, after every operation.
    pub(super) fn check_events<H: Heap>(&mut self, heap: &H) -> Result<(), String> {
        let mut is = std::mem::take(&mut *self.types.events.lock());
        let mut ought = std::mem::take(&mut self.graph.events);
        let stored = &self.graph.stored_weak;
        for events in [&mut is, &mut ought] {
            events.retain(|event| !matches!(event, Event::Called(weak) if stored.contains(weak)));
            events.sort();
        }
        agree("events", &is, &ought)?;
        let order: Vec<ObjectRef> = self.types.resurrected.lock().iter().map(SharedRoot::object).collect();
        let nodes = &self.graph.nodes;
        self.graph.resurrected.sort_by_key(|id| order.iter().position(|&object| object == nodes[id].object));
        let ought: Vec<ObjectRef> = self.graph.resurrected.iter().map(|id| nodes[id].object).collect();
        agree("resurrected objects", &order, &ought)?;
        agree("number of living objects", &heap.statistics().live(), &(self.graph.nodes.len() as u64))
    }

    /// All that can be seen of the heap.
    pub(super) fn check_everything(&self) -> Result<(), String> {
        let nodes = &self.graph.nodes;
        let object = |id: Id| nodes[&id].object;
        let mut is = BTreeMap::new();
        self.mutator.walk(&mut |object, targets| {
            is.insert(object, targets.to_vec());
        });
        let ought = nodes.values().map(|node| (node.object, node.slots.into_iter().flatten().map(object).collect()));
        agree("objects and their slots", &is, &ought.collect())?;
        if self.full_checks {
            for generation in Generation::ALL {
                let listed = self.mutator.get_objects(Some(generation));
                let is: BTreeSet<_> = listed.iter().map(Root::object).collect();
                let inside = |node: &&Node| node.generation == Some(generation.index() as u8);
                let ought = nodes.values().filter(inside).map(|node| node.object).collect();
                agree(&format!("generation {generation}"), &is, &ought)?;
            }
            let frozen = nodes.values().filter(|node| node.generation == Some(3)).count() as u64;
            agree("frozen objects", &self.mutator.get_freeze_count(), &frozen)?;
        }
        self.check_reachable()
    }

    /// What roots reach: counts, labels, marks, and what weak references give.
    fn check_reachable(&self) -> Result<(), String> {
        let ids: BTreeMap<ObjectRef, Id> = self.graph.nodes.iter().map(|(&id, node)| (node.object, id)).collect();
        let mut held: BTreeMap<Id, Root<'m, M>> = BTreeMap::new();
        let mut to_visit: Vec<Root<'m, M>> = self.registers.iter().flatten().cloned().collect();
        while let Some(root) = to_visit.pop() {
            let id = *ids.get(&root.object()).ok_or(format!("{:?} is reachable and should be dead", root.object()))?;
            if let Entry::Vacant(place) = held.entry(id) {
                to_visit.extend(self.mutator.get_referents(&root));
                place.insert(root);
            }
        }
        for (id, root) in &held {
            let node = &self.graph.nodes[id];
            let count = (!node.immortal).then_some(node.count + 1);
            agree(&format!("count of {:?}", node.object), &self.mutator.retain_count(root), &count)?;
            agree("mark of finalization", &self.mutator.is_finalized(root), &node.finalized)?;
            if let Some(part) = &node.weak {
                let is = self.mutator.upgrade(root).map(|target| target.object());
                agree("referent", &is, &part.target.map(|target| self.graph.nodes[&target].object))?;
            } else {
                let mut label = [0; 8];
                self.mutator.read_payload(root, 0, &mut label);
                agree("label", &u64::from_le_bytes(label), &(*id as u64))?;
            }
        }
        Ok(())
    }
}

fn agree<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, ought: &T) -> Result<(), String> {
    if is == ought { Ok(()) } else { Err(format!("{what}: {is:?}, and should be {ought:?}")) }
}
