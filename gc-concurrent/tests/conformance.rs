//! The contract, rule by rule, on the three rungs with parallel mutators, and on the switches of the concurrent collector.

use gc_concurrent::{ConcurrentHeap, RefcountAtomicHeap, StopTheWorldHeap};
use gc_core::{Ages, Certify, HeapConfig, Propose, Trigger, WeakOrder, conformance_tests};

mod refcount_atomic {
    use super::*;
    conformance_tests!(RefcountAtomicHeap);
}

mod stop_the_world {
    use super::*;
    conformance_tests!(StopTheWorldHeap);
}

mod concurrent {
    use super::*;
    conformance_tests!(ConcurrentHeap);
}

mod certified_while_stopped {
    use super::*;
    conformance_tests!(ConcurrentHeap, HeapConfig { certify: Certify::Stopped, ..HeapConfig::default() });
}

mod collecting_inside_allocation {
    use super::*;
    conformance_tests!(ConcurrentHeap, HeapConfig { trigger: Trigger::Inside, ..HeapConfig::default() });
}

mod plain_weak_references_after_finalizers {
    use super::*;
    conformance_tests!(
        ConcurrentHeap,
        HeapConfig { weak_order: WeakOrder::PlainAfterFinalizers, ..HeapConfig::default() }
    );
}

mod deaths_without_a_budget {
    use super::*;
    conformance_tests!(ConcurrentHeap, HeapConfig { release_budget: None, ..HeapConfig::default() });
}

mod ages_in_headers {
    use super::*;
    conformance_tests!(ConcurrentHeap, HeapConfig { ages: Ages::Inline, ..HeapConfig::default() });
}

mod candidate_roots {
    use super::*;
    conformance_tests!(ConcurrentHeap, HeapConfig { propose: Propose::CandidateRoots, ..HeapConfig::default() });
}
