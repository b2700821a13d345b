//! What the protocols run on: count words, slots, the state of weak upgrades.
//!
//! Everything that mutators and a collection do to one another goes through these few operations. The memory of a heap
//! is one implementation; the small arrays of a model checker are another, so that models run the functions that ship.

use gc_core::space::{Space, View};
use gc_core::sync::Ordering::{self, Acquire, Relaxed, Release};
use gc_core::sync::{AtomicU32, AtomicU64, fence};

/// A count word.
pub trait CountWord {
    /// Its value.
    fn load(&self, order: Ordering) -> u64;
    /// What it holds by now, to begin an exchange with: if that is outdated the exchange fails.
    fn expected(&self) -> u64;
    /// Adds; returns the value before.
    fn add(&self, n: u64, order: Ordering) -> u64;
    /// Subtracts; returns the value before.
    fn subtract(&self, n: u64, order: Ordering) -> u64;
    /// Sets bits; returns the value before.
    fn set(&self, bits: u64, order: Ordering) -> u64;
    /// Writes `new` if it holds `current`; otherwise says what it holds, read relaxed.
    ///
    /// # Errors
    /// The value it holds instead.
    fn exchange(&self, current: u64, new: u64, order: Ordering) -> Result<(), u64>;
}

/// A 32-bit word that is written as a whole: a slot, a state.
pub trait Word {
    /// Its value.
    fn load(&self, order: Ordering) -> u32;
    /// Writes it.
    fn store(&self, value: u32, order: Ordering);
    /// Writes it; returns the value before.
    fn swap(&self, value: u32, order: Ordering) -> u32;
    /// Writes `new` if it holds `current`. True if it did.
    fn exchange(&self, current: u32, new: u32, order: Ordering) -> bool;
}

/// Objects, named by the bits of their references, and the state of weak upgrades.
pub trait Memory {
    /// Its count words.
    type CountWord: CountWord;
    /// Its slots and its state.
    type Word: Word;

    /// The count word of an object.
    fn count_word(&self, object: u32) -> &Self::CountWord;
    /// How many slots to look at in an object: no fewer than it has; the others are null.
    fn slots(&self, object: u32) -> u32;
    /// A slot of an object.
    fn slot(&self, object: u32, slot: u32) -> &Self::Word;
    /// Where the decision on weakly referenced suspects stands (see [`deciding`](crate::deciding)).
    fn state(&self) -> &Self::Word;
    /// Whether an object is among those that are being decided on.
    fn is_marked(&self, object: u32) -> bool;
    /// Puts it among them, or takes it out.
    fn mark(&self, object: u32, marked: bool);
    /// A sequentially consistent fence.
    fn fence(&self);
    /// Lets other threads run: called where one of them must act first.
    fn pause(&self);
    /// A hint that an object will be looked at.
    fn prefetch(&self, object: u32);
}

impl CountWord for AtomicU64 {
    #[inline(always)]
    fn load(&self, order: Ordering) -> u64 {
        self.load(order)
    }
    #[inline(always)]
    fn expected(&self) -> u64 {
        // Relaxed: a wrong guess fails the exchange.
        self.load(Relaxed)
    }
    #[inline(always)]
    fn add(&self, n: u64, order: Ordering) -> u64 {
        self.fetch_add(n, order)
    }
    #[inline(always)]
    fn subtract(&self, n: u64, order: Ordering) -> u64 {
        self.fetch_sub(n, order)
    }
    #[inline(always)]
    fn set(&self, bits: u64, order: Ordering) -> u64 {
        self.fetch_or(bits, order)
    }
    #[inline(always)]
    fn exchange(&self, current: u64, new: u64, order: Ordering) -> Result<(), u64> {
        // Relaxed on failure: the value is only the next guess.
        self.compare_exchange(current, new, order, Relaxed).map(drop)
    }
}

impl Word for AtomicU32 {
    #[inline(always)]
    fn load(&self, order: Ordering) -> u32 {
        self.load(order)
    }
    #[inline(always)]
    fn store(&self, value: u32, order: Ordering) {
        self.store(value, order);
    }
    #[inline(always)]
    fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.swap(value, order)
    }
    #[inline(always)]
    fn exchange(&self, current: u32, new: u32, order: Ordering) -> bool {
        // Relaxed on failure: the caller reads it anew.
        self.compare_exchange(current, new, order, Relaxed).is_ok()
    }
}

/// The memory of a heap.
#[derive(Clone, Copy)]
pub struct HeapMemory<'h> {
    view: View<'h>,
    state: &'h AtomicU32,
}

impl<'h> HeapMemory<'h> {
    /// A heap's space and its state of weak upgrades.
    #[inline(always)]
    pub fn new(space: &'h Space, state: &'h AtomicU32) -> Self {
        Self { view: space.view(), state }
    }

    /// The accessors of the space.
    #[inline(always)]
    pub fn view(&self) -> View<'h> {
        self.view
    }
}

impl Memory for HeapMemory<'_> {
    type CountWord = AtomicU64;
    type Word = AtomicU32;

    #[inline(always)]
    fn count_word(&self, object: u32) -> &AtomicU64 {
        self.view.count_word(object)
    }
    #[inline(always)]
    fn slots(&self, object: u32) -> u32 {
        self.view.slot_capacity(object)
    }
    #[inline(always)]
    fn slot(&self, object: u32, slot: u32) -> &AtomicU32 {
        self.view.slot(object, slot)
    }
    #[inline(always)]
    fn state(&self) -> &AtomicU32 {
        self.state
    }
    #[inline]
    fn is_marked(&self, object: u32) -> bool {
        // Acquire: see `deciding::upgrade`.
        self.view.age(object).load(Acquire) & crate::age::MARK != 0
    }
    #[inline]
    fn mark(&self, object: u32, marked: bool) {
        let age = self.view.age(object);
        // Release, both: whoever finds the mark gone sees what was done to the weak references before; partner: `is_marked`.
        if marked {
            age.fetch_or(crate::age::MARK, Release);
        } else {
            age.fetch_and(!crate::age::MARK, Release);
        }
    }
    #[inline(always)]
    fn fence(&self) {
        // SeqCst: what for is said where it is called.
        fence(Ordering::SeqCst);
    }
    #[inline(always)]
    fn pause(&self) {
        std::hint::spin_loop();
    }
    #[inline(always)]
    fn prefetch(&self, object: u32) {
        self.view.prefetch(object);
    }
}
