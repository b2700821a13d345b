//! Programs that drive heaps.
