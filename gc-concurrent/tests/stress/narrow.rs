//! Narrow stress: tight loops on few objects beside a collection after the other, each aimed at one part of the protocol.
//!
//! The wide stress does not notice a broken protocol for a long time. With one constant of
//! [`Versioned`](gc_concurrent::protocol::Versioned) turned at a time, in debug builds and 1.5 s a test, on two shared cores:
//!
//! | broken | who noticed |
//! |---|---|
//! | `RETAIN` without the version | `walk_chains` |
//! | `RAISE` = 0 | `walk_chains` of wide nodes, moves only, after some 50,000 steps |
//! | `WORDS_FIRST`, `REJECTS_ZERO`, `CASCADE_BY_RECORD` = false | `walk_chains` |
//! | `LOAD_CHECKS_AGAIN` = false | `load_beside_replacement` |
//! | `UPGRADE_DIRTIES`, `UPGRADE_FENCE` = false | nobody: that is for models |
//!
//! The wide stress noticed none of them in 8 s.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use gc_core::sync::{Arc, Mutex};
use gc_core::{
    Control, Generation, Heap, HeapConfig, Kind, Mutator, NoObserver, Root, Shape, SharedRoot, TypeId, TypeSpec,
};

use super::random::{self, below, one_in};

/// A node has two links, a label, and room.
const PAYLOAD: u32 = 16;

/// What a thread does again and again.
type Body<'a, H> = dyn Fn(&<H as Heap>::Mutator) + Sync + 'a;

/// One narrow stress: a heap, and threads on it for a while.
pub(crate) struct Narrow<H> {
    heap: H,
    node: TypeId,
    /// Slots of a node, most of them null: the more there are, the longer a collection takes from one node to the next.
    slots: u32,
    over: AtomicBool,
    failed: Mutex<Option<String>>,
    steps: AtomicU64,
}

