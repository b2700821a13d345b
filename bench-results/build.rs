//! Tells the program which compiler, profile and target built it, for the provenance of its results.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| "unknown".to_owned());
    let version = Command::new(variable("RUSTC")).arg("--version").output();
    let version =
        version.map_or("unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!("cargo::rustc-env=GCLAB_RUSTC={version}");
    // The source that was built, not the one that is there when the program runs.
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    if let Some(folder) = git(&["rev-parse", "--git-dir"]) {
        println!("cargo::rerun-if-changed={folder}/HEAD");
        println!("cargo::rerun-if-changed={folder}/logs/HEAD");
    }
    for folder in ["src", "../gc-core/src", "../gc-concurrent/src", "../workloads/src"] {
        println!("cargo::rerun-if-changed={folder}");
    }
    let commit = git(&["rev-parse", "HEAD"]).unwrap_or_default();
    let changes = git(&["status", "--porcelain", "--untracked-files=no"]);
    let dirty = changes.map_or(String::new(), |changes| (!changes.is_empty()).to_string());
    println!("cargo::rustc-env=GCLAB_COMMIT={commit}");
    println!("cargo::rustc-env=GCLAB_DIRTY={dirty}");
    println!("cargo::rustc-env=GCLAB_PROFILE={}", variable("PROFILE"));
    println!("cargo::rustc-env=GCLAB_TARGET={}", variable("TARGET"));
}
