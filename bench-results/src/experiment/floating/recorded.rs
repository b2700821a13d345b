//! What CPythons did with the same program: recorded once, as data in `cpython.csv`.
//!
//! `floating.py` with `-E -s -B` and each version's own thresholds: 700,10,10 to 3.12, 2000,10,10 on 3.13.0. They are counts, so
//! they repeat exactly for a version and its options, whatever the machine. Of 3.14 and 3.14t none are known.

use serde::Deserialize;

const DATA: &str = include_str!("cpython.csv");

/// A line: a version at a point.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Recorded {
    /// Such as `CPython 3.12.1`.
    pub version: String,
    /// Objects of a ring.
    pub ring: u32,
    /// Objects that lived beside them.
    pub live: u32,
    /// Rings that died.
    pub requests: u32,
    /// The most dead objects of rings outstanding after any of them.
    pub max_objects: u64,
    /// Their mean.
    pub mean_objects: f64,
    collections_0: u64,
    collections_1: u64,
    collections_2: u64,
    /// Objects that the interpreter tracked of its own.
    pub own_objects: u64,
}

impl Recorded {
    /// Collections of each generation.
    pub fn collections(&self) -> [u64; 3] {
        [self.collections_0, self.collections_1, self.collections_2]
    }
}

/// All lines.
pub fn recorded() -> Vec<Recorded> {
    // The file is part of the program; a test reads every line of it.
    csv::Reader::from_reader(DATA.as_bytes()).deserialize().filter_map(Result::ok).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{BALLAST, FloatingGarbage};
    use super::*;
    use crate::experiment::trial::{Experiment, Size};

    #[test]
    fn every_line_is_read_and_every_point_has_one_of_each_version() {
        let all = recorded();
        assert_eq!(all.len(), DATA.lines().count() - 1);
        let of = |version: &str| all.iter().filter(|row| row.version == version).collect::<Vec<_>>();
        for version in ["3.8.18", "3.10.13", "3.11.7", "3.12.1", "3.13.0"] {
            let rows = of(&format!("CPython {version}"));
            for point in
                [Size::Tiny, Size::Quick, Size::Standard].into_iter().flat_map(|size| FloatingGarbage.points(size))
            {
                let is = |option: &str, value: u32| point.options[option] == value.to_string();
                let there = rows
                    .iter()
                    .filter(|row| is("ring", row.ring) && is("live", row.live) && is("requests", row.requests));
                assert_eq!(there.count(), 1, "{version} at {point:?}");
            }
        }
        assert!(of("CPython 3.12.1").iter().all(|row| row.own_objects == u64::from(BALLAST)));
    }
}
