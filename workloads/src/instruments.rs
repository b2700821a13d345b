//! Which instruments a run carries. Each can be left out, to see what it costs.

use crate::drag::DragWatch;

/// What a workload measures beside running.
#[derive(Clone, Copy, Debug)]
pub struct Instruments<'i> {
    /// The time of each operation: service time, in an open loop response time. Without it a closed loop reads the clock at
    /// its ends only, and an open loop to wait for arrivals.
    pub timings: bool,
    /// How many dead objects float at the ends of operations.
    pub floating: bool,
    /// How long garbage units stay; `None`: nobody watches.
    pub drag: Option<&'i DragWatch>,
}

impl Instruments<'_> {
    /// Timings and floating garbage; no drag, which needs an observer of the heap that reports to it.
    pub const USUAL: Self = Self { timings: true, floating: true, drag: None };
}
