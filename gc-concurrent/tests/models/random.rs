//! Random programs under random schedules: longer than what loom can exhaust, without weak memory.
//!
//! Two mutators and a collection work on a handful of objects; each memory access is a point where another thread may go
//! on. Programs and schedules come from a seed, which is printed; `MODELS_SEED` sets another one.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU8, AtomicU64 as AtomicU64Plain, Ordering::Relaxed as Plain};
use std::sync::{Arc, Mutex};

use gc_concurrent::certify::{Certification, Verdict};
use gc_concurrent::memory::{CountWord, Memory, Word};
use gc_concurrent::protocol::{COUNT_MASK, Protocol, Versioned};
use gc_concurrent::{barrier, count, deciding};
use shuttle::rand::Rng;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release};
use shuttle::sync::atomic::{AtomicU32, AtomicU64};

use crate::broken::{CleanUpgrade, FromZero, NoBusy, NoVersion, SlotsAgain, WordsLast};
use crate::exploration::silently;

const OBJECTS: u32 = 3;
const SLOTS: u32 = 2;
const MOST_ROOTS: usize = 3;
const SEED: u64 = 20_261_121;

struct Count(AtomicU64);
struct Place(AtomicU32);

impl CountWord for Count {
    fn load(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }
    fn expected(&self) -> u64 {
        self.0.load(Relaxed)
    }
    fn add(&self, n: u64, order: Ordering) -> u64 {
        self.0.fetch_add(n, order)
    }
    fn subtract(&self, n: u64, order: Ordering) -> u64 {
        self.0.fetch_sub(n, order)
    }
    fn set(&self, bits: u64, order: Ordering) -> u64 {
        self.0.fetch_or(bits, order)
    }
    fn exchange(&self, current: u64, new: u64, order: Ordering) -> Result<(), u64> {
        self.0.compare_exchange(current, new, order, Relaxed).map(drop)
    }
}

impl Word for Place {
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

const FREE: u8 = 0;
const ALIVE: u8 = 1;
const CLAIMED: u8 = 2;

struct Object {
    word: Count,
    slots: Vec<Place>,
    weak: Place,
    mark: AtomicU32,
    truth: AtomicU8,
}

struct Cells {
    objects: Vec<Object>,
    state: Place,
    free: Mutex<Vec<u32>>,
}

struct Heap<P>(Arc<Cells>, PhantomData<P>);

impl<P> Memory for Heap<P> {
    type CountWord = Count;
    type Word = Place;

    fn count_word(&self, object: u32) -> &Count {
        &self.object(object).word
    }
    fn slots(&self, _: u32) -> u32 {
        SLOTS
    }
    fn slot(&self, object: u32, slot: u32) -> &Place {
        &self.object(object).slots[slot as usize]
    }
    fn state(&self) -> &Place {
        &self.0.state
    }
    fn is_marked(&self, object: u32) -> bool {
        self.object(object).mark.load(Acquire) != 0
    }
    fn mark(&self, object: u32, marked: bool) {
        self.object(object).mark.store(marked.into(), Release);
    }
    fn fence(&self) {}
    fn pause(&self) {
        shuttle::thread::yield_now();
    }
    fn prefetch(&self, _: u32) {}
}

impl<P> Heap<P> {
    fn object(&self, object: u32) -> &Object {
        &self.0.objects[object as usize - 1]
    }
}

impl<P: Protocol> Heap<P> {
    fn new() -> Self {
        let place = |_| Place(AtomicU32::new(0));
        let object = |_| Object {
            word: Count(AtomicU64::new(0)),
            slots: (0..SLOTS).map(place).collect(),
            weak: place(0),
            mark: AtomicU32::new(0),
            truth: AtomicU8::new(FREE),
        };
        let free = Mutex::new((1..=OBJECTS).collect());
        Self(Arc::new(Cells { objects: (0..OBJECTS).map(object).collect(), state: place(0), free }), PhantomData)
    }

    fn again(&self) -> Self {
        Self(Arc::clone(&self.0), PhantomData)
    }

    fn allocate(&self) -> Option<u32> {
        let object = self.0.free.lock().unwrap().pop()?;
        let word = &self.object(object).word.0;
        assert!(self.object(object).truth.swap(ALIVE, Plain) == FREE);
        word.store(word.load(Relaxed).wrapping_add(P::RETAIN), Release);
        self.object(object).weak.store(object, Release);
        Some(object)
    }

