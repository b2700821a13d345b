//! Whether a setting's memory grows without end: judged over all of its runs together, by the slope of floating garbage.
//!
//! Floating garbage goes up and down between collections, so that a single run may rise over its second half by chance: of a
//! setting that leaks nothing one run in three does. A setting *grows* if the share by which floating garbage grows in a tenth
//! of a run is above [`STEADY_SHARE`] in the mean, and above 0 with the whole interval of that mean over runs (Student, 99 %).
//! The share of a run is the lesser of those of its peaks and its medians: what grows without end takes both with it. A setting
//! that grows in the mean, but perhaps by chance, is not thrown out; nor is it shown to meet a goal.

use super::prediction::{mean_and_deviation, student};
use crate::floating_trend::FloatingTrend;
use crate::statistics::steady_state::STEADY_SHARE;

/// What is left below the low end of the interval.
const TAIL: f64 = 0.005;

/// What a run says of growth.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Slope {
    /// By what share of itself floating garbage grew in a tenth of the run. 1 where nothing is ever collected and there are too
    /// few samples for a trend.
    pub share: f64,
    /// What each request adds, in bytes; `None`: that is not known.
    pub request_bytes: Option<f64>,
    /// Requests that a worker serves beyond those of the run; `None`: it is not replaced.
    pub requests_left: Option<u64>,
}

/// The share of a trend: see the [module](self).
pub fn share(trend: &FloatingTrend) -> f64 {
    // Of less than one object there is no share.
    let share = |per_block: f64, median: f64| per_block / median.max(1.0);
    share(trend.peaks_per_block, trend.peaks_median).min(share(trend.medians_per_block, trend.medians_median))
}

/// Whether runs with these shares may grow: they do in the mean, whether or not that is chance.
pub fn may_grow(shares: &[f64]) -> bool {
    !shares.is_empty() && mean_and_deviation(shares).0 > STEADY_SHARE
}

/// Whether runs with these shares show growth together. A single one must speak for itself.
pub fn grows(shares: &[f64]) -> bool {
    if shares.is_empty() {
        return false;
    }
    let (mean, deviation) = mean_and_deviation(shares);
    let n = shares.len() as f64;
    let half = match shares.len() {
        1 => 0.0,
        // Of equal shares it is 0, whatever stands before it.
        _ if deviation == 0.0 => 0.0,
        _ => student(TAIL, n - 1.0).unwrap_or(f64::INFINITY) * deviation / n.sqrt(),
    };
    mean > STEADY_SHARE && mean - half > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trend([peaks, peaks_median, medians, medians_median]: [f64; 4]) -> FloatingTrend {
        let steady = peaks <= STEADY_SHARE * peaks_median && medians <= STEADY_SHARE * medians_median;
        FloatingTrend { steady, peaks_per_block: peaks, peaks_median, medians_per_block: medians, medians_median }
    }

    /// Real runs over the heap of a Django process, 20,000 requests each, published with this program: of the default, of
    /// `young-every:25` and of `off`.
    const DEFAULT: [[f64; 4]; 12] = [
        [58.3, 1400.0, -25.0, 1000.0],
        [0.0, 1600.0, -12.5, 900.0],
        [-75.0, 1400.0, 62.5, 900.0],
        [0.0, 1600.0, 0.0, 1000.0],
        [-25.0, 1000.0, 0.0, 800.0],
        [0.0, 1200.0, -50.0, 1200.0],
        [-50.0, 1000.0, -66.7, 900.0],
        [133.3, 1400.0, 8.3, 1000.0],
        [-25.0, 1200.0, 0.0, 1000.0],
        [0.0, 1200.0, 25.0, 900.0],
        [100.0, 1400.0, 50.0, 900.0],
        [0.0, 1000.0, 100.0, 800.0],
    ];
    const YOUNG: [[f64; 4]; 4] = [
        [25.0, 1200.0, 25.0, 800.0],
        [-33.3, 1200.0, 25.0, 800.0],
        [116.7, 1000.0, 0.0, 800.0],
        [0.0, 1000.0, 12.5, 800.0],
    ];
    const OFF: [[f64; 4]; 2] = [[46_175.0, 365_000.0, 45_862.5, 346_600.0], [41_950.0, 333_000.0, 41_412.5, 313_600.0]];

    fn shares(runs: &[[f64; 4]]) -> Vec<f64> {
        runs.iter().map(|run| share(&trend(*run))).collect()
    }

    #[test]
    fn a_leak_grows_and_saw_teeth_do_not() {
        for (runs, unsteady) in [(&DEFAULT[..], 4), (&YOUNG[..], 1)] {
            let alone = runs.iter().filter(|run| !trend(**run).steady).count();
            assert_eq!(alone, unsteady, "single runs do rise");
            // In any order in which they come.
            for first in 0..runs.len() {
                for n in 2..=runs.len() {
                    let some: Vec<[f64; 4]> = (0..n).map(|nth| runs[(first + nth) % runs.len()]).collect();
                    assert!(!grows(&shares(&some)), "{some:?}");
                }
            }
        }
        assert!(grows(&shares(&OFF)) && grows(&shares(&OFF[..1])));
        // Half as steep as a line from nothing, with runs that differ.
        assert!(grows(&[0.05, 0.07, 0.06, 0.08, 0.055]));
        assert!(!grows(&[0.3, -0.1, 0.2, -0.15, 0.25]), "above in the mean, and by chance");
        assert!(may_grow(&[0.3, -0.1, 0.2, -0.15, 0.25]), "or not by chance");
        assert!(!may_grow(&shares(&DEFAULT)) && !may_grow(&shares(&YOUNG)) && !may_grow(&[]));
        assert!(!grows(&[0.049; 9]) && !grows(&[]), "steady is steady");
        assert_eq!(share(&trend([0.0; 4])), 0.0, "nothing floats");
    }
}
