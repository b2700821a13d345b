//! Rules of memory: the limit, what a full heap does, and structures deeper than any stack.

use std::thread;

use super::fixture::{Fixture, NODE, catch_up, labelled, ring};
use crate::config::HeapConfig;
use crate::control::{Control, Generation};
use crate::heap::{Heap, HeapFull, Mutator};
use crate::object::{Shape, TypeId};
use crate::root::Root;

const LIMIT: u64 = 1 << 20;

fn limited(config: HeapConfig) -> HeapConfig {
    HeapConfig { limit: Some(LIMIT), ..config }
}

/// Fills the heap with a list of nodes.
fn fill<'m, M: Mutator>(mutator: &'m M, type_id: TypeId) -> (Root<'m, M>, HeapFull) {
    let mut head = labelled(mutator, type_id, 0);
    loop {
        match mutator.allocate(type_id, NODE) {
            Ok(next) => {
                next.put(0, Some(head));
                head = next;
            }
            Err(full) => return (head, full),
        }
    }
}

/// Garbage cycles make room: allocation goes on although no threshold ever starts a collection.
pub fn a_full_heap_collects_garbage_first<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(limited(config));
    let mutator = fixture.heap.attach();
    for n in 0..30_000 {
        let node = mutator.allocate(fixture.node, NODE).unwrap_or_else(|full| panic!("ring {n}: {full}"));
        node.store(0, Some(&node));
    }
    let statistics = fixture.heap.statistics();
    assert!(statistics.peak_bytes <= LIMIT, "{} bytes were held", statistics.peak_bytes);
    let collections = fixture.recorder.collections.lock();
    assert!(!collections.is_empty() && collections.iter().all(|c| c.generation == Generation::OLD && !c.automatic));
}

/// A heap full of living objects says so, and is a heap afterwards.
pub fn a_heap_full_of_living_objects_is_usable_afterwards<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(limited(config));
    let mutator = fixture.heap.attach();
    for round in 0..3 {
        let (list, full) = fill(&mutator, fixture.node);
        let live = fixture.live();
        assert!(live > 5000, "{live} objects fit in round {round}");
        let short = full.shortage();
        assert!(short.limit == LIMIT && short.in_use <= LIMIT && short.requested > 0, "{full:?}");
        assert!(full.to_string().contains("raise the heap limit"), "{full}");
        assert!(mutator.allocate(fixture.node, NODE).is_err(), "it stays full");
        assert_eq!(fixture.live(), live, "what was refused left nothing behind");
        let rest = list.load(0).expect("it is a long list");
        drop(list);
        drop(mutator.allocate(fixture.node, NODE).expect("one died, one has room"));
        drop(rest);
        catch_up(&mutator);
        assert_eq!(fixture.live(), 0);
    }
}

/// Weak references need memory as well.
pub fn a_full_heap_refuses_weak_references<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(limited(config));
    let mutator = fixture.heap.attach();
    let (list, _) = fill(&mutator, fixture.node);
    let callback = fixture.log_event("called");
    let mut weak_references = Vec::new();
    while let Ok(weak) = mutator.weak_reference(&list, Some(callback)) {
        weak_references.push(weak);
        assert!(weak_references.len() < 100_000, "the heap is full");
    }
    assert_eq!(mutator.get_weak_references(&list).len(), weak_references.len());
    drop(weak_references);
    drop(list);
    catch_up(&mutator);
    assert_eq!(fixture.live(), 0);
}

/// What can never fit is refused at once, without a collection.
pub fn an_object_beyond_the_limit_is_refused_at_once<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(limited(config));
    let mutator = fixture.heap.attach();
    let full = mutator.allocate(fixture.node, Shape::new(0, 2 << 20)).map(drop).expect_err("2 MiB of 1 MiB");
    assert!(full.shortage().requested > LIMIT);
    assert!(fixture.recorder.collections.lock().is_empty());
    drop(mutator.allocate(fixture.node, Shape::new(0, 512 << 10)).expect("half of it fits"));
}

/// Memory of one size serves another after its objects died.
pub fn memory_of_small_objects_serves_large_ones<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(limited(config));
    let mutator = fixture.heap.attach();
    for _ in 0..5 {
        drop(fill(&mutator, fixture.node));
        let large = mutator.allocate(fixture.node, Shape::new(10, 800 << 10)).expect("everything else is dead");
        drop(large);
    }
}

