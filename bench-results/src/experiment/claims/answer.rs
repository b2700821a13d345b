//! What a rule says of figures: a verdict, and the figures in words.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether a claim holds where it was tried.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// What the claim says was seen.
    Reproduced,
    /// A part of what it says was seen.
    Partly,
    /// What it says was not seen.
    Not,
    /// It says nothing of such a heap; why is said beside it.
    NotApplicable,
}

impl Verdict {
    /// For people: `partly`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::Partly => "partly",
            Self::Not => "not",
            Self::NotApplicable => "n/a",
        }
    }

    /// Of two halves of a claim.
    pub fn of_halves(one: bool, other: bool) -> Self {
        match (one, other) {
            (true, true) => Self::Reproduced,
            (false, false) => Self::Not,
            _ => Self::Partly,
        }
    }

    /// Of a claim that holds or does not.
    pub fn of(holds: bool) -> Self {
        if holds { Self::Reproduced } else { Self::Not }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a rule says of figures.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Whether the claim holds.
    pub verdict: Verdict,
    /// What was measured, or why nothing was.
    pub text: String,
    /// What else must be as on CPython for the heap to agree with it, where a verdict says too little.
    pub decisive: Option<String>,
    /// A difference on which the verdict hangs is no larger than what the same run differs by when it is repeated.
    pub within_noise: bool,
}

impl Answer {
    /// A verdict on what was measured.
    pub fn new(verdict: Verdict, text: impl Into<String>) -> Self {
        Self { verdict, text: text.into(), decisive: None, within_noise: false }
    }

    /// With what must agree beside the verdict.
    pub fn deciding(self, decisive: impl Into<String>) -> Self {
        Self { decisive: Some(decisive.into()), ..self }
    }

    /// With whether noise could have made it.
    pub fn noisy(self, within_noise: bool) -> Self {
        Self { within_noise, ..self }
    }

    /// Whether both say the same of a claim. What says nothing of a claim contradicts nobody.
    pub fn agrees(&self, other: &Self) -> bool {
        let silent = |answer: &Self| answer.verdict == Verdict::NotApplicable;
        silent(self) || silent(other) || (self.verdict == other.verdict && self.decisive == other.decisive)
    }
}
