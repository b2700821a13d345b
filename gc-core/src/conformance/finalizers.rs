//! Rules of finalizers and resurrection: PEP 442, after CPython's `test_finalization.py`.

use super::fixture::{Fixture, Log, NODE, catch_up, label, labelled};
use crate::callback::CallbackId;
use crate::config::HeapConfig;
use crate::control::{Control, Generation};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape, TypeId, TypeSpec};
use crate::root::{Root, SharedRoot};
use crate::sync::{Arc, Mutex};

/// Where finalizers put what they bring back to life.
pub(super) type Limbo = Arc<Mutex<Vec<SharedRoot>>>;

/// A type whose finalizer logs, then brings its object back to life.
fn resurrecting<H: Heap>(fixture: &Fixture<H>, kind: Kind) -> (TypeId, Limbo) {
    let limbo = Limbo::default();
    let (log, hold) = (fixture.log.clone(), Arc::clone(&limbo));
    let finalizer = fixture.callback(move |_, object| {
        log.push(format!("f{}", label(&object)));
        hold.lock().push(object.share());
    });
    (fixture.register(TypeSpec::new("resurrecting", kind).with_finalizer(finalizer)), limbo)
}

/// `SimpleFinalizationTest.test_simple`.
pub fn a_finalizer_runs_once_on_death_by_count<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = labelled(&mutator, fixture.logged(), 3);
    assert!(!mutator.is_finalized(&object));
    let weak = mutator.weak_reference(&object, None).unwrap();
    drop(object);
    assert_eq!(fixture.log.take(), ["f3"]);
    assert!(mutator.upgrade(&weak).is_none());
    assert_eq!(fixture.live(), 1);
}

/// `test_simple_resurrect`: on death by count its weak reference survives a resurrection; the second death is silent.
pub fn a_resurrected_object_dies_silently_the_second_time<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let (type_id, limbo) = resurrecting(&fixture, Kind::Instance);
    let object = labelled(&mutator, type_id, 3);
    object.put(1, Some(labelled(&mutator, fixture.node, 4)));
    let weak = mutator.weak_reference(&object, None).unwrap();
    drop(object);
    assert_eq!(fixture.log.take(), ["f3"]);
    let object = mutator.adopt(limbo.lock().pop().expect("it is in limbo"));
    assert_eq!(mutator.upgrade(&weak).as_ref(), Some(&object));
    assert!(mutator.is_finalized(&object));
    assert_eq!(mutator.retain_count(&object), Some(1));
    assert_eq!(object.load(1).map(|child| label(&child)), Some(4), "with all that it holds");
    drop(object);
    assert_eq!(fixture.log.take(), [""; 0]);
    assert!(mutator.upgrade(&weak).is_none());
    assert_eq!(fixture.live(), 1);
}

/// `test_non_gc_resurrect`: an atomic object has no mark for it, so its finalizer runs at each death.
pub fn an_atomic_object_is_finalized_at_each_death<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let (type_id, limbo) = resurrecting(&fixture, Kind::Atomic);
    let mut object = mutator.allocate(type_id, Shape::new(0, 8)).unwrap();
    for _ in 0..3 {
        drop(object);
        assert_eq!(fixture.log.take(), ["f0"]);
        object = mutator.adopt(limbo.lock().pop().expect("it is in limbo"));
        assert!(!mutator.is_finalized(&object));
    }
}

/// `SelfCycleFinalizationTest.test_simple`, and F2: all finalizers run before anything is cleared.
pub fn all_finalizers_run_before_anything_is_cleared<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let log = fixture.log.clone();
    let type_id = fixture.with_finalizer(move |_, object| {
        let mut node = object.load(0);
        let mut length = 1;
        while let Some(next) = node.filter(|next| *next != object) {
            length += 1;
            node = next.load(0);
        }
        log.push(format!("f{} in a ring of {length}", label(&object)));
    });
    drop(super::fixture::ring(&mutator, type_id, 4));
    assert_eq!(mutator.collect(Generation::OLD), 4);
    let mut log = fixture.log.take();
    log.sort();
    let expected: Vec<_> = (0..4).map(|n| format!("f{n} in a ring of 4")).collect();
    assert_eq!(log, expected);
    assert_eq!(fixture.live(), 0);
}

