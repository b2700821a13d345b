//! The flags of one node of a heap graph: one byte of the file.

/// What a GCHEAP file says of a node in its `flags` section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u8);

impl Flags {
    /// Tracked by the collector.
    pub const TRACKED: u8 = 1;
    /// The node's type supports garbage collection.
    pub const SUPPORTS_GC: u8 = 2;
    /// Immortal: its count is not kept.
    pub const IMMORTAL: u8 = 4;
    /// Cyclic garbage, found by the dumped program's own full collection.
    pub const GARBAGE: u8 = 8;
    /// The node's type has a finalizer.
    pub const FINALIZER: u8 = 16;
    /// Weak references to the node exist.
    pub const WEAKLY_REFERENCED: u8 = 32;
    /// Position of the two bits that hold the generation plus 1.
    pub const GENERATION_SHIFT: u32 = 6;

    /// Whether the collector tracks the node.
    pub fn is_tracked(self) -> bool {
        self.0 & Self::TRACKED != 0
    }

    /// Whether the node's type supports garbage collection.
    pub fn supports_gc(self) -> bool {
        self.0 & Self::SUPPORTS_GC != 0
    }

    /// Whether the node is immortal.
    pub fn is_immortal(self) -> bool {
        self.0 & Self::IMMORTAL != 0
    }

    /// Whether the dumped program's own full collection found the node to be cyclic garbage.
    pub fn is_garbage(self) -> bool {
        self.0 & Self::GARBAGE != 0
    }

    /// Whether the node's type has a finalizer.
    pub fn has_finalizer(self) -> bool {
        self.0 & Self::FINALIZER != 0
    }

    /// Whether weak references to the node exist.
    pub fn is_weakly_referenced(self) -> bool {
        self.0 & Self::WEAKLY_REFERENCED != 0
    }

    /// The generation (0, 1 or 2) the node was in; `None` when untracked.
    pub fn generation(self) -> Option<u8> {
        (self.0 >> Self::GENERATION_SHIFT).checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_top_bits_are_the_generation_plus_one() {
        let generations = [0b0000_0001, 0b0100_0001, 0b1000_0001, 0b1100_0001].map(|bits| Flags(bits).generation());
        assert_eq!(generations, [None, Some(0), Some(1), Some(2)]);
    }

    #[test]
    fn every_flag_reads_its_own_bit_only() {
        let read = |bits| {
            let flags = Flags(bits);
            [
                flags.is_tracked(),
                flags.supports_gc(),
                flags.is_immortal(),
                flags.is_garbage(),
                flags.has_finalizer(),
                flags.is_weakly_referenced(),
            ]
        };
        for bit in 0..8 {
            let expected: [bool; 6] = std::array::from_fn(|flag| flag == bit);
            assert_eq!(read(1 << bit), expected, "bit {bit}");
        }
    }
}
