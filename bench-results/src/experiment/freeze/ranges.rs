//! Where a heap's memory lies at one moment, and what a process has of it.

use std::io;
use std::ops::Range;

use gc_core::{Heap, Holds};
use serde::{Deserialize, Serialize};

use crate::process_memory::RangeMemory;

/// See the [module](self).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Ranges {
    /// Of the objects.
    pub(super) objects: Range<u64>,
    /// Of lasting tables: links or ages, and what is known of blocks.
    tables: Vec<Range<u64>>,
}

impl Ranges {
    /// Of a heap, now.
    pub(super) fn of<H: Heap>(heap: &H) -> Self {
        let (mut objects, mut tables) = (0..0, Vec::new());
        for extent in heap.extents() {
            match extent.holds {
                Holds::Objects => objects = extent.addresses,
                Holds::Links | Holds::Ages | Holds::Blocks => tables.push(extent.addresses),
            }
        }
        Self { objects, tables }
    }

    /// What a process has of the lasting tables.
    pub(super) fn tables_of(&self, process: u32) -> io::Result<RangeMemory> {
        let mut sum = RangeMemory::default();
        for range in &self.tables {
            let one = RangeMemory::of(process, range)?;
            sum.resident += one.resident;
            sum.private += one.private;
        }
        Ok(sum)
    }
}
