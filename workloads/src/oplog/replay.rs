//! Executing a log on a heap.

use std::sync::Arc;

use gc_core::event::Panicked;
use gc_core::sync::Mutex;
use gc_core::{
    CallbackId, Control, CreateError, Generation, Heap, HeapConfig, HeapFull, Kind, Mutator, ObjectRef, Observer, Root,
    Shape, SharedRoot, Thresholds, TypeId, TypeSpec,
};
use rustc_hash::FxHashMap;

use super::log::{Log, ObjectKind, Operation};
use super::outcome::Line;

/// Objects that the recorded interpreter had in the permanent generation before the log began. They matter only to logs
/// that unfreeze them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Baseline {
    /// All of them.
    pub frozen: u32,
    /// Those of them that are immortal.
    pub immortal: u32,
}

/// A log cannot be executed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The heap could not be made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The heap is too small.
    #[error(transparent)]
    Full(#[from] HeapFull),
    /// A callback panicked: a mistake of the heap, or of this program.
    #[error("a callback panicked: {0}")]
    Panicked(String),
}

/// What callbacks and the heap's observer write during an operation.
#[derive(Default)]
struct Journal {
    state: Mutex<JournalState>,
}

#[derive(Default)]
struct JournalState {
    /// Object numbers; a weak reference w as −1 − w. An object's place is used again after its death, and then renumbered.
    numbers: FxHashMap<ObjectRef, i64>,
    events: Vec<String>,
    /// Resurrected objects with their numbers, newest last.
    limbo: Vec<(i64, SharedRoot)>,
    panic: Option<String>,
}

impl Journal {
    fn number(&self, object: ObjectRef, number: i64) {
        self.state.lock().numbers.insert(object, number);
    }

    fn number_of(&self, object: ObjectRef) -> Option<i64> {
        self.state.lock().numbers.get(&object).copied()
    }

    /// Puts what came into limbo since it held `before` objects into the order of `events`, as far as they name it.
    fn sort_limbo(&self, before: usize, events: &[String]) {
        let mut state = self.state.lock();
        let at = |number: i64| events.iter().position(|event| *event == format!("f{number}"));
        state.limbo[before..].sort_by_key(|&(number, _)| at(number));
    }

    fn event(&self, what: char, object: ObjectRef) {
        let mut state = self.state.lock();
        let Some(&number) = state.numbers.get(&object) else { return };
        let number = if what == 'w' { -1 - number } else { number };
        state.events.push(format!("{what}{number}"));
    }
}

impl Observer for Journal {
    fn teardown(&self, object: ObjectRef, begins: bool) {
        self.event(if begins { 'b' } else { 'e' }, object);
    }

    fn panicked(&self, panicked: &Panicked) {
        self.state.lock().panic = Some(panicked.message.clone());
    }
}

/// Executes `log` on a new heap made from `config` (thresholds are the log's) and hands each line of the outcome to `line`
/// as soon as it is known.
///
/// # Errors
/// See [`ReplayError`].
pub fn replay<H: Heap>(
    log: &Log,
    config: &HeapConfig,
    baseline: Baseline,
    line: impl FnMut(Line),
) -> Result<(), ReplayError> {
    replay_beside::<H>(log, config, baseline, &[], line)
}

