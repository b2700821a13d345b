//! How large the tries are, and how heaps are set for them.

use gc_core::{Automatic, FreeLists, HeapConfig};
use serde::{Deserialize, Serialize};

/// How large the tries are, and how often they are repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// For tests of the checks: times and memory mean nothing.
    Small,
    /// Every claim on every heap in less than three minutes. Claims on counts are tried at full size.
    Quick,
    /// As large as on CPython, or nearly.
    Standard,
}

/// How much of everything a claim is asked with.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// How large.
    pub scale: Scale,
    /// How heaps are made.
    pub config: HeapConfig,
}

impl Setup {
    /// As CPython 3.12 is. Heaps that do not model free lists take that setting and count every object.
    pub fn new(scale: Scale) -> Self {
        let config =
            HeapConfig { free_lists: FreeLists::CPython312, automatic: Automatic::AtTrigger, ..HeapConfig::default() };
        Self { scale, config }
    }

    /// One of three sizes.
    pub fn size<T>(&self, small: T, quick: T, standard: T) -> T {
        match self.scale {
            Scale::Small => small,
            Scale::Quick => quick,
            Scale::Standard => standard,
        }
    }

    /// How often a time is taken; the median counts.
    pub fn repetitions(&self) -> usize {
        self.size(1, 3, 5)
    }
}