/// `test_resurrection_only_happens_once_per_object` (test_gc 39), `SelfCycle.test_simple_resurrect`.
pub fn a_cycle_is_resurrected_once<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let (type_id, limbo) = resurrecting(&fixture, Kind::Instance);
    let object = labelled(&mutator, type_id, 1);
    object.store(0, Some(&object));
    drop(object);
    assert_eq!(mutator.collect(Generation::OLD), 0, "resurrected objects are not counted");
    assert_eq!(fixture.log.take(), ["f1"]);
    let object = mutator.adopt(limbo.lock().pop().expect("it is in limbo"));
    assert!(mutator.is_tracked(&object) && mutator.is_finalized(&object));
    drop(object);
    assert_eq!(mutator.collect(Generation::OLD), 1);
    assert_eq!((fixture.log.take().len(), fixture.live()), (0, 0));
}

/// `test_resurrection_is_transitive` (test_gc 40): what a resurrected object reaches survives with it.
pub fn resurrection_is_transitive<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let (type_id, limbo) = resurrecting(&fixture, Kind::Instance);
    let head = labelled(&mutator, type_id, 0);
    let cargo = labelled(&mutator, fixture.logged(), 1);
    head.store(0, Some(&cargo));
    cargo.store(0, Some(&head));
    cargo.put(1, Some(labelled(&mutator, fixture.logged(), 2)));
    drop((head, cargo));
    assert_eq!(mutator.collect(Generation::OLD), 0);
    assert_eq!(fixture.log.take().len(), 3, "the finalizers of all ran");
    assert_eq!(fixture.live(), 3);
    let head = mutator.adopt(limbo.lock().pop().expect("it is in limbo"));
    let cargo = head.load(0).expect("its slots are untouched");
    assert_eq!(cargo.load(1).map(|tail| label(&tail)), Some(2));
    drop((head, cargo));
    assert_eq!(mutator.collect(Generation::OLD), 3);
    assert_eq!((fixture.log.take().len(), fixture.live()), (0, 0));
}

/// `test_resurrection_does_not_block_cleanup_of_other_objects` (test_gc 41).
pub fn resurrection_does_not_keep_other_garbage<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let (type_id, limbo) = resurrecting(&fixture, Kind::Instance);
    let before = mutator.get_stats()[2].collected;
    for n in 0..100 {
        drop(super::fixture::ring(&mutator, fixture.node, 1));
        let object = labelled(&mutator, type_id, n);
        object.store(0, Some(&object));
    }
    assert_eq!(mutator.collect(Generation::OLD), 100);
    assert_eq!((fixture.live(), limbo.lock().len()), (100, 100));
    limbo.lock().clear();
    assert_eq!(mutator.collect(Generation::OLD), 100);
    assert_eq!(mutator.get_stats()[2].collected - before, 200);
    assert_eq!(fixture.live(), 0);
}

/// What the finalizer of a chain's object does, as in `CycleChainFinalizationTest`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Member {
    /// Nothing.
    Simple,
    /// Brings its object back to life.
    Resurrects,
    /// Cuts its object out of the chain.
    Suicidal,
    /// Has none.
    Absent,
}

fn chain_member_finalizer<H: Heap>(fixture: &Fixture<H>, member: Member, limbo: &Limbo) -> Option<CallbackId> {
    let (log, hold) = (fixture.log.clone(), Arc::clone(limbo));
    let finalizer = move |object: &Root<'_, H::Mutator>| {
        log.push(format!("f{}", label(object)));
        match member {
            Member::Resurrects => hold.lock().push(object.share()),
            Member::Suicidal => {
                let (next, previous) = (object.take(0), object.take(1));
                if let (Some(next), Some(previous)) = (next, previous) {
                    next.store(1, Some(&previous));
                    previous.store(0, Some(&next));
                }
            }
            Member::Simple | Member::Absent => {}
        }
    };
    (member != Member::Absent).then(|| fixture.callback(move |_, object| finalizer(&object)))
}

