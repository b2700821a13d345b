//! Where a heap is not as CPython 3.12.1, and why. A test asserts that these are all on the algorithm and the layout of objects, and
//! that each still occurs.
//!
//! A verdict on time is here only where its cause is known: a shared machine may make others.

use super::answer::Verdict::{self, Not, Partly, Reproduced};

/// Where one heap is not as CPython 3.12.1, and why.
#[derive(Clone, Copy, Debug)]
pub struct Disagreement {
    /// The claim.
    pub key: &'static str,
    /// The heaps on which it is so.
    pub heaps: &'static [&'static str],
    /// What their check says; that of CPython where other figures differ.
    pub verdict: Verdict,
    /// Why it is not what CPython 3.12.1 says.
    pub why: &'static str,
}

const ALL: &[&str] =
    &["refcount", "generational", "generational-streaming", "refcount-atomic", "stop-the-world", "concurrent"];
const COUNTS_ALONE: &[&str] = &["refcount", "refcount-atomic"];
const COLLECTING: &[&str] = &["generational", "generational-streaming", "stop-the-world", "concurrent"];
const PARALLEL: &[&str] = &["refcount-atomic", "stop-the-world", "concurrent"];
const STREAMING: &[&str] = &["generational-streaming", "stop-the-world", "concurrent"];
const ALL_BUT_BASELINE: &[&str] =
    &["refcount", "generational-streaming", "refcount-atomic", "stop-the-world", "concurrent"];

/// All of them.
pub const DISAGREEMENTS: &[Disagreement] = &[
    Disagreement {
        key: "1",
        heaps: ALL,
        verdict: Partly,
        why: "to ask for a count borrows the root, as CPython 3.14 does: 1, 2, 1 where 3.12 has 2, 3, 2",
    },
    Disagreement {
        key: "2",
        heaps: PARALLEL,
        verdict: Partly,
        why: "one operation frees at most 256 objects by count, so that no release is a long pause; the rest of a large list follows at \
              later allocations and safepoints",
    },
    Disagreement {
        key: "3",
        heaps: COUNTS_ALONE,
        verdict: Partly,
        why: "counts alone: a dead cycle survives its last release, and there is no collector to free it",
    },
    Disagreement {
        key: "14",
        heaps: &["stop-the-world"],
        verdict: Not,
        why: "it does not model free lists, so every list, dict and tuple counts: far more young collections than CPython with its free \
              lists, each with the fixed cost of stopping and of cutting blocks",
    },
    Disagreement {
        key: "21",
        heaps: COUNTS_ALONE,
        verdict: Not,
        why: "the callback comes first only for what a collector frees, and there is none; by count the order is CPython's",
    },
    Disagreement {
        key: "26",
        heaps: COUNTS_ALONE,
        verdict: Not,
        why: "without a collector nothing is tracked: `get_objects` lists nothing, so that a leak does not show",
    },
    Disagreement {
        key: "28",
        heaps: COLLECTING,
        verdict: Partly,
        why: "a dict is tracked from birth, as on CPython 3.14; 3.12 tracks it once it holds what can be tracked",
    },
    Disagreement {
        key: "29",
        heaps: COLLECTING,
        verdict: Reproduced,
        why: "the cycle is made by hand of an exception, a traceback and a frame: 3 objects; on 3.12 the tuple of its arguments is a fourth",
    },
    Disagreement {
        key: "32",
        heaps: &["stop-the-world", "concurrent"],
        verdict: Partly,
        why: "it examines no frozen object, but its detection walks the blocks they lie in and passes over each; CPython has them on \
              another list",
    },
    Disagreement {
        key: "32",
        heaps: &["stop-the-world", "concurrent"],
        verdict: Not,
        why: "it examines no frozen object and yet is slower than without a freeze: its detection walks the blocks they lie in and passes \
              over each; CPython has them on another list",
    },
    Disagreement {
        key: "35",
        heaps: STREAMING,
        verdict: Not,
        why: "what a collection notes of objects is in tables beside them: it writes to these pages and to none of the objects'",
    },
    Disagreement {
        key: "37",
        heaps: ALL_BUT_BASELINE,
        verdict: Not,
        why: "reading copies pages as on CPython, but no collection would have copied pages of objects: to switch one off saves none",
    },
    Disagreement {
        key: "38",
        heaps: &["concurrent"],
        verdict: Partly,
        why: "its collections run on a thread of its own: there is hardly a pause to take out of the longest request",
    },
    Disagreement {
        key: "39",
        heaps: &["concurrent"],
        verdict: Partly,
        why: "its collections run on a thread of its own: there is hardly a pause to take out of the longest request",
    },
    Disagreement {
        key: "40",
        heaps: &["concurrent"],
        verdict: Not,
        why: "its collections run on a thread of its own; by hand they run in the program, and requests wait",
    },
    Disagreement {
        key: "13",
        heaps: &["concurrent"],
        verdict: Partly,
        why: "young collections run on a thread of its own: none is a pause, however many objects it has",
    },
];

/// Why a heap whose check says so is not as CPython 3.12.1; `None` if that is not known.
pub fn explained(key: &str, heap: &str, verdict: Verdict) -> Option<&'static Disagreement> {
    DISAGREEMENTS.iter().find(|one| one.key == key && one.verdict == verdict && one.heaps.contains(&heap))
}
