//! CPython's own tests, row by row, on the heaps of this crate.

use gc_core::{GenerationalHeap, GenerationalStreamingHeap, HeapConfig, Place, RefcountHeap, python_tests};

mod refcount {
    use super::*;
    python_tests!(RefcountHeap);
}

mod generational {
    use super::*;
    python_tests!(GenerationalHeap);
}

mod links_in_side_tables {
    use super::*;
    python_tests!(GenerationalHeap, HeapConfig { place: Place::Side, ..HeapConfig::default() });
}

mod streaming {
    use super::*;
    python_tests!(GenerationalStreamingHeap);
}