/// The same beside a recorded outcome, for heaps without list order.
///
/// `unlimbo` takes out the object that was resurrected last. Where one collection resurrects several, which of them that
/// is follows from the order of their finalizers, in which such a heap is free. Another choice would make another program
/// of the log from there on; so, after each operation, those that it resurrected are put into the recorded order.
///
/// # Errors
/// See [`ReplayError`].
pub fn replay_beside<H: Heap>(
    log: &Log,
    config: &HeapConfig,
    baseline: Baseline,
    recorded: &[Line],
    mut line: impl FnMut(Line),
) -> Result<(), ReplayError> {
    let journal = Arc::new(Journal::default());
    let config = HeapConfig { thresholds: Thresholds(log.header.threshold), ..*config };
    let heap = H::new(config, Arc::clone(&journal) as Arc<dyn Observer>)?;
    let types = Types::register(&heap, &journal, log.header.slots);
    let mutator = heap.attach();
    let _held = make_baseline(&mutator, types.objects[0].0, baseline)?;
    if log.header.enabled {
        mutator.enable();
    }
    let mut machine = Machine {
        mutator: &mutator,
        journal: &journal,
        types,
        registers: (0..log.header.registers).map(|_| None).collect(),
        weak_references: Vec::new(),
        allocated: 0,
    };
    let frozen_at_start = mutator.get_freeze_count() as i64;
    let mut frozen_before = frozen_at_start;
    let mut stats_before = statistics(&mutator);
    for (i, operation) in log.operations.iter().enumerate() {
        let in_limbo = journal.state.lock().limbo.len();
        let ret = machine.execute(operation)?;
        if let (false, Some(recorded)) = (H::ABILITIES.list_order, recorded.get(i)) {
            // An unlimbo takes one out, and its teardowns may put others in.
            let before = in_limbo - usize::from(matches!(operation, Operation::Unlimbo { .. }) && in_limbo > 0);
            journal.sort_limbo(before, &recorded.ev);
        }
        // Counters are read before anything that could change them.
        let cnt = mutator.get_count().0;
        let (ev, panic) = {
            let mut state = journal.state.lock();
            (std::mem::take(&mut state.events), state.panic.take())
        };
        if let Some(message) = panic {
            return Err(ReplayError::Panicked(message));
        }
        let stats = statistics(&mutator);
        let dst = (stats != stats_before).then(|| difference(&stats, &stats_before));
        stats_before = stats;
        let frozen = mutator.get_freeze_count() as i64;
        let fz = (frozen != frozen_before).then_some(frozen - frozen_at_start);
        frozen_before = frozen;
        let gens = machine.shows_generations(operation).then(|| machine.generations());
        line(Line { i, ret, ev, cnt, dst, fz, gens });
    }
    // Limbo first: its roots are shared ones, whose release waits for a mutator.
    let limbo = std::mem::take(&mut journal.state.lock().limbo);
    drop(limbo.into_iter().map(|(_, root)| mutator.adopt(root)).collect::<Vec<_>>());
    Ok(())
}

/// The types of objects (by `ObjectKind`), the shape of all, and the callback of weak references.
struct Types {
    objects: [(TypeId, Shape); 3],
    callback: CallbackId,
}

impl Types {
    fn register<H: Heap>(heap: &H, journal: &Arc<Journal>, slots: u32) -> Self {
        let on_finalize = Arc::clone(journal);
        let finalizer = heap.register_callback(Arc::new(move |_, root| on_finalize.event('f', root.object())));
        let on_resurrect = Arc::clone(journal);
        let resurrector = heap.register_callback(Arc::new(move |mutator: &H::Mutator, root| {
            on_resurrect.event('f', root.object());
            let shared = mutator.share(&root);
            let number = on_resurrect.number_of(root.object()).unwrap_or(-1);
            on_resurrect.state.lock().limbo.push((number, shared));
        }));
        let on_death = Arc::clone(journal);
        let callback = heap.register_callback(Arc::new(move |_, weak| on_death.event('w', weak.object())));
        let spec = |name: &str| TypeSpec::new(name, Kind::Instance).with_observed_teardown();
        let specs = [spec("O"), spec("F").with_finalizer(finalizer), spec("Z").with_finalizer(resurrector)];
        let shape = Shape::new(slots, 0);
        let objects = specs.map(|spec| (heap.register_type(spec).expect("a new heap has few types"), shape));
        Self { objects, callback }
    }
}

/// Makes the interpreter's own objects and freezes them; counters are 0 afterwards. The roots keep them alive.
fn make_baseline<M: Mutator>(mutator: &M, type_id: TypeId, baseline: Baseline) -> Result<Vec<Root<'_, M>>, HeapFull> {
    mutator.disable();
    let mut held = Vec::new();
    for n in 0..baseline.frozen {
        let object = mutator.allocate(type_id, Shape::new(0, 0))?;
        if n < baseline.immortal {
            mutator.make_immortal(&object);
        }
        held.push(object);
    }
    mutator.freeze();
    Ok(held)
}

fn statistics<M: Control>(mutator: &M) -> [[u64; 3]; 3] {
    mutator.get_stats().map(|stats| [stats.collections, stats.collected, stats.uncollectable])
}

fn difference(now: &[[u64; 3]; 3], before: &[[u64; 3]; 3]) -> [[u64; 3]; 3] {
    std::array::from_fn(|g| std::array::from_fn(|k| now[g][k] - before[g][k]))
}

/// The machine of the format: registers, the table of weak references, limbo (in the journal).
struct Machine<'m, M: Mutator> {
    mutator: &'m M,
    journal: &'m Journal,
    types: Types,
    registers: Vec<Option<Root<'m, M>>>,
    weak_references: Vec<Option<Root<'m, M>>>,
    allocated: i64,
}

