//! What a program sees of a heap while other threads work on it: every function of introspection, called over and over beside
//! mutators that allocate, store, drop and collect.
//!
//! Whatever they return is alive and whole while it is held, what must be there is there, and nothing is lost or freed too
//! early by it: when all is over no object is left. The order of steps of different threads is the system's; what each
//! thread does comes from the seed, which is printed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use gc_concurrent::{ConcurrentHeap, RefcountAtomicHeap, StopTheWorldHeap};
use gc_core::{
    Ages, Automatic, Certify, Control, DebugFlags, Generation, Heap, HeapConfig, Kind, Mutator, NoObserver, Propose,
    Root, Shape, SharedRoot, Thresholds, TypeId, TypeSpec,
};

/// Threads that change the heap, and steps of each.
const WORKERS: u64 = 3;
const STEPS: u64 = 6_000;
/// Rounds of introspection at least, whether the workers are done or not.
const ROUNDS: u64 = 20;
/// Slots of the table that all threads share.
const TABLE: u32 = 32;
/// Most nodes that a worker keeps in its hands.
const KEPT: usize = 150;
/// What the first payload word of every node says.
const WHOLE: u64 = 0x6e6f_6465_6e6f_6465;
const NODE: Shape = Shape::new(3, 8);

/// Numbers from a seed (SplitMix64; Steele, Lea, Flood 2014).
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn slot(&mut self) -> u32 {
        self.below(u64::from(TABLE)) as u32
    }
}

fn seed() -> u64 {
    let given = std::env::var("GCLAB_STRESS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| std::time::UNIX_EPOCH.elapsed().map_or(1, |time| time.as_nanos() as u64));
    println!("GCLAB_STRESS_SEED={seed}");
    seed
}

/// The types of one run.
#[derive(Clone, Copy)]
struct Types {
    /// Of what workers make.
    node: TypeId,
    /// Of what only the introspecting thread has.
    private: TypeId,
}

fn new<M: Mutator>(mutator: &M, type_id: TypeId) -> Root<'_, M> {
    let node = mutator.allocate(type_id, NODE).expect("the heap has room");
    mutator.write_word(&node, 0, WHOLE);
    node
}

/// Checks that an object that introspection returned is alive, and what it should be.
fn check<M: Mutator>(types: Types, object: &Root<'_, M>) {
    let mutator = object.mutator();
    assert!(mutator.retain_count(object).is_some_and(|count| count > 0));
    let type_id = mutator.type_of(object);
    if type_id == types.node || type_id == types.private {
        // A new node is its maker's alone for a moment before its payload says so.
        let word = mutator.read_word(object, 0);
        assert!(word == WHOLE || word == 0, "{word:#x} in {object:?}");
        assert_eq!(mutator.shape(object), NODE);
    }
}

/// Makes nodes, in pairs that hold each other if the heap collects cycles; hangs them below the table and each other; lets go.
fn work<H: Heap>(heap: &H, table: SharedRoot, types: Types, seed: u64) {
    let mutator = heap.attach();
    let table = mutator.adopt(table);
    let mut draws = Draws(seed);
    let mut kept: Vec<Root<'_, H::Mutator>> = Vec::new();
    for step in 1..=STEPS {
        let node = new(&mutator, types.node);
        if H::ABILITIES.collects_cycles && draws.below(2) == 0 {
            let partner = new(&mutator, types.node);
            partner.store(0, Some(&node));
            node.put(0, Some(partner));
        }
        if !kept.is_empty() {
            let other = draws.below(kept.len() as u64) as usize;
            match draws.below(4) {
                0 => node.store(1, Some(&kept[other])),
                1 if H::ABILITIES.collects_cycles => kept[other].store(1, Some(&node)),
                2 => drop(kept.swap_remove(other)),
                _ => drop(kept[other].take(1)),
            }
        }
        match draws.below(6) {
            0 => table.store(draws.slot(), Some(&node)),
            1 => drop(table.load(draws.slot())),
            2 => table.store(draws.slot(), None),
            3 => drop(mutator.weak_reference(&node, None).expect("the heap has room")),
            4 if kept.len() < KEPT => kept.push(node),
            _ => drop(table.take(draws.slot())),
        }
        if step % 1500 == 0 {
            mutator.collect(Generation::ALL[draws.below(3) as usize]);
        }
        mutator.safepoint();
    }
}

