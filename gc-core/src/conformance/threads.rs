//! Rules of several mutators: shared roots, hand-over, safe regions, forking.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::fixture::{Fixture, label, labelled, refusal, ring};
use crate::config::HeapConfig;
use crate::control::{Control, Generation};
use crate::heap::{Heap, Mutator};
use crate::object::{Kind, Shape, TypeSpec};
use crate::process::Forked;

/// What a shared root held is released by the next safepoint, wherever it was dropped.
pub fn a_shared_root_dropped_elsewhere_is_released_at_a_safepoint<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = labelled(&mutator, fixture.logged(), 1);
    let shared = object.share();
    assert_eq!(mutator.retain_count(&object), Some(2));
    drop(object);
    mutator.safe_region(|| thread::scope(|scope| drop(scope.spawn(move || drop(shared)))));
    mutator.safepoint();
    assert_eq!(fixture.log.take(), ["f1"]);
    let shared = labelled(&mutator, fixture.logged(), 2).share();
    drop(shared);
    assert_eq!(fixture.live(), 1, "on the mutator's own thread it waits as well");
    drop(mutator);
    assert_eq!(fixture.live(), 0, "at the latest it is released when a mutator detaches");
}

/// A shared root outlives its mutator; clones of it count; adopting it moves the reference.
pub fn a_shared_root_outlives_its_mutator<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let shared = labelled(&mutator, fixture.node, 7).share();
    let second = mutator.clone_shared(&shared);
    drop(mutator);
    let read = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mutator = fixture.heap.attach();
            let root = mutator.adopt(shared);
            assert_eq!(mutator.retain_count(&root), Some(2));
            label(&root)
        });
        reader.join().expect("the reader reads")
    });
    assert_eq!(read, 7);
    let mutator = fixture.heap.attach();
    assert_eq!(mutator.retain_count(&mutator.adopt(second)), Some(1));
    assert_eq!(fixture.live(), 0);
}

/// Two threads read and replace the entries of one table; nothing is lost, nothing is freed too early.
pub fn two_mutators_share_a_cache<H: Heap>(config: HeapConfig) {
    const ENTRIES: u32 = 6;
    const ROUNDS: u64 = 2000;
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let table = labelled(&mutator, fixture.node, 0);
    (0..ENTRIES).for_each(|slot| table.put(slot, Some(labelled(&mutator, fixture.node, 1000))));
    let shared = [table.share(), table.share()];
    drop(table);
    drop(mutator);
    let sums: Vec<u64> = thread::scope(|scope| {
        let work = |shared| {
            let mutator = fixture.heap.attach();
            let table = mutator.adopt(shared);
            let mut sum = 0;
            for n in 0..ROUNDS {
                let slot = (n % u64::from(ENTRIES)) as u32;
                let entry = table.load(slot).expect("every entry is filled");
                sum += label(&entry);
                table.put(slot, Some(labelled(&mutator, fixture.node, 1000)));
                assert_eq!(label(&entry), 1000, "an entry in use outlives its replacement");
                mutator.safepoint();
            }
            sum
        };
        shared
            .map(|shared| scope.spawn(move || work(shared)))
            .into_iter()
            .map(|t| t.join().expect("no panic"))
            .collect()
    });
    assert_eq!(sums, [1000 * ROUNDS; 2]);
    assert_eq!(fixture.live(), 0);
    assert_eq!(fixture.heap.statistics().allocated, 1 + u64::from(ENTRIES) + 2 * ROUNDS);
}

/// A mutator that never blocks lets others run at its safepoints.
pub fn a_running_mutator_hands_over_at_safepoints<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let mutator = fixture.heap.attach();
        scope.spawn(|| {
            let mutator = fixture.heap.attach();
            drop(labelled(&mutator, fixture.node, 1));
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            drop(labelled(&mutator, fixture.node, 0));
            mutator.safepoint();
        }
    });
    assert_eq!(fixture.live(), 0);
}

/// While a mutator blocks in a safe region others attach, allocate, collect and detach.
pub fn safe_region_holds_up_nobody<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let held = ring(&mutator, fixture.node, 2);
    let (finished, wait) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mutator = fixture.heap.attach();
            drop(ring(&mutator, fixture.node, 3));
            finished.send(mutator.collect(Generation::OLD)).expect("the other thread waits for it");
        });
        let found = mutator.safe_region(|| wait.recv().expect("sent above"));
        assert_eq!(found, if H::ABILITIES.collects_cycles { 3 } else { 0 });
    });
    assert_eq!(label(&held.load(0).expect("what it held is untouched")), 1);
    held.store(0, None);
}

