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

    /// What is made next becomes a garbage unit: something on cycles that the program drops as a whole.
    #[inline(always)]
    fn unit_begins(self) {}

    /// The last reference to it from outside is about to be dropped, if one began; in any case a step of the program ends.
    #[inline(always)]
    fn unit_ends(self) {}
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
