//! Functions that are called once, when an object dies or the program ends (`weakref.finalize`).

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustc_hash::FxHashMap;

use super::table::{alive, release};
use crate::callback::CallbackId;
use crate::heap::{Heap, HeapFull, Mutator};
use crate::object::ObjectRef;
use crate::root::{Root, SharedRoot};
use crate::sync::{Arc, Mutex};

/// A function of a finalizer.
pub type Call<M> = Box<dyn FnOnce(&M) + Send>;

struct Entry<M: Mutator> {
    weak: Arc<SharedRoot>,
    call: Call<M>,
    at_exit: bool,
}

/// The finalizers that were not called yet, by their number; and the same by weak reference.
struct Registry<M: Mutator> {
    entries: BTreeMap<u64, Entry<M>>,
    by_weak: FxHashMap<ObjectRef, u64>,
    registered: u64,
    /// After the exit nothing is called any more.
    closed: bool,
}

impl<M: Mutator> Registry<M> {
    fn remove(&mut self, number: u64) -> Option<Entry<M>> {
        let entry = self.entries.remove(&number)?;
        self.by_weak.remove(&entry.weak.object());
        Some(entry)
    }
}

/// The finalizers of one heap.
///
/// Unlike a [`TypeSpec`](crate::TypeSpec)'s finalizer, one of these belongs to a single object, gets no root of it and so
/// cannot bring it back, and is called even if the object is alive when the program ends. It keeps itself alive: whether
/// this value or the [`Finalizer`] is dropped, it stays until it is called or detached. Its function must not hold the
/// object, which would keep it alive until the exit.
///
/// Invariants 1 and 2 of [the module](super) hold here as well: no heap operation and no program's code under the lock.
pub struct Finalizers<M: Mutator> {
    registry: Arc<Mutex<Registry<M>>>,
    callback: CallbackId,
}

impl<M: Mutator> Clone for Finalizers<M> {
    fn clone(&self) -> Self {
        Self { registry: Arc::clone(&self.registry), callback: self.callback }
    }
}

/// What [`Finalizers::run_all`] did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exit {
    /// Finalizers called, those that panicked included.
    pub called: u64,
    /// The messages of those that panicked, in order.
    pub panics: Vec<String>,
}

impl<M: Mutator> Finalizers<M> {
    /// None yet, for objects of `heap`. Takes one place in the heap's table of callbacks for as long as the heap lives.
    pub fn new(heap: &M::Heap) -> Self {
        let registry =
            Registry { entries: BTreeMap::new(), by_weak: FxHashMap::default(), registered: 0, closed: false };
        let registry = Arc::new(Mutex::new(registry));
        // The heap's callback holds the registry: that is what keeps finalizers alive.
        let held = Arc::clone(&registry);
        let callback = heap.register_callback(Arc::new(move |mutator: &M, weak: Root<'_, M>| {
            let mut registry = held.lock();
            let number = registry.by_weak.get(&weak.object()).copied();
            let entry = number.and_then(|number| registry.remove(number));
            let closed = registry.closed;
            drop(registry);
            let Some(entry) = entry else { return };
            release(mutator, entry.weak);
            if !closed {
                (entry.call)(mutator);
            }
        }));
        Self { registry, callback }
    }

    /// Has `call` called once: when `object` dies, when the program says so, or at exit. It runs on the thread that found
    /// the death, and it may use the heap; if it panics there, the heap's observer is told.
    ///
    /// # Errors
    /// [`HeapFull`] if there is no room for a weak reference to the object; nothing is registered then.
    pub fn register(
        &self,
        mutator: &M,
        object: &Root<'_, M>,
        call: impl FnOnce(&M) + Send + 'static,
    ) -> Result<Finalizer<M>, HeapFull> {
        let weak = Arc::new(mutator.weak_reference(object, Some(self.callback))?.share());
        let mut registry = self.registry.lock();
        let number = registry.registered;
        registry.registered += 1;
        registry.by_weak.insert(weak.object(), number);
        registry.entries.insert(number, Entry { weak, call: Box::new(call), at_exit: true });
        drop(registry);
        Ok(Finalizer { finalizers: self.clone(), number })
    }

    /// Finalizers that were not called yet.
    pub fn len(&self) -> usize {
        self.registry.lock().entries.len()
    }

    /// Whether every finalizer was called or detached.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls those left that are wanted at exit, newest first; one registered meanwhile is the next. A panic does not keep
    /// the others from being called. Afterwards nothing of this registry is ever called. Thresholds start no collection
    /// meanwhile, as in Python.
    pub fn run_all(&self, mutator: &M) -> Exit {
        let _off = mutator.disabled();
        let mut exit = Exit::default();
        while let Some(entry) = self.newest_for_exit() {
            release(mutator, entry.weak);
            exit.called += 1;
            // Unwind safety: the function sees the heap through its mutator only, whose operations leave it whole.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (entry.call)(mutator))) {
                exit.panics.push(message_of(&*panic));
            }
        }
        exit
    }

    /// Takes out the newest entry that is wanted at exit. Where there is none the registry closes, under the same lock.
    fn newest_for_exit(&self) -> Option<Entry<M>> {
        let mut registry = self.registry.lock();
        let newest = registry.entries.iter().rev().find(|(_, entry)| entry.at_exit).map(|(&number, _)| number);
        match newest {
            Some(number) => registry.remove(number),
            None => {
                registry.closed = true;
                None
            }
        }
    }
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a message".to_owned())
}

/// One registered function. Dropping it changes nothing.
pub struct Finalizer<M: Mutator> {
    finalizers: Finalizers<M>,
    number: u64,
}

impl<M: Mutator> Clone for Finalizer<M> {
    fn clone(&self) -> Self {
        Self { finalizers: self.finalizers.clone(), number: self.number }
    }
}

impl<M: Mutator> Finalizer<M> {
    /// Calls the function now, unless it was called or detached. Returns whether it did.
    pub fn call(&self, mutator: &M) -> bool {
        let mut registry = self.finalizers.registry.lock();
        let entry = registry.remove(self.number);
        let closed = registry.closed;
        drop(registry);
        let Some(entry) = entry else { return false };
        release(mutator, entry.weak);
        if !closed {
            (entry.call)(mutator);
        }
        !closed
    }

    /// Whether the function is still to be called.
    pub fn is_alive(&self) -> bool {
        self.finalizers.registry.lock().entries.contains_key(&self.number)
    }

    /// The object, while it and the finalizer are alive.
    pub fn peek<'m>(&self, mutator: &'m M) -> Option<Root<'m, M>> {
        let weak = self.finalizers.registry.lock().entries.get(&self.number).map(|entry| Arc::clone(&entry.weak))?;
        let object = alive(mutator, &weak);
        release(mutator, weak);
        object
    }

    /// Takes the function back, with its object, while both are alive: it will not be called.
    pub fn detach<'m>(&self, mutator: &'m M) -> Option<(Root<'m, M>, Call<M>)> {
        let object = self.peek(mutator)?;
        let entry = self.finalizers.registry.lock().remove(self.number)?;
        release(mutator, entry.weak);
        Some((object, entry.call))
    }

    /// Whether [`Finalizers::run_all`] calls it; at first it does.
    pub fn set_at_exit(&self, wanted: bool) {
        if let Some(entry) = self.finalizers.registry.lock().entries.get_mut(&self.number) {
            entry.at_exit = wanted;
        }
    }
}
