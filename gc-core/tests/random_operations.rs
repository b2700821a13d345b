//! Random operations on each heap against the model: see [`gc_core::conformance::model`].

use gc_core::conformance::model::{Finalizer, Operation, REGISTERS, SLOTS, run};
use gc_core::{
    FreeLists, Generation, GenerationalHeap, GenerationalStreamingHeap, Heap, HeapConfig, Kind, Place, RefcountHeap,
    Trigger, WeakOrder,
};
use proptest::prelude::*;
use proptest::sample::select;

fn operation() -> impl Strategy<Value = Operation> {
    let r = || 0..REGISTERS;
    let s = || 0..SLOTS;
    let kind = select(vec![Kind::Instance, Kind::Instance, Kind::List, Kind::Dict, Kind::Tuple, Kind::Atomic]);
    let finalizer = select(vec![
        Finalizer::Absent,
        Finalizer::Absent,
        Finalizer::Absent,
        Finalizer::Reports,
        Finalizer::Resurrects,
    ]);
    let generation = select(Generation::ALL.to_vec());
    prop_oneof![
        20 => (r(), kind, finalizer).prop_map(|(r, kind, finalizer)| Operation::Allocate(r, kind, finalizer)),
        28 => (r(), s(), r()).prop_map(|(r, s, q)| Operation::Store(r, s, q)),
        3 => (r(), s()).prop_map(|(r, s)| Operation::Clear(r, s)),
        8 => (r(), r(), s()).prop_map(|(r, q, s)| Operation::Load(r, q, s)),
        3 => (r(), r(), s()).prop_map(|(r, q, s)| Operation::Take(r, q, s)),
        4 => (r(), s(), r()).prop_map(|(r, s, q)| Operation::Exchange(r, s, q)),
        3 => (r(), s(), s(), 0..4u8).prop_map(|(r, from, to, length)| Operation::MoveSlots(r, from, to, length)),
        4 => (r(), r()).prop_map(|(r, q)| Operation::Move(r, q)),
        6 => r().prop_map(Operation::Drop),
        5 => (r(), r(), any::<bool>()).prop_map(|(r, q, callback)| Operation::Weak(r, q, callback)),
        3 => (r(), r()).prop_map(|(r, q)| Operation::Upgrade(r, q)),
        2 => r().prop_map(Operation::DropShared),
        1 => Just(Operation::Safepoint),
        3 => r().prop_map(Operation::TakeResurrected),
        1 => Just(Operation::Freeze),
        1 => Just(Operation::Unfreeze),
        6 => generation.prop_map(Operation::Collect),
    ]
}

/// Mostly mortal: one sequence in four makes some object immortal.
fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let immortal = proptest::option::weighted(0.25, (0..REGISTERS, any::<proptest::sample::Index>()));
    (proptest::collection::vec(operation(), 1..=200), immortal).prop_map(|(mut operations, immortal)| {
        if let Some((register, at)) = immortal {
            operations.insert(at.index(operations.len()), Operation::MakeImmortal(register));
        }
        operations
    })
}

/// A failure prints its operations, shortened, and the seed that repeats it.
fn agrees<H: Heap>(config: HeapConfig, operations: &[Operation]) -> Result<(), TestCaseError> {
    run::<H>(config, operations).map_err(|disagreement| TestCaseError::fail(disagreement.to_string()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn refcount_agrees_with_the_model(operations in operations()) {
        agrees::<RefcountHeap>(HeapConfig::default(), &operations)?;
    }

    #[test]
    fn generational_agrees_with_the_model(operations in operations()) {
        agrees::<GenerationalHeap>(HeapConfig::default(), &operations)?;
    }

    #[test]
    fn every_switch_agrees_with_the_model(
        operations in operations(),
        place in select(vec![Place::Inline, Place::Side]),
        trigger in select(vec![Trigger::Inside, Trigger::After]),
        weak_order in select(vec![WeakOrder::BeforeFinalizers, WeakOrder::PlainAfterFinalizers]),
        free_lists in select(vec![FreeLists::None, FreeLists::CPython312]),
    ) {
        let config = HeapConfig { place, trigger, weak_order, free_lists, ..HeapConfig::default() };
        agrees::<GenerationalHeap>(config, &operations)?;
        agrees::<GenerationalStreamingHeap>(config, &operations)?;
    }
}
