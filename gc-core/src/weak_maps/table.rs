//! The rows of a map whose entries die: in the order of insertion, found by key and by weak reference.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::callback::CallbackId;
use crate::heap::{Heap, Mutator};
use crate::object::ObjectRef;
use crate::root::{Root, SharedRoot};
use crate::sync::{Arc, Mutex};

/// Below this many rows a table with holes is not worth closing up.
const FEW_ROWS: usize = 16;

/// One entry: what it is found by, what it says beside that, and the weak reference that tells of its death.
pub(super) struct Row<I, C> {
    pub(super) index: I,
    pub(super) content: C,
    pub(super) weak: Arc<SharedRoot>,
    /// The copy of `index` that the table had, once the row is found by it no more. An index may be the program's own, and
    /// its `Drop` the program's code: it goes out with the row, to be dropped with the lock open.
    withdrawn: Option<I>,
}

impl<I, C> Row<I, C> {
    pub(super) fn new(index: I, content: C, weak: Arc<SharedRoot>) -> Self {
        Self { index, content, weak, withdrawn: None }
    }

    /// Drops the entry, at once rather than at the next safepoint. Never under a lock.
    pub(super) fn release<M: Mutator>(self, mutator: &M) {
        release(mutator, self.weak);
    }
}

/// Gives up a hold on a weak reference; the last one releases it.
pub(super) fn release<M: Mutator>(mutator: &M, weak: Arc<SharedRoot>) {
    if let Some(weak) = Arc::into_inner(weak) {
        drop(mutator.adopt(weak));
    }
}

/// The object that a weak reference names, while it is alive.
pub(super) fn alive<'m, M: Mutator>(mutator: &'m M, weak: &SharedRoot) -> Option<Root<'m, M>> {
    let weak = mutator.adopt(mutator.clone_shared(weak));
    mutator.upgrade(&weak)
}

/// The rows. No method calls the heap, or drops an index.
pub(super) struct Table<I, C> {
    /// In the order of insertion; what was removed leaves a hole.
    rows: Vec<Option<Row<I, C>>>,
    by_index: FxHashMap<I, usize>,
    by_weak: FxHashMap<ObjectRef, usize>,
    /// Iterations that are open: each remembers a place in `rows`.
    iterations: usize,
    /// Places of rows that died while one was open.
    dead: Vec<usize>,
}

impl<I, C> Default for Table<I, C> {
    fn default() -> Self {
        let (by_index, by_weak) = (FxHashMap::default(), FxHashMap::default());
        Self { rows: Vec::new(), by_index, by_weak, iterations: 0, dead: Vec::new() }
    }
}

impl<I: Hash + Eq + Clone, C> Table<I, C> {
    /// Entries whose death was not told yet.
    pub(super) fn len(&self) -> usize {
        self.by_index.len()
    }

    /// The same and the dead ones that wait for an iteration to end.
    pub(super) fn stored(&self) -> usize {
        self.by_index.len() + self.dead.len()
    }

    /// The weak references of all rows, dead ones included.
    pub(super) fn weak_references(&self) -> impl Iterator<Item = ObjectRef> {
        self.rows.iter().flatten().map(|row| row.weak.object())
    }

    pub(super) fn get(&self, index: &I) -> Option<&Row<I, C>> {
        self.rows[*self.by_index.get(index)?].as_ref()
    }

    pub(super) fn get_mut(&mut self, index: &I) -> Option<&mut Row<I, C>> {
        self.rows[*self.by_index.get(index)?].as_mut()
    }

    /// Enters a row, at the place of the one with the same index, if there is one. Returns that.
    pub(super) fn insert(&mut self, row: Row<I, C>) -> Option<Row<I, C>> {
        let place = self.by_index.get(&row.index).copied().unwrap_or(self.rows.len());
        self.by_weak.insert(row.weak.object(), place);
        if place < self.rows.len() {
            let replaced = self.rows[place].replace(row);
            if let Some(replaced) = &replaced {
                self.by_weak.remove(&replaced.weak.object());
            }
            return replaced;
        }
        self.by_index.insert(row.index.clone(), place);
        self.rows.push(Some(row));
        None
    }

