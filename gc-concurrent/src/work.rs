//! The tables of collections, kept from one to the next.

use gc_core::streaming::Detector;

use crate::candidates::Reached;
use crate::certify::Certification;

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) detector: Detector,
    pub(crate) certification: Certification,
    /// What candidate roots reach, where they are proposed from.
    pub(crate) reached: Reached,
    /// Blocks that hold objects of generation 1, in order; perhaps others, too.
    pub(crate) middle_blocks: Vec<u32>,
    /// What the collection under way has to say at its end (see `gc_core::messages`).
    pub(crate) messages: String,
    /// Those of young collections that run while a full one proposes.
    pub(crate) young: Option<Box<Work>>,
}
