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
    /// Noise is larger than what was to be seen; how large it is is said beside it.
    NotDecided,
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
            Self::NotDecided => "not decided",
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

    /// Of two halves of a claim; a half that noise hides is `None`, and leaves the whole undecided.
    pub fn of_known_halves(one: Option<bool>, other: Option<bool>) -> Self {
        one.zip(other).map_or(Self::NotDecided, |(one, other)| Self::of_halves(one, other))
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
    /// What hides the verdict, in few words: between which bounds a difference lies.
    pub noise: Option<String>,
}

impl Answer {
    /// A verdict on what was measured.
    pub fn new(verdict: Verdict, text: impl Into<String>) -> Self {
        Self { verdict, text: text.into(), decisive: None, noise: None }
    }

    /// With what must agree beside the verdict.
    pub fn deciding(self, decisive: impl Into<String>) -> Self {
        Self { decisive: Some(decisive.into()), ..self }
    }

    /// With what hides the verdict.
    pub fn hidden_by(self, noise: impl Into<String>) -> Self {
        Self { noise: Some(noise.into()), ..self }
    }

    /// The verdict for a table, with the noise where that leaves it open: `not decided, -9 to +4 %`.
    pub fn shown(&self) -> String {
        match (self.verdict, &self.noise) {
            (Verdict::NotDecided, Some(noise)) => format!("{}, {noise}", self.verdict),
            _ => self.verdict.name().to_owned(),
        }
    }

    /// Whether both say the same of a claim. Who says nothing of a claim, or cannot decide it, contradicts nobody.
    pub fn agrees(&self, other: &Self) -> bool {
        let silent = |answer: &Self| matches!(answer.verdict, Verdict::NotApplicable | Verdict::NotDecided);
        // What decides may be hidden by noise, and is missing for no other reason.
        let decide_alike = match (&self.decisive, &other.decisive) {
            (None, Some(_)) => self.noise.is_some(),
            (Some(_), None) => other.noise.is_some(),
            (one, other) => one == other,
        };
        silent(self) || silent(other) || (self.verdict == other.verdict && decide_alike)
    }
}
