//! Counts what is allocated while a target runs.

use peak_alloc::PeakAlloc;

use super::claims::MOST_ALLOCATED;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Runs `target` and panics if it held more than it may at any time.
pub fn bounded_memory(target: impl FnOnce()) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    target();
    let most = ALLOCATOR.peak_usage().saturating_sub(before);
    assert!(most <= MOST_ALLOCATED, "{most} bytes allocated at a time, at most {MOST_ALLOCATED}");
}
