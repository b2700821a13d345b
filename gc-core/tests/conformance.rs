//! The contract, rule by rule, on the heaps of this crate and on every switch of the baseline.

use gc_core::{FreeLists, GenerationalHeap, HeapConfig, Place, RefcountHeap, Trigger, WeakOrder, conformance_tests};

mod refcount {
    use super::*;
    conformance_tests!(RefcountHeap);
}

mod generational {
    use super::*;
    conformance_tests!(GenerationalHeap);
}

mod links_in_side_tables {
    use super::*;
    conformance_tests!(GenerationalHeap, HeapConfig { place: Place::Side, ..HeapConfig::default() });
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
