//! Keys drawn by Zipf's law: the k-th most wanted of n as often as 1 / k^s says.

use crate::draws::SplitMix64;

/// So many keys, drawn from `0..keys` by Zipf's law with exponent `skew`; 0 is the most wanted one.
///
/// By a table of sums, searched: exact, and slow enough to be done before anything is timed. The table, 8 bytes a key, is
/// gone when this returns.
pub(super) fn draw_keys(keys: u32, skew: f64, draws: usize, stream: &mut SplitMix64) -> Vec<u32> {
    let mut sum = 0.0;
    let sums: Vec<f64> = (1..=keys)
        .map(|rank| {
            sum += f64::from(rank).powf(-skew);
            sum
        })
        .collect();
    (0..draws)
        .map(|_| {
            // Uniform in [0, 1): 53 bits.
            let uniform = (stream.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
            let wanted = uniform * sum;
            (sums.partition_point(|&sum| sum <= wanted) as u32).min(keys - 1)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_as_often_as_the_law_says() {
        let (keys, draws) = (1000, 1_000_000);
        for skew in [0.0, 0.99, 2.0] {
            let drawn = draw_keys(keys, skew, draws, &mut SplitMix64::new(7));
            let mut counts = vec![0u32; keys as usize];
            drawn.iter().for_each(|&key| counts[key as usize] += 1);
            let total: f64 = (1..=keys).map(|rank| f64::from(rank).powf(-skew)).sum();
            for rank in [1, 2, 10, 100, 1000] {
                let expected = f64::from(rank).powf(-skew) / total * draws as f64;
                let found = f64::from(counts[rank as usize - 1]);
                // Five standard deviations of a count, and one for those that are rarely drawn.
                let off = (found - expected).abs();
                assert!(off <= 5.0 * expected.sqrt() + 1.0, "skew {skew}: rank {rank} {found} times, not {expected}");
            }
        }
    }

    #[test]
    fn one_key_is_always_drawn() {
        assert_eq!(draw_keys(1, 0.99, 3, &mut SplitMix64::new(1)), [0, 0, 0]);
    }
}
