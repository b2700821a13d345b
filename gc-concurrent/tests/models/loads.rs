//! Loads against overwrites, deaths, and new objects in the place of old ones.

use gc_concurrent::protocol::{Protocol, Versioned};

use crate::exploration::{holds, holds_within};
use crate::scene::{A, B, Scene};

/// One mutator loads what another overwrites, while a collection looks at the target, which also holds itself.
pub(crate) fn against_an_overwrite<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[B]), (2, &[B])]);
    let reader = scene.spawn(|scene| scene.load(A, 0));
    let writer = scene.spawn(|scene| scene.put(A, 0, 0));
    scene.certify(&[B], 0);
    let mut roots = vec![A, A];
    roots.extend(reader.join().unwrap());
    writer.join().unwrap();
    scene.check_sums(&roots);
    scene.check_not_freed_twice();
}

/// The overwritten reference was the last one.
pub(crate) fn against_the_death_of_the_target<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[B]), (1, &[])]);
    let reader = scene.spawn(|scene| scene.load(A, 0));
    let writer = scene.spawn(|scene| scene.put(A, 0, 0));
    let mut roots = vec![A, A];
    roots.extend(reader.join().unwrap());
    writer.join().unwrap();
    scene.check_sums(&roots);
}

/// The target dies and a new object, of which the slot knows nothing, takes its place.
pub(crate) fn against_a_new_object_in_the_targets_place<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[B]), (1, &[])]);
    let reader = scene.spawn(|scene| scene.load(A, 0));
    let writer = scene.spawn(|scene| {
        // Only who sees it die may use the place again.
        let died = scene.put(A, 0, 0);
        if died {
            scene.reuse(B);
        }
        died
    });
    let (loaded, died) = (reader.join().unwrap(), writer.join().unwrap());
    assert!(!(died && loaded.is_some()), "a load returned an object that the slot never held");
    let mut roots = vec![A, A];
    roots.extend(loaded);
    if died {
        roots.push(B);
    }
    scene.check_sums(&roots);
}

/// The new object becomes garbage that holds itself, and a collection certifies it while the load is still under way.
pub(crate) fn against_new_garbage_in_the_targets_place<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[B]), (1, &[0])]);
    let reader = scene.spawn(|scene| scene.load(A, 0));
    let writer = scene.spawn(|scene| {
        // Only who sees it die may use the place again.
        let died = scene.put(A, 0, 0);
        if died {
            scene.reuse(B);
            scene.put(B, 0, B);
        }
        died
    });
    scene.certify(&[B], 0);
    let (loaded, died) = (reader.join().unwrap(), writer.join().unwrap());
    assert!(!(died && loaded.is_some()), "a load returned an object that the slot never held");
    let mut roots = vec![A, A];
    roots.extend(loaded);
    scene.check_sums(&roots);
    scene.check_not_freed_twice();
}

/// An outdated load meets garbage that is certified and freed: either the collection frees it, or the release that
/// undoes the load.
pub(crate) fn against_the_freeing_of_garbage<P: Protocol>() {
    let scene = Scene::<P>::new(&[(2, &[B]), (2, &[B])]);
    let reader = scene.spawn(|scene| {
        if let Some(root) = scene.load(A, 0) {
            scene.release(root);
        }
    });
    let writer = scene.spawn(|scene| scene.put(A, 0, 0));
    let certification = scene.certify(&[B], 0);
    scene.free(&certification);
    reader.join().unwrap();
    writer.join().unwrap();
    scene.check_sums(&[A, A]);
    assert!(scene.is_dead(B) == scene.is_claimed(B), "what was certified is freed, and nothing else");
}

#[test]
fn a_load_against_an_overwrite_keeps_what_it_returns() {
    holds(against_an_overwrite::<Versioned>);
}

#[test]
fn a_load_revives_nothing_dead() {
    holds(against_the_death_of_the_target::<Versioned>);
}

#[test]
fn a_load_returns_no_new_object_in_the_targets_place() {
    holds(against_a_new_object_in_the_targets_place::<Versioned>);
}

#[test]
fn an_outdated_load_does_not_mislead_the_certification_of_new_garbage() {
    holds_within(against_new_garbage_in_the_targets_place::<Versioned>, 3);
}

#[test]
fn garbage_that_an_outdated_load_met_is_freed_exactly_once() {
    holds(against_the_freeing_of_garbage::<Versioned>);
}
