//! Forks in the middle of everything: the child has a whole heap of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use gc_core::process::Forked;
use gc_core::{Generation, Mutator};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::actions::Worker;

/// Operations of a child.
const STEPS: u32 = 500;

/// Forks. The child checks what it holds, works and collects; it must succeed, and within 20 seconds.
pub(crate) fn fork_and_verify<M: Mutator>(worker: &Worker<'_, M>) {
    match worker.mutator.fork().expect("the system forks") {
        Forked::Child { .. } => {
            // A child that waits for what a vanished thread held ends by a signal.
            nix::unistd::alarm::set(20);
            let outcome = catch_unwind(AssertUnwindSafe(|| live_on(worker)));
            std::process::exit(i32::from(outcome.is_err()));
        }
        Forked::Parent { child } => {
            let child = Pid::from_raw(child);
            let status = worker.mutator.safe_region(|| waitpid(child, None).expect("it is our child"));
            assert_eq!(status, WaitStatus::Exited(child, 0), "the child failed");
            worker.verify();
        }
    }
}

fn live_on<M: Mutator>(worker: &Worker<'_, M>) {
    worker.verify();
    worker.mutator.collect(Generation::OLD);
    worker.verify();
    let mut child = worker.again();
    for _ in 0..STEPS {
        if child.step().is_err() {
            break;
        }
    }
    worker.mutator.collect(Generation::YOUNG);
    worker.mutator.collect(Generation::OLD);
    child.verify();
    worker.verify();
    assert!(worker.stage.failures.lock().is_empty(), "a callback failed");
}
