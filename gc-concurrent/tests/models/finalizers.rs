//! Finalizers that bring garbage back to life: what they resurrected fails the second certification.

use gc_concurrent::certify::Verdict;
use gc_concurrent::protocol::{Protocol, Versioned};

use crate::exploration::{holds, holds_within};
use crate::scene::{A, B, C, Scene};

/// A collection of the ring *a*, *b*, whose finalizer puts *a* into a slot of *c*. `AGAIN`: it certifies again.
fn collect_with_finalizer<P: Protocol, const AGAIN: bool>(scene: &Scene<P>) {
    let mut certification = scene.certify_unclaimed(&[A, B], 0);
    let certified: Vec<u32> = certification.certified().collect();
    assert!(certified == [A, B], "garbage is not found");
    // The collection holds each of them while finalizers run.
    certified.iter().for_each(|&object| scene.retain(object));
    // The finalizer gets a root, and moves it.
    scene.retain(A);
    scene.put(C, 0, A);
    if AGAIN {
        certification = scene.certify(&certified, 1);
    } else {
        scene.claim(&certification);
    }
    for (&object, &verdict) in certified.iter().zip(certification.verdicts()) {
        if verdict != Verdict::Certified || !AGAIN {
            scene.release(object);
        }
    }
    scene.free(&certification);
}

/// A mutator finds what was resurrected, and takes it over.
pub(crate) fn found_and_taken_over<P: Protocol, const AGAIN: bool>() {
    let scene = Scene::<P>::new(&[(1, &[B]), (1, &[A]), (2, &[0])]);
    let finder = scene.spawn(|scene| scene.load(C, 0).inspect(|_| _ = scene.put(C, 0, 0)));
    collect_with_finalizer::<P, AGAIN>(&scene);
    let mut roots = vec![C, C];
    roots.extend(finder.join().unwrap());
    scene.check_sums(&roots);
}

/// A mutator overwrites the slot: what was resurrected is garbage again, before or after it is looked at.
pub(crate) fn given_up_again<P: Protocol, const AGAIN: bool>() {
    let scene = Scene::<P>::new(&[(1, &[B]), (1, &[A]), (2, &[0])]);
    let writer = scene.spawn(|scene| scene.put(C, 0, 0));
    collect_with_finalizer::<P, AGAIN>(&scene);
    writer.join().unwrap();
    scene.check_sums(&[C, C]);
    assert!(scene.is_dead(A) == scene.is_claimed(A) && scene.is_dead(B) == scene.is_claimed(B));
}

#[test]
fn what_a_finalizer_resurrected_and_a_mutator_found_lives() {
    holds(found_and_taken_over::<Versioned, true>);
}

#[test]
fn what_a_finalizer_resurrected_and_nobody_wanted_is_freed_once_or_left() {
    holds_within(given_up_again::<Versioned, true>, 4);
}
