//! Where the articles contradict one another, and what is so.

/// One thing that articles say differently.
#[derive(Clone, Copy, Debug)]
pub struct Contradiction {
    /// What it is about.
    pub about: &'static str,
    /// The claims whose checks decide it.
    pub claims: &'static [&'static str],
    /// What some articles say.
    pub one: &'static str,
    /// What others say.
    pub other: &'static str,
    /// What is so.
    pub so: &'static str,
}

/// All of them.
pub const CONTRADICTIONS: &[Contradiction] = &[
    Contradiction {
        about: "when generation 0 is due",
        claims: &["7"],
        one: "A, B, C: after 700 allocations",
        other: "D: when allocations less deallocations exceed 700",
        so: "D is right: allocation 701, and only if nothing was freed meanwhile",
    },
    Contradiction {
        about: "when generation 1 is due",
        claims: &["8"],
        one: "A, B: after 10 collections of generation 0",
        other: "D: when their number exceeds 10",
        so: "D is right: about 11 to 1",
    },
    Contradiction {
        about: "when generation 2 is due",
        claims: &["9", "10"],
        one: "A, B: after 10 collections of generation 1; B: never if the third threshold is 0",
        other: "D: only if what came to it since the last full collection is a quarter of what was there",
        so: "D is right; a third threshold of 0 leaves only that rule, so that there are more full collections, not none",
    },
    Contradiction {
        about: "cycles with finalizers",
        claims: &["23", "24"],
        one: "A, D: collected since Python 3.4",
        other: "B, E: uncollectable, in `gc.garbage`",
        so: "A and D are right",
    },
    Contradiction {
        about: "what runs first, a finalizer or the callback of a weak reference",
        claims: &["21"],
        one: "D: the callback",
        other: "D's own example, in which a count frees the object: the finalizer",
        so: "the callback for what the collector frees, the finalizer for what a count frees",
    },
    Contradiction {
        about: "the order of finalizers",
        claims: &["4", "22"],
        one: "B: the last node first",
        other: "D: topological, holders first",
        so: "neither: the order of the collector's list, which for young objects is that of their creation",
    },
    Contradiction {
        about: "what changes shared pages after a fork",
        claims: &["35", "36", "37"],
        one: "D: collections do, by changing counts, so that with the collector off pages stay shared",
        other: "D, elsewhere: each access to an object changes its count",
        so: "collections write to the collector's own headers; reading changes counts and copies pages with the collector off or on",
    },
    Contradiction {
        about: "fewer collections or shorter pauses",
        claims: &["11", "12", "13", "14"],
        one: "A, B, D: raise thresholds for speed",
        other: "B, E: lower them for memory",
        so: "higher thresholds: fewer and longer pauses, and not always less time in all; lower ones: no memory worth the name",
    },
    Contradiction {
        about: "the collector off for speed",
        claims: &["15", "16", "17"],
        one: "B, C: switch it off while making many objects",
        other: "A, B, C, D: off for good it leaks cycles",
        so: "both hold; whether the collection at the end eats up what was won depends on the version",
    },
];
