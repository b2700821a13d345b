//! A bounded series of samples over time: as many points as a plot can show, however long a run is.

use std::time::Instant;

/// Most points that a series keeps.
pub const MOST_POINTS: usize = 2_000;

/// Samples at equal distances in operations, each with its time.
///
/// It begins with every sample. When it is full it drops every other point, and from then on takes half as many. So the clock
/// is read some thousand times in all, and points are true samples, not means: a peak between two of them is not seen.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    begin: Instant,
    points: Vec<(u64, u64)>,
    /// One sample in so many is taken.
    every: u64,
    /// Samples to pass over before the next one is taken.
    pass: u64,
}

impl Series {
    /// An empty one whose times count from now.
    pub(crate) fn new() -> Self {
        Self { begin: Instant::now(), points: Vec::with_capacity(MOST_POINTS), every: 1, pass: 0 }
    }

    /// Is offered a sample.
    #[inline]
    pub(crate) fn offer(&mut self, value: u64) {
        match self.pass.checked_sub(1) {
            Some(left) => self.pass = left,
            None => self.take(value),
        }
    }

    #[cold]
    fn take(&mut self, value: u64) {
        self.points.push((self.begin.elapsed().as_nanos() as u64, value));
        if self.points.len() == MOST_POINTS {
            // Points 0, 2, 4 ... stay; the last one, 1,999, goes, so the next one is due after one more distance.
            let mut place = 0;
            self.points.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.pass = self.every - 1;
            self.every *= 2;
        } else {
            self.pass = self.every - 1;
        }
    }

    /// The points as (nanoseconds since the beginning, value), in order of time.
    pub(crate) fn into_points(self) -> Vec<(u64, u64)> {
        self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: u64) -> Vec<u64> {
        let mut series = Series::new();
        (0..samples).for_each(|sample| series.offer(sample));
        let points = series.into_points();
        assert!(points.is_sorted());
        points.into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn few_samples_are_all_kept() {
        assert_eq!(of(1_999), (0..1_999).collect::<Vec<_>>());
        assert!(of(0).is_empty());
    }

    #[test]
    fn many_samples_are_kept_at_equal_distances_up_to_the_end() {
        for samples in [2_000, 2_001, 4_001, 100_000, 1_234_567_u64] {
            let kept = of(samples);
            let distance = kept[1] - kept[0];
            assert!(distance.is_power_of_two() && distance > 1, "{samples}: {distance}");
            assert!(kept.windows(2).all(|pair| pair[1] - pair[0] == distance), "{samples}");
            assert!(kept.len() >= MOST_POINTS / 2 && kept.len() < MOST_POINTS, "{samples}: {}", kept.len());
            assert!(samples - kept[kept.len() - 1] <= distance, "{samples}: the end is missing");
        }
    }
}
