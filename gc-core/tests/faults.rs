//! A heap broken on purpose is caught, by the model, by the rules and by CPython's own tests. Needs the feature `faults`:
//! `cargo test -p gc-core --features faults --test faults`.
//!
//! Each attempt runs in a process of its own: a broken heap may fail an assertion while it unwinds from another, which
//! aborts, and its faults are the process's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gc_core::conformance::model::{operations, run};
use gc_core::conformance::{python, rules};
use gc_core::faults::{self, Fault};
use gc_core::{GenerationalHeap, Heap, HeapConfig};

const FAULT: &str = "GC_CORE_FAULT";
const BY: &str = "GC_CORE_CAUGHT_BY";

/// What the model says to random operations on the heap; a failed assertion of the heap panics.
fn model() -> Result<(), String> {
    for seed in 0..100 {
        run::<GenerationalHeap>(HeapConfig::default(), &operations(seed, 300)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The first rule that fails. Those about threads are left out: a broken heap may leave a thread waiting for ever.
fn first_rule() -> Result<(), String> {
    for (name, rule) in rules::<GenerationalHeap>() {
        if name.starts_with("threads::") || name.starts_with("model::") {
            continue;
        }
        println!("rule {name}");
        catch_unwind(AssertUnwindSafe(|| rule(HeapConfig::default()))).map_err(|_| name.to_owned())?;
    }
    Ok(())
}

/// The first of CPython's own tests that fails. Those about threads are left out, as above.
fn first_row() -> Result<(), String> {
    for row in python::rows::<GenerationalHeap>() {
        if !row.name().contains("thread") {
            row.prove(GenerationalHeap::ABILITIES, HeapConfig::default())?;
        }
    }
    Ok(())
}

/// Does its work only when one of the tests below starts it, in a process of its own.
#[test]
fn attempt() {
    let (Ok(fault), Ok(by)) = (std::env::var(FAULT), std::env::var(BY)) else { return };
    faults::set(Fault::ALL.into_iter().find(|candidate| format!("{candidate:?}") == fault));
    let outcome = match by.as_str() {
        "model" => model(),
        "rules" => first_rule(),
        _ => first_row(),
    };
    if let Err(what) = outcome {
        println!("caught: {what}");
        std::process::exit(1);
    }
}

/// Whether an attempt in a process of its own fails, within a minute.
fn fails(fault: &str, by: &str) -> bool {
    let mut attempt = Command::new(std::env::current_exe().expect("a test is a program"))
        .args(["--exact", "attempt", "--nocapture"])
        .env(FAULT, fault)
        .env(BY, by)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the system starts a process");
    let begin = Instant::now();
    loop {
        if let Some(status) = attempt.try_wait().expect("it is our child") {
            return !status.success();
        }
        if begin.elapsed() > Duration::from_secs(60) {
            attempt.kill().expect("it is our child");
            attempt.wait().expect("it is our child");
            panic!("the heap with {fault} hangs under {by}: neither caught nor passed");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_model_catches_every_fault() {
    let missed: Vec<_> = Fault::WRONG.into_iter().filter(|fault| !fails(&format!("{fault:?}"), "model")).collect();
    assert_eq!(missed, []);
}

#[test]
fn the_rules_catch_every_fault() {
    let missed: Vec<_> = Fault::WRONG.into_iter().filter(|fault| !fails(&format!("{fault:?}"), "rules")).collect();
    assert_eq!(missed, []);
}

#[test]
fn cpythons_own_tests_catch_every_fault() {
    let missed: Vec<_> = Fault::WRONG.into_iter().filter(|fault| !fails(&format!("{fault:?}"), "rows")).collect();
    assert_eq!(missed, []);
}

#[test]
fn a_heap_without_a_fault_passes() {
    assert!(!fails("none", "model"));
    assert!(!fails("none", "rules"));
    assert!(!fails("none", "rows"));
}
