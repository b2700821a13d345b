//! Whether a quantity over time has become steady: floating garbage that grows without end is a leak, not a cost.
//!
//! Samples are taken in blocks of 8, so that the saw teeth between collections do not count as growth. The slope of the last
//! 5 blocks is Theil and Sen's, the median of the slopes of all pairs: one block out of line does not turn it. Judged are the
//! greatest sample of each block and its median: a peak may grow while the usual does not.

/// Samples of a block.
pub const BLOCK: usize = 8;

/// The blocks that are judged: the last so many.
pub const BLOCKS: usize = 5;

/// Growth per block up to this share of the blocks' median is steady.
pub const STEADY_SHARE: f64 = 0.05;

/// How a quantity develops over the last blocks.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Trend {
    /// Of the greatest samples of the blocks.
    pub peaks: Slope,
    /// Of the medians of the blocks.
    pub medians: Slope,
}

/// A slope and what it is measured by.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Slope {
    /// Growth per block, in the unit of the samples; below 0 if it shrinks.
    pub per_block: f64,
    /// The median of the blocks.
    pub median: f64,
}

impl Slope {
    fn of(blocks: &[f64]) -> Option<Self> {
        let points: Vec<(f64, f64)> = blocks.iter().enumerate().map(|(place, &value)| (place as f64, value)).collect();
        Some(Self { per_block: theil_sen(&points)?, median: median(&mut blocks.to_vec())? })
    }

    /// Whether it grows by at most [`STEADY_SHARE`] of the median per block. What shrinks is steady too: it has a bound.
    pub fn is_steady(&self) -> bool {
        self.per_block <= STEADY_SHARE * self.median
    }
}

impl Trend {
    /// Of samples at equal distances in time. `None` if there are fewer than 40, or one is not a number. Samples before
    /// the last 40 do not count: the beginning may grow.
    pub fn of(samples: &[f64]) -> Option<Self> {
        let last = &samples[samples.len().checked_sub(BLOCK * BLOCKS)?..];
        if last.iter().any(|sample| !sample.is_finite()) {
            return None;
        }
        let blocks = || last.chunks_exact(BLOCK);
        let peaks: Vec<f64> = blocks().map(|block| block.iter().copied().fold(f64::MIN, f64::max)).collect();
        let medians: Vec<f64> = blocks().filter_map(|block| median(&mut block.to_vec())).collect();
        Some(Self { peaks: Slope::of(&peaks)?, medians: Slope::of(&medians)? })
    }

    /// Whether both peaks and medians are steady.
    pub fn is_steady(&self) -> bool {
        self.peaks.is_steady() && self.medians.is_steady()
    }
}

/// The median of the slopes between all pairs of points (x, y) with different x; `None` if there is no such pair. O(n²).
pub fn theil_sen(points: &[(f64, f64)]) -> Option<f64> {
    let mut slopes = Vec::with_capacity(points.len() * points.len().saturating_sub(1) / 2);
    for (place, &(x, y)) in points.iter().enumerate() {
        slopes.extend(
            points[..place].iter().filter(|earlier| earlier.0 != x).map(|earlier| (y - earlier.1) / (x - earlier.0)),
        );
    }
    median(&mut slopes)
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let (below, above) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some(f64::midpoint(values[below], values[above]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Saw teeth between 0 and a height that changes from block to block.
    fn saw(heights: &[f64]) -> Vec<f64> {
        heights.iter().flat_map(|height| (0..BLOCK).map(move |i| height * (i + 1) as f64 / BLOCK as f64)).collect()
    }

    #[test]
    fn slope_of_a_line_survives_two_blocks_out_of_line() {
        let mut points: Vec<(f64, f64)> = (0..9).map(|x| (f64::from(x), 3.0 * f64::from(x) + 1.0)).collect();
        points[4].1 = 1e6;
        points[7].1 = -1e6;
        assert_eq!(theil_sen(&points), Some(3.0));
        // Slopes 1, 2 and 1.5, by hand.
        assert_eq!(theil_sen(&[(0.0, 0.0), (1.0, 1.0), (2.0, 3.0)]), Some(1.5));
        assert_eq!(
            (theil_sen(&[]), theil_sen(&[(1.0, 2.0)]), theil_sen(&[(1.0, 2.0), (1.0, 3.0)])),
            (None, None, None)
        );
    }

    #[test]
    fn steady_up_to_a_twentieth_per_block() {
        // The start does not count; teeth as high as the start are steady.
        assert!(Trend::of(&saw(&[1.0, 900.0, 100.0, 100.0, 100.0, 100.0, 100.0])).unwrap().is_steady());
        let grows = |by: f64| saw(&[100.0 - 2.0 * by, 100.0 - by, 100.0, 100.0 + by, 100.0 + 2.0 * by]);
        let (slow, fast) = (Trend::of(&grows(4.99)).unwrap(), Trend::of(&grows(5.01)).unwrap());
        assert!(slow.is_steady() && !fast.is_steady(), "{slow:?} {fast:?}");
        assert!((fast.peaks.per_block - 5.01).abs() < 1e-9 && (fast.peaks.median - 100.0).abs() < 1e-9);
        assert!(Trend::of(&grows(-20.0)).unwrap().is_steady(), "what shrinks has a bound");
        assert!(Trend::of(&[0.0; 40]).unwrap().is_steady());
    }

    #[test]
    fn a_growing_peak_shows_beside_a_steady_median() {
        let mut samples = saw(&[100.0; 5]);
        for block in 0..5 {
            samples[block * BLOCK] = 100.0 + 30.0 * block as f64;
        }
        let trend = Trend::of(&samples).unwrap();
        assert!(!trend.peaks.is_steady() && trend.medians.is_steady() && !trend.is_steady(), "{trend:?}");
    }

    #[test]
    fn too_few_samples_are_unknown() {
        assert_eq!(Trend::of(&[1.0; 39]), None);
        assert_eq!(Trend::of(&[f64::NAN; 40]), None);
    }
}
