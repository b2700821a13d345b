//! Histograms of several rounds on one grid, for percentiles of any weighted merge of them.
//!
//! A resample of rounds merges each round's histogram as often as the round was drawn. Adding up histograms of 30,000
//! buckets 10,000 times would take minutes. Here the cumulated counts of all rounds are laid out once, side by side; a
//! percentile of a weighted merge is then a binary search, and reads about 15 buckets.

use hdrhistogram::Histogram;

/// The cumulated counts of several rounds' histograms, side by side.
#[derive(Clone, Debug)]
pub struct MergedRounds {
    rounds: usize,
    /// The greatest time of each bucket that any round recorded in, ascending.
    values: Vec<u64>,
    /// For each of these buckets the times up to and in it, of each round: `cumulated[bucket * rounds + round]`.
    cumulated: Vec<u64>,
}

impl MergedRounds {
    /// One histogram a round.
    pub fn new(histograms: &[&Histogram<u64>]) -> Self {
        let rounds = histograms.len();
        let mut recorded: Vec<(u64, usize, u64)> = Vec::new();
        for (round, histogram) in histograms.iter().enumerate() {
            recorded
                .extend(histogram.iter_recorded().map(|step| (step.value_iterated_to(), round, step.count_at_value())));
        }
        recorded.sort_unstable();
        let (mut values, mut cumulated) = (Vec::new(), Vec::new());
        let mut so_far = vec![0; rounds];
        for bucket in recorded.chunk_by(|a, b| a.0 == b.0) {
            values.push(bucket[0].0);
            bucket.iter().for_each(|&(_, round, count)| so_far[round] += count);
            cumulated.extend_from_slice(&so_far);
        }
        Self { rounds, values, cumulated }
    }

    /// How many rounds there are.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// How many times all rounds hold together.
    pub fn len(&self) -> u64 {
        self.cumulated.rchunks(self.rounds.max(1)).next().map_or(0, |totals| totals.iter().sum())
    }

    /// Whether no round holds a time.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The percentile of the merge in which round `i` takes part `weights[i]` times: the greatest time of the bucket
    /// below or in which at least the share `quantile` of all times lies, as `Histogram::value_at_quantile` has it.
    /// `None` if that merge is empty.
    pub fn percentile(&self, weights: &[u32], quantile: f64) -> Option<u64> {
        Some(self.values[self.bucket(weights, quantile)?])
    }

    fn bucket(&self, weights: &[u32], quantile: f64) -> Option<usize> {
        let total = self.count_up_to(self.values.len().checked_sub(1)?, weights);
        if total == 0 {
            return None;
        }
        let wanted = ((quantile.clamp(0.0, 1.0) * total as f64).ceil() as u64).clamp(1, total);
        // A binary search by hand: the counts of buckets are not stored but weighted on the way.
        let (mut low, mut high) = (0, self.values.len() - 1);
        while low < high {
            let middle = low.midpoint(high);
            if self.count_up_to(middle, weights) >= wanted {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Some(low)
    }

    fn count_up_to(&self, bucket: usize, weights: &[u32]) -> u64 {
        let counts = &self.cumulated[bucket * self.rounds..][..self.rounds];
        counts.iter().zip(weights).map(|(&count, &weight)| count * u64::from(weight)).sum()
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::*;

    const QUANTILES: [f64; 7] = [0.0001, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0];

    #[test]
    fn percentile_of_a_weighted_merge_is_that_of_the_histograms_added_up() {
        let seed = 11;
        println!("seed {seed}");
        let mut random = Pcg64::seed_from_u64(seed);
        let histograms: Vec<Histogram<u64>> = (0..7)
            .map(|round| {
                let mut histogram = Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap();
                for _ in 0..round * 500 {
                    histogram.record(10_u64.pow(random.random_range(0..9)) * random.random_range(1..50)).unwrap();
                }
                histogram
            })
            .collect();
        let merged = MergedRounds::new(&histograms.iter().collect::<Vec<_>>());
        assert_eq!(merged.len(), (0..7).map(|round| round * 500).sum::<u64>());
        for _ in 0..50 {
            let weights: Vec<u32> = (0..7).map(|_| random.random_range(0..4)).collect();
            let mut added = Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).unwrap();
            for (histogram, &weight) in histograms.iter().zip(&weights) {
                (0..weight).for_each(|_| added.add(histogram).unwrap());
            }
            for quantile in QUANTILES {
                let expected = (!added.is_empty()).then(|| added.value_at_quantile(quantile));
                assert_eq!(merged.percentile(&weights, quantile), expected, "{weights:?} at {quantile}");
            }
        }
    }

    #[test]
    fn an_empty_merge_has_no_percentile() {
        let empty = Histogram::<u64>::new(3).unwrap();
        let mut one = empty.clone();
        one.record(5).unwrap();
        assert_eq!(MergedRounds::new(&[]).percentile(&[], 0.5), None);
        assert_eq!(MergedRounds::new(&[&empty, &empty]).percentile(&[1, 1], 0.5), None);
        let merged = MergedRounds::new(&[&empty, &one]);
        assert_eq!((merged.percentile(&[2, 0], 0.5), merged.percentile(&[1, 1], 0.5)), (None, Some(5)));
    }
}
