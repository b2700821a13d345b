//! How many small rings a request leaves behind, and how large they are.

use super::dials::RingDials;
use crate::draws::{DrawRing, SplitMix64};

/// Says which rings to make, so that over many requests their share of the garbage is what was asked for.
#[derive(Clone, Debug)]
pub(super) struct RingPlan {
    /// Objects on rings for each other one.
    ratio: f64,
    lengths: DrawRing,
    /// Of the next ring.
    next: u32,
    /// Objects on rings that ought to be there and are not, up to one ring's.
    owed: f64,
}

impl RingPlan {
    pub(super) fn new(dials: &RingDials, stream: SplitMix64) -> Self {
        let mut lengths = DrawRing::of(lengths(dials, stream));
        Self { ratio: dials.share / (1.0 - dials.share), next: lengths.draw(), lengths, owed: 0.0 }
    }

    /// A request leaves `objects` others dead.
    pub(super) fn garbage(&mut self, objects: u64) {
        self.owed += objects as f64 * self.ratio;
    }

    /// The length of a ring to make, while one is due.
    pub(super) fn take(&mut self) -> Option<u32> {
        let length = self.next;
        (self.owed >= f64::from(length)).then(|| {
            self.owed -= f64::from(length);
            self.next = self.lengths.draw();
            length
        })
    }
}

/// Lengths drawn in proportion to length^−skew, by search in the running sum of these weights.
fn lengths(dials: &RingDials, mut stream: SplitMix64) -> impl Iterator<Item = u32> {
    let (least, skew) = (dials.least, dials.skew);
    let sums: Vec<f64> = (least..=dials.most)
        .scan(0.0, |sum, length| {
            *sum += f64::from(length).powf(-skew);
            Some(*sum)
        })
        .collect();
    let total = sums[sums.len() - 1];
    std::iter::repeat_with(move || {
        let drawn = f64::from(stream.next_u32()) / 4_294_967_296.0 * total;
        least + (sums.partition_point(|&sum| sum <= drawn) as u32).min(sums.len() as u32 - 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DJANGO: RingDials = RingDials { share: 0.15, least: 2, most: 26, skew: 1.6 };

    #[test]
    fn lengths_are_those_of_the_heap_dump() {
        let seed = 5;
        let mut drawn: Vec<u32> = lengths(&DJANGO, SplitMix64::new(seed)).take(100_000).collect();
        drawn.sort_unstable();
        let quantile = |share: f64| drawn[(share * drawn.len() as f64) as usize];
        // The components of the garbage of a Django process: median 4, nine of ten up to 14, largest 26.
        assert_eq!((drawn[0], quantile(0.5), quantile(0.9), drawn[drawn.len() - 1]), (2, 4, 14, 26), "seed {seed}");
    }

    #[test]
    fn without_skew_each_length_is_as_frequent() {
        let (seed, dials) = (6, RingDials { least: 3, most: 6, skew: 0.0, ..DJANGO });
        let drawn: Vec<u32> = lengths(&dials, SplitMix64::new(seed)).take(40_000).collect();
        for length in 3..=6 {
            let times = drawn.iter().filter(|&&one| one == length).count();
            assert!((9_500..10_500).contains(&times), "seed {seed}: {length} came {times} times of 10,000");
        }
    }

    #[test]
    fn share_is_kept_over_many_requests() {
        let mut plan = RingPlan::new(&DJANGO, SplitMix64::new(7));
        let (mut others, mut on_rings) = (0_u64, 0_u64);
        for request in 0..1_000 {
            let garbage = 100 + request % 7;
            others += garbage;
            plan.garbage(garbage);
            on_rings += std::iter::from_fn(|| plan.take()).map(u64::from).sum::<u64>();
        }
        let share = on_rings as f64 / (on_rings + others) as f64;
        assert!((0.149..=0.15).contains(&share), "{share}");
    }
}
