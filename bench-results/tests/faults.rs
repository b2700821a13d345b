//! `gclab verify` notices a heap that is broken on purpose. Needs the feature `faults`:
//! `cargo test -p bench-results --features faults --test faults`.

use std::process::{Command, Output};

fn verify(fault: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gclab"));
    command.args(["verify", "--timeout", "60"]).env_remove("GCLAB_FAULT");
    if let Some(fault) = fault {
        command.env("GCLAB_FAULT", format!("generational:{fault}"));
    }
    command.output().unwrap()
}

#[test]
fn sound_heaps_pass() {
    let output = verify(None);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

fn is_caught(fault: &str) {
    let output = verify(Some(fault));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{fault}: {stderr}");
    assert!(stderr.contains("heap generational, workload"), "{fault}: {stderr}");
    assert!(!stderr.contains("heap refcount"), "{fault}: {stderr}");
}

#[test]
fn a_lost_object_is_caught() {
    is_caught("LosesObject");
}

#[test]
fn a_live_object_freed_is_caught() {
    is_caught("FreesLive");
}

#[test]
fn a_leaked_cycle_is_caught() {
    is_caught("LeaksCycle");
}

#[test]
fn a_miscount_is_caught() {
    is_caught("Miscounts");
}
