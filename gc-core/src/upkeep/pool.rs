//! Objects of one type and shape that are used again.

use crate::heap::{HeapFull, Mutator};
use crate::object::{Shape, TypeId};
use crate::root::{Root, SharedRoot};
use crate::sync::Mutex;

/// A bounded stock of objects of one type and shape. An object comes out as a new one would: slots null, payload zero.
///
/// What waits in the pool is alive: its size is the price. Use it for objects that are dear to make; plain ones are
/// allocated faster than they are cleared.
pub struct ObjectPool {
    type_id: TypeId,
    shape: Shape,
    limit: usize,
    /// Locked for a push or a pop only, never over a heap operation.
    waiting: Mutex<Vec<SharedRoot>>,
}

/// Why an object was not taken back. The pool gave up its reference in each case.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotPooled {
    /// It is of another type or shape.
    #[error("the pool keeps objects of one type and shape; give this one to its own pool or drop it")]
    Foreign,
    /// Something else still refers to it, or it is immortal.
    #[error(
        "the object is still referred to from elsewhere; whoever got it next would share it with them: drop those references first"
    )]
    InUse,
    /// The pool has all it may keep.
    #[error("the pool is full; raise its limit if objects are allocated again soon after")]
    Full,
}

impl ObjectPool {
    /// An empty pool that keeps at most `limit` objects.
    pub fn new(type_id: TypeId, shape: Shape, limit: usize) -> Self {
        Self { type_id, shape, limit, waiting: Mutex::default() }
    }

    /// Objects that wait in it.
    pub fn len(&self) -> usize {
        self.waiting.lock().len()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An object that waited, or a new one.
    ///
    /// # Errors
    /// [`HeapFull`] if none waits and there is no room for a new one.
    pub fn acquire<'m, M: Mutator>(&self, mutator: &'m M) -> Result<Root<'m, M>, HeapFull> {
        let waiting = self.waiting.lock().pop();
        match waiting {
            Some(object) => Ok(mutator.adopt(object)),
            None => mutator.allocate(self.type_id, self.shape),
        }
    }

    /// Takes an object back and clears it. Weak references to it stay, as the object lives on.
    ///
    /// # Errors
    /// [`NotPooled`] if it cannot be used again; the reference given is dropped.
    pub fn release<M: Mutator>(&self, object: Root<'_, M>) -> Result<(), NotPooled> {
        let mutator = object.mutator();
        if mutator.type_of(&object) != self.type_id || mutator.shape(&object) != self.shape {
            return Err(NotPooled::Foreign);
        }
        // A reference to itself is none from elsewhere. Nothing is cleared yet: somebody else may still need it.
        let to_itself =
            (0..self.shape.slots).filter(|&slot| object.load(slot).is_some_and(|held| held == object)).count();
        if mutator.retain_count(&object) != u32::try_from(to_itself + 1).ok() {
            return Err(NotPooled::InUse);
        }
        (0..self.shape.slots).for_each(|slot| object.store(slot, None));
        // A callback of what died with its slots may have got at it, through a weak reference.
        if mutator.retain_count(&object) != Some(1) {
            return Err(NotPooled::InUse);
        }
        const ZEROS: [u8; 256] = [0; 256];
        for begin in (0..self.shape.payload).step_by(ZEROS.len()) {
            let length = ((self.shape.payload - begin) as usize).min(ZEROS.len());
            mutator.write_payload(&object, begin, &ZEROS[..length]);
        }
        let shared = object.share();
        drop(object);
        let mut waiting = self.waiting.lock();
        if waiting.len() >= self.limit {
            drop(waiting);
            drop(mutator.adopt(shared));
            return Err(NotPooled::Full);
        }
        waiting.push(shared);
        Ok(())
    }
}
