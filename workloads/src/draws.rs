//! Random numbers that other programs can draw as well.

use rand_distr::{Distribution, Zipf};
use rand_pcg::Pcg64;
use rand_pcg::rand_core::SeedableRng;

/// splitmix64 (Steele, Lea, Flood 2014), of which values are the high 32 bits: what the mirrored Python programs use.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// A stream.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The stream of one thread: thread 0 has the seed's own.
    pub fn of_thread(seed: u64, thread: u32) -> Self {
        if thread == 0 { Self(seed) } else { Self(SplitMix64(seed ^ (u64::from(thread) << 32)).next_u64()) }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// The next 32 bits: the high half.
    pub fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    /// The next number below `bound`, which is not 0. By remainder, as the mirrored programs do.
    pub fn below(&mut self, bound: u32) -> u32 {
        self.next_u32() % bound
    }
}

/// Scrambles 64 bits: the output function of splitmix64, also used to fold what was read into a digest.
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Ranks by Zipf's law: rank *r* of `count`, counted from 0, is drawn with a frequency in proportion to
/// (*r* + 1)^−`skew`. A skew of 0 draws evenly.
///
/// The generator is PCG64 (`rand_pcg`), one stream per thread derived from (seed, thread); the sampler is the rejection
/// method of `rand_distr`, whose two or three powers a draw are much for the inside of a request: see [`DrawRing::zipf`].
///
/// # Panics
/// If there are no ranks, or the skew is negative or no number.
pub fn zipf_ranks(count: u32, skew: f64, seed: u64, thread: u32) -> impl Iterator<Item = u32> {
    let law = Zipf::new(f64::from(count), skew).expect("at least one rank, and a skew from 0 on");
    // Another stream than that of the arrivals, which begins at `mix(seed)`.
    let mut random = Pcg64::seed_from_u64(mix(mix(seed)).wrapping_add(u64::from(thread)));
    // Rounding may carry the last rank one too far.
    std::iter::repeat_with(move || (law.sample(&mut random) as u32).min(count) - 1)
}

/// What rank times it, modulo `count`, gives each rank a place of its own among `count` entries, neighbours in rank far
/// apart: what is read often shall not be side by side in memory. The same on all threads. It is the first number without a
/// common factor with `count`, from the golden section of it on.
fn step_between_ranks(count: u32) -> u32 {
    let common_factor = |mut a: u32, mut b: u32| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let from = (f64::from(count) * 0.618_033_988_749_895) as u32;
    (from.max(1)..).find(|&step| common_factor(step, count) == 1).expect("a prime follows")
}

/// A fixed number of draws, walked round and round: drawing costs one load.
#[derive(Clone, Debug)]
pub struct DrawRing {
    draws: Vec<u32>,
    at: usize,
}

impl DrawRing {
    /// How many there are.
    pub const LENGTH: usize = 65_536;

    /// The first [`DrawRing::LENGTH`] values of a stream.
    pub fn new(mut stream: SplitMix64) -> Self {
        Self::of(std::iter::repeat_with(|| stream.next_u32()))
    }

    /// The first [`DrawRing::LENGTH`] of an endless sequence.
    pub fn of(draws: impl Iterator<Item = u32>) -> Self {
        Self { draws: draws.take(Self::LENGTH).collect(), at: 0 }
    }

    /// Places among `count` entries, by Zipf's law. Of very many entries those of high rank come seldom, and of the ones
    /// that a stream without end would draw once in more than [`DrawRing::LENGTH`] draws most never come.
    ///
    /// # Panics
    /// As [`zipf_ranks`].
    pub fn zipf(count: u32, skew: f64, seed: u64, thread: u32) -> Self {
        let step = u64::from(step_between_ranks(count));
        let place = |rank| (u64::from(rank) * step % u64::from(count)) as u32;
        Self::of(zipf_ranks(count, skew, seed, thread).map(place))
    }

    /// The next draw.
    #[inline]
    pub fn draw(&mut self) -> u32 {
        let value = self.draws[self.at];
        self.at = (self.at + 1) % Self::LENGTH;
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix64_gives_the_published_values() {
        // The reference values for seed 1234567 (Vigna, splitmix64.c).
        let mut stream = SplitMix64::new(1_234_567);
        let values: Vec<u64> = (0..3).map(|_| stream.next_u64()).collect();
        assert_eq!(values, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn zipf_draws_the_first_ranks_as_often_as_the_law_says() {
        let (count, draws, seed) = (10_000_u32, 400_000, 11);
        for skew in [0.0, 0.5, 0.99, 1.0, 1.3] {
            let weight = |rank: u32| f64::from(rank + 1).powf(-skew);
            let total: f64 = (0..count).map(weight).sum();
            let mut drawn = vec![0_u64; count as usize];
            zipf_ranks(count, skew, seed, 0).take(draws).for_each(|rank| drawn[rank as usize] += 1);
            for rank in [0, 1, 2, 3, 9] {
                let expected = draws as f64 * weight(rank) / total;
                let deviation = (drawn[rank as usize] as f64 - expected).abs();
                // Five standard deviations of a count.
                assert!(
                    deviation <= 5.0 * expected.sqrt(),
                    "seed {seed}, skew {skew}: rank {rank} came {} times, not about {expected:.0}",
                    drawn[rank as usize]
                );
            }
        }
    }

    #[test]
    fn each_rank_has_a_place_of_its_own() {
        for count in [1, 2, 3, 10, 1_000, 1_001, 65_536] {
            let step = u64::from(step_between_ranks(count));
            let mut places: Vec<u64> = (0..u64::from(count)).map(|rank| rank * step % u64::from(count)).collect();
            places.sort_unstable();
            assert!(places.into_iter().eq(0..u64::from(count)), "{count} entries");
        }
    }

    #[test]
    fn zipf_repeats_by_seed_and_differs_by_thread_and_the_hot_place_is_the_same() {
        let ring = |seed, thread| DrawRing::zipf(1_000, 0.99, seed, thread).draws;
        assert_eq!(ring(3, 0), ring(3, 0));
        assert_ne!(ring(3, 0), ring(3, 1));
        assert_ne!(ring(3, 0), ring(4, 0));
        for thread in 0..4 {
            let hot = ring(3, thread).iter().filter(|&&place| place == 0).count();
            assert!(hot > DrawRing::LENGTH / 10, "rank 0 is place 0 on thread {thread}: {hot} draws");
        }
    }
}
