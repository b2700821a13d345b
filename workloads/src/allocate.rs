//! What makes a program's objects: a mutator, or one that watches some of them for how long they live.

use gc_core::{HeapFull, Mutator, Root, Shape, TypeId};

/// Makes objects. A program that is written against it costs nothing more where nobody watches: each kind of source
/// compiles to code of its own.
pub trait Allocate<'m>: Copy {
    /// The mutator behind it.
    type Mutator: Mutator;

    /// The mutator behind it.
    fn mutator(self) -> &'m Self::Mutator;

    /// As [`Mutator::allocate`].
    ///
    /// # Errors
    /// As [`Mutator::allocate`].
    fn allocate(self, type_id: TypeId, shape: Shape) -> Result<Root<'m, Self::Mutator>, HeapFull>;
}

impl<'m, M: Mutator> Allocate<'m> for &'m M {
    type Mutator = M;

    #[inline(always)]
    fn mutator(self) -> &'m M {
        self
    }

    #[inline(always)]
    fn allocate(self, type_id: TypeId, shape: Shape) -> Result<Root<'m, M>, HeapFull> {
        M::allocate(self, type_id, shape)
    }
}
