//! The settings of a heap, each with its unit and default; recorded with every result.

use crate::control::Thresholds;

/// How a heap is made. [`HeapConfig::default`] is CPython 3.12's collector on a 32 GiB range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeapConfig {
    /// Bytes of addresses to reserve: a power of two from 1 MiB to 32 GiB. Addresses, not memory.
    pub reservation: u64,
    /// Most bytes of memory to hold, if limited. Counted in whole blocks of 64 KiB.
    pub limit: Option<u64>,
    /// Where the collector keeps its links.
    pub place: Place,
    /// When collections are due.
    pub thresholds: Thresholds,
    /// Where in an allocation a due collection runs.
    pub trigger: Trigger,
    /// When a collection clears weak references.
    pub weak_order: WeakOrder,
    /// Whether collections untrack tuples of atomic objects.
    pub untrack_tuples: bool,
    /// Whether dead lists, dicts and tuples are recycled past the trigger's counter.
    pub free_lists: FreeLists,
    /// How deep deaths by count nest before further ones wait. Heaps with plain counts; parallel ones always do as CPython 3.12.
    pub nested_deaths: NestedDeaths,
    /// Heaps with parallel mutators: most objects that one operation frees by count, if limited. The rest follows at later
    /// allocations and safepoints.
    pub release_budget: Option<u32>,
    /// A concurrent collector: who runs the collections that thresholds start.
    pub automatic: Automatic,
    /// A concurrent collector: whether mutators stand still while suspects are certified.
    pub certify: Certify,
    /// Collecting heaps with parallel mutators: where an object's age is kept.
    pub ages: Ages,
    /// Collecting heaps with parallel mutators: what the collections that thresholds start propose.
    pub propose: Propose,
    /// A collector with a thread of its own: the most of its time that it works, in percent, from 1 to 100.
    pub duty: u32,
    /// The scheduling class of that thread.
    pub scheduling: Scheduling,
    /// Heaps with parallel mutators that collect: start a full collection this many milliseconds after the last ended.
    pub full_every: Option<u32>,
}

impl Default for HeapConfig {
    fn default() -> Self {
        Self {
            reservation: Self::MAX_RESERVATION,
            limit: None,
            place: Place::Inline,
            thresholds: Thresholds::CPYTHON_3_12,
            trigger: Trigger::After,
            weak_order: WeakOrder::BeforeFinalizers,
            untrack_tuples: true,
            free_lists: FreeLists::None,
            nested_deaths: NestedDeaths::CPython312,
            release_budget: Some(256),
            automatic: Automatic::Background,
            certify: Certify::OnTheFly,
            ages: Ages::Side,
            propose: Propose::Generations,
            duty: 50,
            scheduling: Scheduling::Normal,
            full_every: None,
        }
    }
}

impl HeapConfig {
    /// The smallest range: 1 MiB.
    pub const MIN_RESERVATION: u64 = 1 << 20;
    /// The largest range: 32 GiB, which 32-bit references of 8-byte granules can name.
    pub const MAX_RESERVATION: u64 = 1 << 35;
}

/// Where the collector keeps its links and counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Place {
    /// In each object's header, as CPython: a collection writes to every object's page.
    #[default]
    Inline,
    /// In tables beside the objects: a collection leaves the objects' pages clean.
    Side,
}

/// Where a collection runs that an allocation makes due.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Trigger {
    /// Before the new object is tracked (CPython ≤ 3.11): it is not a candidate.
    Inside,
    /// At the next check (CPython ≥ 3.12): the end of the allocation of an instance or a weak reference, where the
    /// new object is a candidate, or a safepoint. Allocating a list, dict or tuple schedules but does not check.
    #[default]
    After,
}

/// Who runs a collection that a threshold starts, where mutators run meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Automatic {
    /// The collector's own thread. The mutator goes on.
    #[default]
    Background,
    /// The mutator that crossed the threshold, there and then, as on heaps that stop: for comparisons step by step.
    AtTrigger,
}

/// Whether mutators stand still while a concurrent collection certifies what it suspects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Certify {
    /// They do not.
    #[default]
    OnTheFly,
    /// They do: no suspect is rejected for a change, at the price of a stop that grows with the suspects.
    Stopped,
}

/// Where the byte is kept that says which generation an object is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Ages {
    /// In a table beside the objects: a young collection passes old objects over without touching them.
    #[default]
    Side,
    /// In each object's header, which is 8 bytes longer: no table, but to see that an object is old is to touch it.
    Inline,
}

/// Which objects a collection that a threshold starts examines, where mutators run in parallel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Propose {
    /// Those of the young generations, by age.
    #[default]
    Generations,
    /// Those reachable from objects that lost a reference and lived on, since a dead cycle has such a member (candidate
    /// roots; Bacon and Rajan's purple objects). Mutators note them in a buffer. There are no generations then.
    CandidateRoots,
}

/// How the system schedules the collector's thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scheduling {
    /// As any thread.
    #[default]
    Normal,
    /// Only where a core has nothing else to do (Linux: `SCHED_IDLE`).
    Lowest,
}

/// When a collection clears the weak references to what it found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum WeakOrder {
    /// All of them before any finalizer runs (CPython ≤ 3.14).
    #[default]
    BeforeFinalizers,
    /// Those with a callback before, the others after finalizers and the resurrection check (CPython 3.15).
    PlainAfterFinalizers,
}

/// Which dead objects are recycled without any counter seeing it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum FreeLists {
    /// None: every allocation and every death counts.
    #[default]
    None,
    /// As CPython 3.12: 80 lists, 80 dicts, 2,000 tuples of each length from 1 to 20; emptied by full collections.
    ///
    /// Only the counters are modelled: memory is recycled by the blocks in any case.
    CPython312,
}

/// How deep deaths by count nest, one inside the other, before further ones wait until those have ended (CPython's
/// trashcan). It decides in which order a chain is torn down that is longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum NestedDeaths {
    /// 50 deep (CPython 3.8 to 3.12: `_PyTrash_UNWIND_LEVEL` in `Include/cpython/object.h`).
    #[default]
    CPython312,
    /// 9,950 deep (CPython 3.13: `Include/cpython/pystate.h`, `Py_C_RECURSION_LIMIT`, 10,000 in release builds for x86-64,
    /// less `Py_TRASHCAN_HEADROOM` in `Include/cpython/object.h`, 50).
    ///
    /// And in no more than [`STACK`](Self::STACK): chains of some 4,700 objects and more are torn down in another order than
    /// there.
    CPython313,
}

impl NestedDeaths {
    /// Most bytes of stack that deaths beyond the 50th take: half of what Rust gives a thread.
    pub const STACK: usize = 1 << 20;

    /// The depth.
    pub const fn depth(self) -> u32 {
        match self {
            Self::CPython312 => 50,
            Self::CPython313 => 9_950,
        }
    }
}

/// A heap could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The range is no power of two, too small or too large.
    #[error("a reservation of {bytes} bytes is not possible; give a power of two from 1 MiB to 32 GiB")]
    Reservation {
        /// What was asked for.
        bytes: u64,
    },
    /// The system refused the address range.
    #[error(
        "the system refused to reserve {bytes} bytes of addresses ({cause}); choose a smaller reservation, or raise \
         the limit on address space (`ulimit -v`) or allow overcommitting (`vm.overcommit_memory`)"
    )]
    Addresses {
        /// What was asked for, with its margins.
        bytes: u64,
        /// What the system said.
        cause: std::io::Error,
    },
}
