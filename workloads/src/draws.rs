//! Random numbers that other programs can draw as well.

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
        Self { draws: (0..Self::LENGTH).map(|_| stream.next_u32()).collect(), at: 0 }
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
}
