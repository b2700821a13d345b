//! How much garbage floats: dead objects not yet reclaimed, sampled at the ends of operations.

use gc_core::Heap;

use crate::series::Series;

/// Objects that were dead and not yet reclaimed, sampled at the end of each operation.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Floating {
    /// The most at any sample.
    pub peak_objects: u64,
    /// The mean over samples.
    pub mean_objects: f64,
    /// The most in bytes (header, slots, payload), where all that floats is of one size.
    pub peak_bytes: Option<u64>,
    /// Some of the samples, at equal distances in operations: (nanoseconds since the beginning, objects). At most
    /// [`MOST_POINTS`](crate::series::MOST_POINTS).
    pub series: Vec<(u64, u64)>,
}

/// Samples how many objects are dead and not reclaimed, for workloads at whose sampling points the number of live objects
/// is always the same. One that is switched off does not even look at the heap.
#[derive(Clone, Debug)]
pub struct FloatingGauge {
    live: u64,
    object_bytes: Option<u64>,
    peak: u64,
    sum: u64,
    samples: u64,
    series: Option<Series>,
}

impl FloatingGauge {
    /// A gauge for a program with `live` live objects at each sampling point, whose time counts from now; or one that is
    /// switched off.
    pub fn new(live: u64, on: bool) -> Self {
        Self { live, object_bytes: None, peak: 0, sum: 0, samples: 0, series: on.then(Series::new) }
    }

    /// The same where every object that floats has so many bytes.
    pub fn of_objects_with(self, bytes: u64) -> Self {
        Self { object_bytes: Some(bytes), ..self }
    }

    /// Takes a sample of a heap.
    #[inline]
    pub fn sample_of<H: Heap>(&mut self, heap: &H) {
        if self.series.is_some() {
            self.sample(heap.live_objects());
        }
    }

    /// Takes a sample of a heap that holds `held` objects.
    #[inline]
    pub fn sample(&mut self, held: u64) {
        let Some(series) = &mut self.series else { return };
        let dead = held.saturating_sub(self.live);
        self.peak = self.peak.max(dead);
        self.sum += dead;
        self.samples += 1;
        series.offer(dead);
    }

    /// What was seen; `None` if the gauge is switched off.
    pub fn reading(self) -> Option<Floating> {
        let series = self.series?.into_points();
        Some(Floating {
            peak_objects: self.peak,
            mean_objects: self.sum as f64 / self.samples.max(1) as f64,
            peak_bytes: self.object_bytes.map(|bytes| bytes * self.peak),
            series,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_beyond_the_living_floats() {
        let mut gauge = FloatingGauge::new(10, true).of_objects_with(48);
        [10, 14, 30, 9].into_iter().for_each(|held| gauge.sample(held));
        let floating = gauge.reading().unwrap();
        assert_eq!((floating.peak_objects, floating.mean_objects, floating.peak_bytes), (20, 6.0, Some(960)));
        assert_eq!(floating.series.iter().map(|point| point.1).collect::<Vec<_>>(), [0, 4, 20, 0]);
    }

    #[test]
    fn switched_off_it_knows_nothing() {
        let mut gauge = FloatingGauge::new(10, false);
        gauge.sample(14);
        assert_eq!(gauge.reading(), None);
    }
}
