//! Safepoints: which mutators run, and how one of them makes the others stand still.
//!
//! # Protocol
//! A mutator *runs*, or it is *safe*: in a safe region, or waiting here. One that wants the others to stand still asks for
//! attention, and waits until none runs. Mutators look at their safepoints (and allocations), become safe, and wait until
//! the world goes on. One that leaves a safe region meanwhile waits likewise.
//!
//! # Invariants
//! - **W1** While the world stands still, exactly one mutator uses the heap.
//! - **W2** The lock orders what a mutator did before it became safe before what the stopping one does, and that before
//!   what any mutator does after the world goes on.

use std::time::Instant;

use gc_core::Observer;
use gc_core::event::Cause;
use gc_core::root::Mailbox;
use gc_core::sync::{Condvar, Mutex};

/// Mailbox bit: the world is to stand still.
pub(crate) const STOP: u32 = 8;

#[derive(Default)]
struct State {
    running: u32,
    stopped: bool,
}

/// See the [module](self).
#[derive(Default)]
pub(crate) struct World {
    state: Mutex<State>,
    /// No mutator runs any more.
    quiet: Condvar,
    /// The world goes on.
    resumed: Condvar,
}

impl World {
    /// A mutator begins to run: it attaches, or leaves a safe region. A wait is reported.
    pub(crate) fn enter(&self, observer: &dyn Observer) {
        let mut state = self.state.lock();
        if !state.stopped {
            state.running += 1;
            return;
        }
        // The observer is the program's code: not under the lock.
        drop(state);
        observer.interruption_begins(Cause::Stop);
        let begin = Instant::now();
        state = self.state.lock();
        while state.stopped {
            state = self.resumed.wait(state);
        }
        state.running += 1;
        drop(state);
        observer.interruption_ends(Cause::Stop, begin.elapsed());
    }

    /// A mutator ceases to run: it detaches, or enters a safe region.
    pub(crate) fn leave(&self) {
        let mut state = self.state.lock();
        state.running -= 1;
        if state.running == 0 {
            self.quiet.notify_all();
        }
    }

    /// A running mutator lets the world stand still if somebody asked for it.
    pub(crate) fn pass(&self, observer: &dyn Observer) {
        if self.state.lock().stopped {
            self.leave();
            self.enter(observer);
        }
    }

    /// Makes all other mutators stand still. The caller runs, and goes on running. Where another one stops the world at the
    /// same time, the caller stands still first.
    pub(crate) fn stop(&self, mailbox: &Mailbox, observer: &dyn Observer) {
        loop {
            self.pass(observer);
            let mut state = self.state.lock();
            if state.stopped {
                continue;
            }
            state.stopped = true;
            mailbox.ask(STOP);
            state.running -= 1;
            if state.running == 0 {
                return;
            }
            drop(state);
            observer.interruption_begins(Cause::Safepoint);
            let begin = Instant::now();
            state = self.state.lock();
            while state.running != 0 {
                state = self.quiet.wait(state);
            }
            drop(state);
            return observer.interruption_ends(Cause::Safepoint, begin.elapsed());
        }
    }

    /// Lets the others go on. For the one that stopped them.
    pub(crate) fn resume(&self, mailbox: &Mailbox) {
        let mut state = self.state.lock();
        state.stopped = false;
        state.running += 1;
        mailbox.answer(STOP);
        self.resumed.notify_all();
    }

    /// Holds the lock over `f`, in which the process forks.
    pub(crate) fn hold<R>(&self, f: impl FnOnce() -> R) -> R {
        let _state = self.state.lock();
        f()
    }
}
