//! The objects of the stress test: their types, how they are made, and how they are checked.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use gc_core::{CallbackId, Heap, HeapFull, Kind, Mutator, Root, Shape, TypeId, TypeSpec};

use super::random::{below, mix, one_in, serial};
use super::{Stage, callbacks};

/// What a type's objects are, and what is done to them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sort {
    Table,
    Atomic,
    /// An atomic object with a finalizer.
    Guarded,
    /// Slot 0 is fixed; the others change.
    Instance,
    /// The same with a finalizer.
    Finalized,
    /// The same with a legacy finalizer.
    Legacy,
    /// The same with its teardown observed.
    Observed,
    /// All slots change.
    List,
    Dict,
    /// No slot changes.
    Tuple,
    Weak,
    /// What callbacks allocate and drop.
    Scratch,
}

impl Sort {
    /// Slot 0 never changes.
    pub(crate) fn is_stamped(self) -> bool {
        matches!(self, Sort::Instance | Sort::Finalized | Sort::Legacy | Sort::Observed)
    }

    /// The slots that change begin here.
    pub(crate) fn first_slot(self) -> u32 {
        u32::from(self.is_stamped())
    }
}

/// The types of a heap under stress.
pub(crate) struct Types {
    sorts: Vec<(Sort, TypeId)>,
    pub(crate) weak_callback: CallbackId,
    stage: Arc<Stage>,
}

impl Types {
    pub(crate) fn register<H: Heap>(heap: &H, stage: &Arc<Stage>) -> Self {
        let scratch = heap.register_type(TypeSpec::new("scratch", Kind::Instance)).expect("few types");
        let of = |sort| {
            let kind = match sort {
                Sort::Atomic | Sort::Guarded => Kind::Atomic,
                Sort::List => Kind::List,
                Sort::Dict => Kind::Dict,
                Sort::Tuple => Kind::Tuple,
                _ => Kind::Instance,
            };
            let spec = TypeSpec::new(format!("{sort:?}"), kind);
            let spec = match sort {
                Sort::Guarded => spec.with_finalizer(callbacks::guard(heap, stage, scratch)),
                Sort::Finalized => spec.with_finalizer(callbacks::finalizer(heap, stage, scratch)),
                Sort::Legacy => spec.with_legacy_finalizer(callbacks::legacy_finalizer(heap)),
                Sort::Observed => spec.with_observed_teardown(),
                _ => spec,
            };
            (sort, heap.register_type(spec).expect("few types"))
        };
        let sorts = [
            Sort::Table,
            Sort::Atomic,
            Sort::Guarded,
            Sort::Instance,
            Sort::Finalized,
            Sort::Legacy,
            Sort::Observed,
            Sort::List,
            Sort::Dict,
            Sort::Tuple,
        ];
        let weak_callback = callbacks::weak_callback(heap, stage, scratch);
        let mut sorts = sorts.map(of).to_vec();
        sorts.push((Sort::Scratch, scratch));
        Self { sorts, weak_callback, stage: Arc::clone(stage) }
    }

    fn id(&self, sort: Sort) -> TypeId {
        self.sorts.iter().find(|entry| entry.0 == sort).expect("registered").1
    }

    pub(crate) fn sort_of<M: Mutator>(&self, mutator: &M, object: &Root<'_, M>) -> Sort {
        let id = mutator.type_of(object);
        if id == TypeId::WEAK_REFERENCE {
            return Sort::Weak;
        }
        self.sorts.iter().find(|entry| entry.1 == id).unwrap_or_else(|| panic!("{object:?} has {id:?}")).0
    }
}

fn canary(serial: u64, type_id: TypeId, shape: Shape) -> u64 {
    mix(serial ^ mix((type_id.index() as u64) << 56 ^ u64::from(shape.slots) << 32 ^ u64::from(shape.payload)))
}

