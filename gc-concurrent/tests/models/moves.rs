//! References that move between slots and roots while a collection looks: no live object is certified.

use gc_concurrent::protocol::{Protocol, Versioned};

use crate::exploration::holds;
use crate::scene::{A, B, C, Scene};

/// *a* holds itself in one of its two slots; the reference moves to the other.
pub(crate) fn inside_its_target<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[A, 0])]);
    let mover = scene.spawn(|scene| {
        let moved = scene.take(A, 0).expect("nobody else takes it");
        scene.put(A, 1, moved);
    });
    scene.certify(&[A], 0);
    mover.join().unwrap();
    scene.check(&[A]);
}

/// *a* and *b* form a ring and *a* holds itself as well; that reference moves to *b* and, by way of a root, back.
pub(crate) fn round_a_ring<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[B, A]), (1, &[0])]);
    let mover = scene.spawn(|scene| {
        let b = scene.load(A, 0).expect("it stays there");
        let moved = scene.take(A, 1).expect("nobody else takes it");
        scene.put(b, 0, moved);
        let moved = scene.take(b, 0).expect("nobody else takes it");
        scene.put(A, 1, moved);
        scene.release(b);
    });
    scene.certify(&[A, B], 0);
    mover.join().unwrap();
    scene.check(&[A]);
}

/// The reference becomes a root, and the root that was there is dropped.
pub(crate) fn taken_and_the_old_root_dropped<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[A])]);
    let taker = scene.spawn(|scene| {
        let taken = scene.take(A, 0).expect("nobody else takes it");
        scene.release(A);
        taken
    });
    scene.certify(&[A], 0);
    let root = taker.join().unwrap();
    scene.check(&[root]);
}

/// *b* is taken out of *a*, and the root of *a* is put into *b*: the hole in the ring moves on.
pub(crate) fn the_root_goes_into_what_it_took<P: Protocol>() {
    let scene = Scene::<P>::new(&[(1, &[B]), (1, &[0])]);
    let mover = scene.spawn(|scene| {
        let taken = scene.take(A, 0).expect("nobody else takes it");
        scene.put(taken, 0, A);
        taken
    });
    scene.certify(&[A, B], 0);
    let root = mover.join().unwrap();
    scene.check(&[root]);
}

/// A root walks round a ring: each step loads the next object and drops the one before.
pub(crate) fn a_root_walks_round_a_ring<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[B]), (1, &[A])]);
    let walker = scene.spawn(|scene| {
        let mut root = A;
        for _ in 0..3 {
            let next = scene.load(root, 0).expect("the ring stays whole");
            scene.release(root);
            root = next;
        }
        root
    });
    scene.certify(&[B, A], 0);
    let root = walker.join().unwrap();
    scene.check(&[root]);
}

/// Two mutators move references between the slots of one object, in opposite directions.
pub(crate) fn two_mutators_cross<P: Protocol>() {
    let scene = Scene::<P>::new(&[(3, &[C, 0]), (0, &[]), (1, &[A])]);
    let there = scene.spawn(|scene| {
        if let Some(moved) = scene.take(A, 0) {
            scene.put(A, 1, moved);
        }
    });
    let back = scene.spawn(|scene| {
        if let Some(moved) = scene.take(A, 1) {
            scene.put(A, 0, moved);
        }
    });
    scene.certify(&[A, C], 0);
    there.join().unwrap();
    back.join().unwrap();
    // `there` may have put a reference over the one that `back` put there.
    scene.check(&[A, A]);
}

/// A new ring is published through a slot, and loaded from there.
pub(crate) fn published_through_a_slot<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[0]), (2, &[C]), (1, &[B])]);
    let publisher = scene.spawn(|scene| scene.put(A, 0, B));
    let reader = scene.spawn(|scene| scene.load(A, 0));
    scene.certify(&[B, C], 0);
    publisher.join().unwrap();
    let mut roots = vec![A, A];
    roots.extend(reader.join().unwrap());
    scene.check(&roots);
}

/// *a* holds itself, and a copy of the reference is stored and overwritten.
pub(crate) fn copied_and_overwritten<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[A, 0])]);
    let storer = scene.spawn(|scene| {
        scene.store(A, 1, A);
        scene.put(A, 0, 0);
    });
    scene.certify(&[A], 0);
    storer.join().unwrap();
    scene.check(&[A]);
}

#[test]
fn a_reference_that_moves_inside_its_target_is_not_counted_twice() {
    holds(inside_its_target::<Versioned>);
}

#[test]
fn a_reference_that_moves_round_a_ring_is_not_counted_twice() {
    holds(round_a_ring::<Versioned>);
}

#[test]
fn a_reference_that_is_taken_keeps_its_target_though_the_old_root_is_dropped() {
    holds(taken_and_the_old_root_dropped::<Versioned>);
}

#[test]
fn a_ring_whose_hole_moves_on_is_kept() {
    holds(the_root_goes_into_what_it_took::<Versioned>);
}

#[test]
fn a_ring_that_a_root_walks_round_is_kept() {
    holds(a_root_walks_round_a_ring::<Versioned>);
}

#[test]
fn moves_of_two_mutators_in_opposite_directions_are_not_counted_twice() {
    holds(two_mutators_cross::<Versioned>);
}

#[test]
fn a_ring_published_through_a_slot_is_kept() {
    holds(published_through_a_slot::<Versioned>);
}

#[test]
fn a_copied_reference_is_not_taken_for_the_one_that_was_overwritten() {
    holds(copied_and_overwritten::<Versioned>);
}
