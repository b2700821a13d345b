//! Minimum and bounded mutator utilization: the least share of any window in which a mutator could run.
//!
//! One long pause and many short ones in a row can stop a program for the same time; a histogram of pauses does not tell
//! them apart, utilization does. MMU(w) is the least share over all windows of length w (Cheng and Blelloch, PLDI 2001).
//! It need not grow with w: a window may just miss a second pause that a longer one holds. BMU(w), the least of
//! MMU(w′) over all w′ ≥ w, does (Sachindran, Moss and Berger, OOPSLA 2004).
//!
//! Both are exact, to the nanosecond. Moving a window changes its paused time at the speed of the clock, up, down or not
//! at all, and turns only where one of its edges meets the edge of a pause. So the worst window of a length begins where
//! a pause begins or ends where one ends. If its length may vary too, the worst does both or is the shortest
//! allowed: time in which the mutator runs at either end can be cut off, and the rest of a pause taken in.

/// The windows of the curve in a record: 0.1 ms to 1 s, in nanoseconds.
pub const WINDOWS_NS: [u64; 17] = [
    100_000,
    200_000,
    300_000,
    500_000,
    1_000_000,
    2_000_000,
    3_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    30_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    300_000_000,
    500_000_000,
    1_000_000_000,
];

/// The pauses of one mutator over a run.
#[derive(Clone, Debug)]
pub struct Pauses {
    /// Apart from each other and in order of time.
    spans: Vec<Span>,
    total_ns: u64,
}

/// A pause, with how long all before it were.
#[derive(Clone, Copy, Debug)]
struct Span {
    start_ns: u64,
    end_ns: u64,
    paused_before_ns: u64,
}

impl Span {
    fn paused_to_end_ns(&self) -> u64 {
        self.paused_before_ns + (self.end_ns - self.start_ns)
    }
}

impl Pauses {
    /// Pauses as (start, end) in nanoseconds since the run began, in any order, of a run of `total_ns`. What overlaps or
    /// lies inside another counts once; what lies outside the run does not count.
    pub fn new(pauses: &[(u64, u64)], total_ns: u64) -> Self {
        let mut inside: Vec<(u64, u64)> =
            pauses.iter().map(|&(start, end)| (start, end.min(total_ns))).filter(|(start, end)| start < end).collect();
        inside.sort_unstable();
        let mut spans: Vec<Span> = Vec::with_capacity(inside.len());
        for (start_ns, end_ns) in inside {
            match spans.last_mut() {
                Some(last) if start_ns <= last.end_ns => last.end_ns = last.end_ns.max(end_ns),
                last => {
                    let paused_before_ns = last.map_or(0, |last| last.paused_to_end_ns());
                    spans.push(Span { start_ns, end_ns, paused_before_ns });
                }
            }
        }
        Self { spans, total_ns }
    }

    /// The sum of all pauses.
    pub fn paused_ns(&self) -> u64 {
        self.spans.last().map_or(0, Span::paused_to_end_ns)
    }

    /// MMU of a window: 1 if the mutator could always run, 0 if some window lies in a pause. `None` for a window of 0
    /// or longer than the run. O(n log n).
    pub fn mmu(&self, window_ns: u64) -> Option<f64> {
        self.allows(window_ns).then(|| share_left(self.most_paused(window_ns), window_ns))
    }

    /// BMU of a window: the least MMU of any window from this length up to the whole run. `None` as for
    /// [`mmu`](Self::mmu). O(n log n).
    pub fn bmu(&self, window_ns: u64) -> Option<f64> {
        let mmu = self.mmu(window_ns)?;
        let worst = self.worst_from_edge_to_edge(window_ns);
        Some(worst.map_or(mmu, |(paused, length)| mmu.min(share_left(paused, length))))
    }

    /// MMU of each of [`WINDOWS_NS`] that the run is long enough for: (window, share).
    pub fn mmu_curve(&self) -> Vec<(u64, f64)> {
        WINDOWS_NS.iter().filter_map(|&window| Some((window, self.mmu(window)?))).collect()
    }

    /// BMU of each of [`WINDOWS_NS`] that the run is long enough for: (window, share).
    pub fn bmu_curve(&self) -> Vec<(u64, f64)> {
        WINDOWS_NS.iter().filter_map(|&window| Some((window, self.bmu(window)?))).collect()
    }

    fn allows(&self, window_ns: u64) -> bool {
        (1..=self.total_ns).contains(&window_ns)
    }

    /// How long the mutator was paused in [0, t].
    fn paused_until(&self, t_ns: u64) -> u64 {
        let begun = self.spans.partition_point(|span| span.start_ns < t_ns);
        let Some(last) = begun.checked_sub(1).map(|last| self.spans[last]) else { return 0 };
        last.paused_before_ns + (last.end_ns.min(t_ns) - last.start_ns)
    }

    /// The most paused time that a window of this length holds.
    fn most_paused(&self, window_ns: u64) -> u64 {
        let latest = self.total_ns - window_ns;
        let beginnings =
            self.spans.iter().flat_map(|span| [span.start_ns.min(latest), span.end_ns.saturating_sub(window_ns)]);
        beginnings.map(|t| self.paused_until(t + window_ns) - self.paused_until(t)).max().unwrap_or(0)
    }

