//! What CPython 3.12.1 did with the same structures: recorded once, as data in `cpython.csv`.
//!
//! Built with -O3 and without profile feedback, on two virtual x86-64 cores with 24 GiB; times are CPU time of the thread. The
//! program, `deep_cycles.py`, allocated slotted objects, linked them, and collected with everything else frozen: `live` is the
//! least of three collections after the first one, `dead` the one after the roots were cleared.

use serde::Deserialize;

/// What stands beside its figures.
pub(super) const NAME: &str = "CPython 3.12.1 (recorded)";

const DATA: &str = include_str!("cpython.csv");

/// A line.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub(super) struct Anchor {
    pub(super) version: String,
    pub(super) shape: String,
    pub(super) nodes: u32,
    pub(super) k: u32,
    pub(super) order: String,
    /// Objects that the collector examined.
    pub(super) tracked: u64,
    pub(super) first_ms: f64,
    pub(super) live_ms: f64,
    pub(super) dead_ms: Option<f64>,
    pub(super) drop_ns_per_object: Option<f64>,
}

/// All lines.
pub(super) fn all() -> Vec<Anchor> {
    // The file is part of the program; a test reads every line of it.
    csv::Reader::from_reader(DATA.as_bytes()).deserialize().filter_map(Result::ok).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read() {
        let all = all();
        assert_eq!(all.len(), DATA.lines().count() - 1);
        assert!(all.iter().all(|line| line.version == "3.12.1" && line.tracked > u64::from(line.nodes)));
        let shuffled: Vec<&Anchor> = all.iter().filter(|line| line.order == "shuffled").collect();
        assert_eq!((shuffled.len(), shuffled[0].live_ms), (1, 1681.626));
    }
}
