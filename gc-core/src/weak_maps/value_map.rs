//! A map from Rust keys to objects that it does not keep alive (`weakref.WeakValueDictionary`).

use std::hash::Hash;
use std::marker::PhantomData;

use super::scan::Scan;
use super::table::{Row, Table, alive, burying, release};
use crate::callback::CallbackId;
use crate::heap::{HeapFull, Mutator};
use crate::root::{Root, SharedRoot};
use crate::sync::{Arc, Mutex};

/// Keys, and weak references to the objects they stand for. An entry vanishes when its object dies.
///
/// Threads share it by reference; each gives its own mutator. It belongs to the heap it was made for and refuses, with a
/// panic, mutators of another. Each map takes one place in the heap's table of callbacks, for as long as the heap lives.
/// A map that is dropped releases its weak references at the next safepoint.
pub struct WeakValueMap<M: Mutator, K: Hash + Eq + Clone + Send + 'static> {
    table: Arc<Mutex<Table<K, ()>>>,
    callback: CallbackId,
    _of: PhantomData<fn(&M)>,
}

impl<M: Mutator, K: Hash + Eq + Clone + Send + 'static> WeakValueMap<M, K> {
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

    /// Entries that take up memory: those counted by [`WeakValueMap::len`], and dead ones that wait for open iterations.
    pub fn stored(&self) -> usize {
        self.table.lock().stored()
    }

    /// The object of `key`, if it is alive.
    pub fn get<'m>(&self, mutator: &'m M, key: &K) -> Option<Root<'m, M>> {
        let weak = self.weak_of(key)?;
        let object = alive(mutator, &weak);
        release(mutator, weak);
        object
    }

    /// Whether `key` stands for a living object.
    pub fn contains(&self, mutator: &M, key: &K) -> bool {
        self.get(mutator, key).is_some()
    }

    /// Enters an object, in place of what `key` stood for. Allocates a weak reference, so it may collect.
    ///
    /// # Errors
    /// [`HeapFull`] if there is no room for the weak reference; the map is unchanged.
    pub fn insert(&self, mutator: &M, key: K, object: &Root<'_, M>) -> Result<(), HeapFull> {
        let row = self.row(mutator, key, object)?;
        let replaced = self.table.lock().insert(row);
        if let Some(replaced) = replaced {
            replaced.release(mutator);
        }
        Ok(())
    }

    /// The object of `key`; if there is none alive, `default`, which is entered. Of several threads that ask for one key at
    /// a time, all get the same object.
    ///
    /// # Errors
    /// [`HeapFull`], as for [`WeakValueMap::insert`].
    pub fn setdefault<'m>(&self, mutator: &'m M, key: K, default: &Root<'m, M>) -> Result<Root<'m, M>, HeapFull> {
        let mut seen = self.weak_of(&key);
        let mut own = None;
        loop {
            if let Some(object) = seen.as_ref().and_then(|weak| alive(mutator, weak)) {
                return Ok(object);
            }
            let row = match own.take() {
                Some(row) => row,
                None => self.row(mutator, key.clone(), default)?,
            };
            // What was seen dead may be another's entry by now.
            let entered = self.table.lock().insert_if(seen.as_ref(), row);
            match entered {
                Ok(replaced) => {
                    replaced.into_iter().for_each(|row| row.release(mutator));
                    return Ok(default.clone());
                }
                Err(row) => own = Some(row),
            }
            seen = self.weak_of(&key);
        }
    }

    /// Takes the entry of `key` out. `None` if its object is dead as well.
    pub fn pop<'m>(&self, mutator: &'m M, key: &K) -> Option<Root<'m, M>> {
        let row = self.table.lock().remove(key)?;
        let object = alive(mutator, &row.weak);
        row.release(mutator);
        object
    }

    /// Takes all entries out.
    pub fn clear(&self, mutator: &M) {
        let rows = self.table.lock().take_all();
        rows.into_iter().for_each(|row| row.release(mutator));
    }

    /// The entries alive, oldest first, each looked at when its turn comes; it holds none of them. While it is open, entries
    /// that die keep their places; what is inserted meanwhile comes last.
    pub fn iter<'m>(&self, mutator: &'m M) -> ValueEntries<'m, M, K> {
        ValueEntries(Scan::over(mutator, &self.table))
    }

    fn weak_of(&self, key: &K) -> Option<Arc<SharedRoot>> {
        self.table.lock().get(key).map(|row| Arc::clone(&row.weak))
    }

    fn row(&self, mutator: &M, key: K, object: &Root<'_, M>) -> Result<Row<K, ()>, HeapFull> {
        let weak = Arc::new(mutator.weak_reference(object, Some(self.callback))?.share());
        Ok(Row::new(key, (), weak))
    }
}

/// The living entries of a [`WeakValueMap`].
pub struct ValueEntries<'m, M: Mutator, K: Hash + Eq + Clone>(Scan<'m, M, K, ()>);

impl<'m, M: Mutator, K: Hash + Eq + Clone> Iterator for ValueEntries<'m, M, K> {
    type Item = (K, Root<'m, M>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, (), object)| (key, object))
    }
}