    /// Of the windows of at least this length that begin with a pause and end with one, the one with the greatest paused
    /// share, as (paused, length).
    ///
    /// Pauses begin at the points (start, paused before) and end at (end, paused up to then). The share of a window is
    /// the slope between two points, and among the beginnings only the corners of their lower convex hull can be
    /// steepest for some end. That is the maximum-density segment of Chung and Lu (SIAM J. Comput. 2005).
    fn worst_from_edge_to_edge(&self, shortest_ns: u64) -> Option<(u64, u64)> {
        let mut hull: Vec<(u64, u64)> = Vec::new();
        let mut beginnings = self.spans.iter().peekable();
        let mut worst: Option<(u64, u64)> = None;
        for span in &self.spans {
            let Some(latest) = span.end_ns.checked_sub(shortest_ns) else { continue };
            while let Some(begin) = beginnings.next_if(|begin| begin.start_ns <= latest) {
                let point = (begin.start_ns, begin.paused_before_ns);
                while let [.., before, last] = hull[..]
                    && slope_is_less(last, point, before, last)
                {
                    hull.pop();
                }
                hull.push(point);
            }
            let end = (span.end_ns, span.paused_to_end_ns());
            // Along the hull, the next corner is better as long as it lies below the line to the end.
            let (mut low, mut high) = (0, hull.len().saturating_sub(1));
            while low < high {
                let middle = low.midpoint(high);
                if slope_is_less(hull[middle], hull[middle + 1], hull[middle], end) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            let Some(&(start, paused_before)) = hull.get(low) else { continue };
            let (paused, length) = (end.1 - paused_before, end.0 - start);
            let steeper = |(than_paused, than_length): (u64, u64)| {
                u128::from(paused) * u128::from(than_length) > u128::from(than_paused) * u128::from(length)
            };
            if worst.is_none_or(steeper) {
                worst = Some((paused, length));
            }
        }
        worst
    }
}

/// Whether the slope from `a` to `b` is less than that from `c` to `d`; each second point lies right of its first and not
/// below it.
fn slope_is_less(a: (u64, u64), b: (u64, u64), c: (u64, u64), d: (u64, u64)) -> bool {
    u128::from(b.1 - a.1) * u128::from(d.0 - c.0) < u128::from(d.1 - c.1) * u128::from(b.0 - a.0)
}

fn share_left(paused_ns: u64, window_ns: u64) -> f64 {
    (window_ns - paused_ns) as f64 / window_ns as f64
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::*;

    /// MMU of every window of a short run, from which nanoseconds were paused, by trying every place of every window.
    fn tried_out(pauses: &[(u64, u64)], total: u64) -> Vec<f64> {
        let paused: Vec<bool> =
            (0..total).map(|ns| pauses.iter().any(|&(start, end)| start <= ns && ns < end)).collect();
        (1..=total as usize)
            .map(|window| {
                let most = paused.windows(window).map(|w| w.iter().filter(|&&paused| paused).count()).max().unwrap();
                (window - most) as f64 / window as f64
            })
            .collect()
    }

    #[test]
    fn equal_to_every_window_tried_out() {
        let seed = 5;
        println!("seed {seed}");
        let mut random = Pcg64::seed_from_u64(seed);
        let mut bounded_is_less = 0;
        for _ in 0..300 {
            let total = random.random_range(1..90);
            let longest = random.random_range(1..12);
            let pauses: Vec<(u64, u64)> = (0..random.random_range(0..9))
                .map(|_| (random.random_range(0..total + 5), random.random_range(0..longest)))
                .map(|(start, length)| (start, start + length))
                .collect();
            let expected = tried_out(&pauses, total);
            let found = Pauses::new(&pauses, total);
            for window in 1..=total {
                let place = window as usize - 1;
                assert_eq!(found.mmu(window), Some(expected[place]), "MMU({window}) of {pauses:?} in {total}");
                let bounded = expected[place..].iter().copied().fold(1.0, f64::min);
                assert_eq!(found.bmu(window), Some(bounded), "BMU({window}) of {pauses:?} in {total}");
                bounded_is_less += u32::from(bounded < expected[place]);
            }
        }
        assert!(bounded_is_less > 100, "BMU was below MMU only {bounded_is_less} times: it was hardly tested");
    }

    #[test]
    fn pauses_in_a_row_are_worse_than_the_longest_of_them() {
        // 2 ms of pause, 1 ms to run, 2 ms of pause: in 5 ms a fifth is left, and in 2 ms nothing.
        let ms = 1_000_000;
        let pauses = Pauses::new(&[(10 * ms, 12 * ms), (13 * ms, 15 * ms)], 100 * ms);
        assert_eq!((pauses.mmu(2 * ms), pauses.mmu(5 * ms), pauses.mmu(100 * ms)), (Some(0.0), Some(0.2), Some(0.96)));
        // A window of 3 ms holds 2 ms of pause, one of 5 ms holds 4.
        assert_eq!((pauses.mmu(3 * ms), pauses.bmu(3 * ms)), (Some(1.0 / 3.0), Some(0.2)));
        assert_eq!(pauses.paused_ns(), 4 * ms);
    }

    #[test]
    fn a_window_longer_than_the_run_has_none() {
        let pauses = Pauses::new(&[(0, 5)], 1_000_000);
        assert_eq!((pauses.mmu(1_000_001), pauses.bmu(1_000_001), pauses.mmu(0)), (None, None, None));
        assert_eq!(pauses.mmu_curve().iter().map(|point| point.0).collect::<Vec<_>>(), WINDOWS_NS[..5]);
        assert_eq!(Pauses::new(&[], 0).mmu(1), None);
    }

    #[test]
    fn broken_spans_are_left_out_and_overlapping_ones_count_once() {
        let pauses = Pauses::new(&[(40, 60), (9, 3), (50, 55), (55, 70), (70, 75), (95, u64::MAX), (200, 300)], 100);
        assert_eq!(pauses.paused_ns(), 35 + 5);
        assert_eq!(pauses.mmu(35), Some(0.0));
    }
}
