//! The contract, rule by rule, on the heaps of this crate and on every switch of the baseline.

use gc_core::{
    FreeLists, GenerationalHeap, GenerationalStreamingHeap, HeapConfig, Place, RecordingHeap, RefcountHeap, Trigger,
    WeakOrder, conformance_tests,
};

mod refcount {
    use super::*;
    conformance_tests!(RefcountHeap);
}

mod recording {
    use super::*;
    conformance_tests!(RecordingHeap);
}

mod generational {
    use super::*;
    conformance_tests!(GenerationalHeap);
}

mod links_in_side_tables {
    use super::*;
    conformance_tests!(GenerationalHeap, HeapConfig { place: Place::Side, ..HeapConfig::default() });
}

mod streaming {
    use super::*;
    conformance_tests!(GenerationalStreamingHeap);
}

mod streaming_with_links_in_side_tables {
    use super::*;
    conformance_tests!(GenerationalStreamingHeap, HeapConfig { place: Place::Side, ..HeapConfig::default() });
}

mod streaming_with_all_other_switches {
    use super::*;
    conformance_tests!(
        GenerationalStreamingHeap,
        HeapConfig {
            trigger: Trigger::Inside,
            weak_order: WeakOrder::PlainAfterFinalizers,
            free_lists: FreeLists::CPython312,
            ..HeapConfig::default()
        }
    );
}

mod collecting_inside_allocation {
    use super::*;
    conformance_tests!(GenerationalHeap, HeapConfig { trigger: Trigger::Inside, ..HeapConfig::default() });
}

mod plain_weak_references_after_finalizers {
    use super::*;
    conformance_tests!(
        GenerationalHeap,
        HeapConfig { weak_order: WeakOrder::PlainAfterFinalizers, ..HeapConfig::default() }
    );
}

mod with_free_lists {
    use super::*;
    conformance_tests!(GenerationalHeap, HeapConfig { free_lists: FreeLists::CPython312, ..HeapConfig::default() });
}