/// A heap operation inside a safe region, a root's drop included, re-enters for its duration.
pub fn heap_operations_work_inside_a_safe_region<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let object = labelled(&mutator, fixture.logged(), 1);
    let kept = labelled(&mutator, fixture.node, 2);
    let returned = mutator.safe_region(|| {
        kept.store(0, Some(&object));
        drop(object);
        mutator.safepoint();
        mutator.safe_region(|| kept.store(0, None));
        drop(ring(&mutator, fixture.node, 3));
        mutator.collect(Generation::OLD);
        // The turn is free again after each operation.
        thread::scope(|scope| scope.spawn(|| label(&labelled(&fixture.heap.attach(), fixture.node, 5))).join())
    });
    assert_eq!(returned.expect("the other thread was not held up"), 5);
    assert_eq!(fixture.log.take(), ["f1"]);
    assert_eq!(fixture.live(), if H::ABILITIES.collects_cycles { 1 } else { 4 });
}

/// A panic that leaves a safe region leaves the mutator running.
pub fn a_panic_leaves_a_safe_region_in_order<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let message = refusal("the panic inside", || mutator.safe_region(|| panic!("inside")));
    assert_eq!(message, "inside");
    drop(labelled(&mutator, fixture.node, 1));
    drop(mutator);
    drop(fixture.heap.attach());
}

/// Where one mutator runs at a time, a thread that attaches a second one would wait for itself.
pub fn a_thread_that_would_wait_for_itself_is_refused<H: Heap>(config: HeapConfig) {
    if H::ABILITIES.parallel_mutators {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    refusal("a second mutator on the thread that runs the first", || fixture.heap.attach());
    drop(labelled(&mutator, fixture.node, 1));
    drop(mutator);
    drop(fixture.heap.attach());
}

/// test_gc 21: two threads drop deep nests whose finalizers let the other run; each object is finalized once.
pub fn cascades_of_two_threads_do_not_mix<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let log = fixture.log.clone();
    let type_id = fixture.with_finalizer(move |mutator, object| {
        log.push("f");
        if label(&object) % 50 == 0 {
            mutator.safe_region(thread::yield_now);
        }
    });
    let made: u64 = thread::scope(|scope| {
        let work = || {
            let mutator = fixture.heap.attach();
            for _ in 0..20 {
                let mut head = labelled(&mutator, type_id, 0);
                for n in 1..200 {
                    let next = labelled(&mutator, type_id, n);
                    next.put(0, Some(head));
                    head = next;
                }
                mutator.safepoint();
            }
            20 * 200
        };
        [scope.spawn(work), scope.spawn(work)].into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert_eq!(fixture.log.take().len() as u64, made);
    assert_eq!(fixture.live(), 0);
}

/// Runs `child` in a forked process, which must succeed, and within 20 seconds.
fn in_child<M: Mutator>(mutator: &M, child: impl FnOnce(u32)) {
    match mutator.fork().expect("the system forks") {
        Forked::Child { lost_mutators } => {
            // A child that waits for a lock of a vanished thread ends by a signal.
            nix::unistd::alarm::set(20);
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| child(lost_mutators)));
            std::process::exit(i32::from(outcome.is_err()));
        }
        Forked::Parent { child } => {
            let status = waitpid(Pid::from_raw(child), None).expect("it is our child");
            assert_eq!(status, WaitStatus::Exited(Pid::from_raw(child), 0), "the child failed");
        }
    }
}

/// The child has the heap as it was, and its own from there on.
pub fn a_forked_child_goes_on_with_its_own_heap<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let kept = ring(&mutator, fixture.node, 3);
    drop(ring(&mutator, fixture.node, 4));
    let found = if H::ABILITIES.collects_cycles { 4 } else { 0 };
    in_child(&mutator, |lost_mutators| {
        assert_eq!(lost_mutators, 0);
        assert_eq!(mutator.collect(Generation::OLD), found);
        (0..1000).for_each(|n| drop(labelled(&mutator, fixture.node, n)));
        assert_eq!(label(&kept.load(0).expect("the ring is whole")), 1);
        kept.store(0, None);
    });
    assert_eq!(fixture.live(), 7, "the child's doings are its own");
    assert_eq!(mutator.collect(Generation::OLD), found);
    assert_eq!(label(&kept.load(0).expect("the ring is whole")), 1);
    kept.store(0, None);
}

