//! What CPython did in the same experiment: `freeze_fork.py`, the program that `fork-v1` mirrors.
//!
//! Measured on CPython 3.12.1, built with -O3 and without profile-guided optimisation, on a virtual x86-64 machine with two
//! processors and 24 GiB, huge pages by `madvise`. Means over the workers. Pauses are CPU times.

/// A row of those tables. Sizes in MiB, times in milliseconds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Anchor {
    /// Objects the collector tracks.
    pub objects: u32,
    /// What was done before the fork, in the words of our conditions. The program called these none, freeze, disable and
    /// `disable_freeze`; its freeze collects first unless the collector is off.
    pub variant: &'static str,
    /// Workers.
    pub workers: u32,
    /// The share of the entries read.
    pub share: f64,
    /// Neighbours read in a row.
    pub run: u32,
    /// How long the collection before the freeze and the freeze took.
    pub freeze_ms: f64,
    /// Resident memory of a worker.
    pub rss_mib: f64,
    /// What requests wrote to.
    pub served_mib: f64,
    /// Minor faults of it.
    pub served_faults: f64,
    /// What the first collection wrote to.
    pub first_mib: f64,
    /// Minor faults of it.
    pub first_faults: f64,
    /// What both collections wrote to; not among the recorded figures.
    pub both_mib: Option<f64>,
    /// Minor faults of it.
    pub both_faults: Option<f64>,
    /// Private dirty memory in the end, percent of the resident.
    pub private_percent: f64,
    /// `Pss` of a worker when it had ended, with those alive that were forked before it.
    pub pss_mib: f64,
    /// Shared memory of a worker then.
    pub shared_mib: f64,
    /// What is read when all workers are alive and done; not among the recorded figures.
    pub together: Option<Together>,
    /// The first collection.
    pub first_ms: f64,
    /// The second.
    pub second_ms: f64,
    /// Private dirty memory of a child that does nothing, in its end; not among the recorded figures.
    pub control_mib: Option<f64>,
}

/// Means over the workers, and the parent, when all workers are alive and done, in MiB.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Together {
    /// `Pss` of a worker.
    pub pss_mib: f64,
    /// `Shared_Clean` of a worker.
    pub shared_clean_mib: f64,
    /// `Shared_Dirty` of a worker.
    pub shared_dirty_mib: f64,
    /// `Pss` of the parent.
    pub parent_pss_mib: f64,
    /// `Private_Dirty` of the parent.
    pub parent_private_mib: f64,
    /// `Shared_Clean` of the parent.
    pub parent_shared_clean_mib: f64,
    /// `Shared_Dirty` of the parent.
    pub parent_shared_dirty_mib: f64,
}

impl Anchor {
    /// `Pss` of a worker when all of them are done: where there is one, that is when it has ended.
    pub fn pss_together(&self) -> Option<f64> {
        let of_the_only = (self.workers == 1).then_some(self.pss_mib);
        self.together.map(|together| together.pss_mib).or(of_the_only)
    }

    /// The share of the process's memory that the first collection wrote to.
    pub fn first_share(&self) -> f64 {
        self.first_mib / self.rss_mib
    }

    /// The same of requests.
    pub fn served_share(&self) -> f64 {
        self.served_mib / self.rss_mib
    }

    /// What it is called in tables.
    pub fn name(&self) -> String {
        format!("CPython 3.12.1 (recorded), {}", self.variant)
    }
}

