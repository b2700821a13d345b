//! Weak upgrades against certification: one state decides for a whole set of suspects.
//!
//! # Protocol
//! An upgrade makes a reference out of none, so it could bring one member of a set back to life that is being found dead.
//!
//! ```text
//!   IDLE ──► DECIDING ──► COMMITTED ──► IDLE
//!               │  ▲
//!               ▼  │ decided again
//!              DIRTY
//! ```
//!
//! The collection marks the suspects of one component that have weak references, sets DECIDING, fences, reads the words
//! again, and settles it by one exchange from DECIDING to COMMITTED; then it clears the weak references of the
//! component, takes the marks off, and is IDLE. An upgrade retains, fences, and reads the state. Where it meets DECIDING
//! and its referent is marked, it makes it DIRTY: the collection decides again. Where it meets COMMITTED and its referent
//! is marked, it undoes its retain. In the end it reads the weak reference again: one that was cleared meanwhile gives
//! nothing.
//!
//! # Invariants
//! - **D1** An upgrade whose retain the second reading misses sees DECIDING or later (the two fences: each side writes one
//!   word and reads the other's; one of them sees the other).
//! - **D2** Between COMMITTED and IDLE every member with weak references is marked, and their words do not change but for
//!   upgrades that are going to be undone.

use crate::certify::{Certification, Verdict};
use crate::count::{Found, retain_if_alive};
use crate::memory::{Memory, Word};
use crate::protocol::Protocol;
use gc_core::sync::Ordering::{AcqRel, Acquire, Release};

/// No set is being decided on.
pub const IDLE: u32 = 0;
/// A set is.
pub const DECIDING: u32 = 1;
/// An upgrade of a member interfered.
pub const DIRTY: u32 = 2;
/// The set is garbage.
pub const COMMITTED: u32 = 3;

/// Retains the referent of a weak reference, if it is alive. `still_refers` reads the weak reference again; `undo`
/// releases. True if the referent is the caller's to use.
pub fn upgrade<P: Protocol, M: Memory>(
    memory: &M,
    referent: u32,
    still_refers: impl FnOnce() -> bool,
    undo: impl FnOnce(u32),
) -> bool {
    match retain_if_alive::<P, M>(memory, referent) {
        Found::Dead => return false,
        Found::Immortal => return still_refers(),
        Found::Alive => {}
    }
    if P::UPGRADE_FENCE {
        // SeqCst: the retain is before the reading of the state; partner: the fence in `settle`. (D1)
        memory.fence();
    }
    let granted = loop {
        // Acquire: sees the marks of the state it reads, and after a commit the cleared weak reference.
        match memory.state().load(Acquire) {
            DECIDING if memory.is_marked(referent) && P::UPGRADE_DIRTIES => {
                // AcqRel: the collection that sees DIRTY sees the retain; on failure the state is read anew.
                if memory.state().exchange(DECIDING, DIRTY, AcqRel) {
                    break true;
                }
            }
            COMMITTED if memory.is_marked(referent) => break false,
            _ => break true,
        }
    };
    let granted = granted && still_refers();
    if !granted {
        undo(referent);
    }
    granted
}

/// Decides on one component of a certification that has been read: `members` are its positions, `weak` those with weak
/// references. `keep` is called when its members are known and none can be lost any more by an upgrade but by making
/// the state dirty: it may keep some out of what is freed. Afterwards the state is COMMITTED and the certified ones of
/// `weak` are marked: the caller clears their weak references and calls [`finish`].
pub fn settle<P: Protocol, M: Memory>(
    memory: &M,
    certification: &mut Certification,
    members: &[u32],
    weak: &[u32],
    mut keep: impl FnMut(&mut Certification, &[u32]),
) {
    for &k in weak {
        memory.mark(certification.suspects()[k as usize], true);
    }
    loop {
        // Release: publishes the marks.
        memory.state().store(DECIDING, Release);
        if P::DECIDING_FENCE {
            // SeqCst: DECIDING is before the second reading; partner: the fence in `upgrade`. (D1)
            memory.fence();
        }
        certification.decide::<P, M>(memory, members.iter().copied());
        keep(certification, members);
        for &k in weak {
            if certification.verdicts()[k as usize] != Verdict::Certified {
                memory.mark(certification.suspects()[k as usize], false);
            }
        }
        // AcqRel: release publishes the marks taken off; acquire sees the retain of whoever made it dirty.
        if memory.state().exchange(DECIDING, COMMITTED, AcqRel) {
            return;
        }
    }
}

/// Ends what [`settle`] began, after the weak references of the certified were cleared.
pub fn finish<M: Memory>(memory: &M, certification: &Certification, weak: &[u32]) {
    for &k in weak {
        if certification.verdicts()[k as usize] == Verdict::Certified {
            memory.mark(certification.suspects()[k as usize], false);
        }
    }
    // Release: whoever reads IDLE from here sees the weak references cleared.
    memory.state().store(IDLE, Release);
}
