//! A mutator's side of allocation: its current block of each class.

use std::cell::Cell;

use super::blocks::{MAX_CLASSES, NoRoom};
use super::record::{field, status};
use super::{Space, View, header};
use crate::object::{ObjectRef, Shape, TypeId};
use crate::sync::Ordering::{Relaxed, Release};

// Orderings in this file are relaxed unless argued: a mutator's own blocks are written by it alone, or by whoever has the heap's turn.

/// The current blocks of one mutator, and what it needs to know of the kinds of objects it allocates.
pub struct Allocator {
    /// By class; 0 for none, which is the block of list heads and never has a free cell.
    current: Box<[Cell<u32>; MAX_CLASSES]>,
    /// Recipes of types and shapes allocated lately, each in the one place that [`Recipe::place`] gives it.
    recipes: [Recipe; RECIPES],
    /// Names it among those of its heap; 0 on heaps where one mutator runs at a time.
    number: u32,
}

/// How many recipes a mutator keeps.
const RECIPES: usize = 64;

/// All that allocating an object of one type and shape takes, worked out and checked once.
pub struct Recipe {
    type_id: Cell<TypeId>,
    shape: Cell<Shape>,
    /// The shape word of a new object; 0 in a recipe not written yet.
    word: Cell<u64>,
    class: Cell<u16>,
    /// Where the payload begins and ends that has to be cleared, in bytes from the object. Large objects come cleared.
    payload: Cell<(u32, u32)>,
}

impl Recipe {
    #[inline(always)]
    fn place(type_id: TypeId, shape: Shape) -> usize {
        (shape.slots ^ (shape.payload >> 2) ^ (u32::from(type_id.0) << 1)) as usize % RECIPES
    }

    /// The shape word of a new object.
    #[inline(always)]
    pub fn word(&self) -> u64 {
        self.word.get()
    }
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            type_id: Cell::new(TypeId::WEAK_REFERENCE),
            shape: Cell::new(Shape::new(0, 0)),
            word: Cell::new(0),
            class: Cell::new(0),
            payload: Cell::new((0, 0)),
        }
    }
}

impl Default for Allocator {
    fn default() -> Self {
        let current = vec![Cell::new(0); MAX_CLASSES].into_boxed_slice();
        Self {
            current: current.try_into().unwrap_or_else(|_| unreachable!("made with that length")),
            recipes: std::array::from_fn(|_| Recipe::default()),
            number: 0,
        }
    }
}

impl Allocator {
    /// The recipe for objects of this type and shape, whose flags `flags` tells, if it has not been told before.
    #[inline(always)]
    pub fn recipe(&self, space: &Space, type_id: TypeId, shape: Shape, flags: impl FnOnce() -> u64) -> &Recipe {
        let recipe = &self.recipes[Recipe::place(type_id, shape)];
        if recipe.shape.get() != shape || recipe.type_id.get() != type_id || recipe.word.get() == 0 {
            Self::write_recipe(recipe, space, type_id, shape, flags());
        }
        recipe
    }

    #[cold]
    #[inline(never)]
    fn write_recipe(recipe: &Recipe, space: &Space, type_id: TypeId, shape: Shape, flags: u64) {
        let class = space.class_of(shape);
        let begin = space.payload_at(shape);
        let bytes = if class == 0 { 0 } else { shape.payload.next_multiple_of(8) };
        recipe.type_id.set(type_id);
        recipe.shape.set(shape);
        // The payload of a weak reference is the heap's own: programs see none.
        let seen = if type_id == TypeId::WEAK_REFERENCE { Shape::new(0, 0) } else { shape };
        recipe.word.set(header::pack(type_id, seen) | flags);
        recipe.class.set(class);
        recipe.payload.set((begin, begin + bytes));
    }

