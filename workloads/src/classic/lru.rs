//! `lru`: a cache that throws out what was not used for longest: old objects change all the time.
//!
//! A map, which is a table of buckets, and a doubly linked list of its entries in order of use. A `get` moves its entry to the
//! front of the list: six stores into old objects, three of them anywhere in memory. A key that is not there is put, and
//! the entry at the back goes. Entries are unlinked by hand, so everything dies by count: what a collector does here is
//! work for nothing, and what its barrier costs shows. Keys are drawn by Zipf's law, all before anything is timed.

use gc_core::{Control, Generation, Heap, HeapFull, Kind, Mutator, Root, Shape, TypeId};

use super::{outcome, register};
use crate::arrivals::serve;
use crate::audit::audit;
use crate::draws::{SplitMix64, mix, zipf_ranks};
use crate::workload::{Dial, Outcome, Plan, Preset, Range, RunError, SettingError, Settings, Workload};

/// A map and a doubly linked list in order of use: the workload `lru`.
pub struct Lru {
    capacity: u32,
    keys: u32,
    skew: f64,
    puts: f64,
    value: u32,
    operations: u64,
}

impl Workload for Lru {
    const NAME: &'static str = "lru";
    const SUMMARY: &'static str = "a cache of a map and a doubly linked list in order of use: old objects change";
    const DIALS: &'static [Dial] = &[
        Dial {
            name: "capacity",
            meaning: "entries of the cache, full from the beginning",
            default: "100000",
            range: Range::Integer(1, 8_000_000),
        },
        Dial {
            name: "keys",
            meaning: "keys that are asked for",
            default: "1000000",
            range: Range::Integer(1, 100_000_000),
        },
        Dial {
            name: "skew",
            meaning: "exponent of Zipf's law, by which keys are asked for; 0 is evenly",
            default: "0.99",
            range: Range::Number(0.0, 4.0),
        },
        Dial {
            name: "puts",
            meaning: "share of operations that put a new value; the others get, and put what is not there",
            default: "0.1",
            range: Range::Number(0.0, 1.0),
        },
        Dial { name: "value", meaning: "bytes of a value", default: "64", range: Range::Integer(8, 1_048_576) },
        Dial {
            name: "operations",
            meaning: "timed gets and puts",
            default: "2000000",
            range: Range::Integer(1, 100_000_000),
        },
    ];
    const PRESETS: &'static [Preset] = &[];
    const SMALL: &'static [(&'static str, &'static str)] =
        &[("capacity", "5000"), ("keys", "50000"), ("operations", "300000")];
    const OPEN_LOOP: bool = true;
    const AMOUNT: Option<&'static str> = Some("operations");
    const COMPARED: bool = false;

    fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            capacity: settings.integer("capacity") as u32,
            keys: settings.integer("keys") as u32,
            skew: settings.number("skew"),
            puts: settings.number("puts"),
            value: settings.integer("value").next_multiple_of(8) as u32,
            operations: settings.integer("operations"),
        })
    }

    fn run<H: Heap>(&self, heap: &H, plan: &Plan<'_>) -> Result<Outcome, RunError> {
        let mut stream = SplitMix64::new(plan.seed);
        let keys: Vec<u32> = zipf_ranks(self.keys, self.skew, plan.seed, 0).take(self.operations as usize).collect();
        let mutator = heap.attach();
        let mut cache = Cache::new(heap, &mutator, self)?;
        // Keys that nobody asks for: what is wanted has to come in first.
        for n in 0..self.capacity {
            cache.insert(u64::from(self.keys) + u64::from(n), 0)?;
        }
        mutator.collect(Generation::OLD);

        let put_below = self.puts * 4_294_967_296.0;
        let mut digest = 0u64;
        let mut hits = 0u64;
        // The table, the two ends of the list, and two objects an entry.
        let live = 3 + 2 * u64::from(self.capacity);
        let mut floating = plan.floating_gauge(live);
        plan.stages.timed_part_begins();
        let timings = serve(&mutator, plan, (self.operations, plan.seed, 0, 1), |n| {
            let key = u64::from(keys[n as usize]);
            let puts = f64::from(stream.next_u32()) < put_below;
            let seen = if puts { cache.put(key, n)? } else { cache.get(key, n)? };
            hits += u64::from(!puts && seen.is_some());
            digest = mix(digest.rotate_left(1) ^ seen.unwrap_or(key));
            floating.sample_of(heap);
            Ok::<(), HeapFull>(())
        })?;
        plan.stages.timed_part_ends();

        digest = mix(digest ^ cache.read_in_order());
        let audit = audit(&mutator, &cache.held(), live)?;
        let mut outcome = outcome(timings, plan, "operation", digest, audit);
        outcome.floating = floating.reading();
        let gets = (self.operations as f64 * (1.0 - self.puts)).max(1.0);
        outcome.extra = [("hits_of_gets", hits as f64 / gets)].into();
        Ok(outcome)
    }
}

/// Slots of an entry, and the word with its key.
const NEWER: u32 = 0;
const OLDER: u32 = 1;
const SAME_BUCKET: u32 = 2;
const VALUE: u32 = 3;
const KEY: u32 = 0;

/// The cache: its roots, and how its objects are made.
struct Cache<'m, M: Mutator> {
    mutator: &'m M,
    entry: TypeId,
    bytes: TypeId,
    /// Bytes of a value.
    value: u32,
    capacity: u32,
    entries: u32,
    /// Slot `bucket` refers to the first entry in it.
    table: Root<'m, M>,
    buckets: u32,
    /// Ends of the list, themselves no entries: an entry always has a neighbour on either side.
    newest: Root<'m, M>,
    oldest: Root<'m, M>,
}

