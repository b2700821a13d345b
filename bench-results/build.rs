//! Tells the program which compiler, profile and target built it, for the provenance of its results.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| "unknown".to_owned());
    let version = Command::new(variable("RUSTC")).arg("--version").output();
    let version =
        version.map_or("unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!("cargo::rustc-env=GCLAB_RUSTC={version}");
    println!("cargo::rustc-env=GCLAB_PROFILE={}", variable("PROFILE"));
    println!("cargo::rustc-env=GCLAB_TARGET={}", variable("TARGET"));
}
