//! An iteration over a table from which entries may vanish meanwhile.

use std::hash::Hash;

use super::table::{Table, alive, release};
use crate::heap::Mutator;
use crate::root::Root;
use crate::sync::{Arc, Mutex};

/// Gives out each entry that is alive when its turn comes. While it exists, dead entries keep their places.
pub(super) struct Scan<'m, M: Mutator, I: Hash + Eq + Clone, C> {
    mutator: &'m M,
    table: Arc<Mutex<Table<I, C>>>,
    /// Where it goes on.
    place: usize,
}

impl<'m, M: Mutator, I: Hash + Eq + Clone, C: Clone> Scan<'m, M, I, C> {
    pub(super) fn over(mutator: &'m M, table: &Arc<Mutex<Table<I, C>>>) -> Self {
        table.lock().open_iteration();
        Self { mutator, table: Arc::clone(table), place: 0 }
    }
}

impl<'m, M: Mutator, I: Hash + Eq + Clone, C: Clone> Iterator for Scan<'m, M, I, C> {
    type Item = (I, C, Root<'m, M>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // I1: what the heap is asked for is asked for with the lock open.
            let found = self
                .table
                .lock()
                .next_from(self.place)
                .map(|(place, row)| (place, row.index.clone(), row.content.clone(), Arc::clone(&row.weak)));
            let (place, index, content, weak) = found?;
            self.place = place + 1;
            let object = alive(self.mutator, &weak);
            release(self.mutator, weak);
            if let Some(object) = object {
                return Some((index, content, object));
            }
        }
    }
}

impl<M: Mutator, I: Hash + Eq + Clone, C> Drop for Scan<'_, M, I, C> {
    fn drop(&mut self) {
        let dead = self.table.lock().close_iteration();
        for row in dead {
            row.release(self.mutator);
        }
    }
}
