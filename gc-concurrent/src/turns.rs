//! Whose turn it is to collect: one thread at a time, with the tables that a collection needs.

use std::time::{Duration, Instant};

use gc_core::sync::{Condvar, Mutex, ThreadId, current_thread};

use crate::mutators::Moment;
use crate::work::Work;

/// Memory that waits for each mutator to move on before it is given back.
pub(crate) struct Grace {
    /// How much of what was retired.
    pub(crate) retired: usize,
    /// Where mutators were when all of it had been.
    pub(crate) since: Moment,
    /// All of them have moved on: only the size of a piece is waited for.
    pub(crate) is_over: bool,
}

/// What the right to collect is about.
#[derive(Default)]
pub(crate) struct State {
    holder: Option<ThreadId>,
    /// The tables, while nobody collects.
    work: Option<Box<Work>>,
    pub(crate) grace: Option<Grace>,
}

impl State {
    /// Whether a collection is under way.
    pub(crate) fn is_taken(&self) -> bool {
        self.holder.is_some()
    }
}

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Turns {
    state: Mutex<State>,
    free: Condvar,
}

impl Turns {
    /// Whether the calling thread collects: in a callback of its collection, say.
    pub(crate) fn is_mine(&self) -> bool {
        self.state.lock().holder == Some(current_thread())
    }

    /// Whether somebody collects, at this moment.
    pub(crate) fn is_taken(&self) -> bool {
        self.state.lock().is_taken()
    }

    /// Takes the turn if it is free.
    pub(crate) fn try_take(&self) -> Option<Box<Work>> {
        let mut state = self.state.lock();
        if state.is_taken() {
            return None;
        }
        state.holder = Some(current_thread());
        Some(state.work.take().unwrap_or_default())
    }

    /// Waits for the turn. The caller is in a safe region, and does not have the turn.
    pub(crate) fn take(&self) -> Box<Work> {
        let mut state = self.state.lock();
        while state.is_taken() {
            state = self.free.wait(state);
        }
        state.holder = Some(current_thread());
        state.work.take().unwrap_or_default()
    }

    /// Waits for the turn, no longer than `limit`. The caller is in a safe region, and does not have the turn.
    pub(crate) fn take_within(&self, limit: Duration) -> Option<Box<Work>> {
        let end = Instant::now() + limit;
        let mut state = self.state.lock();
        while state.is_taken() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            (state, _) = self.free.wait_for(state, left);
        }
        state.holder = Some(current_thread());
        Some(state.work.take().unwrap_or_default())
    }

    /// Gives it up.
    pub(crate) fn give_up(&self, work: Box<Work>) {
        let mut state = self.state.lock();
        state.holder = None;
        state.work = Some(work);
        self.free.notify_one();
    }

    /// The state, locked: while it is, no collection begins or ends.
    pub(crate) fn with_state<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock())
    }

    /// Holds the lock over `f`, in which the process forks.
    pub(crate) fn hold<T>(&self, f: impl FnOnce() -> T) -> T {
        let _state = self.state.lock();
        f()
    }
}
