//! Which orderings are needed: each is weakened by itself, and either an execution is found that fails, or the test says
//! what makes up for it.

use gc_concurrent::memory::Word;
use gc_concurrent::protocol::{Protocol, Versioned};
use loom::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

use crate::exploration::{caught, holds};
use crate::scene::{A, B, Scene};
use crate::{bulk, moves};

broken! {
    SwapAcquires { SWAP_ORDER: Ordering = Acquire; }
    SwapReleases { SWAP_ORDER: Ordering = Release; }
    RelaxedSlot { LOAD_SLOT_ORDER: Ordering = Relaxed; }
    RelaxedRelease { RELEASE_ORDER: Ordering = Relaxed; }
    RelaxedDeath { DEATH_ORDER: Ordering = Relaxed; }
    RelaxedSlotReading { READ_SLOT_ORDER: Ordering = Relaxed; }
    BusyAcquires { BUSY_ORDER: Ordering = Acquire; }
    BusyReleases { BUSY_ORDER: Ordering = Release; }
}

/// One mutator writes into *b* and puts it into a slot of *a*; another loads it and reads.
fn written_put_and_loaded<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[0]), (1, &[])]);
    let writer = scene.spawn(|scene| {
        scene.payload(B).store(1, Relaxed);
        scene.put(A, 0, B);
    });
    if scene.load(A, 0).is_some() {
        assert!(scene.payload(B).load(Relaxed) == 1, "a loaded object is not initialised");
    }
    writer.join().unwrap();
}

/// The other takes it out.
fn written_put_and_taken<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[0]), (1, &[])]);
    let writer = scene.spawn(|scene| {
        scene.payload(B).store(1, Relaxed);
        scene.put(A, 0, B);
    });
    if scene.take(A, 0).is_some() {
        assert!(scene.payload(B).load(Relaxed) == 1, "an object taken out of a slot is not initialised");
    }
    writer.join().unwrap();
}

/// Two holders write into *a* and drop it; the last one sees both writes.
fn written_and_dropped<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[0]), (2, &[])]);
    let other = scene.spawn(|scene| {
        scene.payload(A).store(1, Relaxed);
        if scene.release(A) {
            assert!(scene.payload(B).load(Relaxed) == 1, "a death does not see what was done before");
        }
    });
    scene.payload(B).store(1, Relaxed);
    if scene.release(A) {
        assert!(scene.payload(A).load(Relaxed) == 1, "a death does not see what was done before");
    }
    other.join().unwrap();
}

/// As `moves::inside_its_target`, without the fence of step 3.
fn moved_without_fence<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[A, 0])]);
    let mover = scene.spawn(|scene| {
        let moved = scene.take(A, 0).expect("nobody else takes it");
        scene.put(A, 1, moved);
    });
    scene.certify_without_fence(&[A]);
    mover.join().unwrap();
    scene.check(&[A]);
}

/// As `moves::the_root_goes_into_what_it_took`, without the fence of step 3.
fn hole_moved_without_fence<P: Protocol>() {
    let scene = Scene::<P>::new(&[(1, &[B]), (1, &[0])]);
    let mover = scene.spawn(|scene| {
        let taken = scene.take(A, 0).expect("nobody else takes it");
        scene.put(taken, 0, A);
        taken
    });
    scene.certify_without_fence(&[A, B]);
    let root = mover.join().unwrap();
    scene.check(&[root]);
}

#[test]
fn payloads_are_seen_by_whoever_gets_the_object() {
    holds(written_put_and_loaded::<Versioned>);
    holds(written_put_and_taken::<Versioned>);
    holds(written_and_dropped::<Versioned>);
}

#[test]
fn a_swap_must_release() {
    caught(written_put_and_loaded::<SwapAcquires>);
}

#[test]
fn a_swap_must_acquire() {
    caught(written_put_and_taken::<SwapReleases>);
}

#[test]
fn a_load_must_acquire_by_its_first_reading() {
    caught(written_put_and_loaded::<RelaxedSlot>);
}

#[test]
fn a_release_must_release() {
    caught(written_and_dropped::<RelaxedRelease>);
}

#[test]
fn a_death_must_acquire() {
    caught(written_and_dropped::<RelaxedDeath>);
}

#[test]
fn readings_of_slots_must_acquire_or_a_fence_must_follow() {
    // Each makes up for the other: an acquire fence after a relaxed load acquires as well. With weak references the fence
    // is needed in any case (`broken::a_collection_must_fence_after_deciding`).
    holds(moves::inside_its_target::<RelaxedSlotReading>);
    holds(moves::the_root_goes_into_what_it_took::<RelaxedSlotReading>);
    holds(moved_without_fence::<Versioned>);
    holds(hole_moved_without_fence::<Versioned>);
    caught(moved_without_fence::<RelaxedSlotReading>);
    caught(hole_moved_without_fence::<RelaxedSlotReading>);
}

#[test]
fn the_end_of_a_bulk_move_must_release() {
    caught(bulk::inside_its_target::<BusyAcquires>);
}

#[test]
fn the_mark_of_a_bulk_move_need_not_acquire() {
    // The swaps behind it release: whoever sees one of them sees the mark, and two that move inside one object exchange
    // slots with each other, which always shows the latest.
    holds(bulk::inside_its_target::<BusyReleases>);
    holds(bulk::two_threads_in_one_object::<BusyReleases>);
}
