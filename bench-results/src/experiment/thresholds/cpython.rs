//! What CPython 3.12.1 did with the same program: recorded once, as data in `cpython.csv`.
//!
//! Built with -O3 and without profile feedback, on two virtual x86-64 cores with 24 GiB; times are CPU time of the thread. The
//! programs: `thresholds.py` and `web.py`, of which this workload is a mirror; the open loop is a model over the service times
//! of a closed one, with arrivals at half of that setting's own rate. Counts repeat exactly; times of a shared machine do not.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::roster;

/// What stands beside its figures.
pub const VERSION: &str = "CPython 3.12.1";

/// What keeps its times from being held against a heap's; stands above every table that has both.
pub const UNLIKE: &str = "Counts can be held against CPython's, times cannot: a heap's are wall-clock time over all rounds' requests \
                          together, and it serves requests a second of that; CPython's are CPU time of its thread, of live ones the \
                          median over rounds (of a maximum the greatest), and it serves requests a CPU second.";

/// Of what an interpreter serves, how much arrives in the model of its open loop.
pub const MODEL_LOAD: f64 = 0.5;

/// What must be said of a heap's counts if its counters know no free lists; [`VERSION`]'s without them were recorded at the centre.
pub fn note_on_free_lists(heap: &str) -> Option<String> {
    // The baseline and its like have CPython's counters; those of the parallel heaps see every allocation.
    let knows_none = |entry: &&roster::Entry| entry.abilities.collects_cycles && entry.abilities.parallel_mutators;
    roster::entry(heap).ok().filter(knows_none).map(|_| {
        format!(
            "The counters of {heap} know no free lists, so it collects more often than {VERSION} does, whose own free lists hide \
             allocations: without them that collects 1188/108/6 times at the centre."
        )
    })
}

const DATA: &str = include_str!("cpython.csv");

/// One row: a program with one setting.
#[derive(Clone, Debug)]
pub struct OnCPython {
    /// The program that was run.
    pub program: String,
    /// The work, by its name here.
    work: String,
    /// The setting, by its name here.
    setting: String,
    figures: BTreeMap<String, f64>,
}

impl OnCPython {
    /// A figure by its column, in that column's unit; `None` where there is none.
    pub fn figure(&self, column: &str) -> Option<f64> {
        self.figures.get(column).copied()
    }

    /// Requests that arrived a second in the model of its open loop.
    pub fn arrivals(&self) -> Option<f64> {
        self.figure("per_s").map(|per_s| MODEL_LOAD * per_s)
    }

    /// Collections of each generation.
    pub fn collections(&self) -> Option<[u64; 3]> {
        let of = |generation| self.figure(&format!("collections_{generation}")).map(|count| count as u64);
        Some([of(0)?, of(1)?, of(2)?])
    }
}

/// The rows of a work with a setting.
pub fn rows(work: &str, setting: &str) -> Vec<&'static OnCPython> {
    static ALL: LazyLock<Vec<OnCPython>> = LazyLock::new(read);
    ALL.iter().filter(|row| row.work == work && row.setting == setting).collect()
}

fn read() -> Vec<OnCPython> {
    let mut reader = csv::Reader::from_reader(DATA.as_bytes());
    let row = |fields: BTreeMap<String, String>| {
        let text = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let numbers = fields.iter().filter_map(|(name, value)| Some((name.clone(), value.parse().ok()?)));
        OnCPython {
            program: text("program"),
            work: text("work"),
            setting: text("setting"),
            figures: numbers
                .filter(|(name, _): &(String, f64)| !["program", "work", "setting"].contains(&name.as_str()))
                .collect(),
        }
    };
    // The file is part of the program; a test reads every line of it.
    reader.deserialize().filter_map(Result::ok).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::super::figures::FIGURES;
    use super::super::settings::{Work, setting};
    use super::*;

    #[test]
    fn every_line_is_of_a_work_and_a_setting_that_are_run_here() {
        let all = read();
        assert_eq!(all.len(), DATA.lines().count() - 1);
        let works: Vec<String> = Work::grid().into_iter().map(|work| work.name).collect();
        for row in &all {
            assert!(works.contains(&row.work), "{}", row.work);
            assert!(setting(&row.setting).is_some(), "{}", row.setting);
            assert!(row.collections().is_some() && row.figure("per_s").is_some(), "{row:?}");
        }
        let header = DATA.lines().next().unwrap();
        for (column, _) in FIGURES.iter().filter_map(|figure| figure.cpython) {
            assert!(header.split(',').any(|name| name == column), "no column {column}");
        }
    }

    #[test]
    fn the_rows_of_the_centre_are_the_ones_that_were_published() {
        let counts = |setting| rows("web-v1", setting)[0].collections();
        assert_eq!(counts("700,10,10"), Some([914, 83, 5]));
        assert_eq!(counts("full-every:1000"), Some([0, 0, 40]));
        assert_eq!(rows("web-v1", "700,10,10").len(), 2, "two programs ran it");
        let web = rows("web-v1", "full-every:1000")[0];
        assert_eq!((web.figure("p90_us"), web.figure("between_max_us")), (Some(22.704), Some(24_069.0)));
        assert_eq!(rows("web-v1", "700,10,10")[0].figure("p90_us"), None, "the other program did not measure it");
        assert_eq!(rows("web-v1", "700,10,10")[1].arrivals(), Some(22_585.0), "half of what it served itself");
        assert!(rows("django", "700,10,10").is_empty());
    }
}
