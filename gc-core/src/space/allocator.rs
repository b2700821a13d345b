//! A mutator's side of allocation: its current block of each class.

use std::cell::Cell;

use super::blocks::{MAX_CLASSES, NoRoom, field, status};
use super::{Space, header};
use crate::object::{ObjectRef, Shape, TypeId};
use crate::sync::Ordering::Relaxed;

// Orderings in this file are relaxed: a mutator's own blocks are written by it alone, or by whoever has the heap's turn.

/// The current blocks of one mutator.
pub(crate) struct Allocator {
    /// By class; 0 for none, which is the block of list heads and never has a free cell.
    current: Box<[Cell<u32>]>,
}

impl Default for Allocator {
    fn default() -> Self {
        Self { current: vec![Cell::new(0); MAX_CLASSES].into_boxed_slice() }
    }
}

impl Allocator {
    /// A cell for an object of this type and shape: count 1, slots null, payload zero, flags as given.
    #[inline]
    pub(crate) fn allocate(
        &self,
        space: &Space,
        type_id: TypeId,
        shape: Shape,
        flags: u64,
    ) -> Result<ObjectRef, NoRoom> {
        let class = space.class_of(shape);
        let object = match self.pop(space, class) {
            Some(object) => object,
            None => self.allocate_slowly(space, class, shape)?,
        };
        let index = object.bits();
        // The version, the high half, survives from the cell's last object.
        let count = space.count_word(index);
        count.store((count.load(Relaxed) & !u64::from(u32::MAX)) | 1, Relaxed);
        space.shape_word(index).store(header::pack(type_id, shape) | header::flag::ALLOCATED | flags, Relaxed);
        if class != 0 {
            for word in 0..shape.payload.div_ceil(8) {
                space.payload_word(index, shape.slots, word).store(0, Relaxed);
            }
        }
        Ok(object)
    }

    #[inline(always)]
    fn pop(&self, space: &Space, class: u16) -> Option<ObjectRef> {
        let block = self.current[class as usize].get();
        let free = space.record(block, field::FREE);
        let object = ObjectRef::from_bits(free.load(Relaxed))?;
        free.store(space.shape_word(object.bits()).load(Relaxed) as u32, Relaxed);
        let live = space.record(block, field::LIVE);
        live.store(live.load(Relaxed) + 1, Relaxed);
        Some(object)
    }

    #[cold]
    fn allocate_slowly(&self, space: &Space, class: u16, shape: Shape) -> Result<ObjectRef, NoRoom> {
        if class == 0 {
            return space.take_large(shape);
        }
        let current = &self.current[class as usize];
        loop {
            let block = current.get();
            if block != 0 && !space.carve(block) {
                // Cut to its end and without a free cell. The first free in it makes it available again.
                space.record(block, field::STATUS).store(status::FULL, Relaxed);
                current.set(0);
            }
            if current.get() == 0 {
                current.set(space.take_block(class, shape)?);
            }
            if let Some(object) = self.pop(space, class) {
                return Ok(object);
            }
        }
    }

    /// Gives the current blocks back to the pool.
    pub(crate) fn disown_all(&self, space: &Space) {
        for current in &self.current {
            let block = current.replace(0);
            if block != 0 {
                space.disown(block);
            }
        }
    }
}