/// Finalizers run when a full heap is collected, and may resurrect: then it is full.
pub fn a_full_heap_respects_resurrection<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(limited(config));
    let mutator = fixture.heap.attach();
    let limbo = crate::sync::Arc::new(crate::sync::Mutex::new(Vec::new()));
    let hold = crate::sync::Arc::clone(&limbo);
    let type_id = fixture.with_finalizer(move |_, object| hold.lock().push(object.share()));
    let mut made = 0u64;
    while let Ok(node) = mutator.allocate(type_id, NODE) {
        node.store(0, Some(&node));
        made += 1;
    }
    assert_eq!((fixture.live(), limbo.lock().len() as u64), (made, made));
    limbo.lock().clear();
    assert_eq!(mutator.collect(Generation::OLD), made);
    assert_eq!(fixture.live(), 0);
}

/// Runs `f` on a thread whose stack is too small for anything that recurses by the length of a list.
fn on_a_small_stack(f: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(128 << 10);
        let thread = builder.spawn_scoped(scope, f).expect("the system starts a thread");
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

const LINK: Shape = Shape::new(2, 0);

/// A list of `length` objects, from its head, and its last one.
fn list<'m, M: Mutator>(mutator: &'m M, type_id: TypeId, length: u32) -> (Root<'m, M>, Root<'m, M>) {
    let last = mutator.allocate(type_id, LINK).expect("room");
    let mut head = last.clone();
    for _ in 1..length {
        let next = mutator.allocate(type_id, LINK).expect("room");
        next.put(0, Some(head));
        head = next;
    }
    (head, last)
}

const DEEP: u32 = 1_000_000;

/// A list of a million objects dies by count on a small stack: as one cascade, or within the budget of each operation.
pub fn a_deep_list_dies_by_count<H: Heap>(config: HeapConfig) {
    on_a_small_stack(|| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let (head, last) = list(&mutator, fixture.node, DEEP);
        drop(last);
        drop(head);
        catch_up(&mutator);
        assert_eq!(fixture.live(), 0);
        let cascades = fixture.recorder.cascades.lock();
        let cascades: Vec<u64> = cascades.iter().map(|cascade| cascade.objects).collect();
        match config.release_budget.filter(|_| H::ABILITIES.parallel_mutators) {
            None => assert_eq!(cascades, [u64::from(DEEP)]),
            Some(budget) => {
                let most = *cascades.iter().max().expect("each slice is one");
                assert!(most <= u64::from(budget), "one operation freed {most} objects");
            }
        }
    });
}

/// So does a binary tree whose left spine is as deep, with a finalizer and a weak reference to one in a hundred.
pub fn a_deep_list_with_finalizers_dies_by_count<H: Heap>(config: HeapConfig) {
    on_a_small_stack(|| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let logged = {
            let log = fixture.log.clone();
            fixture.with_finalizer(move |_, _| log.push("f"))
        };
        let callback = fixture.log_event("w");
        let (mut head, _) = list(&mutator, fixture.node, 1);
        let mut weak_references = Vec::new();
        for n in 0..200_000 {
            let next = mutator.allocate(if n % 100 == 0 { logged } else { fixture.node }, LINK).unwrap();
            next.put(0, Some(head));
            next.put(1, Some(mutator.allocate(fixture.node, LINK).unwrap()));
            if n % 100 == 50 {
                weak_references.push(mutator.weak_reference(&next, Some(callback)).unwrap());
            }
            head = next;
        }
        drop(head);
        catch_up(&mutator);
        let log = fixture.log.take();
        assert_eq!(log.iter().filter(|event| *event == "f").count(), 2000);
        assert_eq!(log.iter().filter(|event| *event == "w").count(), 2000);
        assert_eq!(fixture.live(), 2000, "the weak references");
    });
}

/// A ring of a million objects is collected on a small stack; so is a list of as many that hangs off a dead cycle.
pub fn a_deep_ring_is_collected<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    on_a_small_stack(|| {
        let fixture = Fixture::<H>::new(config);
        let mutator = fixture.heap.attach();
        let (head, last) = list(&mutator, fixture.node, DEEP);
        last.put(0, Some(head.clone()));
        drop(last);
        assert_eq!(mutator.collect(Generation::OLD), 0);
        drop(head);
        assert_eq!(mutator.collect(Generation::OLD), u64::from(DEEP));
        assert_eq!(fixture.live(), 0);
        let cycle = ring(&mutator, fixture.node, 2);
        cycle.put(1, Some(list(&mutator, fixture.node, DEEP).0));
        drop(cycle);
        assert_eq!(mutator.collect(Generation::OLD), u64::from(DEEP) + 2);
        assert_eq!(fixture.live(), 0);
        assert_eq!(fixture.heap.statistics().freed_by_count, 0);
    });
}