/// Looks at everything, and freezes and unfreezes, until `working` is 0.
fn introspect<H: Heap>(heap: &H, table: SharedRoot, types: Types, working: &AtomicU64, seed: u64) -> u64 {
    let mutator = heap.attach();
    let tracks = H::ABILITIES.collects_cycles;
    let table = mutator.adopt(table);
    let mut draws = Draws(seed);
    let [holder, target] = [0, 1].map(|_| new(&mutator, types.private));
    holder.store(0, Some(&target));
    let mut collections = 0;
    let mut round = 0;
    while round < ROUNDS || working.load(SeqCst) != 0 {
        round += 1;
        let mine = mutator.get_objects_of(types.private, None).len();
        assert_eq!(mine, if tracks { 2 } else { 0 }, "what lives throughout is listed");
        let referrers = mutator.get_referrers(&[&target]);
        assert_eq!(referrers, vec![holder.clone(); usize::from(tracks)], "nobody else can get at it");
        drop(referrers);
        let generation = [None, Some(Generation::YOUNG), Some(Generation::MIDDLE), Some(Generation::OLD)];
        let objects = mutator.get_objects(generation[draws.below(4) as usize]);
        objects.iter().for_each(|object| check(types, object));
        if !objects.is_empty() {
            let one = &objects[draws.below(objects.len() as u64) as usize];
            mutator.get_referrers(&[one, &target]).iter().for_each(|object| check(types, object));
            mutator.get_referents(one).iter().for_each(|object| check(types, object));
            mutator.get_weak_references(one).iter().for_each(|weak| {
                assert_eq!(mutator.type_of(weak), TypeId::WEAK_REFERENCE);
            });
        }
        drop(objects);
        mutator.get_referents(&table).iter().for_each(|object| check(types, object));
        mutator.get_count();
        let now = mutator.get_stats().iter().map(|generation| generation.collections).sum();
        assert!(now >= collections, "collections are counted upwards");
        collections = now;
        if draws.below(4) == 0 {
            mutator.freeze();
            assert!(mutator.get_objects_of(types.private, None).is_empty(), "what was there is frozen");
            assert!(mutator.get_freeze_count() >= if tracks { 3 } else { 0 }, "the table as well");
            mutator.unfreeze();
        }
        if draws.below(4) == 0 {
            let _off = mutator.disabled();
            assert!(!mutator.is_enabled());
        }
        mutator.safepoint();
    }
    collections
}

fn run<H: Heap>(config: HeapConfig) {
    let seed = seed();
    let heap = H::new(config, Arc::new(NoObserver)).expect("addresses");
    let register = |name| heap.register_type(TypeSpec::new(name, Kind::Instance)).expect("few types");
    let types = Types { node: register("node"), private: register("private") };
    let working = AtomicU64::new(WORKERS);
    let mutator = heap.attach();
    mutator.set_debug_writer(Box::new(std::io::sink()));
    mutator.set_debug(DebugFlags::STATS | DebugFlags::COLLECTABLE);
    let shared = {
        let table_type = register("table");
        mutator.allocate(table_type, Shape::new(TABLE, 0)).expect("the heap has room").share()
    };
    let shares: Vec<SharedRoot> = (0..=WORKERS).map(|_| mutator.clone_shared(&shared)).collect();
    drop(shared);
    drop(mutator);
    let collections = thread::scope(|scope| {
        let (heap, working) = (&heap, &working);
        let mut shares = shares.into_iter();
        for n in 0..WORKERS {
            let table = shares.next().expect("one each");
            scope.spawn(move || {
                // Also if it fails: the introspecting thread is not to wait for it.
                let _done = Done(working);
                work(heap, table, types, seed.wrapping_add(n));
            });
        }
        let table = shares.next().expect("one each");
        let watching = scope.spawn(move || introspect(heap, table, types, working, !seed));
        watching.join().expect("introspection finds what it should")
    });
    assert!(collections > 0 || !H::ABILITIES.collects_cycles, "collections ran meanwhile");
    let mutator = heap.attach();
    // What one collection touched while another thread held it may need a second; deaths may be spread over safepoints.
    for _ in 0..3 {
        mutator.collect(Generation::OLD);
        (0..100).for_each(|_| mutator.safepoint());
    }
    assert_eq!(heap.live_objects(), 0);
}

/// Counts down when it is dropped.
struct Done<'a>(&'a AtomicU64);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// Collections come often.
fn often() -> HeapConfig {
    HeapConfig { reservation: 1 << 32, thresholds: Thresholds([200, 3, 3]), duty: 100, ..HeapConfig::default() }
}

#[test]
fn beside_mutators_on_refcount_atomic() {
    run::<RefcountAtomicHeap>(often());
}

#[test]
fn beside_mutators_on_stop_the_world() {
    run::<StopTheWorldHeap>(often());
}

#[test]
fn beside_mutators_on_concurrent() {
    run::<ConcurrentHeap>(often());
}

#[test]
fn beside_mutators_on_concurrent_with_full_collections_all_the_time() {
    run::<ConcurrentHeap>(HeapConfig { full_every: Some(1), ages: Ages::Inline, ..often() });
}

#[test]
fn beside_mutators_on_concurrent_by_candidate_roots() {
    run::<ConcurrentHeap>(HeapConfig { propose: Propose::CandidateRoots, ..often() });
}

#[test]
fn beside_mutators_on_concurrent_at_the_trigger() {
    run::<ConcurrentHeap>(HeapConfig { automatic: Automatic::AtTrigger, certify: Certify::Stopped, ..often() });
}