    fn release(&self, object: u32) {
        if count::release::<P, _>(self, object) {
            self.object(object).weak.store(0, Release);
            for slot in 0..SLOTS {
                let target = self.slot(object, slot).swap(0, Relaxed);
                if target != 0 {
                    self.release(target);
                }
            }
            self.free(object);
        }
    }

    fn free(&self, object: u32) {
        assert!(self.object(object).truth.swap(FREE, Plain) != FREE, "object {object} is freed twice");
        self.0.free.lock().unwrap().push(object);
    }

    fn put(&self, owner: u32, slot: u32, value: u32) {
        let old = barrier::swap::<P, _>(self, owner, slot, value);
        if old != 0 {
            self.release(old);
        }
    }

    /// One operation of a mutator with these roots.
    fn operate(&self, random: &mut impl Rng, roots: &mut Vec<u32>) {
        for &root in &*roots {
            let truth = self.object(root).truth.load(Plain);
            assert!(truth == ALIVE, "object {root} has a root, and is claimed or freed");
        }
        if roots.is_empty() || random.gen_ratio(1, 8) {
            let name = random.gen_range(1..=OBJECTS);
            let refers = || self.object(name).weak.load(Acquire) == name;
            if random.gen_bool(0.5) {
                roots.extend(self.allocate());
            } else if refers() && deciding::upgrade::<P, _>(self, name, refers, |object| self.release(object)) {
                roots.push(name);
            }
            return;
        }
        let (at, slot) = (random.gen_range(0..roots.len()), random.gen_range(0..SLOTS));
        let (owner, other) = (roots[at], random.gen_range(0..roots.len()));
        match random.gen_range(0..8) {
            _ if roots.len() > MOST_ROOTS => self.release(roots.swap_remove(at)),
            0 => self.release(roots.swap_remove(at)),
            1 | 2 => roots.extend(barrier::load::<P, _>(self, owner, slot, |object| self.release(object))),
            3 => {
                let old = barrier::swap::<P, _>(self, owner, slot, 0);
                if old != 0 {
                    barrier::raise::<P, _>(self, old);
                    roots.push(old);
                }
            }
            // Moved in: another root than the one of the owner.
            4 | 5 if other != at => {
                let value = roots.swap_remove(other);
                self.put(owner, slot, value);
            }
            6 => {
                let from = random.gen_range(0..2);
                let moved = barrier::move_slots::<P, _>(self, owner, from..from + 1, 1 - from);
                moved.into_iter().for_each(|object| self.release(object));
            }
            _ => {
                count::retain::<P, _>(self, roots[other]);
                self.put(owner, slot, roots[other]);
            }
        }
    }

    /// One collection of all objects that `suspected` names. How many it certified.
    fn collect(&self, suspected: &BTreeSet<u32>) -> usize {
        let suspects: Vec<u32> = suspected.iter().copied().collect();
        let mut certification = Certification::default();
        let position = |object| suspects.iter().position(|&suspect| suspect == object).map(|k| k as u32);
        certification.read::<P, _>(self, suspects.iter().copied(), 0, position);
        self.fence();
        let refers = |k: u32| self.object(suspects[k as usize]).weak.load(Acquire) != 0;
        for members in certification.components(&[]) {
            let weak: Vec<u32> = members.iter().copied().filter(|&k| refers(k)).collect();
            deciding::settle::<P, _>(self, &mut certification, &members, &weak, |_, _| {});
            for &k in &weak {
                if certification.verdicts()[k as usize] == Verdict::Certified {
                    self.object(suspects[k as usize]).weak.store(0, Release);
                }
            }
            deciding::finish(self, &certification, &weak);
        }
        let certified: Vec<u32> = certification.certified().collect();
        for &object in &certified {
            let truth = self.object(object).truth.swap(CLAIMED, Plain);
            assert!(truth == ALIVE, "object {object} is certified, and is dead");
        }
        for &object in &certified {
            for slot in 0..SLOTS {
                let target = self.slot(object, slot).swap(0, Relaxed);
                if target != 0 && !certified.contains(&target) {
                    self.release(target);
                }
            }
        }
        for (k, &object) in suspects.iter().enumerate() {
            if certification.verdicts()[k] == Verdict::Certified {
                let count = certification.count(k).expect("words were read");
                let before = self.count_word(object).subtract(count, AcqRel) & COUNT_MASK;
                assert!(before >= count, "object {object} lost references after it was certified");
                if before == count {
                    self.free(object);
                }
            }
        }
        certified.len()
    }

