//! The only door to atomics, locks and threads for heaps, here and in `gc-concurrent`.
//!
//! One module, so that a model checker can stand in for all of it under `cfg(loom)` and models run the shipped
//! functions. The locks are those of the standard library: plain futex words, usable on both sides of a fork.
//! `parking_lot` keeps waiting threads in a table of the process, in which a forked child would find threads that it
//! does not have.

#[cfg(not(traced_locks))]
use std::sync::PoisonError;
#[cfg(not(traced_locks))]
use std::time::Duration;

pub use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
pub use std::sync::{Arc, Weak};
#[cfg(not(traced_locks))]
pub use std::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};
pub use std::thread::ThreadId;

#[cfg(traced_locks)]
pub use crate::traced::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A lock held for a few instructions and never across a callback, so a panic cannot leave its content half written.
#[cfg(not(traced_locks))]
#[derive(Debug, Default)]
pub struct Mutex<T>(std::sync::Mutex<T>);

#[cfg(not(traced_locks))]
impl<T> Mutex<T> {
    /// An open lock around `value`.
    pub fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    /// Waits for the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lock that readers share.
#[cfg(not(traced_locks))]
#[derive(Debug, Default)]
pub struct RwLock<T>(std::sync::RwLock<T>);

#[cfg(not(traced_locks))]
impl<T> RwLock<T> {
    /// Waits until nobody writes.
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody else reads or writes.
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A condition to wait for under a [`Mutex`].
#[cfg(not(traced_locks))]
#[derive(Debug, Default)]
pub struct Condvar(std::sync::Condvar);

#[cfg(not(traced_locks))]
impl Condvar {
    /// Waits for a notification, for at most `timeout`; wakes without one at times. True if the time is up.
    pub fn wait_for<'a, T>(&self, guard: MutexGuard<'a, T>, timeout: Duration) -> (MutexGuard<'a, T>, bool) {
        let (guard, result) = self.0.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner);
        (guard, result.timed_out())
    }

    /// Waits for a notification; wakes without one at times.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes one waiter.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all waiters.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// Starts a thread that nobody waits for.
///
/// # Errors
/// When the system has no thread left to give.
pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map(drop)
}

/// The calling thread.
pub fn current_thread() -> ThreadId {
    std::thread::current().id()
}

/// Adds to a counter that only the thread whose turn it is writes: a relaxed load and a relaxed store, which compile to
/// one plain `add`. The turn's lock orders them between threads.
#[inline(always)]
pub fn add_exclusive(counter: &AtomicU64, n: u64) {
    // Relaxed: the writer is alone (it holds the turn); a reader without the turn gets a figure of a moment ago.
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
}
