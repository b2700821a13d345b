//! A model of a heap: the same operations on a heap and on a plain Rust graph, which must agree.
//!
//! The graph knows counts, generations, weak references, finalizers and resurrection, and finds garbage by reachability
//! from what the set under collection does not explain; it knows no lists, so it compares sets. After every operation
//! the events and the number of living objects must be the same, after every full collection everything else: which
//! objects there are, their slots, counts, labels, generations, marks, and what weak references give.

mod graph;
mod side_by_side;

use crate::config::HeapConfig;
use crate::control::{Generation, Thresholds};
use crate::event::NoObserver;
use crate::heap::Heap;
use crate::object::Kind;
use crate::sync::Arc;

use side_by_side::{SideBySide, Types};

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
    let mut run = SideBySide::new(&mutator, &types, H::ABILITIES.collects_cycles, config.weak_order);
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