    /// What no root reaches is freed, and nothing else.
    fn settle(&self, roots: Vec<u32>) {
        let all = (1..=OBJECTS).collect();
        while self.collect(&all) != 0 {}
        let mut tokens = vec![0; OBJECTS as usize + 1];
        let mut reached = BTreeSet::new();
        let mut next = roots;
        while let Some(object) = next.pop() {
            tokens[object as usize] += 1;
            if reached.insert(object) {
                let targets = (0..SLOTS).map(|slot| self.slot(object, slot).load(Relaxed));
                next.extend(targets.filter(|&target| target != 0));
            }
        }
        for object in 1..=OBJECTS {
            let alive = self.object(object).truth.load(Plain) == ALIVE;
            assert!(alive == reached.contains(&object), "object {object} is lost or leaked");
            let count = self.count_word(object).load(Relaxed) & COUNT_MASK;
            assert!(count == tokens[object as usize], "object {object} has a count of {count}");
        }
    }
}

/// One program.
fn program<P: Protocol>(operations: usize, collections: usize) {
    let heap = Heap::<P>::new();
    // An object that both know, so that they meet.
    let shared = heap.allocate().expect("all places are free");
    let mutators: Vec<_> = (0..2)
        .map(|_| {
            let heap = heap.again();
            count::retain::<P, _>(&heap, shared);
            let mut roots = vec![shared];
            shuttle::thread::spawn(move || {
                let mut random = shuttle::rand::thread_rng();
                (0..operations).for_each(|_| heap.operate(&mut random, &mut roots));
                roots
            })
        })
        .collect();
    heap.release(shared);
    let mut random = shuttle::rand::thread_rng();
    for _ in 0..collections {
        let all = random.gen_bool(0.5);
        let suspected = (1..=OBJECTS).filter(|_| all || random.gen_bool(0.7)).collect();
        heap.collect(&suspected);
    }
    heap.settle(mutators.into_iter().flat_map(|mutator| mutator.join().unwrap()).collect());
}

fn seed() -> u64 {
    std::env::var("MODELS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED)
}

fn run(scheduler: impl Scheduler + 'static, program: impl Fn() + Send + Sync + 'static) {
    let mut config = shuttle::Config::new();
    config.stack_size = 1 << 18;
    // That orderings are all taken to be sequentially consistent is said above.
    config.silence_warnings = true;
    config.failure_persistence = shuttle::FailurePersistence::None;
    shuttle::Runner::new(scheduler, config).run(program);
}

#[test]
fn random_programs_under_random_schedules_lose_and_leak_nothing() {
    println!("seed {}", seed());
    run(RandomScheduler::new_from_seed(seed(), 20_000), || program::<Versioned>(20, 4));
}

#[test]
fn random_programs_under_few_preemptions_lose_and_leak_nothing() {
    println!("seed {}", seed());
    run(PctScheduler::new_from_seed(seed(), 4, 20_000), || program::<Versioned>(20, 4));
}

/// Some program fails. Says how many it took.
fn caught<P: Protocol>() {
    let programs = Arc::new(AtomicU64Plain::new(0));
    let counted = Arc::clone(&programs);
    let result = silently(|| {
        run(RandomScheduler::new_from_seed(seed(), 60_000), move || {
            counted.fetch_add(1, Plain);
            program::<P>(20, 4);
        });
    });
    let message = result.expect_err("not caught");
    println!("{}: caught: {message}, {} programs", std::any::type_name::<P>(), programs.load(Plain));
}

/// Two broken protocols pass tens of thousands of programs: a load without its second reading, and a take without the
/// raise. Those are for loom (`broken`).
#[test]
fn random_programs_catch_broken_protocols() {
    println!("seed {}", seed());
    caught::<WordsLast>();
    caught::<CleanUpgrade>();
    caught::<NoBusy>();
    caught::<SlotsAgain>();
    caught::<FromZero>();
    caught::<NoVersion>();
}