/// Every chain of `CycleChainFinalizationTest`: a doubly linked ring of mixed members. Each finalizer runs exactly once,
/// resurrected members and all they reach survive the first collection, and the second one is silent.
pub fn mixed_chains_are_finalized_once_each<H: Heap>(config: HeapConfig) {
    use Member::{Absent as A, Resurrects as R, Simple as N, Suicidal as S};
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let chains: [&[Member]; 11] = [
        &[N; 3],
        &[R; 3],
        &[S; 3],
        &[S, N, S, N],
        &[S, S, N, N, S, S, N, N],
        &[R, N, R, N],
        &[R, N, S, R, N, S],
        &[R, R, N, N, S, S],
        &[A, R, A],
        &[A, S, A, A],
        &[S, S],
    ];
    for chain in chains {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let limbo = Limbo::default();
        let members: Vec<_> = (0..)
            .zip(chain)
            .map(|(n, &member)| {
                let finalizer = chain_member_finalizer(&fixture, member, &limbo);
                let spec = TypeSpec { finalizer, ..TypeSpec::new("member", Kind::Instance) };
                labelled(&mutator, fixture.register(spec), n)
            })
            .collect();
        for (n, member) in members.iter().enumerate() {
            let next = &members[(n + 1) % members.len()];
            member.store(0, Some(next));
            next.store(1, Some(member));
        }
        drop(members);
        let collected = mutator.collect(Generation::OLD);
        let mut ran = fixture.log.take();
        ran.sort();
        let expected: Vec<_> =
            chain.iter().enumerate().filter(|&(_, &m)| m != A).map(|(n, _)| format!("f{n}")).collect();
        assert_eq!(ran, expected, "finalizers of {chain:?}");
        if chain.contains(&R) {
            assert_eq!(collected, 0, "all of {chain:?} is reachable from what was resurrected, or dead by count");
            let alive = chain.iter().filter(|&&member| member != S).count();
            assert_eq!(fixture.live(), alive as u64, "survivors of {chain:?}");
            limbo.lock().clear();
            mutator.collect(Generation::OLD);
        }
        assert_eq!(fixture.live(), 0, "{chain:?} is gone in the end");
        assert_eq!(fixture.log.take(), [""; 0], "the second death of {chain:?} is silent");
    }
}

/// `SelfCycle.test_simple_suicide`: what a finalizer frees by count is not counted as collected.
pub fn what_dies_in_its_finalizer_is_not_counted<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let log = fixture.log.clone();
    let type_id = fixture.with_finalizer(move |_, object| {
        log.push("f");
        object.store(0, None);
    });
    let object = labelled(&mutator, type_id, 0);
    object.store(0, Some(&object));
    drop(object);
    assert_eq!(mutator.collect(Generation::OLD), 0);
    assert_eq!((fixture.log.take().len(), fixture.live()), (1, 0));
}

const NODE_PAYLOAD: Shape = Shape::new(0, NODE.payload);

/// F5: a finalizer may allocate and build; what it makes is no candidate of this collection.
pub fn a_finalizer_may_allocate<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let node = fixture.node;
    let type_id = fixture.with_finalizer(move |mutator, object| {
        for n in 0..10 {
            object.put(5, Some(labelled(mutator, node, n)));
            drop(super::fixture::ring(mutator, node, 3));
        }
    });
    let object = labelled(&mutator, type_id, 0);
    object.put(0, Some(labelled(&mutator, type_id, 1)));
    if H::ABILITIES.collects_cycles {
        object.store(1, Some(&object));
        drop(object);
        assert_eq!(mutator.collect(Generation::OLD), 2);
        assert_eq!(mutator.collect(Generation::OLD), 60, "the rings that finalizers made and dropped");
    } else {
        drop(object);
        assert_eq!(fixture.live(), 60);
    }
}

