//! The locks of [`sync`](crate::sync) under a thread sanitizer that does not see into the standard library.
//!
//! The library's way to wait for a lock that is taken is compiled without the sanitizer, so what a lock orders would look like
//! races. Here each lock has an atomic of its own beside it, which tells the sanitizer of the order. Under
//! `cfg(traced_locks)` only; see `gc-concurrent/sanitizers`.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::AcqRel;
use std::time::Duration;

/// What the sanitizer sees of a lock.
#[derive(Debug, Default)]
struct Trace(AtomicU32);

impl Trace {
    /// The lock was taken, or is about to be given back.
    fn pass(&self) {
        // AcqRel: who takes the lock acquires what who gave it back released.
        self.0.fetch_add(1, AcqRel);
    }
}

/// A lock's guard, told to the sanitizer when it is dropped.
#[derive(Debug)]
pub struct Traced<'a, G> {
    trace: &'a Trace,
    guard: Option<G>,
}

impl<'a, G> Traced<'a, G> {
    fn new(trace: &'a Trace, guard: G) -> Self {
        trace.pass();
        Self { trace, guard: Some(guard) }
    }
}

impl<G> Drop for Traced<'_, G> {
    fn drop(&mut self) {
        self.trace.pass();
    }
}

impl<G: Deref> Deref for Traced<'_, G> {
    type Target = G::Target;
    fn deref(&self) -> &G::Target {
        self.guard.as_ref().expect("taken only by a wait, which consumes it")
    }
}

impl<G: DerefMut> DerefMut for Traced<'_, G> {
    fn deref_mut(&mut self) -> &mut G::Target {
        self.guard.as_mut().expect("taken only by a wait, which consumes it")
    }
}

/// As in [`sync`](crate::sync).
pub type MutexGuard<'a, T> = Traced<'a, std::sync::MutexGuard<'a, T>>;
/// As in [`sync`](crate::sync).
pub type RwLockReadGuard<'a, T> = Traced<'a, std::sync::RwLockReadGuard<'a, T>>;
/// As in [`sync`](crate::sync).
pub type RwLockWriteGuard<'a, T> = Traced<'a, std::sync::RwLockWriteGuard<'a, T>>;

/// As in [`sync`](crate::sync).
#[derive(Debug, Default)]
pub struct Mutex<T>(std::sync::Mutex<T>, Trace);

impl<T> Mutex<T> {
    /// An open lock around `value`.
    pub fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value), Trace::default())
    }

    /// Waits for the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        Traced::new(&self.1, self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// As in [`sync`](crate::sync).
#[derive(Debug, Default)]
pub struct RwLock<T>(std::sync::RwLock<T>, Trace);

impl<T> RwLock<T> {
    /// Waits until nobody writes.
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        Traced::new(&self.1, self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until nobody else reads or writes.
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        Traced::new(&self.1, self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// As in [`sync`](crate::sync).
#[derive(Debug, Default)]
pub struct Condvar(std::sync::Condvar);

impl Condvar {
    /// Waits for a notification, for at most `timeout`; wakes without one at times. True if the time is up.
    pub fn wait_for<'a, T>(&self, mut guard: MutexGuard<'a, T>, timeout: Duration) -> (MutexGuard<'a, T>, bool) {
        let trace = guard.trace;
        let inner = guard.guard.take().expect("taken only here, which consumes it");
        drop(guard);
        let (inner, result) = self.0.wait_timeout(inner, timeout).unwrap_or_else(PoisonError::into_inner);
        (Traced::new(trace, inner), result.timed_out())
    }

    /// Waits for a notification; wakes without one at times.
    pub fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let trace = guard.trace;
        let inner = guard.guard.take().expect("taken only here, which consumes it");
        drop(guard);
        Traced::new(trace, self.0.wait(inner).unwrap_or_else(PoisonError::into_inner))
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