    /// The same if the row with this index is still the one that was `seen`, or still none; else the given row comes back.
    pub(super) fn insert_if(
        &mut self,
        seen: Option<&Arc<SharedRoot>>,
        row: Row<I, C>,
    ) -> Result<Option<Row<I, C>>, Row<I, C>> {
        if same(self.get(&row.index).map(|row| &row.weak), seen) { Ok(self.insert(row)) } else { Err(row) }
    }

    pub(super) fn remove(&mut self, index: &I) -> Option<Row<I, C>> {
        let (withdrawn, place) = self.by_index.remove_entry(index)?;
        let mut row = self.rows[place].take()?;
        row.withdrawn = Some(withdrawn);
        self.by_weak.remove(&row.weak.object());
        self.close_up();
        Some(row)
    }

    /// Removes all rows.
    pub(super) fn take_all(&mut self) -> Vec<Row<I, C>> {
        for (index, place) in self.by_index.drain() {
            if let Some(row) = &mut self.rows[place] {
                row.withdrawn = Some(index);
            }
        }
        self.by_weak.clear();
        self.dead.clear();
        let rows = self.rows.iter_mut().filter_map(Option::take).collect();
        self.close_up();
        rows
    }

    /// Removes the row of a weak reference whose callback runs. Its place waits for open iterations: then it stays in the
    /// table and nothing is returned.
    // I3
    pub(super) fn bury(&mut self, weak: ObjectRef) -> Option<Row<I, C>> {
        let place = self.by_weak.remove(&weak)?;
        if let Some(row) = &mut self.rows[place] {
            row.withdrawn = self.by_index.remove_entry(&row.index).map(|(index, _)| index);
        }
        if self.iterations > 0 {
            self.dead.push(place);
            return None;
        }
        let row = self.rows[place].take();
        self.close_up();
        row
    }

    pub(super) fn open_iteration(&mut self) {
        self.iterations += 1;
    }

    /// Ends an iteration. The last one gives out the rows that died meanwhile.
    pub(super) fn close_iteration(&mut self) -> Vec<Row<I, C>> {
        self.iterations -= 1;
        if self.iterations > 0 {
            return Vec::new();
        }
        let dead = std::mem::take(&mut self.dead);
        let rows = dead.into_iter().filter_map(|place| self.rows[place].take()).collect();
        self.close_up();
        rows
    }

    /// The first row at `place` or after it, and its place.
    pub(super) fn next_from(&self, place: usize) -> Option<(usize, &Row<I, C>)> {
        let rows = self.rows.iter().enumerate().skip(place);
        rows.filter_map(|(place, row)| Some((place, row.as_ref()?))).next()
    }

    /// Closes the holes when most places are holes, so that a table costs in proportion to its entries. Its cost is paid by
    /// the removals that made the holes.
    fn close_up(&mut self) {
        if self.iterations > 0 || self.rows.len() <= FEW_ROWS.max(2 * self.by_index.len()) {
            return;
        }
        self.rows.retain(Option::is_some);
        for (place, row) in self.rows.iter().flatten().enumerate() {
            if let Some(known) = self.by_index.get_mut(&row.index) {
                *known = place;
            }
            self.by_weak.insert(row.weak.object(), place);
        }
    }
}

/// Whether two looks at one index found the same row.
pub(super) fn same(one: Option<&Arc<SharedRoot>>, other: Option<&Arc<SharedRoot>>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        _ => false,
    }
}

/// A callback of weak references that takes the entry of each out of `table`, for as long as there is a table.
pub(super) fn burying<M, I, C>(heap: &M::Heap, table: &Arc<Mutex<Table<I, C>>>) -> CallbackId
where
    M: Mutator,
    I: Hash + Eq + Clone + Send + 'static,
    C: Send + 'static,
{
    let table = Arc::downgrade(table);
    heap.register_callback(Arc::new(move |mutator: &M, weak: Root<'_, M>| {
        let Some(table) = table.upgrade() else { return };
        let row = table.lock().bury(weak.object());
        if let Some(row) = row {
            row.release(mutator);
        }
    }))
}