impl<'m, M: Mutator> Machine<'m, M> {
    fn execute(&mut self, operation: &Operation) -> Result<Option<i64>, HeapFull> {
        let mutator = self.mutator;
        Ok(match *operation {
            Operation::Alloc { r, k } => {
                self.registers[r] = None;
                let (type_id, shape) = self.types.objects[match k {
                    ObjectKind::O => 0,
                    ObjectKind::F => 1,
                    ObjectKind::Z => 2,
                }];
                let object = mutator.allocate(type_id, shape)?;
                let number = self.allocated;
                self.allocated += 1;
                self.journal.number(object.object(), number);
                self.registers[r] = Some(object);
                Some(number)
            }
            Operation::Store { r, s, q } => {
                if let Some(object) = &self.registers[r] {
                    object.store(s, self.registers[q].as_ref());
                }
                None
            }
            Operation::Clear { r, s } => {
                if let Some(object) = &self.registers[r] {
                    object.store(s, None);
                }
                None
            }
            Operation::Load { r, q, s } => {
                if let Some(object) = &self.registers[q] {
                    let value = object.load(s).filter(|value| mutator.type_of(value) != TypeId::WEAK_REFERENCE);
                    self.registers[r] = value;
                }
                None
            }
            Operation::Move { r, q } => {
                let value = self.registers[q].clone();
                self.registers[r] = value;
                None
            }
            Operation::Drop { r } => {
                self.registers[r] = None;
                None
            }
            Operation::Weakref { w, r, cb } => {
                let weak = self.make_weak(w, r, cb)?;
                let ret = weak.is_some().then_some(1);
                if let Some(weak) = weak {
                    self.set_weak(w, weak);
                }
                ret
            }
            Operation::Wslot { w, r, s, q, cb } => {
                if self.registers[r].is_none() {
                    return Ok(None);
                }
                let weak = self.make_weak(w, q, cb)?;
                let ret = weak.is_some().then_some(1);
                if let (Some(weak), Some(object)) = (weak, &self.registers[r]) {
                    // The slot alone holds it: the table stays as it is.
                    object.put(s, Some(weak));
                }
                ret
            }
            Operation::Deref { r, w } => {
                let weak = self.weak_references.get(w).and_then(Option::as_ref);
                let target = weak.and_then(|weak| mutator.upgrade(weak));
                let ret = target.as_ref().and_then(|target| self.journal.number_of(target.object())).unwrap_or(-1);
                self.registers[r] = target;
                Some(ret)
            }
            Operation::Dropweak { w } => {
                if let Some(weak) = self.weak_references.get_mut(w) {
                    *weak = None;
                }
                None
            }
            Operation::Unlimbo { r } => {
                let newest = self.journal.state.lock().limbo.pop();
                newest.map(|(_, shared)| {
                    let object = mutator.adopt(shared);
                    let number = self.journal.number_of(object.object()).unwrap_or(-1);
                    self.registers[r] = Some(object);
                    number
                })
            }
            Operation::Collect { g } => {
                let generation = Generation::new(g).expect("checked when the log was read");
                Some(mutator.collect(generation) as i64)
            }
            Operation::SetThreshold { a, b, c } => {
                mutator.set_threshold(Thresholds([a, b, c]));
                None
            }
            Operation::Enable => {
                mutator.enable();
                None
            }
            Operation::Disable => {
                mutator.disable();
                None
            }
            Operation::Freeze => {
                mutator.freeze();
                None
            }
            Operation::Unfreeze => {
                mutator.unfreeze();
                None
            }
            Operation::Snap => None,
        })
    }

    /// A new weak reference to a register's object, if that has none at present.
    fn make_weak(&self, w: usize, register: usize, cb: u8) -> Result<Option<Root<'m, M>>, HeapFull> {
        let Some(referent) = &self.registers[register] else { return Ok(None) };
        if !self.mutator.get_weak_references(referent).is_empty() {
            return Ok(None);
        }
        let weak = self.mutator.weak_reference(referent, (cb != 0).then_some(self.types.callback))?;
        self.journal.number(weak.object(), -1 - w as i64);
        Ok(Some(weak))
    }

    fn set_weak(&mut self, w: usize, weak: Root<'m, M>) {
        if self.weak_references.len() <= w {
            self.weak_references.resize_with(w + 1, || None);
        }
        self.weak_references[w] = Some(weak);
    }

    fn shows_generations(&self, operation: &Operation) -> bool {
        matches!(
            operation,
            Operation::Collect { .. }
                | Operation::Snap
                | Operation::Freeze
                | Operation::Unfreeze
                | Operation::Unlimbo { .. }
        )
    }

    /// The generations' lists, without the baseline's objects.
    fn generations(&self) -> [Vec<i64>; 3] {
        Generation::ALL.map(|generation| {
            let objects = self.mutator.get_objects(Some(generation));
            objects.iter().filter_map(|object| self.journal.number_of(object.object())).collect()
        })
    }
}