/// While others load an object its count is what holds it, and at most one more for each of them: the root that a load gave,
/// or the retain of one that has not ended.
#[test]
fn loads_under_way_count_one_each() {
    const LOADERS: u64 = 3;
    let heap = ConcurrentHeap::new(often(), Arc::new(NoObserver)).expect("addresses");
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).expect("a first type");
    let mutator = heap.attach();
    let (holder, target) = (new(&mutator, node), new(&mutator, node));
    holder.store(0, Some(&target));
    let shares: Vec<SharedRoot> = (0..LOADERS).map(|_| holder.share()).collect();
    let working = AtomicU64::new(LOADERS);
    thread::scope(|scope| {
        let (heap, working) = (&heap, &working);
        for holder in shares {
            scope.spawn(move || {
                let _done = Done(working);
                let mutator = heap.attach();
                let holder = mutator.adopt(holder);
                (0..100_000).for_each(|_| assert!(holder.load(0).is_some()));
            });
        }
        let most = 2 + LOADERS as u32;
        while working.load(SeqCst) != 0 {
            let count = mutator.retain_count(&target).expect("it is mortal");
            assert!((2..=most).contains(&count), "{count} references, of 2 to {most}");
            mutator.safepoint();
        }
    });
    assert_eq!(mutator.retain_count(&target), Some(2));
}

/// Referrers are those of one moment: a token that is always in one of two holders, or in both, is never found in neither.
/// Between the holders lie many others, so that a look at one after the other would miss it.
fn a_moving_token_is_always_found<H: Heap>() {
    let heap =
        H::new(HeapConfig { reservation: 1 << 32, ..HeapConfig::default() }, Arc::new(NoObserver)).expect("room");
    let node = heap.register_type(TypeSpec::new("node", Kind::Instance)).expect("a first type");
    let mutator = heap.attach();
    let left = new(&mutator, node);
    let between: Vec<_> = (0..20_000).map(|_| new(&mutator, node)).collect();
    let (right, token) = (new(&mutator, node), new(&mutator, node));
    left.store(0, Some(&token));
    let shares = [&left, &right, &token].map(|object| object.share());
    let working = AtomicU64::new(1);
    thread::scope(|scope| {
        let (heap, working) = (&heap, &working);
        scope.spawn(move || {
            let mutator = heap.attach();
            let [left, right, token] = shares.map(|shared| mutator.adopt(shared));
            while working.load(SeqCst) != 0 {
                for (from, to) in [(&left, &right), (&right, &left)] {
                    to.store(0, Some(&token));
                    mutator.safepoint();
                    from.store(0, None);
                    mutator.safepoint();
                }
            }
        });
        let _done = Done(working);
        for round in 0..100 {
            assert!(!mutator.get_referrers(&[&token]).is_empty(), "it is somewhere, in round {round}");
            mutator.safepoint();
        }
    });
    drop((left, between, right));
}

#[test]
fn a_moving_token_is_always_found_on_stop_the_world() {
    a_moving_token_is_always_found::<StopTheWorldHeap>();
}

#[test]
fn a_moving_token_is_always_found_on_concurrent() {
    a_moving_token_is_always_found::<ConcurrentHeap>();
}

/// Listing objects and freezing wait for the collection that another thread is in: its garbage is in its hands.
#[test]
fn introspection_waits_for_the_collection_under_way() {
    let heap = ConcurrentHeap::new(HeapConfig::default(), Arc::new(NoObserver)).expect("addresses");
    // 0: no collection yet; 1: inside the finalizer; 2: the other thread is about to look; 3: out of the finalizer.
    let phase = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&phase);
    let finalizer = heap.register_callback(Arc::new(move |mutator: &_, _| {
        seen.store(1, SeqCst);
        Mutator::safe_region(mutator, || {
            while seen.load(SeqCst) != 2 {
                thread::yield_now();
            }
            // Time for the other thread to come back too early.
            (0..2000).for_each(|_| thread::yield_now());
        });
        seen.store(3, SeqCst);
    }));
    let spec = TypeSpec::new("node", Kind::Instance).with_finalizer(finalizer);
    let node = heap.register_type(spec).expect("a first type");
    for looks in [
        (|mutator| drop(mutator.get_objects(None))) as fn(&<ConcurrentHeap as Heap>::Mutator),
        |mutator| drop(mutator.get_objects_of(TypeId::WEAK_REFERENCE, None)),
        |mutator| mutator.freeze(),
        |mutator| mutator.unfreeze(),
    ] {
        phase.store(0, SeqCst);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mutator = heap.attach();
                let object = new(&mutator, node);
                object.store(0, Some(&object));
                drop(object);
                assert_eq!(mutator.collect(Generation::OLD), 1);
            });
            let mutator = heap.attach();
            while phase.load(SeqCst) != 1 {
                mutator.safepoint();
                thread::yield_now();
            }
            phase.store(2, SeqCst);
            looks(&mutator);
            assert_eq!(phase.load(SeqCst), 3, "the collection is over");
        });
        assert_eq!(heap.live_objects(), 0);
    }
}
