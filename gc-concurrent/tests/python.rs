//! CPython's own tests, row by row, on the three rungs with parallel mutators.

use gc_concurrent::{ConcurrentHeap, RefcountAtomicHeap, StopTheWorldHeap};
use gc_core::python_tests;

mod refcount_atomic {
    use super::*;
    python_tests!(RefcountAtomicHeap);
}

mod stop_the_world {
    use super::*;
    python_tests!(StopTheWorldHeap);
}

mod concurrent {
    use super::*;
    python_tests!(ConcurrentHeap);
}