fn new<'m, M: Mutator>(mutator: &'m M, type_id: TypeId, shape: Shape, serial: u64) -> Result<Root<'m, M>, HeapFull> {
    let object = mutator.allocate(type_id, shape)?;
    let last = shape.payload / 8 - 1;
    if last > 3 {
        assert_eq!(mutator.read_word(&object, last), 0, "a new payload is zero");
        mutator.write_word(&object, last, mix(serial + 1));
    }
    assert_eq!(mutator.read_word(&object, 0), 0, "a new payload is zero");
    mutator.write_word(&object, 1, canary(serial, type_id, shape));
    mutator.write_word(&object, 0, serial);
    Ok(object)
}

pub(crate) fn new_table<'m, M: Mutator>(mutator: &'m M, types: &Types, slots: u32) -> Root<'m, M> {
    new(mutator, types.id(Sort::Table), Shape::new(slots, 32), u64::MAX >> 1).expect("there is room for the table")
}

/// A new atomic object.
pub(crate) fn new_atomic<'m, M: Mutator>(mutator: &'m M, types: &Types) -> Result<Root<'m, M>, HeapFull> {
    let sort = if one_in(8) { Sort::Guarded } else { Sort::Atomic };
    let payload = match below(400) {
        0 => 20_000 + 8 * below(10_000),
        1..10 => 16 * (1 + below(100)),
        _ => 16,
    };
    new(mutator, types.id(sort), Shape::new(0, payload), serial())
}

/// A new object of some sort that refers to some of `others`.
pub(crate) fn new_object<'m, M: Mutator>(
    mutator: &'m M,
    types: &Types,
    others: &[Root<'m, M>],
) -> Result<Root<'m, M>, HeapFull> {
    let sort = match below(200) {
        0..30 => return new_atomic(mutator, types),
        30..80 => Sort::Instance,
        80..100 => Sort::Finalized,
        100 => Sort::Legacy,
        101..115 => Sort::Observed,
        115..150 => Sort::List,
        150..165 => Sort::Dict,
        _ => Sort::Tuple,
    };
    new_container(mutator, types, sort, others)
}

/// A new container that refers to some of `others`.
pub(crate) fn new_container<'m, M: Mutator>(
    mutator: &'m M,
    types: &Types,
    sort: Sort,
    others: &[Root<'m, M>],
) -> Result<Root<'m, M>, HeapFull> {
    let slots = match below(1000) {
        0 => 4000 + below(3000),
        1..20 => 10 + below(60),
        _ => 1 + sort.first_slot() + below(4),
    };
    let stage = &types.stage;
    let stamp = if sort.is_stamped() { Some(new_atomic(mutator, types)?) } else { None };
    // After the stamp's, and after those of the others: see the rule for heaps that do not collect.
    let own = serial();
    let object = new(mutator, types.id(sort), Shape::new(slots, 32), own)?;
    match sort {
        Sort::Finalized => Stage::count(&stage.finalizable),
        Sort::Observed => Stage::count(&stage.observed),
        _ => {}
    }
    if let Some(stamp) = stamp {
        mutator.write_word(&object, 2, mutator.read_word(&stamp, 0));
        object.put(0, Some(stamp));
    }
    if sort == Sort::Tuple {
        let mut sum = 0u64;
        for slot in 0..slots.min(8) {
            if let Some(other) = pick(others).filter(|other| may_refer(mutator, types, &object, other)) {
                sum = sum.wrapping_add(serial_of(mutator, types, other));
                object.store(slot, Some(other));
            }
        }
        mutator.write_word(&object, 2, sum);
    } else {
        for slot in sort.first_slot()..slots.min(4) {
            if let Some(other) = pick(others).filter(|other| may_refer(mutator, types, &object, other)) {
                object.store(slot, Some(other));
            }
        }
    }
    // Filled: whoever finds it otherwise than by a reference may look now.
    mutator.write_word(&object, 1, mutator.read_word(&object, 1) ^ DONE);
    Ok(object)
}

