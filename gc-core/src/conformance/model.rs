//! A model of a heap: the same operations on a heap and on a plain Rust graph, which must agree.
//!
//! The graph knows counts, generations, weak references, finalizers and resurrection, and finds garbage by reachability
//! from what the set under collection does not explain; it knows no lists, so it compares sets. After every operation
//! the events and the number of living objects must be the same, after every full collection everything else: which
//! objects there are, their slots, counts, labels, generations, marks, and what weak references give.

use std::collections::{BTreeMap, BTreeSet};

use crate::callback::CallbackId;
use crate::config::{HeapConfig, WeakOrder};
use crate::control::{Generation, Thresholds};
use crate::event::NoObserver;
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, ObjectRef, Shape, TypeId, TypeSpec};
use crate::root::{Root, SharedRoot};
use crate::sync::{Arc, Mutex};

/// Registers that a sequence of operations works on.
pub const REGISTERS: u8 = 8;
/// Slots of each container.
pub const SLOTS: u8 = 6;

/// What the finalizer of an object does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finalizer {
    /// There is none.
    Absent,
    /// It reports that it ran.
    Reports,
    /// It does, and brings its object back to life.
    Resurrects,
}

/// One operation on registers (`r`, `q`) and slots (`s`). One whose object is not there does nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// A new object in `r`.
    Allocate(u8, Kind, Finalizer),
    /// `r.s = q`.
    Store(u8, u8, u8),
    /// `r.s = null`.
    Clear(u8, u8),
    /// `r = q.s`.
    Load(u8, u8, u8),
    /// `r = q.s`, and `q.s` becomes null.
    Take(u8, u8, u8),
    /// Exchanges `r.s` and `q`.
    Exchange(u8, u8, u8),
    /// Moves the given number of slots of `r` from the first place to the second.
    MoveSlots(u8, u8, u8, u8),
    /// `r = q`.
    Move(u8, u8),
    /// `r = null`.
    Drop(u8),
    /// `r` = a weak reference to `q`, with a callback or without.
    Weak(u8, u8, bool),
    /// `r` = what the weak reference in `q` gives.
    Upgrade(u8, u8),
    /// Shares `r` and drops the shared root.
    DropShared(u8),
    /// A safepoint.
    Safepoint,
    /// `r` = the newest resurrected object.
    TakeResurrected(u8),
    /// Makes `r` immortal.
    MakeImmortal(u8),
    /// Collects a generation.
    Collect(Generation),
    /// Freezes.
    Freeze,
    /// Unfreezes.
    Unfreeze,
}

/// Where the heap and the model disagree.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("after operation {at} ({operation}): {what}")]
pub struct Disagreement {
    /// Number of the operation, from 0.
    pub at: usize,
    /// The operation, as it is printed for debugging.
    pub operation: String,
    /// What differs, the heap's side first.
    pub what: String,
}

/// Runs the operations on a new heap and on the model.
///
/// # Errors
/// The first [`Disagreement`].
///
/// # Panics
/// If an assertion of the heap fails.
pub fn run<H: Heap>(config: HeapConfig, operations: &[Operation]) -> Result<(), Disagreement> {
    // Untracking depends on the order of lists, which the model does not have.
    let config = HeapConfig { thresholds: Thresholds([0, 0, 0]), untrack_tuples: false, ..config };
    let heap = H::new(config, Arc::new(NoObserver)).expect("the configuration is possible");
    let types = Types::register(&heap);
    let mutator = heap.attach();
    let mut run = Run {
        mutator: &mutator,
        registers: (0..REGISTERS).map(|_| None).collect(),
        graph: Graph::new(H::ABILITIES.collects_cycles, config.weak_order),
        types: &types,
        full_checks: H::ABILITIES.collects_cycles,
    };
    for (at, operation) in operations.iter().chain([&Operation::Collect(Generation::OLD)]).enumerate() {
        let outcome = run.step(*operation).and_then(|()| run.check_events(&heap));
        let full = matches!(operation, Operation::Collect(Generation::OLD));
        let outcome = if full { outcome.and_then(|()| run.check_everything()) } else { outcome };
        outcome.map_err(|what| Disagreement { at, operation: format!("{operation:?}"), what })?;
    }
    Ok(())
}

/// Random operations from a seed: a sequence is the same on every machine.
pub fn operations(seed: u64, length: usize) -> Vec<Operation> {
    let mut random = Pcg32::new(seed);
    let mut next = |bound: u32| (random.next() % bound) as u8;
    (0..length)
        .map(|_| {
            let choice = next(100);
            let mut r = || next(u32::from(REGISTERS));
            let (a, b) = (r(), r());
            let s = next(u32::from(SLOTS));
            match choice {
                0..20 => {
                    let kinds = [Kind::Instance, Kind::Instance, Kind::List, Kind::Dict, Kind::Tuple, Kind::Atomic];
                    let finalizers = [Finalizer::Absent, Finalizer::Absent, Finalizer::Reports, Finalizer::Resurrects];
                    Operation::Allocate(a, kinds[next(6) as usize], finalizers[next(4) as usize])
                }
                20..45 => Operation::Store(a, s, b),
                45..49 => Operation::Clear(a, s),
                49..57 => Operation::Load(a, b, s),
                57..60 => Operation::Take(a, b, s),
                60..64 => Operation::Exchange(a, s, b),
                64..67 => Operation::MoveSlots(a, s, next(6), next(4)),
                67..72 => Operation::Move(a, b),
                72..78 => Operation::Drop(a),
                78..83 => Operation::Weak(a, b, next(2) == 0),
                83..86 => Operation::Upgrade(a, b),
                86..88 => Operation::DropShared(a),
                88 => Operation::Safepoint,
                89..92 => Operation::TakeResurrected(a),
                92 if next(8) == 0 => Operation::MakeImmortal(a),
                93 if next(2) == 0 => Operation::Freeze,
                94 if next(2) == 0 => Operation::Unfreeze,
                _ => Operation::Collect(Generation::ALL[next(3) as usize]),
            }
        })
        .collect()
}