/// Mutators of other threads are gone in the child; what their roots held stays counted. New ones may attach.
pub fn a_forked_child_reports_lost_mutators<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let (attached, wait_attached) = mpsc::channel();
    let (end, wait_end) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let fixture = &fixture;
        scope.spawn(move || {
            let mutator = fixture.heap.attach();
            let _held = ring(&mutator, fixture.node, 2);
            mutator.safe_region(|| {
                attached.send(()).expect("the other thread waits for it");
                wait_end.recv().expect("sent below")
            });
        });
        wait_attached.recv().expect("sent above");
        let mutator = fixture.heap.attach();
        in_child(&mutator, |lost_mutators| {
            assert_eq!(lost_mutators, 1);
            assert_eq!(mutator.collect(Generation::OLD), 0, "its roots stay counted");
            assert_eq!(fixture.live(), 2);
            mutator.safe_region(|| {
                thread::scope(|scope| {
                    scope.spawn(|| drop(fixture.heap.attach())).join().expect("nobody is waited for")
                });
            });
        });
        end.send(()).expect("the other thread waits for it");
    });
}

/// A thread that is no mutator may ask the heap anything while another forks: the child finds no lock taken.
pub fn a_forked_child_finds_no_lock_taken<H: Heap>(config: HeapConfig) {
    let fixture = Fixture::<H>::new(config);
    let done = AtomicBool::new(false);
    let mutator = fixture.heap.attach();
    // So much memory that asking for figures takes a while. None of it is touched.
    let large = mutator.allocate(fixture.node, Shape::new(0, Shape::MAX_PAYLOAD)).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                fixture.heap.statistics();
            }
        });
        for _ in 0..10 {
            in_child(&mutator, |_| {
                fixture.heap.register_type(TypeSpec::new("new", Kind::List)).expect("few types");
                fixture.log_event("unused");
                (0..2000).for_each(|n| drop(labelled(&mutator, fixture.node, n)));
                drop(mutator.allocate(fixture.node, Shape::new(0, 100_000)).unwrap());
                assert_eq!(fixture.live(), 1);
            });
        }
        done.store(true, Ordering::Release);
    });
    drop(large);
}

/// A child that reads objects made immortal copies none of their pages: no count is written.
pub fn a_forked_child_copies_no_page_of_immortal_objects<H: Heap>(config: HeapConfig) {
    const OBJECTS: u32 = 100_000;
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let table = mutator.allocate(fixture.node, Shape::new(OBJECTS, 0)).unwrap();
    (0..OBJECTS).for_each(|slot| table.put(slot, Some(labelled(&mutator, fixture.node, 1))));
    mutator.freeze_immortal();
    in_child(&mutator, |_| {
        let faults = || getrusage(UsageWho::RUSAGE_SELF).expect("figures of our own").minor_page_faults();
        let before = faults();
        let sum: u64 = (0..OBJECTS).map(|slot| label(&table.load(slot).expect("filled").clone())).sum();
        assert_eq!(sum, u64::from(OBJECTS));
        let copied = faults() - before;
        // The objects fill well over a thousand pages of 4 KiB.
        assert!(copied < 200, "{copied} page faults while reading");
    });
}

/// Forking inside a collection is refused.
pub fn forking_inside_a_collection_is_refused<H: Heap>(config: HeapConfig) {
    if !H::ABILITIES.collects_cycles {
        return;
    }
    let fixture = Fixture::<H>::new(config);
    let mutator = fixture.heap.attach();
    let log = fixture.log.clone();
    let type_id = fixture.with_finalizer(move |mutator, _| match mutator.fork() {
        Ok(Forked::Child { .. }) => std::process::exit(1),
        Ok(Forked::Parent { .. }) => log.push("forked"),
        Err(error) => log.push(error.to_string()),
    });
    drop(ring(&mutator, type_id, 1));
    mutator.collect(Generation::OLD);
    let log = fixture.log.take();
    assert!(log[0].contains("a collection is under way"), "{log:?}");
}