/// Shorter than a row of names.
#[expect(clippy::too_many_arguments, reason = "a row of a table, in its order")]
const fn row(
    (objects, variant, workers): (u32, &'static str, u32),
    (share, run): (f64, u32),
    freeze_ms: f64,
    rss_mib: f64,
    (served_mib, served_faults): (f64, f64),
    (first_mib, first_faults): (f64, f64),
    (private_percent, pss_mib, shared_mib): (f64, f64, f64),
    (first_ms, second_ms): (f64, f64),
) -> Anchor {
    Anchor {
        objects,
        variant,
        workers,
        share,
        run,
        freeze_ms,
        rss_mib,
        served_mib,
        served_faults,
        first_mib,
        first_faults,
        both_mib: None,
        both_faults: None,
        private_percent,
        pss_mib,
        shared_mib,
        together: None,
        first_ms,
        second_ms,
        control_mib: None,
    }
}

const M: u32 = 1_000_000;
/// How the rows of the first table read: 2 % of the entries, in runs of 20.
const CENTRE: (f64, u32) = (0.02, 20);

/// All rows of CPython 3.12.1.
pub const ROWS: [Anchor; 24] = [
    row((M, "nothing", 2), CENTRE, 0.0, 137.1, (9.1, 2336.0), (73.1, 18_714.5), (60.3, 100.8, 54.5), (114.01, 78.09)),
    row((M, "collect, freeze", 2), CENTRE, 79.02, 137.1, (9.0, 2317.0), (0.0, 11.0), (6.9, 52.5, 127.6), (0.02, 0.01)),
    row((M, "off", 2), CENTRE, 0.01, 137.1, (9.0, 2311.5), (73.2, 18_762.5), (60.3, 100.9, 54.5), (114.06, 76.53)),
    row((M, "off, freeze", 2), CENTRE, 0.01, 137.1, (9.1, 2324.0), (0.1, 31.0), (7.0, 52.6, 127.5), (0.09, 0.03)),
    row(
        (3 * M, "nothing", 2),
        CENTRE,
        0.01,
        397.5,
        (25.1, 6410.0),
        (223.4, 57_196.5),
        (62.6, 298.9, 148.7),
        (378.87, 279.58),
    ),
    row(
        (3 * M, "collect, freeze", 2),
        CENTRE,
        282.4,
        397.4,
        (25.0, 6398.0),
        (0.0, 10.5),
        (6.4, 151.1, 372.1),
        (0.03, 0.01),
    ),
    row((3 * M, "off, freeze", 2), CENTRE, 0.01, 397.5, (25.0, 6415.5), (0.1, 31.0), (6.4, 151.2, 371.9), (0.08, 0.01)),
    row((M, "nothing", 1), (0.0, 1), 0.01, 137.0, (1.1, 274.0), (78.4, 20_067.0), (58.3, 108.0, 57.2), (126.86, 89.68)),
    row((M, "collect, freeze", 1), (0.0, 1), 87.36, 137.0, (1.2, 290.0), (0.0, 12.0), (1.2, 68.8, 135.4), (0.03, 0.01)),
    row((M, "nothing", 1), (0.0, 20), 0.0, 137.0, (1.1, 275.0), (78.4, 20_070.0), (58.3, 108.0, 57.2), (122.81, 84.28)),
    row((M, "collect, freeze", 1), (0.0, 20), 82.6, 137.0, (1.2, 290.0), (0.0, 13.0), (1.2, 68.8, 135.4), (0.03, 0.01)),
    row(
        (M, "nothing", 1),
        (0.01, 1),
        0.0,
        137.1,
        (47.5, 12_158.0),
        (48.0, 12_285.0),
        (70.0, 116.0, 41.3),
        (112.9, 90.76),
    ),
    row(
        (M, "collect, freeze", 1),
        (0.01, 1),
        88.82,
        137.1,
        (47.5, 12_159.0),
        (0.0, 12.0),
        (35.0, 92.0, 89.2),
        (0.03, 0.01),
    ),
    row(
        (M, "nothing", 1),
        (0.01, 20),
        0.0,
        137.1,
        (5.3, 1338.0),
        (75.7, 19_375.0),
        (59.3, 108.8, 55.9),
        (127.25, 89.94),
    ),
    row(
        (M, "collect, freeze", 1),
        (0.01, 20),
        85.56,
        137.1,
        (5.3, 1341.0),
        (0.0, 12.0),
        (4.2, 70.9, 131.4),
        (0.03, 0.01),
    ),
    row(
        (M, "nothing", 1),
        (0.05, 1),
        0.01,
        137.1,
        (111.3, 28_482.0),
        (8.5, 2172.0),
        (87.7, 128.2, 17.0),
        (94.82, 87.05),
    ),
    row(
        (M, "collect, freeze", 1),
        (0.05, 1),
        89.21,
        137.1,
        (111.3, 28_496.0),
        (0.0, 11.0),
        (81.5, 124.0, 25.3),
        (0.03, 0.01),
    ),
    row(
        (M, "nothing", 1),
        (0.05, 20),
        0.0,
        137.1,
        (19.8, 5065.0),
        (66.1, 16_939.0),
        (63.0, 111.3, 50.8),
        (123.25, 86.93),
    ),
    row(
        (M, "collect, freeze", 1),
        (0.05, 20),
        86.11,
        137.1,
        (19.8, 5070.0),
        (0.0, 12.0),
        (14.8, 78.2, 116.9),
        (0.03, 0.02),
    ),
    row((M, "nothing", 1), (0.2, 1), 0.01, 137.1, (123.3, 31_570.0), (1.9, 492.0), (91.7, 130.9, 11.5), (90.85, 90.52)),
    row(
        (M, "collect, freeze", 1),
        (0.2, 1),
        91.66,
        137.1,
        (123.4, 31_582.0),
        (0.0, 11.0),
        (90.3, 130.0, 13.3),
        (0.04, 0.01),
    ),
    row(
        (M, "nothing", 1),
        (0.2, 20),
        0.0,
        137.1,
        (60.3, 15_418.0),
        (40.2, 10_295.0),
        (73.6, 118.5, 36.3),
        (116.35, 92.37),
    ),
    row(
        (M, "collect, freeze", 1),
        (0.2, 20),
        92.55,
        137.1,
        (60.3, 15_428.0),
        (0.0, 11.0),
        (44.3, 98.4, 76.4),
        (0.03, 0.02),
    ),
    row(
        (M, "collect, freeze", 1),
        (1.0, 20),
        86.94,
        137.2,
        (119.1, 30_510.0),
        (0.0, 11.0),
        (87.1, 127.9, 17.7),
        (0.03, 0.01),
    ),
];

/// Those that read as a cell of one worker does, or of several.
pub fn matching(one_worker: bool, share: Option<f64>, run: u32) -> impl Iterator<Item = &'static Anchor> {
    ROWS.iter().filter(move |row| (row.workers == 1) == one_worker && Some(row.share) == share && row.run == run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_agree_with_themselves() {
        for row in ROWS {
            // A fault copies a page of 4 KiB.
            let copied = (row.served_faults + row.first_faults) * 4096.0 / 1_048_576.0;
            let dirtied = row.served_mib + row.first_mib;
            assert!((copied - dirtied).abs() < 0.02 * dirtied + 0.5, "{row:?}");
            let private = row.private_percent / 100.0 * row.rss_mib;
            assert!((private - dirtied).abs() < 5.0, "{row:?}");
        }
    }
}
