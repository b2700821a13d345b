//! The heap of `fork-v1`: instances that hold a list of two numbers and a string.
//!
//! For key *k*: `Entry(key=k, data=[k, k + 1, 'v<k>', None])`. Numbers and strings are objects too, which no collection
//! examines and each read counts. Sizes are those of CPython 3.12, so that as much of the heap is examined as there.

use gc_core::{Heap, HeapFull, Kind, Mutator, Root, Shape, TypeId, TypeSpec};

use super::{Content, FrozenHeap, build_index, first_word, register};
use crate::draws::mix;

/// Slots of an entry.
const KEY: u32 = 0;
const LIST: u32 = 1;
/// Slots of its list; the last is `None`, or holds the entry where entries are cyclic.
const NUMBER: u32 = 0;
const NEXT_NUMBER: u32 = 1;
const STRING: u32 = 2;
const LAST: u32 = 3;

/// How many entries, and of which kind.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Entries {
    /// Objects that a collection examines, two an entry; at least 2.
    pub objects: u32,
    /// Each list holds its entry: one that is dropped waits for a collection.
    pub cyclic: bool,
    /// Dead cyclic entries among the living, for each living one: what a program leaves behind that has not been collected
    /// while it built its heap.
    pub garbage: f64,
}

impl Default for Entries {
    fn default() -> Self {
        Self { objects: 1_000_000, cyclic: false, garbage: 0.0 }
    }
}

/// Makes entries.
pub(super) struct Builder {
    entry: TypeId,
    list: TypeId,
    number: TypeId,
    string: TypeId,
    cyclic: bool,
}

impl Builder {
    fn register<H: Heap>(heap: &H, list: TypeId, entry: TypeId, cyclic: bool) -> Self {
        let atomic =
            |name: &str| heap.register_type(TypeSpec::new(name, Kind::Atomic)).expect("a new heap has few types");
        Self { entry, list, number: atomic("int"), string: atomic("str"), cyclic }
    }

    /// The entry of a key.
    pub(super) fn build<'m, M: Mutator>(&self, mutator: &'m M, key: u32) -> Result<Root<'m, M>, HeapFull> {
        self.build_as(mutator, key, self.cyclic)
    }

    fn build_as<'m, M: Mutator>(&self, mutator: &'m M, key: u32, cyclic: bool) -> Result<Root<'m, M>, HeapFull> {
        // Bytes beside our header and slots that make up CPython's sizes: int 32, str 64, list with its array 88, entry 48.
        let number = |value: u64| -> Result<Root<'m, M>, HeapFull> {
            let number = mutator.allocate(self.number, Shape::new(0, 8))?;
            mutator.write_word(&number, 0, value);
            Ok(number)
        };
        let first = number(u64::from(key))?;
        let list = mutator.allocate(self.list, Shape::new(4, 48))?;
        list.store(NUMBER, Some(&first));
        list.put(NEXT_NUMBER, Some(number(u64::from(key) + 1)?));
        let string = mutator.allocate(self.string, Shape::new(0, 40))?;
        mutator.write_word(&string, 0, mix(u64::from(key)));
        list.put(STRING, Some(string));
        let entry = mutator.allocate(self.entry, Shape::new(2, 16))?;
        entry.put(KEY, Some(first));
        if cyclic {
            list.store(LAST, Some(&entry));
        }
        entry.put(LIST, Some(list));
        Ok(entry)
    }
}

/// What a reader of an entry sees: its key, and what is in its list. Each of these objects is counted up and down again.
pub(super) fn read<M: Mutator>(mutator: &M, entry: &Root<'_, M>) -> u64 {
    let mut seen = entry.load(KEY).map_or(0, |key| first_word(mutator, &key));
    if let Some(list) = entry.load(LIST) {
        for slot in NUMBER..LAST {
            let word = list.load(slot).map_or(0, |object| first_word(mutator, &object));
            seen = seen.rotate_left(16) ^ word;
        }
    }
    mix(seen)
}

impl<'m, M: Mutator> FrozenHeap<'m, M> {
    /// Builds entries, held by one list.
    ///
    /// # Errors
    /// The heap is full.
    pub fn of_entries(mutator: &'m M, plan: &Entries) -> Result<Self, HeapFull> {
        let types = register(mutator.heap());
        let builder = Builder::register(mutator.heap(), types.list, types.entry, plan.cyclic);
        let places = (plan.objects / 2).max(1);
        let index = build_index(mutator, &types, places)?;
        let mut garbage = 0;
        for key in 0..places {
            index.put(key, Some(builder.build(mutator, key)?));
            while f64::from(garbage) < plan.garbage * f64::from(key + 1) - 1e-9 {
                drop(builder.build_as(mutator, key, true)?);
                garbage += 1;
            }
        }
        Ok(Self { mutator, types, index, places, content: Content::Entries(builder) })
    }
}
