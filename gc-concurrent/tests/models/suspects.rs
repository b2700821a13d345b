//! What certification makes of suspects that live, die, come anew, or are garbage.

use gc_concurrent::protocol::{COUNT_LIMIT, IMMORTAL, Protocol, Versioned};

use crate::exploration::{holds, holds_within};
use crate::scene::{A, B, C, Scene};

/// A root holds *a*, which holds *b*; a mutator loads *b*.
pub(crate) fn a_chain_is_loaded<P: Protocol>() {
    let scene = Scene::<P>::new(&[(1, &[B]), (1, &[])]);
    let reader = scene.spawn(|scene| scene.load(A, 0).expect("it stays there"));
    scene.certify(&[A, B], 0);
    let root = reader.join().unwrap();
    scene.check(&[A, root]);
}

/// The same, but *b* is taken out of *a*.
pub(crate) fn a_chain_is_cut<P: Protocol>() {
    let scene = Scene::<P>::new(&[(1, &[B]), (1, &[])]);
    let taker = scene.spawn(|scene| scene.take(A, 0).expect("nobody else takes it"));
    scene.certify(&[A, B], 0);
    let root = taker.join().unwrap();
    scene.check(&[A, root]);
}

/// Suspects die by count meanwhile.
pub(crate) fn a_chain_dies<P: Protocol>() {
    let scene = Scene::<P>::new(&[(1, &[B]), (1, &[])]);
    let dropper = scene.spawn(|scene| scene.release(A));
    scene.certify(&[A, B], 0);
    dropper.join().unwrap();
    scene.check(&[]);
}

/// The suspect holds itself for a while, dies, and a new object in its place has the same count. `RESET` is an allocator
/// that begins with a version of its own.
pub(crate) fn a_new_object_has_the_same_count<P: Protocol, const RESET: bool>() {
    let scene = Scene::<P>::new(&[(1, &[0])]);
    let first = scene.memory().word_now(A);
    let user = scene.spawn(move |scene| {
        scene.store(A, 0, A);
        let taken = scene.take(A, 0).expect("nobody else takes it");
        scene.release(taken);
        assert!(scene.release(A));
        if RESET { scene.reuse_as(A, first) } else { scene.reuse(A) }
    });
    scene.certify(&[A], 0);
    user.join().unwrap();
    scene.check(&[A]);
}

/// Garbage, and suspects that a mutator uses.
pub(crate) fn garbage_beside_traffic<P: Protocol>() {
    const D: u32 = 4;
    let scene = Scene::<P>::new(&[(1, &[B]), (1, &[A]), (1, &[D]), (1, &[])]);
    let user = scene.spawn(|scene| {
        let root = scene.load(C, 0).expect("it stays there");
        scene.release(root);
    });
    scene.certify(&[A, B, D], 0);
    assert!(scene.is_claimed(A) && scene.is_claimed(B), "garbage is not found");
    user.join().unwrap();
    scene.check(&[C]);
}

/// A count reaches its limit while others use the object and a collection looks.
fn a_count_at_its_limit<P: Protocol>() {
    let scene = Scene::<P>::with_immortals(&[(COUNT_LIMIT, &[B]), (1, &[A])]);
    let first = scene.spawn(|scene| {
        scene.retain(A);
        scene.release(A);
    });
    let second = scene.spawn(|scene| {
        scene.retain(A);
        scene.release(A);
    });
    scene.certify(&[A, B], 0);
    first.join().unwrap();
    second.join().unwrap();
    assert!(scene.memory().word_now(A) & IMMORTAL != 0);
    assert!(!scene.is_claimed(A) && !scene.is_claimed(B) && !scene.is_dead(A));
}

#[test]
fn a_suspect_that_a_rejected_one_holds_is_rejected() {
    holds(a_chain_is_loaded::<Versioned>);
}

#[test]
fn a_suspect_taken_out_of_a_rejected_one_is_rejected() {
    holds(a_chain_is_cut::<Versioned>);
}

#[test]
fn suspects_that_die_by_count_are_not_certified() {
    holds(a_chain_dies::<Versioned>);
}

#[test]
fn a_new_object_in_a_suspects_place_is_not_certified() {
    holds(a_new_object_has_the_same_count::<Versioned, false>);
}

#[test]
fn garbage_is_certified_whatever_mutators_do_elsewhere() {
    holds(garbage_beside_traffic::<Versioned>);
}

#[test]
fn an_object_whose_count_reaches_the_limit_is_never_certified_and_never_dies() {
    holds_within(a_count_at_its_limit::<Versioned>, 2);
}