    /// A cell for an object: count 1, slots null, payload zero.
    #[inline(always)]
    pub fn allocate(&self, space: &Space, recipe: &Recipe) -> Result<ObjectRef, NoRoom> {
        let view = space.view();
        let object = match self.pop(view, recipe.class.get()) {
            Some(object) => object,
            None => self.allocate_slowly(space, recipe.class.get(), recipe.shape.get())?,
        };
        let index = object.bits();
        // The version, the high half, survives from the cell's last object.
        let count = view.count_word(index);
        count.store(count.load(Relaxed) >> 32 << 32 | 1, Relaxed);
        view.shape_word(index).store(recipe.word.get(), Relaxed);
        let (begin, end) = recipe.payload.get();
        view.zero_words(index, begin, end);
        Ok(object)
    }

    /// One for a heap whose mutators run in parallel. `number` is not 0 and no other allocator's of the heap.
    pub fn numbered(number: u32) -> Self {
        assert!(number != 0, "0 means that nobody owns a block");
        Self { number, ..Self::default() }
    }

    /// Its number; 0 on heaps where one mutator runs at a time.
    #[inline(always)]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// A cell for an object on a heap whose mutators run in parallel: slots null, payload zero, age as given, and the
    /// count word raised by `first`, which is one reference and, with versions, a new version.
    #[inline(always)]
    pub fn allocate_shared(&self, space: &Space, recipe: &Recipe, first: u64, age: u8) -> Result<ObjectRef, NoRoom> {
        let view = space.view();
        let object = match self.pop(view, recipe.class.get()) {
            Some(object) => object,
            None => self.allocate_slowly(space, recipe.class.get(), recipe.shape.get())?,
        };
        let index = object.bits();
        view.shape_word(index).store(recipe.word.get(), Relaxed);
        let (begin, end) = recipe.payload.get();
        view.zero_words(index, begin, end);
        view.age(index).store(age, Relaxed);
        let count = view.count_word(index);
        // The one plain store to a count word: nobody else writes the word of a cell without an object (its count is 0, from
        // which nothing is retained). Release: pairs with the acquiring exchange of a load and the acquiring reading of a
        // collection; whoever sees the new count sees the object initialised, and all that its last occupant's death did.
        count.store(count.load(Relaxed).wrapping_add(first), Release);
        Ok(object)
    }

    #[inline(always)]
    fn pop(&self, view: View<'_>, class: u16) -> Option<ObjectRef> {
        let block = self.current[class as usize % MAX_CLASSES].get();
        let free = view.record(block, field::FREE);
        let object = ObjectRef::from_bits(free.load(Relaxed))?;
        free.store(view.shape_word(object.bits()).load(Relaxed) as u32, Relaxed);
        let live = view.record(block, field::LIVE);
        live.store(live.load(Relaxed) + 1, Relaxed);
        Some(object)
    }

    #[cold]
    #[inline(never)]
    fn allocate_slowly(&self, space: &Space, class: u16, shape: Shape) -> Result<ObjectRef, NoRoom> {
        if class == 0 {
            return space.take_large(shape);
        }
        let current = &self.current[class as usize];
        loop {
            let block = current.get();
            if block != 0 && !(self.number != 0 && space.drain(block)) && !space.carve(block) {
                // Cut to its end and without a free cell. The first free in it makes it available again.
                if self.number != 0 {
                    space.abandon(block);
                } else {
                    space.record(block, field::STATUS).store(status::FULL, Relaxed);
                }
                current.set(0);
            }
            if current.get() == 0 {
                current.set(space.take_block(class, shape, self.number)?);
            }
            if let Some(object) = self.pop(space.view(), class) {
                return Ok(object);
            }
        }
    }

    /// Gives the current blocks back to the pool.
    pub fn disown_all(&self, space: &Space) {
        for current in self.current.iter() {
            let block = current.replace(0);
            if block != 0 && self.number != 0 {
                space.abandon(block);
            } else if block != 0 {
                space.disown(block);
            }
        }
    }
}
