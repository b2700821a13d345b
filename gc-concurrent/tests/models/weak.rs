//! Upgrades of weak references against the certification of their referents.

use gc_concurrent::protocol::{Protocol, Versioned};

use crate::exploration::{holds, holds_within};
use crate::scene::{A, B, Scene};

fn garbage_ring<P: Protocol>() -> Scene<P> {
    Scene::new(&[(1, &[B]), (1, &[A])])
}

/// One mutator upgrades one member of a garbage ring.
pub(crate) fn one_upgrade<P: Protocol>() {
    let scene = garbage_ring::<P>();
    let upgrader = scene.spawn(|scene| scene.upgrade(A));
    scene.certify_weak(&[A, B]);
    let root = upgrader.join().unwrap();
    assert!(scene.is_claimed(A) == scene.is_claimed(B), "half of the ring is claimed");
    assert!(root.is_some() || scene.is_claimed(A), "the upgrade got nothing, and the ring stays");
    scene.check_sums(root.as_slice());
}

/// Two mutators upgrade one member each.
pub(crate) fn two_upgrades<P: Protocol>() {
    let scene = garbage_ring::<P>();
    let first = scene.spawn(|scene| scene.upgrade(A));
    let second = scene.spawn(|scene| scene.upgrade(B));
    scene.certify_weak(&[A, B]);
    let roots: Vec<u32> = first.join().unwrap().into_iter().chain(second.join().unwrap()).collect();
    assert!(scene.is_claimed(A) == scene.is_claimed(B), "half of the ring is claimed");
    assert!(scene.is_claimed(A) == roots.is_empty(), "the ring is either claimed or upgraded");
    scene.check_sums(&roots);
}

/// A mutator upgrades one member, drops it, and upgrades the other.
pub(crate) fn upgrade_drop_upgrade<P: Protocol>() {
    let scene = garbage_ring::<P>();
    let upgrader = scene.spawn(|scene| {
        if let Some(root) = scene.upgrade(A) {
            scene.release(root);
        }
        scene.upgrade(B)
    });
    scene.certify_weak(&[A, B]);
    let root = upgrader.join().unwrap();
    assert!(scene.is_claimed(A) == scene.is_claimed(B), "half of the ring is claimed");
    scene.check_sums(root.as_slice());
}

/// The ring is freed at once: an upgrade that is going to be undone may hold the last reference.
pub(crate) fn upgrade_against_freeing<P: Protocol>() {
    let scene = garbage_ring::<P>();
    let upgrader = scene.spawn(|scene| scene.upgrade(A));
    let certification = scene.certify_weak(&[A, B]);
    scene.free(&certification);
    let root = upgrader.join().unwrap();
    assert!(root.is_some() != scene.is_claimed(A), "the ring is either claimed or upgraded");
    assert!(scene.is_dead(A) == scene.is_claimed(A) && scene.is_dead(B) == scene.is_claimed(B));
    scene.check_sums(root.as_slice());
}

/// Two components: the upgrade concerns one.
pub(crate) fn two_components<P: Protocol>() {
    let scene = Scene::<P>::new(&[(1, &[A]), (1, &[B])]);
    let upgrader = scene.spawn(|scene| scene.upgrade(A));
    scene.certify_weak(&[A, B]);
    let root = upgrader.join().unwrap();
    assert!(scene.is_claimed(B), "an upgrade elsewhere kept garbage");
    assert!(root.is_some() != scene.is_claimed(A));
    scene.check_sums(root.as_slice());
}

/// The upgraded member is used: what it holds is taken out of it.
pub(crate) fn upgraded_and_cut<P: Protocol>() {
    let scene = garbage_ring::<P>();
    let upgrader = scene.spawn(|scene| {
        let root = scene.upgrade(A)?;
        scene.take(root, 0).inspect(|_| _ = scene.release(root))
    });
    scene.certify_weak(&[A, B]);
    let root = upgrader.join().unwrap();
    assert!(root.is_some() || scene.is_claimed(A) == scene.is_claimed(B));
    scene.check_sums(root.as_slice());
}

/// The referent dies by count, its weak reference is cleared, and a new object takes its place.
pub(crate) fn upgrade_against_a_new_object<P: Protocol>() {
    let scene = Scene::<P>::new(&[(1, &[])]);
    let upgrader = scene.spawn(|scene| scene.upgrade(A));
    let died = scene.release(A);
    if died {
        scene.clear_weak(A);
        scene.reuse(A);
    }
    let root = upgrader.join().unwrap();
    assert!(!(died && root.is_some()), "an upgrade returned another object");
    let mut roots = Vec::from(root.as_slice());
    if died {
        roots.push(A);
    }
    scene.check_sums(&roots);
}

#[test]
fn an_upgrade_gets_a_root_or_the_ring_is_claimed() {
    holds(one_upgrade::<Versioned>);
}

#[test]
fn a_set_is_decided_as_a_whole() {
    holds_within(two_upgrades::<Versioned>, 3);
}

#[test]
fn an_upgrade_that_is_dropped_at_once_leaves_no_half() {
    holds_within(upgrade_drop_upgrade::<Versioned>, 4);
}

#[test]
fn what_an_undone_upgrade_met_is_freed_exactly_once() {
    holds(upgrade_against_freeing::<Versioned>);
}

#[test]
fn an_upgrade_delays_its_own_component_alone() {
    holds(two_components::<Versioned>);
}

#[test]
fn an_upgraded_member_can_be_used_at_once() {
    holds(upgraded_and_cut::<Versioned>);
}

#[test]
fn an_upgrade_returns_no_new_object_in_the_referents_place() {
    holds(upgrade_against_a_new_object::<Versioned>);
}
