//! Protocols that are broken in one place each, and the executions in which they fail.
//!
//! Each test names what is left out, and finds an execution that fails a check of its scenario. A scenario that a broken
//! protocol passes proves nothing about the rule in question; so these tests are what the others are worth.

use gc_concurrent::protocol::{Protocol, Versioned};
use loom::sync::atomic::Ordering::{self, Relaxed};

use crate::exploration::{caught, caught_within};
use crate::scene::{A, Scene};
use crate::{bulk, finalizers, loads, moves, suspects, weak};

/// The protocol that ships, but for some constants.
macro_rules! broken {
    ($($(#[$doc:meta])* $name:ident { $($constant:ident: $type:ty = $value:expr;)* })*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;
        impl Protocol for $name {
            $(const $constant: $type = $value;)*
        }
    )*};
}

broken! {
    /// Retains do not raise the version.
    NoVersion { RETAIN: u64 = 1; RAISE: u64 = 0; MOVED: u64 = 0; }
    /// What is taken out of a slot is not raised.
    NoRaise { RAISE: u64 = 0; }
    /// It is, but nothing orders that after the swap.
    RelaxedRaise { RAISE_ORDER: Ordering = Relaxed; }
    /// Words are read after the slots: one pass would do it.
    WordsLast { WORDS_FIRST: bool = false; }
    /// The cascade reads the slots of the rejected again.
    SlotsAgain { CASCADE_BY_RECORD: bool = false; }
    /// A count of 0 that nothing explains is as good as another.
    ZeroIsFine { REJECTS_ZERO: bool = false; }
    /// A load retains whatever it finds.
    FromZero { LOAD_FROM_ZERO: bool = true; }
    /// A load trusts its first reading.
    OneReading { LOAD_CHECKS_AGAIN: bool = false; }
    /// A load's exchange acquires nothing.
    RelaxedLoad { LOAD_RETAIN_ORDER: Ordering = Relaxed; }
    /// The first reading acquires nothing.
    RelaxedReading { FIRST_READING_ORDER: Ordering = Relaxed; }
    /// Nor is there anything to acquire from releases.
    RelaxedReadingAndRelease { FIRST_READING_ORDER: Ordering = Relaxed; RELEASE_ORDER: Ordering = Relaxed; }
    /// An upgrade does not fence.
    UpgradeWithoutFence { UPGRADE_FENCE: bool = false; }
    /// An upgrade does not make the state dirty.
    CleanUpgrade { UPGRADE_DIRTIES: bool = false; }
    /// A collection does not fence after DECIDING.
    DecidingWithoutFence { DECIDING_FENCE: bool = false; }
    /// Nothing tells of a bulk move.
    NoBusy { BUSY: u64 = 0; MOVED: u64 = 0; }
    /// A bulk move raises the version, and is not marked while it lasts.
    VersionOnly { BUSY: u64 = 0; }
}

#[test]
fn retains_must_raise_the_version() {
    caught(moves::a_root_walks_round_a_ring::<NoVersion>);
}

#[test]
fn what_is_taken_must_be_raised() {
    caught(moves::inside_its_target::<NoRaise>);
    caught(moves::the_root_goes_into_what_it_took::<NoRaise>);
}

#[test]
fn a_raise_must_release() {
    caught(moves::inside_its_target::<RelaxedRaise>);
    caught(moves::the_root_goes_into_what_it_took::<RelaxedRaise>);
}

#[test]
fn words_must_be_read_before_slots() {
    caught(moves::taken_and_the_old_root_dropped::<WordsLast>);
}

#[test]
fn the_cascade_must_not_read_slots_again() {
    caught(suspects::a_chain_is_cut::<SlotsAgain>);
}

#[test]
fn a_count_of_0_must_be_rejected() {
    caught(suspects::a_chain_dies::<ZeroIsFine>);
}

#[test]
fn an_allocator_must_not_begin_with_a_version_of_its_own() {
    caught(suspects::a_new_object_has_the_same_count::<Versioned, true>);
}

#[test]
fn a_load_must_not_retain_the_dead() {
    caught(loads::against_the_death_of_the_target::<FromZero>);
}

#[test]
fn a_load_must_read_its_slot_again() {
    caught(loads::against_a_new_object_in_the_targets_place::<OneReading>);
    caught(loads::against_an_overwrite::<OneReading>);
}

#[test]
fn a_load_must_acquire_by_its_exchange() {
    caught(loads::against_a_new_object_in_the_targets_place::<RelaxedLoad>);
}

#[test]
fn the_first_reading_must_acquire() {
    caught(moves::inside_its_target::<RelaxedReading>);
    caught(moves::inside_its_target::<RelaxedReadingAndRelease>);
}

#[test]
fn an_upgrade_must_fence() {
    caught(weak::one_upgrade::<UpgradeWithoutFence>);
}

#[test]
fn a_collection_must_fence_after_deciding() {
    caught(weak::one_upgrade::<DecidingWithoutFence>);
}

#[test]
fn an_upgrade_must_make_the_state_dirty() {
    caught(weak::one_upgrade::<CleanUpgrade>);
}

#[test]
fn what_finalizers_saw_must_be_certified_again() {
    caught(finalizers::found_and_taken_over::<Versioned, false>);
}

#[test]
fn a_bulk_move_must_be_marked() {
    caught(bulk::inside_its_target::<NoBusy>);
    caught_within(bulk::in_two_objects::<NoBusy>, 3);
}

#[test]
fn a_bulk_move_must_be_marked_even_if_it_raises_the_version() {
    caught(bulk::inside_its_target::<VersionOnly>);
    caught(bulk::inside_its_target_with_a_raise_before::<VersionOnly>);
}

/// A collection that frees what it certified without a look at whether something retained it meanwhile.
fn freed_whatever_the_count() {
    let scene = Scene::<Versioned>::new(&[(2, &[2]), (2, &[2])]);
    let reader = scene.spawn(|scene| scene.load(A, 0).map(|root| scene.release(root)));
    let writer = scene.spawn(|scene| scene.put(A, 0, 0));
    let certification = scene.certify(&[2], 0);
    scene.free_unseen(&certification);
    reader.join().unwrap();
    writer.join().unwrap();
    scene.check_sums(&[A, A]);
}

#[test]
fn a_collection_must_leave_the_freeing_to_whoever_retained_garbage() {
    caught(freed_whatever_the_count);
}
