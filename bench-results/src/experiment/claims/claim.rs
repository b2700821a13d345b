//! What a claim is, and what it takes to check one.

use anyhow::Result;
use gc_core::Heap;

use super::answer::{Answer, Verdict};
use super::figures::Figures;
use super::setup::Setup;

/// A sentence of one or more articles, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// `1` to `43`; a remedy is `R1`, …
    pub key: &'static str,
    /// The articles that make it, by letter; empty for what none of them says.
    pub articles: &'static str,
    /// The claim.
    pub says: &'static str,
    /// What it is about.
    pub kind: Kind,
    /// What CPython did.
    pub cpython: Option<OnCPython>,
    /// What is so, in one sentence; `None` only for what is right.
    pub so: Option<&'static str>,
    /// How figures make the verdict, with every tolerance.
    pub rule: &'static str,
    /// What it is on a heap without an interpreter, where that is not the same.
    pub analogue: Option<&'static str>,
}

/// What a claim is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// What is done, when, in which order, how often.
    Algorithm,
    /// What the interpreter's objects are made of, and where they lie.
    Layout,
    /// How long something takes, or how much memory.
    Performance,
}

impl Kind {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Algorithm => "algorithm",
            Self::Layout => "layout of objects",
            Self::Performance => "performance",
        }
    }
}

/// What was measured on CPython 3.8.18, 3.10.13, 3.11.7, 3.12.1, 3.13.0, 3.14.4 and 3.14.4t (free-threaded).
#[derive(Clone, Copy, Debug)]
pub struct OnCPython {
    /// Over all seven; `None` where there is nothing to be wrong about.
    pub overall: Option<Verdict>,
    /// On 3.12.1. A test finds that the rule says so of the recorded figures.
    pub on_3_12: Verdict,
    /// The figures of 3.12.1, as JSON.
    pub recorded: &'static str,
    /// What was measured, by version where versions differ.
    pub measured: &'static str,
}

impl OnCPython {
    /// `Y`, `N`, `P` or `-`, as in published tables.
    pub fn letter(&self) -> &'static str {
        match self.overall {
            Some(Verdict::Reproduced) => "Y",
            Some(Verdict::Partly) => "P",
            Some(Verdict::Not) => "N",
            Some(Verdict::NotApplicable | Verdict::NotDecided) | None => "-",
        }
    }
}

/// What trying a claim on a heap gave.
#[derive(Clone, PartialEq, Debug)]
pub enum Measured {
    /// Figures for the rule.
    Figures(Figures),
    /// The claim says nothing of this heap, for this reason.
    NotApplicable(&'static str),
}

impl From<Figures> for Measured {
    fn from(figures: Figures) -> Self {
        Self::Figures(figures)
    }
}

/// Said of heaps that collect no cycles where a claim is about collections.
pub(super) const NO_COLLECTOR: Measured =
    Measured::NotApplicable("the heap collects no cycles: nothing is ever collected");

/// A claim with its check.
pub trait Check {
    /// The claim.
    const CLAIM: Claim;
    /// Under which names `claims.py` says the same figures; none if it does not.
    const PYTHON: &'static [&'static str] = &[];

    /// Tries it on heaps of its own.
    ///
    /// # Errors
    /// The heap cannot be made, or is full.
    fn measure<H: Heap>(setup: &Setup) -> Result<Measured>;

    /// What the figures say; `None` if one is missing.
    fn judge(figures: &Figures) -> Option<Answer>;
}