impl<'m, M: Mutator> Cache<'m, M> {
    fn new<H: Heap<Mutator = M>>(heap: &H, mutator: &'m M, workload: &Lru) -> Result<Self, HeapFull> {
        let entry = register(heap, "Entry", Kind::Instance);
        let bytes = register(heap, "bytes", Kind::Atomic);
        let buckets = workload.capacity.next_power_of_two();
        let table = mutator.allocate(register(heap, "table", Kind::Dict), Shape::new(buckets, 48))?;
        let end = || mutator.allocate(entry, Shape::new(4, 8));
        let (newest, oldest) = (end()?, end()?);
        newest.store(OLDER, Some(&oldest));
        oldest.store(NEWER, Some(&newest));
        let (value, capacity) = (workload.value, workload.capacity);
        Ok(Self { mutator, entry, bytes, value, capacity, entries: 0, table, buckets, newest, oldest })
    }

    fn held(&self) -> [gc_core::ObjectRef; 3] {
        [&self.table, &self.newest, &self.oldest].map(Root::object)
    }

    fn bucket_of(&self, key: u64) -> u32 {
        // `buckets` is a power of two.
        mix(key) as u32 & (self.buckets - 1)
    }

    fn find(&self, key: u64) -> Option<Root<'m, M>> {
        let mut entry = self.table.load(self.bucket_of(key))?;
        while self.mutator.read_word(&entry, KEY) != key {
            entry = entry.load(SAME_BUCKET)?;
        }
        Some(entry)
    }

    /// What the key's value says; puts one that says `number` if there is none, and returns nothing then.
    fn get(&mut self, key: u64, number: u64) -> Result<Option<u64>, HeapFull> {
        let Some(entry) = self.find(key) else {
            self.insert(key, number)?;
            return Ok(None);
        };
        self.move_to_front(&entry);
        let value = entry.load(VALUE).expect("an entry has a value");
        Ok(Some(self.mutator.read_word(&value, 0)))
    }

    /// Puts a value that says `number`; returns what the one before said, which dies.
    fn put(&mut self, key: u64, number: u64) -> Result<Option<u64>, HeapFull> {
        let Some(entry) = self.find(key) else {
            self.insert(key, number)?;
            return Ok(None);
        };
        self.move_to_front(&entry);
        let before = self.mutator.replace(&entry, VALUE, Some(self.new_value(number)?));
        Ok(before.map(|value| self.mutator.read_word(&value, 0)))
    }

    fn new_value(&self, number: u64) -> Result<Root<'m, M>, HeapFull> {
        let value = self.mutator.allocate(self.bytes, Shape::new(0, self.value))?;
        self.mutator.write_word(&value, 0, number);
        Ok(value)
    }

    /// A new entry, at the front; the one at the back goes if the cache was full.
    fn insert(&mut self, key: u64, number: u64) -> Result<(), HeapFull> {
        let entry = self.mutator.allocate(self.entry, Shape::new(4, 8))?;
        self.mutator.write_word(&entry, KEY, key);
        entry.put(VALUE, Some(self.new_value(number)?));
        if self.entries == self.capacity {
            self.evict();
        }
        let bucket = self.bucket_of(key);
        entry.put(SAME_BUCKET, self.table.load(bucket));
        self.table.store(bucket, Some(&entry));
        self.link_in_front(&entry);
        self.entries += 1;
        Ok(())
    }

    fn evict(&mut self) {
        let entry = self.oldest.load(NEWER).expect("the list has two ends");
        unlink(&entry);
        let bucket = self.bucket_of(self.mutator.read_word(&entry, KEY));
        let behind = entry.take(SAME_BUCKET);
        let mut before = self.table.load(bucket).expect("the entry is in its bucket");
        if before == entry {
            self.table.put(bucket, behind);
        } else {
            loop {
                let next = before.load(SAME_BUCKET).expect("the entry is in its bucket");
                if next == entry {
                    break;
                }
                before = next;
            }
            before.put(SAME_BUCKET, behind);
        }
        self.entries -= 1;
    }

    fn move_to_front(&self, entry: &Root<'m, M>) {
        if self.newest.load(OLDER).as_ref() != Some(entry) {
            unlink(entry);
            self.link_in_front(entry);
        }
    }

    fn link_in_front(&self, entry: &Root<'m, M>) {
        let second = self.newest.load(OLDER).expect("the list has two ends");
        entry.store(NEWER, Some(&self.newest));
        second.store(NEWER, Some(entry));
        self.newest.store(OLDER, Some(entry));
        entry.put(OLDER, Some(second));
    }

    /// What a reader sees of all entries, from the newest to the oldest.
    fn read_in_order(&self) -> u64 {
        let mut seen = 0;
        let mut entry = self.newest.load(OLDER).expect("the list has two ends");
        while entry != self.oldest {
            seen = mix(seen ^ self.mutator.read_word(&entry, KEY));
            entry = entry.load(OLDER).expect("an entry has neighbours");
        }
        seen
    }
}

/// Takes an entry out of the list; its neighbours refer to one another then.
fn unlink<M: Mutator>(entry: &Root<'_, M>) {
    let newer = entry.take(NEWER).expect("an entry has neighbours");
    let older = entry.take(OLDER).expect("an entry has neighbours");
    newer.store(OLDER, Some(&older));
    older.put(NEWER, Some(newer));
}