/// F5, rule of re-entry: `collect` inside a finalizer or a callback of a collection returns 0 and does nothing.
pub fn collect_inside_a_collection_does_nothing<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let collections: Log = fixture.log.clone();
    let collect = {
        let log = collections.clone();
        fixture.callback(move |mutator, _| log.push(mutator.collect(Generation::OLD).to_string()))
    };
    let type_id = fixture.register(TypeSpec::new("collecting", Kind::Instance).with_finalizer(collect));
    let cycle = labelled(&mutator, type_id, 0);
    cycle.store(0, Some(&cycle));
    let weak = mutator.weak_reference(&cycle, Some(collect)).unwrap();
    let log = collections.clone();
    mutator.on_collection(Arc::new(move |mutator: &H::Mutator, _, _: &_| {
        log.push(mutator.collect(Generation::OLD).to_string());
    }));
    drop(super::fixture::ring(&mutator, fixture.node, 3));
    drop(cycle);
    assert_eq!(mutator.collect(Generation::OLD), 4);
    assert_eq!(collections.take(), ["0"; 4], "start, weak reference, finalizer, stop");
    assert_eq!(mutator.get_stats()[2].collections, 1);
    drop(weak);
}

/// test_gc 20, `test_trashcan`: finalizers of a deep nest collect while its teardown is deferred.
pub fn finalizers_may_collect_in_a_deep_cascade<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let log = fixture.log.clone();
    let node = fixture.node;
    let type_id = fixture.with_finalizer(move |mutator, object| {
        log.push("f");
        if label(&object) % 17 == 0 {
            drop(super::fixture::ring(mutator, node, 3));
            mutator.collect(Generation::OLD);
        }
    });
    let mut head = labelled(&mutator, type_id, 0);
    for n in 1..1000 {
        let next = labelled(&mutator, type_id, n);
        next.put((n % 6) as u32, Some(head));
        head = next;
    }
    drop(head);
    catch_up(&mutator);
    assert_eq!(fixture.log.take().len(), 1000);
    mutator.collect(Generation::OLD);
    assert_eq!(fixture.live(), if H::ABILITIES.collects_cycles { 0 } else { 59 * 3 });
}

/// test_gc 12: a finalizer that runs in the teardown finds the weak references to what is torn down dead.
pub fn a_late_finalizer_sees_no_torn_object<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let weak_reference: Arc<Mutex<Option<SharedRoot>>> = Arc::default();
    let (keep, own) = (Arc::clone(&weak_reference), Arc::clone(&weak_reference));
    let early = fixture.with_finalizer(move |mutator, object| {
        *keep.lock() = Some(mutator.weak_reference(&object, None).expect("room").share());
    });
    let log = fixture.log.clone();
    let late = fixture.callback(move |mutator, _| {
        let weak = mutator.adopt(mutator.clone_shared(own.lock().as_ref().expect("made by the early one")));
        log.push(if mutator.upgrade(&weak).is_some() { "alive" } else { "dead" });
    });
    let late = fixture.register(TypeSpec::new("late", Kind::Atomic).with_finalizer(late));
    let cycle = labelled(&mutator, early, 0);
    cycle.store(0, Some(&cycle));
    cycle.put(1, Some(mutator.allocate(late, NODE_PAYLOAD).unwrap()));
    drop(cycle);
    assert_eq!(mutator.collect(Generation::OLD), 1);
    assert_eq!(fixture.log.take(), ["dead"]);
    weak_reference.lock().take();
}

/// Finalizers of a collection run in list order: by generation's merge, then by age.
pub fn finalizers_run_in_list_order<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.list_order {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let logged = fixture.logged();
    let pair = |from: u64| {
        let [a, b] = [from, from + 1].map(|n| labelled(&mutator, logged, n));
        a.store(0, Some(&b));
        b.store(0, Some(&a));
        a
    };
    let old = pair(20);
    mutator.collect(Generation::YOUNG);
    mutator.collect(Generation::MIDDLE);
    let middle = pair(10);
    mutator.collect(Generation::YOUNG);
    let young = pair(0);
    drop((old, middle, young));
    assert_eq!(mutator.collect(Generation::OLD), 6);
    assert_eq!(fixture.log.take(), ["f20", "f21", "f0", "f1", "f10", "f11"]);
}
