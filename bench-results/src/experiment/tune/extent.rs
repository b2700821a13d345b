//! How much is searched: settings, rounds, requests, and the time that it may take.

use serde::{Deserialize, Serialize};

use super::search::{Rung, Schedule};
use crate::comparison::BASELINE;
use crate::roster;

/// How much of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    /// To see it run: a few seconds, of figures that say nothing.
    Tiny,
    /// Less than three minutes.
    Quick,
    /// Less than half an hour.
    Standard,
}

impl Extent {
    /// Seconds that it may take, with room to what it promises.
    pub(super) fn budget_s(self) -> f64 {
        match self {
            Extent::Tiny | Extent::Quick => 160.0,
            Extent::Standard => 27.0 * 60.0,
        }
    }

    pub(super) fn schedule(self) -> Schedule {
        let rungs = |rungs: &[(u32, usize)]| rungs.iter().map(|&(rounds, go_on)| Rung { rounds, go_on }).collect();
        match self {
            Extent::Tiny => Schedule { rungs: rungs(&[(2, 1)]), confirmations: 5 },
            Extent::Quick => Schedule { rungs: rungs(&[(2, 5), (2, 2)]), confirmations: 8 },
            Extent::Standard => Schedule { rungs: rungs(&[(2, 12), (3, 6), (4, 3)]), confirmations: 12 },
        }
    }

    /// Requests of a run, unless the goal needs more.
    pub(super) fn requests(self) -> u64 {
        match self {
            Extent::Tiny => 1_000,
            Extent::Quick => 20_000,
            Extent::Standard => 40_000,
        }
    }

    /// The most settings that are tried.
    pub(super) fn candidates(self) -> usize {
        match self {
            Extent::Tiny => 3,
            Extent::Quick => 10,
            Extent::Standard => usize::MAX,
        }
    }

    /// The heaps beside the baseline.
    pub(super) fn heaps(self) -> Vec<String> {
        let collecting = roster::entries().iter().filter(|entry| entry.abilities.collects_cycles);
        let mut all = collecting.map(|entry| entry.name.to_owned()).filter(|name| name != BASELINE);
        match self {
            Extent::Tiny => Vec::new(),
            Extent::Quick => all.next_back().into_iter().collect(),
            Extent::Standard => all.collect(),
        }
    }
}
