//! A map from objects that it does not keep alive to Rust values or other objects (`weakref.WeakKeyDictionary`).

use std::marker::PhantomData;

use rustc_hash::FxHashSet;

use super::scan::Scan;
use super::table::{Row, Table, alive, burying, release, same};
use crate::callback::CallbackId;
use crate::heap::{HeapFull, Mutator};
use crate::object::ObjectRef;
use crate::root::{Root, SharedRoot};
use crate::sync::{Arc, Mutex};

/// Objects, by identity, and what is known of each. An entry vanishes when its object dies, and its value with it.
///
/// Values are shared (`Arc`), so that looking at one holds no lock. A value that keeps its own key alive, directly or
/// through other objects, keeps the entry for ever, as in Python. For the rest see [`WeakValueMap`](super::WeakValueMap).
pub struct WeakKeyMap<M: Mutator, V: Send + Sync + 'static> {
    table: Arc<Mutex<Table<ObjectRef, Arc<V>>>>,
    callback: CallbackId,
    _of: PhantomData<fn(&M)>,
}

/// What a look at the table takes out of it.
struct Seen<V> {
    weak: Arc<SharedRoot>,
    value: Arc<V>,
}

impl<M: Mutator, V: Send + Sync + 'static> WeakKeyMap<M, V> {
    /// An empty map for objects of `heap`.
    pub fn new(heap: &M::Heap) -> Self {
        let table = Arc::default();
        let callback = burying::<M, _, _>(heap, &table);
        Self { table, callback, _of: PhantomData }
    }

    /// Entries whose object's death was not told yet: as Python's `len`, an upper bound of those alive.
    pub fn len(&self) -> usize {
        self.table.lock().len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Entries that take up memory: those counted by [`WeakKeyMap::len`], and dead ones that wait for open iterations.
    pub fn stored(&self) -> usize {
        self.table.lock().stored()
    }

    /// What is known of an object.
    pub fn get(&self, mutator: &M, key: &Root<'_, M>) -> Option<Arc<V>> {
        self.living(mutator, key).map(|seen| seen.value)
    }

    /// Whether anything is known of an object.
    pub fn contains(&self, mutator: &M, key: &Root<'_, M>) -> bool {
        self.get(mutator, key).is_some()
    }

    /// Enters a value, in place of what was known. The first value of an object allocates a weak reference, so it may collect.
    ///
    /// # Errors
    /// [`HeapFull`] if there is no room for the weak reference; the map is unchanged.
    pub fn insert(&self, mutator: &M, key: &Root<'_, M>, value: V) -> Result<(), HeapFull> {
        let value = Arc::new(value);
        loop {
            let old = self.living(mutator, key);
            if self.enter(mutator, key, old.as_ref().map(|seen| &seen.weak), &value)? {
                return Ok(());
            }
        }
    }

    /// What is known of an object; if nothing, `default`, which is entered. Of several threads that ask for one object at a
    /// time, all get the same value.
    ///
    /// # Errors
    /// [`HeapFull`], as for [`WeakKeyMap::insert`].
    pub fn setdefault(&self, mutator: &M, key: &Root<'_, M>, default: V) -> Result<Arc<V>, HeapFull> {
        let default = Arc::new(default);
        loop {
            if let Some(seen) = self.living(mutator, key) {
                return Ok(seen.value);
            }
            if self.enter(mutator, key, None, &default)? {
                return Ok(default);
            }
        }
    }

    /// Takes the entry of an object out.
    pub fn pop(&self, mutator: &M, key: &Root<'_, M>) -> Option<Arc<V>> {
        self.living(mutator, key)?;
        let row = self.table.lock().remove(&key.object())?;
        let value = Arc::clone(&row.content);
        row.release(mutator);
        Some(value)
    }

    /// Takes all entries out.
    pub fn clear(&self, mutator: &M) {
        let rows = self.table.lock().take_all();
        rows.into_iter().for_each(|row| row.release(mutator));
    }

    /// The entries alive, oldest first, each looked at when its turn comes; see
    /// [`WeakValueMap::iter`](super::WeakValueMap::iter).
    pub fn iter<'m>(&self, mutator: &'m M) -> KeyEntries<'m, M, V> {
        KeyEntries(Scan::over(mutator, &self.table))
    }

    /// The weak references that the map keeps on the heap.
    pub(crate) fn weak_references(&self) -> FxHashSet<ObjectRef> {
        self.table.lock().weak_references().collect()
    }

    /// The entry of `key`, if its weak reference still names the object.
    // I4: an object that came back to life has lost the weak reference of its entry.
    fn living(&self, mutator: &M, key: &Root<'_, M>) -> Option<Seen<V>> {
        let seen = self.look(key)?;
        if alive(mutator, &seen.weak).is_some_and(|object| object == *key) {
            return Some(seen);
        }
        release(mutator, seen.weak);
        None
    }

    fn look(&self, key: &Root<'_, M>) -> Option<Seen<V>> {
        let table = self.table.lock();
        let row = table.get(&key.object())?;
        Some(Seen { weak: Arc::clone(&row.weak), value: Arc::clone(&row.content) })
    }

    /// Enters a value if the entry is still `old`, which is alive, or still one that is not. Returns whether it did.
    fn enter(
        &self,
        mutator: &M,
        key: &Root<'_, M>,
        old: Option<&Arc<SharedRoot>>,
        value: &Arc<V>,
    ) -> Result<bool, HeapFull> {
        if old.is_some() {
            let mut table = self.table.lock();
            let row = table.get_mut(&key.object()).filter(|row| same(Some(&row.weak), old));
            let replaced = row.map(|row| std::mem::replace(&mut row.content, Arc::clone(value)));
            // I2: the value that was there is the program's.
            drop(table);
            return Ok(replaced.is_some());
        }
        let dead = self.look(key).map(|seen| seen.weak);
        if dead.as_ref().is_some_and(|weak| alive(mutator, weak).is_some()) {
            return Ok(false);
        }
        let weak = Arc::new(mutator.weak_reference(key, Some(self.callback))?.share());
        let row = Row::new(key.object(), Arc::clone(value), weak);
        let entered = self.table.lock().insert_if(dead.as_ref(), row);
        let done = entered.is_ok();
        if let Ok(Some(row)) | Err(row) = entered {
            row.release(mutator);
        }
        Ok(done)
    }
}

/// A map from objects to objects, which it does keep alive.
impl<M: Mutator> WeakKeyMap<M, SharedRoot> {
    /// The object known of an object.
    pub fn get_object<'m>(&self, mutator: &'m M, key: &Root<'_, M>) -> Option<Root<'m, M>> {
        let value = self.get(mutator, key)?;
        Some(mutator.adopt(mutator.clone_shared(&value)))
    }

    /// Enters an object, in place of what was known.
    ///
    /// # Errors
    /// [`HeapFull`], as for [`WeakKeyMap::insert`].
    pub fn insert_object(&self, mutator: &M, key: &Root<'_, M>, value: &Root<'_, M>) -> Result<(), HeapFull> {
        self.insert(mutator, key, value.share())
    }
}

/// The living entries of a [`WeakKeyMap`].
pub struct KeyEntries<'m, M: Mutator, V>(Scan<'m, M, ObjectRef, Arc<V>>);

impl<'m, M: Mutator, V> Iterator for KeyEntries<'m, M, V> {
    type Item = (Root<'m, M>, Arc<V>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(_, value, object)| (object, value))
    }
}