impl<H: Heap> Narrow<H> {
    pub(crate) fn new(config: HeapConfig, slots: u32) -> Self {
        let heap = H::new(config, Arc::new(NoObserver)).expect("the configuration is possible");
        let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).expect("the first type");
        Self { heap, node, slots, over: AtomicBool::new(false), failed: Mutex::default(), steps: AtomicU64::new(0) }
    }

    fn node<'m>(&self, mutator: &'m H::Mutator, label: u64) -> Root<'m, H::Mutator> {
        let node = mutator.allocate(self.node, Shape::new(self.slots, PAYLOAD)).expect("there is room");
        mutator.write_word(&node, 0, label);
        node
    }

    /// Runs `bodies`, each on a thread of its own with a mutator, again and again for `time`, and a thread that collects.
    /// Then nothing may be left.
    fn run(&self, time: Duration, seed: u64, bodies: &[&Body<'_, H>]) -> u64 {
        let collect = |mutator: &H::Mutator| {
            mutator.collect(Generation::ALL[2 - below(8) as usize / 7]);
        };
        thread::scope(|scope| {
            for (n, body) in bodies.iter().copied().chain([&collect as &Body<'_, H>]).enumerate() {
                scope.spawn(move || {
                    random::seed(seed ^ random::mix(n as u64));
                    let work = || {
                        let mutator = self.heap.attach();
                        while !self.over.load(Ordering::Relaxed) {
                            body(&mutator);
                            mutator.safepoint();
                        }
                    };
                    if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
                        let message = super::callbacks::message_of(&*panic);
                        self.failed.lock().get_or_insert(message);
                        self.over.store(true, Ordering::Relaxed);
                    }
                });
            }
            let begin = Instant::now();
            while begin.elapsed() < time && !self.over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(2));
            }
            self.over.store(true, Ordering::Relaxed);
        });
        if let Some(message) = self.failed.lock().take() {
            panic!("{}, seed {seed}, after {} steps: {message}", H::NAME, self.steps.load(Ordering::Relaxed));
        }
        let mutator = self.heap.attach();
        for _ in 0..3 {
            mutator.collect(Generation::OLD);
        }
        assert_eq!(self.heap.live_objects(), 0, "{}, seed {seed}: objects are left", H::NAME);
        self.steps.load(Ordering::Relaxed)
    }

    /// Chains that are walked to and fro: the references behind the walker point back, those before it forward, and the one
    /// root moves on. No count changes for good; which reference was where when is all that tells a chain from garbage. With
    /// `counts`, half of the moves are a load and a store.
    pub(crate) fn walk_chains(&self, time: Duration, seed: u64, walkers: usize, length: u64, counts: bool) -> u64 {
        let walk = |mutator: &H::Mutator| {
            let mut here = self.node(mutator, 0);
            for round in 0..1000 {
                if self.over.load(Ordering::Relaxed) {
                    return;
                }
                let (ahead, behind) = if round % 2 == 0 { (0, 1) } else { (1, 0) };
                // What was dropped at this end is made anew.
                let mut label = mutator.read_word(&here, 0);
                let at_far_end = if ahead == 0 { length - 1 } else { 0 };
                if round % 2 == 0 {
                    // Builds the chain to its length, from the far end on.
                    if here.load(0).is_none() {
                        let mut next = None;
                        for n in (label + 1..length).rev() {
                            let node = self.node(mutator, n);
                            node.put(0, next);
                            next = Some(node);
                        }
                        here.put(0, next);
                    }
                }
                while label != at_far_end {
                    let moved = !counts || one_in(2);
                    let next = if moved {
                        here.take(ahead)
                    } else {
                        let next = here.load(ahead);
                        here.store(ahead, None);
                        next
                    };
                    let next = next.unwrap_or_else(|| panic!("the chain ends behind node {label}"));
                    let expected = if ahead == 0 { label + 1 } else { label - 1 };
                    let found = mutator.read_word(&next, 0);
                    assert_eq!(found, expected, "the node behind node {label} is another");
                    if moved {
                        next.put(behind, Some(here));
                    } else {
                        next.store(behind, Some(&here));
                        drop(here);
                    }
                    here = next;
                    label = expected;
                    self.steps.fetch_add(1, Ordering::Relaxed);
                }
                if round % 2 == 1 && one_in(if counts { 4 } else { 500 }) {
                    // Drops the chain but for its first node, somewhere in the middle of it.
                    let second = here.load(0);
                    if let Some(second) = second {
                        drop(second.take(0));
                    }
                    here.put(0, None);
                }
                mutator.safepoint();
            }
        };
        let walk: &Body<'_, H> = &walk;
        self.run(time, seed, &vec![walk; walkers])
    }

    /// One thread replaces what a slot holds, and makes objects that never come there in the places that become free; another
    /// loads.
    pub(crate) fn load_beside_replacement(&self, time: Duration, seed: u64) -> u64 {
        const PUBLIC: u64 = 1;
        const SECRET: u64 = 2;
        let tables = self.shared_table(2);
        let replace = |mutator: &H::Mutator| {
            let table = mutator.adopt(tables[0].lock().take().expect("each is asked for once"));
            while !self.over.load(Ordering::Relaxed) {
                table.put(0, Some(self.node(mutator, PUBLIC)));
                drop(table.take(0));
                drop(self.node(mutator, SECRET));
                self.steps.fetch_add(1, Ordering::Relaxed);
                mutator.safepoint();
            }
        };
        let load = |mutator: &H::Mutator| {
            let table = mutator.adopt(tables[1].lock().take().expect("each is asked for once"));
            while !self.over.load(Ordering::Relaxed) {
                if let Some(object) = table.load(0) {
                    assert_eq!(mutator.read_word(&object, 0), PUBLIC, "the slot never held {object:?}");
                }
                mutator.safepoint();
            }
        };
        self.run(time, seed, &[&replace, &load])
    }

    /// One thread drops rings that have weak references; another upgrades these, and finds the ring whole or gone.
    pub(crate) fn upgrade_beside_collections(&self, time: Duration, seed: u64) -> u64 {
        let tables = self.shared_table(2);
        let drop_rings = |mutator: &H::Mutator| {
            let table = mutator.adopt(tables[0].lock().take().expect("each is asked for once"));
            while !self.over.load(Ordering::Relaxed) {
                let (a, b) = (self.node(mutator, 1), self.node(mutator, 2));
                a.store(0, Some(&b));
                b.store(0, Some(&a));
                // The more there is to read, the longer it takes to decide.
                (0..below(30)).for_each(|_| {
                    let more = self.node(mutator, 3);
                    more.put(0, a.take(1));
                    a.put(1, Some(more));
                });
                table.put(0, Some(mutator.weak_reference(&a, None).expect("there is room")));
                table.put(1, Some(mutator.weak_reference(&b, None).expect("there is room")));
                drop((a, b));
                self.steps.fetch_add(1, Ordering::Relaxed);
                pause(20_000);
                mutator.safepoint();
            }
        };
        let upgrade = |mutator: &H::Mutator| {
            let table = mutator.adopt(tables[1].lock().take().expect("each is asked for once"));
            while !self.over.load(Ordering::Relaxed) {
                let Some(weak) = table.load(below(2)) else { continue };
                while let Some(object) = mutator.upgrade(&weak) {
                    // A collection that wrongly takes it for garbage is about to take it apart.
                    pause(500);
                    let other = object.load(0).unwrap_or_else(|| panic!("half of the ring is gone"));
                    assert_eq!(mutator.read_word(&object, 0) + mutator.read_word(&other, 0), 3);
                    assert_eq!(other.load(0).as_ref(), Some(&object), "the ring is closed");
                    if self.over.load(Ordering::Relaxed) || one_in(20) {
                        break;
                    }
                    drop((object, other));
                    mutator.safepoint();
                    pause(3000);
                }
            }
        };
        self.run(time, seed, &[&drop_rings, &upgrade])
    }

    fn shared_table(&self, holders: usize) -> Vec<Mutex<Option<SharedRoot>>> {
        let mutator = self.heap.attach();
        let table = self.node(&mutator, 0);
        (0..holders).map(|_| Mutex::new(Some(table.share()))).collect()
    }
}

/// Waits a little, for up to `most` turns of a loop.
fn pause(most: u32) {
    (0..below(most)).for_each(|_| std::hint::spin_loop());
}
