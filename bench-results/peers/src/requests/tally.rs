//! How many objects died, for contestants that do not tell; counted by thread, so that counting makes no thread wait.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::watch::Counter;

static ALL: Mutex<Vec<&'static Counter>> = Mutex::new(Vec::new());

thread_local! {
    /// Without a destructor: a thread that ends may still drop objects.
    static OWN: Cell<Option<&'static Counter>> = const { Cell::new(None) };
}

/// Counts one dead object.
pub fn count() {
    let own: &AtomicU64 = &OWN.get().unwrap_or_else(register).0;
    // Relaxed, and no read-modify-write: only this thread writes it, and it is read when nothing runs any more.
    own.store(own.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

#[cold]
fn register() -> &'static Counter {
    let counter: &'static Counter = Box::leak(Box::default());
    ALL.lock().push(counter);
    OWN.set(Some(counter));
    counter
}

/// All dead objects so far.
pub fn dead() -> u64 {
    ALL.lock().iter().map(|counter| counter.0.load(Ordering::Relaxed)).sum()
}
