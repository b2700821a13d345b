//! Where the baseline's verdict is not CPython 3.12.1's, and why. A test asserts that these are all, and that each still occurs.
//!
//! Verdicts on time are not among them: a shared machine may change them.

use super::answer::Verdict;

/// See the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct Disagreement {
    /// The claim.
    pub key: &'static str,
    /// What the baseline's check says.
    pub baseline: Verdict,
    /// Why it is not what CPython 3.12.1 says.
    pub why: &'static str,
}

/// All of them.
pub const DISAGREEMENTS: &[Disagreement] = &[Disagreement {
    key: "1",
    baseline: Verdict::Partly,
    why: "to ask for a count borrows the root, as CPython 3.14 does: 1, 2, 1 where 3.12 has 2, 3, 2",
}];
