//! What CPython's tests claim of weak maps and finalizers, on the heaps with parallel mutators.

use bench_results::roster::{ConcurrentHeap, RefcountAtomicHeap, StopTheWorldHeap};
use gc_core::weak_maps::claims::claims;
use gc_core::{Heap, HeapConfig};

fn hold<H: Heap>() {
    for (name, claim) in claims::<H>() {
        println!("{name} on {}", H::NAME);
        claim(HeapConfig::default());
    }
}

#[test]
fn refcount_atomic_keeps_the_claims_of_cpythons_tests() {
    hold::<RefcountAtomicHeap>();
}

#[test]
fn stop_the_world_keeps_the_claims_of_cpythons_tests() {
    hold::<StopTheWorldHeap>();
}

#[test]
fn concurrent_keeps_the_claims_of_cpythons_tests() {
    hold::<ConcurrentHeap>();
}
