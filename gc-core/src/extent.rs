//! Where a heap's memory lies: which addresses hold what.
//!
//! For whoever asks the system which pages of a heap a process has to itself: after a fork, say, when the tables of a
//! collector and the objects' own pages are to be told apart.

use std::ops::Range;

/// What a range of addresses holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holds {
    /// The objects: headers, slots, payload.
    Objects,
    /// The collector's links, where they are not in the objects' headers.
    Links,
    /// The objects' ages, where they are not in the objects' headers.
    Ages,
    /// What is known of each block of objects.
    Blocks,
}

/// A range of addresses of one heap, as far as it was ever in use.
///
/// Scratch tables of a collection are no extent: they come and go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extent {
    /// What lies there.
    pub holds: Holds,
    /// From the first byte to behind the last.
    pub addresses: Range<u64>,
}