/// Sequences of several lengths, from fixed seeds.
pub fn random_operations_agree_with_the_model<H: Heap>(config: HeapConfig) {
    for seed in 0..60 {
        let length = 50 + 10 * seed as usize;
        if let Err(disagreement) = run::<H>(config, &operations(seed, length)) {
            panic!("{} with seed {seed} and {length} operations: {disagreement}", H::NAME);
        }
    }
}

/// PCG-XSH-RR 64/32 (O'Neill 2014).
struct Pcg32(u64);

impl Pcg32 {
    fn new(seed: u64) -> Self {
        let mut this = Self(seed.wrapping_add(0xda3e_39cb_94b9_5bdb));
        this.next();
        this
    }

    fn next(&mut self) -> u32 {
        let state = self.0;
        self.0 = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let xorshifted = (((state >> 18) ^ state) >> 27) as u32;
        xorshifted.rotate_right((state >> 59) as u32)
    }
}

/// What a callback did: of a finalizer, or of the weak reference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Event {
    Finalized(ObjectRef),
    Called(ObjectRef),
}

/// The types of a run, and what their callbacks write to.
struct Types {
    by_form: Vec<((Kind, Finalizer), TypeId)>,
    callback: CallbackId,
    events: Arc<Mutex<Vec<Event>>>,
    resurrected: Arc<Mutex<Vec<SharedRoot>>>,
}

impl Types {
    fn register<H: Heap>(heap: &H) -> Self {
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

/// An object's number in the graph: objects are numbered as they are allocated.
type Id = usize;

struct WeakPart {
    target: Option<Id>,
    callback: bool,
}

struct Node {
    object: ObjectRef,
    kind: Kind,
    finalizer: Finalizer,
    finalized: bool,
    count: u32,
    immortal: bool,
    /// 3 is the permanent one. `None` if untracked.
    generation: Option<u8>,
    slots: [Option<Id>; SLOTS as usize],
    weak: Option<WeakPart>,
    weak_references: Vec<Id>,
}

/// The model.
struct Graph {
    nodes: BTreeMap<Id, Node>,
    allocated: Id,
    registers: [Option<Id>; REGISTERS as usize],
    resurrected: Vec<Id>,
    dropped_shared: Vec<Id>,
    events: Vec<Event>,
    /// Weak references that a slot ever held. Whether these are called when they die together with their referent
    /// depends on orders that the model does not know, so their calls are not compared.
    stored_weak: BTreeSet<ObjectRef>,
    collects: bool,
    weak_order: WeakOrder,
}

impl Graph {
    fn new(collects: bool, weak_order: WeakOrder) -> Self {
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

    fn node(&mut self, id: Id) -> &mut Node {
        self.nodes.get_mut(&id).expect("a living object")
    }

    fn allocate(&mut self, object: ObjectRef, kind: Kind, finalizer: Finalizer, weak: Option<WeakPart>) -> Id {
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

    fn retain(&mut self, id: Id) {
        self.node(id).count += 1;
    }

    fn release(&mut self, id: Id) {
        let node = self.node(id);
        if !node.immortal {
            node.count -= 1;
            if node.count == 0 {
                self.die(id);
            }
        }
    }

    /// Moves a reference into a register and releases the one that was there.
    fn set_register(&mut self, r: u8, value: Option<Id>) {
        if let Some(old) = std::mem::replace(&mut self.registers[r as usize], value) {
            self.release(old);
        }
    }

    fn set_slot(&mut self, id: Id, slot: u8, value: Option<Id>) -> Option<Id> {
        if let Some(value) = value
            && self.node(value).weak.is_some()
        {
            let object = self.node(value).object;
            self.stored_weak.insert(object);
        }
        std::mem::replace(&mut self.node(id).slots[slot as usize], value)
    }

    fn unlink_weak(&mut self, weak: Id) {
        let part = self.node(weak).weak.as_mut().expect("a weak reference");
        if let Some(target) = part.target.take() {
            self.node(target).weak_references.retain(|&other| other != weak);
        }
    }

    fn die(&mut self, id: Id) {
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
    fn clear_weak(&mut self, weak: Id, call: bool) -> bool {
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

    fn release_dropped_shared(&mut self) {
        for id in std::mem::take(&mut self.dropped_shared) {
            self.release(id);
        }
    }

    /// The objects of `set` that nothing outside it holds, directly or not.
    fn unreachable(&self, set: &BTreeSet<Id>) -> BTreeSet<Id> {
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

    fn collect(&mut self, generation: Generation) -> u64 {
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

/// A heap and the model, side by side.
struct Run<'m, M: Mutator> {
    mutator: &'m M,
    registers: Vec<Option<Root<'m, M>>>,
    graph: Graph,
    types: &'m Types,
    full_checks: bool,
}

impl<'m, M: Mutator> Run<'m, M> {
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

    fn step(&mut self, operation: Operation) -> Result<(), String> {
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
    fn check_events<H: Heap>(&mut self, heap: &H) -> Result<(), String> {
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
    fn check_everything(&self) -> Result<(), String> {
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
            if !held.contains_key(&id) {
                to_visit.extend(self.mutator.get_referents(&root));
                held.insert(id, root);
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
