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

/// See the [module](self).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Whether the claim holds.
    pub verdict: Verdict,
    /// What was measured, or why nothing was.
    pub text: String,
}

impl Answer {
    /// A verdict on what was measured.
    pub fn new(verdict: Verdict, text: impl Into<String>) -> Self {
        Self { verdict, text: text.into() }
    }
}
