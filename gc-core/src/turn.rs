//! Whose turn it is: on heaps with plain counts one mutator runs at a time.
//!
//! # Protocol
//! A mutator *takes* the turn when it attaches and *gives it up* when it detaches or enters a safe region. One that
//! waits longer than [`INTERVAL`] *asks*: the running mutator sees the request at its next safepoint and *hands over*,
//! which means that it waits until somebody else has run.
//!
//! # Invariants
//! - **T1** At most one mutator has the turn; everything the turn guards is written by its holder only, and the lock
//!   orders one holder's writes before the next one's reads.
//!
//! # Prior work
//! CPython, `Python/ceval_gil.c`: the same interval, request and forced switch.

use std::time::{Duration, Instant};

use crate::event::{Cause, Observer};
use crate::root::Mailbox;
use crate::sync::{Condvar, Mutex, MutexGuard, ThreadId, current_thread};

/// How long a mutator waits before it asks the running one to hand over (`sys.setswitchinterval`).
pub(crate) const INTERVAL: Duration = Duration::from_millis(5);

#[derive(Default)]
struct State {
    holder: Option<ThreadId>,
    /// Turns taken so far: a hand-over waits for it to move.
    taken: u64,
    waiting: u32,
}

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Turn {
    state: Mutex<State>,
    free: Condvar,
    switched: Condvar,
}

impl Turn {
    /// Waits for the turn. The wait, if there is one, is reported.
    ///
    /// # Panics
    /// If the calling thread has it already: it would wait for itself.
    pub(crate) fn take(&self, mailbox: &Mailbox, observer: &dyn Observer) {
        let mut state = self.state.lock();
        assert!(
            state.holder != Some(current_thread()),
            "this thread already runs a mutator of this heap; drop it, or attach from another thread"
        );
        if state.holder.is_none() {
            return Self::own(&mut state, mailbox, &self.switched);
        }
        // The observer is the program's code: not under the lock.
        drop(state);
        observer.interruption_begins(Cause::Lock);
        let begin = Instant::now();
        let mut state = self.state.lock();
        state.waiting += 1;
        while state.holder.is_some() {
            let seen = state.taken;
            let (guard, late) = self.free.wait_for(state, INTERVAL);
            state = guard;
            if late && state.holder.is_some() && state.taken == seen {
                mailbox.ask(Mailbox::TURN);
            }
        }
        state.waiting -= 1;
        Self::own(&mut state, mailbox, &self.switched);
        drop(state);
        observer.interruption_ends(Cause::Lock, begin.elapsed());
    }

    fn own(state: &mut MutexGuard<'_, State>, mailbox: &Mailbox, switched: &Condvar) {
        state.holder = Some(current_thread());
        state.taken += 1;
        mailbox.answer(Mailbox::TURN);
        switched.notify_all();
    }

    /// Lets another mutator run.
    pub(crate) fn give_up(&self) {
        self.state.lock().holder = None;
        self.free.notify_one();
    }

    /// Lets a waiting mutator run, and takes the turn again after it.
    pub(crate) fn hand_over(&self, mailbox: &Mailbox, observer: &dyn Observer) {
        if self.state.lock().waiting == 0 {
            mailbox.answer(Mailbox::TURN);
            return;
        }
        observer.interruption_begins(Cause::Lock);
        let begin = Instant::now();
        let mut state = self.state.lock();
        let taken = state.taken;
        state.holder = None;
        self.free.notify_one();
        // The forced switch: without it this thread would usually win the lock again at once.
        while state.taken == taken && state.waiting > 0 {
            (state, _) = self.switched.wait_for(state, INTERVAL);
        }
        drop(state);
        // The rest of the wait is part of the same interruption.
        self.take(mailbox, &crate::event::NoObserver);
        observer.interruption_ends(Cause::Lock, begin.elapsed());
    }

    /// Holds the lock over `f`, in which the process forks.
    pub(crate) fn hold<R>(&self, f: impl FnOnce() -> R) -> R {
        let _state = self.state.lock();
        f()
    }

    /// In a forked child: only the calling thread, which has the turn, is left.
    pub(crate) fn alone_after_fork(&self, mailbox: &Mailbox) {
        self.state.lock().waiting = 0;
        mailbox.answer(Mailbox::TURN);
    }
}
