//! Whether floating garbage has become steady, as a record holds it.

use serde::{Deserialize, Serialize};

use crate::statistics::steady_state::{BLOCK, BLOCKS, Trend};

/// How floating garbage developed over the second half of the timed part. See `statistics::steady_state`.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct FloatingTrend {
    /// Whether both figures below grow by at most 5 % of their median per block (a tenth of the timed part).
    pub steady: bool,
    /// Growth of the blocks' greatest samples, in objects per block.
    pub peaks_per_block: f64,
    /// Their median.
    pub peaks_median: f64,
    /// Growth of the blocks' medians, in objects per block.
    pub medians_per_block: f64,
    /// Their median.
    pub medians_median: f64,
}

impl FloatingTrend {
    /// Of a series with at least twice as many points as the trend takes samples.
    ///
    /// The series is cut into stretches of equally many points, each of which stands for its greatest one, so that saw teeth
    /// between collections do not count as growth however many points there are.
    pub fn of(series: &[(u64, u64)]) -> Option<Self> {
        const STRETCHES: usize = 2 * BLOCK * BLOCKS;
        let length = series.len();
        if length < STRETCHES {
            return None;
        }
        let greatest = |stretch: usize| {
            let points = &series[stretch * length / STRETCHES..(stretch + 1) * length / STRETCHES];
            points.iter().map(|point| point.1).max().map_or(f64::NAN, |objects| objects as f64)
        };
        let trend = Trend::of(&(0..STRETCHES).map(greatest).collect::<Vec<_>>())?;
        Some(Self {
            steady: trend.is_steady(),
            peaks_per_block: trend.peaks.per_block,
            peaks_median: trend.peaks.median,
            medians_per_block: trend.medians.per_block,
            medians_median: trend.medians.median,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trend(objects: impl Fn(u64) -> u64) -> FloatingTrend {
        FloatingTrend::of(&(0..1_600).map(|t| (t * 1_000, objects(t))).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn saw_teeth_of_one_height_are_steady_and_growth_is_not() {
        // A tooth every 37 samples, which is no multiple of a stretch.
        let (teeth, growth) = (trend(|t| 100 + t % 37 * 10), trend(|t| 100 + t));
        assert!(teeth.steady, "{teeth:?}");
        // 160 more with each block, of about 1,380.
        assert!(!growth.steady && (growth.peaks_per_block - 160.0).abs() < 1e-9, "{growth:?}");
        let early = trend(|t| if t < 700 { t * 50 } else { 35_000 });
        assert!(early.steady, "only the second half counts: {early:?}");
    }

    #[test]
    fn too_few_samples_have_no_trend() {
        assert_eq!(FloatingTrend::of(&[(0, 1); 79]), None);
        assert!(FloatingTrend::of(&[(0, 1); 80]).is_some());
    }
}
