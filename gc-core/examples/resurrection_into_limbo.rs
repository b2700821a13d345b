//! A loop that replays operations, with a finalizer that brings its object back to life: it pushes it on a stack
//! outside the heap, from which the loop takes it later.

use std::error::Error;
use std::sync::{Arc, Mutex};

use gc_core::{
    Control, Generation, GenerationalHeap, Heap, HeapConfig, Kind, Mutator, NoObserver, Root, Shape, SharedRoot,
    TypeSpec,
};

enum Operation {
    Allocate { register: usize },
    Store { register: usize, slot: u32, value: usize },
    Drop { register: usize },
    Collect,
    TakeFromLimbo { register: usize },
}

const PROGRAM: &[Operation] = &[
    Operation::Allocate { register: 0 },
    Operation::Allocate { register: 1 },
    Operation::Store { register: 0, slot: 0, value: 1 },
    Operation::Store { register: 1, slot: 0, value: 0 },
    Operation::Drop { register: 0 },
    Operation::Drop { register: 1 },
    Operation::Collect,
    Operation::TakeFromLimbo { register: 0 },
    Operation::TakeFromLimbo { register: 1 },
    Operation::Drop { register: 0 },
    Operation::Drop { register: 1 },
    Operation::Collect,
];

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver))?;
    let limbo: Arc<Mutex<Vec<SharedRoot>>> = Arc::default();
    let stack = Arc::clone(&limbo);
    let resurrect = heap.register_callback(Arc::new(move |_, object| {
        stack.lock().expect("no callback panics with it").push(object.share());
    }));
    let type_id = heap.register_type(TypeSpec::new("returns once", Kind::Instance).with_finalizer(resurrect))?;

    let mutator = heap.attach();
    let mut registers: [Option<Root<'_, _>>; 2] = [None, None];
    let mut found = Vec::new();
    for operation in PROGRAM {
        match *operation {
            Operation::Allocate { register } => {
                registers[register] = Some(mutator.allocate(type_id, Shape::new(6, 0))?);
            }
            Operation::Store { register, slot, value } => {
                if let Some(object) = &registers[register] {
                    object.store(slot, registers[value].as_ref());
                }
            }
            Operation::Drop { register } => registers[register] = None,
            Operation::Collect => found.push(mutator.collect(Generation::OLD)),
            Operation::TakeFromLimbo { register } => {
                let newest = limbo.lock().expect("no callback panics with it").pop();
                if let Some(shared) = newest {
                    registers[register] = Some(mutator.adopt(shared));
                }
            }
        }
    }
    assert_eq!(found, [0, 2], "the cycle comes back to life once, then dies without a word");
    assert_eq!(heap.statistics().live(), 0);
    println!("collections found {found:?} objects");
    Ok(())
}
