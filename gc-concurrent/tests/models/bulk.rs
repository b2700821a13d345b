//! References that move about inside one object in bulk, which writes no target's word.

use gc_concurrent::barrier;
use gc_concurrent::protocol::{Protocol, Versioned};

use crate::exploration::{holds, holds_within};
use crate::scene::{A, B, C, Scene};

/// Moves a range as the heaps do: what is overwritten is released.
fn move_slots<P: Protocol>(scene: &Scene<P>, object: u32, from: std::ops::Range<u32>, to: u32) {
    for overwritten in barrier::move_slots::<P, _>(scene.memory(), object, from, to) {
        scene.release(overwritten);
    }
}

/// A root holds *a*, whose reference to itself moves up by one slot.
pub(crate) fn inside_its_target<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[A, 0])]);
    let mover = scene.spawn(|scene| move_slots(scene, A, 0..1, 1));
    scene.certify(&[A], 0);
    mover.join().unwrap();
    scene.check(&[A]);
}

/// The same with the version raised before (`VersionOnly` raises it afterwards as well).
pub(crate) fn inside_its_target_with_a_raise_before<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[A, 0])]);
    let mover = scene.spawn(|scene| {
        barrier::raise::<P, _>(scene.memory(), A);
        move_slots(scene, A, 0..1, 1);
    });
    scene.certify(&[A], 0);
    mover.join().unwrap();
    scene.check(&[A]);
}

/// In each of two objects that hold one another.
pub(crate) fn in_two_objects<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[B, 0]), (2, &[A, 0])]);
    let mover = scene.spawn(|scene| {
        move_slots(scene, A, 0..1, 1);
        move_slots(scene, B, 0..1, 1);
    });
    scene.certify(&[A, B], 0);
    mover.join().unwrap();
    scene.check(&[A, B]);
}

/// A root holds *a* alone. *a* holds *b*, whose reference to *a* moves; then the root moves on to *b*.
pub(crate) fn and_the_root_moves_on<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[B, 0]), (1, &[A])]);
    let mover = scene.spawn(|scene| {
        move_slots(scene, A, 0..1, 1);
        let next = scene.load(A, 1).expect("it was moved there");
        scene.release(A);
        next
    });
    scene.certify(&[A, B], 0);
    let root = mover.join().unwrap();
    scene.check(&[root]);
}

/// Two threads move inside one object, in opposite directions and over each other's slots.
pub(crate) fn two_threads_in_one_object<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[B, C, 0]), (1, &[A]), (1, &[])]);
    // B holds A: one of A's two references is a root, which both threads use in turn.
    let up = scene.spawn(|scene| move_slots(scene, A, 0..2, 1));
    move_slots(&scene, A, 1..3, 0);
    up.join().unwrap();
    scene.check_sums(&[A]);
    let held: Vec<bool> = [B, C].into_iter().map(|object| !scene.is_dead(object)).collect();
    // Up first: (0, b, c), then (b, c, 0). Down first: (c, 0, 0), which lets b die, then (0, c, 0).
    assert!(held == [true, true] || held == [false, true], "the moves were mixed up: {held:?}");
}

#[test]
fn a_reference_moved_inside_its_target_is_not_counted_twice() {
    holds(inside_its_target::<Versioned>);
}

#[test]
fn references_moved_inside_two_objects_are_not_counted_twice() {
    holds_within(in_two_objects::<Versioned>, 4);
}

#[test]
fn a_root_that_moves_on_after_a_bulk_move_keeps_its_ring() {
    holds(and_the_root_moves_on::<Versioned>);
}

#[test]
fn two_threads_that_move_inside_one_object_take_turns() {
    holds(two_threads_in_one_object::<Versioned>);
}
