//! A heap broken on purpose is caught, by the model and by at least one rule. Needs the feature `faults`:
//! `cargo test -p gc-core --features faults --test faults`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use gc_core::conformance::model::{operations, run};
use gc_core::conformance::rules;
use gc_core::faults::{self, Fault};
use gc_core::{GenerationalHeap, HeapConfig};

fn reservation() -> HeapConfig {
    HeapConfig::default()
}

/// Which of the first sequences of random operations goes wrong, by a disagreement or a failed assertion.
fn sequence_that_fails() -> Option<u64> {
    (0..100).find(|&seed| {
        let outcome = catch_unwind(|| run::<GenerationalHeap>(reservation(), &operations(seed, 300)));
        outcome.map_or(true, |agreed| agreed.is_err())
    })
}

/// The rules that fail. Those about threads are left out: a broken heap may leave a thread waiting for ever.
fn rules_that_fail() -> Vec<&'static str> {
    rules::<GenerationalHeap>()
        .into_iter()
        .filter(|(name, _)| !name.starts_with("threads::") && !name.starts_with("model::"))
        .filter(|(_, rule)| catch_unwind(AssertUnwindSafe(|| rule(reservation()))).is_err())
        .map(|(name, _)| name)
        .collect()
}

/// One test for all: the fault is the process's.
#[test]
fn every_fault_is_caught() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut missed = Vec::new();
    for fault in Fault::ALL {
        faults::set(Some(fault));
        let seed = sequence_that_fails();
        faults::set(Some(fault));
        let rules = rules_that_fail();
        println!("{fault:?}: sequence {seed:?}; {} rules: {rules:?}", rules.len());
        if seed.is_none() || rules.is_empty() {
            missed.push(fault);
        }
    }
    faults::set(None);
    let mended = sequence_that_fails();
    drop(std::panic::take_hook());
    assert_eq!(missed, [], "not caught by both");
    assert_eq!(mended, None, "a mended heap agrees with the model");
}
