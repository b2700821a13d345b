//! A parent that loads, freezes and forks; a child that works on what it inherited.

use std::error::Error;
use std::process::exit;
use std::sync::Arc;

use gc_core::process::Forked;
use gc_core::{
    Control, Generation, GenerationalHeap, Heap, HeapConfig, HeapFull, Kind, Mutator, NoObserver, Shape, TypeSpec,
};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

const INHERITED: u32 = 10_000;
const CYCLES: u64 = 500;

/// The child's work: it makes garbage and collects it, and leaves what it inherited alone.
fn work<M: Mutator>(mutator: &M, node: gc_core::TypeId) -> Result<bool, HeapFull> {
    for _ in 0..CYCLES {
        let cycle = mutator.allocate(node, Shape::new(1, 0))?;
        cycle.store(0, Some(&cycle));
    }
    Ok(mutator.collect(Generation::OLD) == CYCLES && mutator.get_freeze_count() == u64::from(INHERITED) + 1)
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let heap = GenerationalHeap::new(HeapConfig::default(), Arc::new(NoObserver))?;
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance))?;
    let mutator = heap.attach();
    mutator.disable();
    let module = mutator.allocate(node, Shape::new(INHERITED, 0))?;
    for slot in 0..INHERITED {
        module.put(slot, Some(mutator.allocate(node, Shape::new(2, 16))?));
    }
    // So that neither counts nor collections in a child write to the pages it shares.
    mutator.freeze_immortal();

    match mutator.fork()? {
        Forked::Child { lost_mutators } => {
            let right = lost_mutators == 0 && work(&mutator, node).unwrap_or(false);
            // Without unwinding: what this process inherited is its parent's to clean up.
            exit(i32::from(!right));
        }
        Forked::Parent { child } => {
            let child = Pid::from_raw(child);
            assert_eq!(waitpid(child, None)?, WaitStatus::Exited(child, 0));
        }
    }
    assert_eq!(heap.statistics().live(), u64::from(INHERITED) + 1);
    println!("the child collected {CYCLES} cycles beside {INHERITED} frozen objects");
    Ok(())
}
