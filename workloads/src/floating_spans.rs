//! Dead objects not reclaimed, over time: how many there were for how long.

use std::time::Instant;

/// Records how many objects float, and for how long each number stood.
///
/// A number stands from its sample to the next sample with another one; what was freed in between counts as freed at that
/// next sample. So the figures are never below the true ones, except for what rises and falls between two samples.
#[derive(Clone, Debug)]
pub(crate) struct FloatingSpans {
    /// Objects, and nanoseconds for which there were so many.
    spans: Vec<(u64, u64)>,
    objects: u64,
    since: Instant,
    peak: u64,
}

/// Floating objects, weighted by time.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct FloatingOverTime {
    /// Half of the time there were no more.
    pub(crate) p50: u64,
    /// 99 % of the time there were no more.
    pub(crate) p99: u64,
    /// There were never more.
    pub(crate) max: u64,
    /// The mean over time.
    pub(crate) mean: f64,
}

impl FloatingSpans {
    /// Nothing floats at `begin`. `samples` places are reserved, so that recording seldom allocates.
    pub(crate) fn new(begin: Instant, samples: usize) -> Self {
        Self { spans: Vec::with_capacity(samples), objects: 0, since: begin, peak: 0 }
    }

    /// So many float from now on. Reads the clock only if the number is another one.
    pub(crate) fn sample(&mut self, objects: u64) {
        if objects != self.objects {
            self.sample_at(Instant::now(), objects);
        }
    }

    fn sample_at(&mut self, now: Instant, objects: u64) {
        self.spans.push((self.objects, (now - self.since).as_nanos() as u64));
        (self.objects, self.since, self.peak) = (objects, now, self.peak.max(objects));
    }

    /// What was seen up to `end`.
    pub(crate) fn reading(mut self, end: Instant) -> FloatingOverTime {
        self.sample_at(end, 0);
        self.spans.sort_unstable();
        let total: u64 = self.spans.iter().map(|&(_, ns)| ns).sum();
        let quantile = |hundredths: u64| {
            let mut left = u128::from(total) * u128::from(hundredths);
            let reached = self.spans.iter().find(|&&(_, ns)| {
                let span = u128::from(ns) * 100;
                let within = left <= span;
                left = left.saturating_sub(span);
                within
            });
            reached.map_or(0, |&(objects, _)| objects)
        };
        let area: f64 = self.spans.iter().map(|&(objects, ns)| objects as f64 * ns as f64).sum();
        FloatingOverTime { p50: quantile(50), p99: quantile(99), max: self.peak, mean: area / total.max(1) as f64 }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn numbers_weigh_by_how_long_they_stood() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let mut spans = FloatingSpans::new(begin, 4);
        // 0 for 600 ms, 7 for 300 ms, 1,000 for 95 ms, 9,000 for 5 ms.
        spans.sample_at(at(600), 9_000);
        spans.sample_at(at(605), 7);
        spans.sample_at(at(905), 1_000);
        let reading = spans.reading(at(1_000));
        let mean = 0.3 * 7.0 + 0.095 * 1_000.0 + 0.005 * 9_000.0;
        assert!((reading.mean - mean).abs() < 1e-9, "{reading:?}");
        assert_eq!((reading.p50, reading.p99, reading.max), (0, 1_000, 9_000));
    }

    #[test]
    fn same_number_again_lengthens_its_span() {
        let mut spans = FloatingSpans::new(Instant::now(), 4);
        [5, 5, 5, 8].into_iter().for_each(|objects| spans.sample(objects));
        assert_eq!(spans.spans.len(), 2, "0 and 5 have ended");
    }

    #[test]
    fn nothing_seen_is_nothing_afloat() {
        let begin = Instant::now();
        assert_eq!(FloatingSpans::new(begin, 0).reading(begin), FloatingOverTime::default());
    }
}
