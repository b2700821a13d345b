//! What CPython's tests claim of weak maps and finalizers, on the heaps of this crate.

use gc_core::weak_maps::claims::claims;
use gc_core::{GenerationalHeap, GenerationalStreamingHeap, Heap, HeapConfig, RefcountHeap};

fn hold<H: Heap>() {
    for (name, claim) in claims::<H>() {
        println!("{name} on {}", H::NAME);
        claim(HeapConfig::default());
    }
}

#[test]
fn refcount_keeps_the_claims_of_cpythons_tests() {
    hold::<RefcountHeap>();
}

#[test]
fn generational_keeps_the_claims_of_cpythons_tests() {
    hold::<GenerationalHeap>();
}

#[test]
fn generational_streaming_keeps_the_claims_of_cpythons_tests() {
    hold::<GenerationalStreamingHeap>();
}
