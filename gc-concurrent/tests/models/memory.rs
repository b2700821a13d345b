//! The memory of a heap in miniature, of atomics that loom watches.
//!
//! # Where loom looks away
//! Loom 0.7.2 remembers one last access of each atomic to find out which accesses depend on each other. A thread's own
//! load right before its compare-and-swap takes that place and hides earlier accesses of others: what depends on them is
//! then not explored. So here nothing loads a count word before it writes it:
//! - `expected` is an addition of 0, which is explored like any other read-modify-write;
//! - the relaxed load by which a retain, a release and a raise look for the immortal bit is no access at all where no
//!   object is immortal, for nothing else in it is used; where objects can become so, it is an addition of 0 as well.
//!
//! Loom remembers the last seven stores of an atomic; a load cannot return older ones. Loads do not see stores that come
//! later in the order in which an execution is run (no load buffering).

use std::sync::Arc;
use std::sync::atomic::AtomicU64 as Ghost;

use gc_concurrent::memory::{CountWord, Memory, Word};
use loom::sync::atomic::Ordering::{self, Acquire, Relaxed, Release, SeqCst};
use loom::sync::atomic::{AtomicU32, AtomicU64, fence};

/// A count word as mutators see it, or as collections do.
pub(crate) struct ModelCount<const COLLECTS: bool> {
    word: Arc<AtomicU64>,
    /// What a collection read last: ghost state, which the model's own code looks at.
    read_last: Ghost,
    immortals: bool,
}

impl<const COLLECTS: bool> CountWord for ModelCount<COLLECTS> {
    fn load(&self, order: Ordering) -> u64 {
        if COLLECTS {
            let word = self.word.load(order);
            self.read_last.store(word, Relaxed);
            return word;
        }
        match order {
            Relaxed if self.immortals => self.word.fetch_add(0, Relaxed),
            Relaxed => 0,
            _ => self.word.load(order),
        }
    }
    fn expected(&self) -> u64 {
        self.word.fetch_add(0, Relaxed)
    }
    fn add(&self, n: u64, order: Ordering) -> u64 {
        self.word.fetch_add(n, order)
    }
    fn subtract(&self, n: u64, order: Ordering) -> u64 {
        self.word.fetch_sub(n, order)
    }
    fn set(&self, bits: u64, order: Ordering) -> u64 {
        self.word.fetch_or(bits, order)
    }
    fn exchange(&self, current: u64, new: u64, order: Ordering) -> Result<(), u64> {
        self.word.compare_exchange(current, new, order, Relaxed).map(drop)
    }
}

/// A slot, a state, or a weak reference.
pub(crate) struct ModelWord(AtomicU32);

impl ModelWord {
    pub(crate) fn new(value: u32) -> Self {
        Self(AtomicU32::new(value))
    }
}

impl Word for ModelWord {
    fn load(&self, order: Ordering) -> u32 {
        self.0.load(order)
    }
    fn store(&self, value: u32, order: Ordering) {
        self.0.store(value, order);
    }
    fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.0.swap(value, order)
    }
    fn exchange(&self, current: u32, new: u32, order: Ordering) -> bool {
        self.0.compare_exchange(current, new, order, Relaxed).is_ok()
    }
}

/// One object: its count, and what its slots hold.
pub(crate) type Outline<'s> = (u64, &'s [u32]);

struct Object {
    for_mutators: ModelCount<false>,
    for_collections: ModelCount<true>,
    slots: Vec<ModelWord>,
    mark: AtomicU32,
}

struct Cells {
    objects: Vec<Object>,
    state: ModelWord,
}

/// Objects 1, 2, … as mutators see them (`COLLECTS` false), or as collections do.
pub(crate) struct ModelMemory<const COLLECTS: bool>(Arc<Cells>);

/// What mutators run on.
pub(crate) type Mutators = ModelMemory<false>;

impl<const COLLECTS: bool> Clone for ModelMemory<COLLECTS> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Mutators {
    pub(crate) fn new(objects: &[Outline<'_>], immortals: bool) -> Self {
        let object = |&(count, slots): &Outline<'_>| {
            // The version is that of an object that was only ever retained.
            let word = Arc::new(AtomicU64::new(count | count << 32));
            Object {
                for_mutators: ModelCount { word: Arc::clone(&word), read_last: Ghost::new(0), immortals },
                for_collections: ModelCount { word, read_last: Ghost::new(0), immortals },
                slots: slots.iter().map(|&target| ModelWord::new(target)).collect(),
                mark: AtomicU32::new(0),
            }
        };
        Self(Arc::new(Cells { objects: objects.iter().map(object).collect(), state: ModelWord::new(0) }))
    }

    /// The same memory as a collection sees it.
    pub(crate) fn for_collections(&self) -> ModelMemory<true> {
        ModelMemory(Arc::clone(&self.0))
    }

    /// How many objects there are.
    pub(crate) fn objects(&self) -> u32 {
        self.0.objects.len() as u32
    }

    /// An object's word as it is now, whoever wrote it: for checks.
    pub(crate) fn word_now(&self, object: u32) -> u64 {
        self.object(object).for_mutators.word.fetch_add(0, Acquire)
    }

    /// What a collection read last in an object's word.
    pub(crate) fn read_last(&self, object: u32) -> u64 {
        self.object(object).for_collections.read_last.load(Relaxed)
    }

    /// What the allocator does to the word of a dead object's place. An exchange where the allocator stores: loom does
    /// not see that the additions of 0 above, which are stores to it, cannot come in between. Both publish the same, for
    /// the allocator has acquired all that was done to the place before.
    pub(crate) fn store_word(&self, object: u32, value: u64) {
        self.object(object).for_mutators.word.swap(value, Release);
    }
}

impl<const COLLECTS: bool> ModelMemory<COLLECTS> {
    fn object(&self, object: u32) -> &Object {
        &self.0.objects[object as usize - 1]
    }
}

macro_rules! memory {
    ($collects:literal, $word:ident) => {
        impl Memory for ModelMemory<$collects> {
            type CountWord = ModelCount<$collects>;
            type Word = ModelWord;

            fn count_word(&self, object: u32) -> &Self::CountWord {
                &self.object(object).$word
            }
            fn slots(&self, object: u32) -> u32 {
                self.object(object).slots.len() as u32
            }
            fn slot(&self, object: u32, slot: u32) -> &ModelWord {
                &self.object(object).slots[slot as usize]
            }
            fn state(&self) -> &ModelWord {
                &self.0.state
            }
            // The orderings of both are those of the heaps' memory.
            fn is_marked(&self, object: u32) -> bool {
                self.object(object).mark.load(Acquire) != 0
            }
            fn mark(&self, object: u32, marked: bool) {
                if marked {
                    self.object(object).mark.fetch_or(1, Release);
                } else {
                    self.object(object).mark.fetch_and(0, Release);
                }
            }
            fn fence(&self) {
                fence(SeqCst);
            }
            fn pause(&self) {
                loom::thread::yield_now();
            }
            fn prefetch(&self, _: u32) {}
        }
    };
}

memory!(false, for_mutators);
memory!(true, for_collections);
