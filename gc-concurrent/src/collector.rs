//! The collector's thread: it waits, collects what is due, and rests as the duty cap says.
//!
//! # Protocol
//! The thread is started by the first request and lives as long as the heap. It holds the heap only while it collects,
//! attached as a mutator; between collections it has a weak handle and the *bell*. Whoever drops the last handle of the
//! heap rings its end. Nobody waits for the thread: an explicit collection, a full heap and a mutator that the collector
//! cannot keep up with collect on their own threads. So there is no wait that a thread which is not there could leave
//! without end: not before the first request, not at the end, not in a forked child.

use std::time::{Duration, Instant};

use gc_core::process::schedule_lowest;
use gc_core::sync::{Arc, Condvar, Mutex, Weak, spawn};
use gc_core::{Certify, Generation, Reason, Scheduling};

use crate::heap::{ParallelHeap, Rung, Shared};
use crate::mutator::ParallelMutator;

#[derive(Default)]
struct State {
    /// There is a thread.
    started: bool,
    /// A threshold was crossed.
    requested: bool,
    /// The heap is gone.
    ended: bool,
}

/// What wakes the collector's thread. It outlives the heap.
#[derive(Default)]
pub(crate) struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

/// What the thread woke for.
#[derive(PartialEq, Eq, Debug)]
enum Wake {
    Request,
    Time,
    End,
}

impl Bell {
    /// Asks for a collection of what is due.
    pub(crate) fn ring(&self) {
        self.state.lock().requested = true;
        self.rung.notify_one();
    }

    /// The heap is gone.
    pub(crate) fn end(&self) {
        self.state.lock().ended = true;
        self.rung.notify_one();
    }

    /// In a forked child: the thread is not here.
    pub(crate) fn alone_after_fork(&self) {
        *self.state.lock() = State::default();
    }

    /// Holds the lock over `f`, in which the process forks.
    pub(crate) fn hold<T>(&self, f: impl FnOnce() -> T) -> T {
        let _state = self.state.lock();
        f()
    }

    /// Waits for a request, the end, or `until`.
    fn wait(&self, until: Option<Instant>) -> Wake {
        let mut state = self.state.lock();
        loop {
            if state.ended {
                return Wake::End;
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            // First: requests may never cease, and what they ask for is done in the course of a full collection.
            if left == Some(Duration::ZERO) {
                return Wake::Time;
            }
            if std::mem::take(&mut state.requested) {
                return Wake::Request;
            }
            state = match left {
                Some(left) => self.rung.wait_for(state, left).0,
                None => self.rung.wait(state),
            };
        }
    }

    /// Waits for `rest`. False if the heap is gone.
    fn rest(&self, rest: Duration) -> bool {
        let until = Instant::now() + rest;
        let mut state = self.state.lock();
        while !state.ended {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            state = self.rung.wait_for(state, left).0;
        }
        false
    }
}

/// Starts the thread, if there is none. Where the system has no thread to give, mutators collect by themselves.
pub(crate) fn ensure<R: Rung>(heap: &ParallelHeap<R>) {
    let shared = &heap.0;
    if std::mem::replace(&mut shared.bell.state.lock().started, true) {
        return;
    }
    let (weak, bell) = (Arc::downgrade(shared), Arc::clone(&shared.bell));
    let config = shared.config;
    let run = move || {
        // Not where mutators stand still for this thread: then it must not wait for an idle core.
        if config.scheduling == Scheduling::Lowest && !R::STOPS && config.certify == Certify::OnTheFly {
            // Refused, it stays as it is: the duty cap still holds.
            let _ = schedule_lowest();
        }
        run(&weak, &bell, config.full_every.map(|ms| Duration::from_millis(ms.into())), config.duty.clamp(1, 100));
    };
    if spawn("gclab-collector", run).is_err() {
        shared.bell.state.lock().started = false;
    }
}

fn run<R: Rung>(heap: &Weak<Shared<R>>, bell: &Bell, full_every: Option<Duration>, duty: u32) {
    let rest_after = |worked: Duration| worked * (100 - duty) / duty;
    let mut next_full = full_every.map(|every| Instant::now() + every);
    // The duty cap keeps full collections apart; what dies young need not wait for that.
    let mut no_full_before = Instant::now();
    loop {
        let wake = bell.wait(next_full);
        if wake == Wake::End {
            return;
        }
        let Some(shared) = heap.upgrade() else { return };
        let begin = Instant::now();
        let was_full = {
            let mutator = ParallelMutator::attach(&ParallelHeap(shared), true);
            match wake {
                Wake::Request => mutator.collect_due(begin >= no_full_before) == Some(Generation::OLD),
                Wake::Time | Wake::End => {
                    if mutator.shared().trigger.is_enabled() {
                        mutator.collect_now(Generation::OLD, Reason::Threshold);
                    }
                    true
                }
            }
        };
        let rest = rest_after(begin.elapsed());
        if was_full {
            no_full_before = Instant::now() + rest;
            next_full = full_every.map(|every| Instant::now() + every.max(rest));
        } else if !bell.rest(rest) {
            return;
        }
    }
}
