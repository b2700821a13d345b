//! What a child does: serve, collect twice, and say so. The control says as much and does none of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use gc_core::{Generation, Heap, HeapFull, Mutator};
use workloads::frozen_heap::{FrozenHeap, Served, Serving};

use super::cell::Cell;
use super::channel::{ChildEnd, Message};
use super::ranges::Ranges;
use super::record::{Said, Stage};
use crate::units;
use crate::usage::{ProcessUsage, thread_cpu_ns};

/// What a child is there for.
pub(super) enum Task<'t, 'm, M: Mutator> {
    /// To be compared with.
    Control,
    /// To serve as worker of this number.
    Serve {
        /// What it reads.
        heap: &'t FrozenHeap<'m, M>,
        /// Its number.
        number: u32,
    },
}

/// The rest of a forked process: goes through the stages, then stays until the parent ends it. Nothing of the parent's is
/// dropped here: its children are not this process's to end.
pub(super) fn live<M: Mutator>(mutator: &M, cell: &Cell, task: &Task<'_, '_, M>, mut end: ChildEnd) -> ! {
    // A panic must not unwind into what the parent was doing.
    let outcome = catch_unwind(AssertUnwindSafe(|| match stages(mutator, cell, task, &mut end) {
        Ok(()) => mutator.safe_region(|| end.stay()),
        Err(full) => end.give_up(full.to_string()),
    }));
    std::process::exit(if outcome.is_ok() { 0 } else { 101 });
}

fn stages<M: Mutator>(mutator: &M, cell: &Cell, task: &Task<'_, '_, M>, end: &mut ChildEnd) -> Result<(), HeapFull> {
    let faults = || ProcessUsage::now().map(|usage| usage.minor_faults());
    let mut served = None;
    for stage in Stage::of(cell) {
        let (begin, cpu_before) = (Instant::now(), thread_cpu_ns());
        let found = match task {
            Task::Control => None,
            Task::Serve { heap, number } => step(mutator, stage, heap, &cell.serving(*number), &mut served)?,
        };
        let (wall_ns, cpu_ns) = (begin.elapsed().as_nanos() as u64, thread_cpu_ns() - cpu_before);
        let statistics = mutator.heap().statistics();
        let so_far = served.unwrap_or_default();
        let said = Said {
            stage,
            minor_faults: faults(),
            wall_ns,
            cpu_ns,
            found,
            live_objects: mutator.heap().live_objects(),
            held_bytes: statistics.held_bytes,
            side_bytes: statistics.side_bytes,
            frozen_objects: mutator.get_freeze_count(),
            digest: served.map(|served| units::digest(served.digest)),
            requests: so_far.requests,
            replaced: so_far.replaced,
        };
        let message = Message { said, ranges: Ranges::of(mutator.heap()) };
        if !mutator.safe_region(|| end.say(message)) {
            break;
        }
    }
    Ok(())
}

/// What a worker does to come to a stage; what a collection found.
fn step<M: Mutator>(
    mutator: &M,
    stage: Stage,
    heap: &FrozenHeap<'_, M>,
    serving: &Serving,
    served: &mut Option<Served>,
) -> Result<Option<u64>, HeapFull> {
    Ok(match stage {
        Stage::Forked => None,
        Stage::Served => {
            *served = Some(heap.serve(serving)?);
            None
        }
        Stage::Collected | Stage::CollectedAgain => Some(mutator.collect(Generation::OLD)),
        Stage::Unfrozen => {
            mutator.unfreeze();
            Some(mutator.collect(Generation::OLD))
        }
        Stage::Released => {
            heap.release();
            Some(mutator.collect(Generation::OLD))
        }
    })
}