/// Taken into the canary when an object is complete.
const DONE: u64 = 0x5555_aaaa_5555_aaaa;

/// One of `others`, if there is any.
pub(crate) fn pick<T>(others: &[T]) -> Option<&T> {
    if others.is_empty() { None } else { others.get(below(others.len() as u32) as usize) }
}

/// The serial of an object; 0 of a weak reference.
pub(crate) fn serial_of<M: Mutator>(mutator: &M, types: &Types, object: &Root<'_, M>) -> u64 {
    if types.sort_of(mutator, object) == Sort::Weak { 0 } else { mutator.read_word(object, 0) }
}

/// Whether `owner` may be made to refer to `value`: always, where cycles are collected.
pub(crate) fn may_refer<M: Mutator>(mutator: &M, types: &Types, owner: &Root<'_, M>, value: &Root<'_, M>) -> bool {
    !types.stage.acyclic || serial_of(mutator, types, owner) > serial_of(mutator, types, value)
}

/// Checks an object that something refers to, and what it refers to for good. Returns its sort.
pub(crate) fn check<M: Mutator>(mutator: &M, types: &Types, object: &Root<'_, M>) -> Sort {
    let sort = check_alone(mutator, types, object);
    if sort.is_stamped() {
        let stamp = object.load(0).unwrap_or_else(|| panic!("{object:?} ({sort:?}) has lost its stamp"));
        check_alone(mutator, types, &stamp);
        let (found, wanted) = (mutator.read_word(&stamp, 0), mutator.read_word(object, 2));
        assert_eq!(found, wanted, "{object:?} ({sort:?}) has the stamp {stamp:?} of another");
    } else if sort == Sort::Tuple {
        let slots = mutator.shape(object).slots;
        let found = (0..slots.min(8)).filter_map(|slot| object.load(slot));
        let sum = found.fold(0u64, |sum, target| sum.wrapping_add(serial_of(mutator, types, &target)));
        assert_eq!(sum, mutator.read_word(object, 2), "{object:?} (a tuple) holds other objects than it was made of");
    }
    sort
}

/// Checks an object that was found otherwise than by a reference: it may not be complete.
pub(crate) fn check_found<M: Mutator>(mutator: &M, types: &Types, object: &Root<'_, M>) {
    let sort = types.sort_of(mutator, object);
    let complete = !matches!(sort, Sort::Weak | Sort::Scratch) && {
        let serial = mutator.read_word(object, 0);
        let canary = canary(serial, mutator.type_of(object), mutator.shape(object));
        mutator.read_word(object, 1) == canary ^ DONE
    };
    if complete {
        check(mutator, types, object);
    }
}

fn check_alone<M: Mutator>(mutator: &M, types: &Types, object: &Root<'_, M>) -> Sort {
    types.stage.checks.fetch_add(1, Ordering::Relaxed);
    let sort = types.sort_of(mutator, object);
    let shape = mutator.shape(object);
    if sort == Sort::Weak {
        assert_eq!(shape, Shape::new(0, 0), "{object:?} is a weak reference");
        return sort;
    }
    assert!(shape.payload >= 16, "{object:?} ({sort:?}) has {shape:?}");
    let serial = mutator.read_word(object, 0);
    let found = mutator.read_word(object, 1);
    let done = if matches!(sort, Sort::Atomic | Sort::Guarded | Sort::Table) { 0 } else { DONE };
    let wanted = canary(serial, mutator.type_of(object), shape) ^ done;
    assert_eq!(found, wanted, "{object:?} ({sort:?}, {shape:?}) has serial {serial:#x} and the canary of another");
    let last = shape.payload / 8 - 1;
    if last > 3 {
        assert_eq!(mutator.read_word(object, last), mix(serial + 1), "{object:?} ({sort:?}) ends otherwise");
    }
    sort
}
