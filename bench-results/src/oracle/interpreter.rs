//! A Python interpreter: what it is, which rules of the heap are its own, and the programs that it runs.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use gc_core::{HeapConfig, NestedDeaths, Trigger, WeakOrder};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::Deserialize;

use super::programs::Programs;
use crate::invocation::{read_in_background, wait};

/// How long a program may take: a log takes a second.
const PATIENCE: Duration = Duration::from_secs(120);

/// An interpreter whose collector `generational` models.
#[derive(Clone, Debug)]
pub struct Interpreter {
    path: PathBuf,
    description: Description,
}

/// What `describe_interpreter.py` prints.
#[derive(Clone, Debug, Deserialize)]
struct Description {
    implementation: String,
    version: [u32; 3],
    release: String,
    /// `sys.abiflags`: `t` without the global lock, `d` a debug build.
    flags: String,
}

impl Interpreter {
    /// Asks the interpreter what it is.
    ///
    /// # Errors
    /// If there is none, or one whose collector has other rules.
    pub fn find(path: &Path, programs: &Programs) -> Result<Self> {
        let text = run(path, &programs.describe(), &[]).with_context(|| {
            format!(
                "{} is no interpreter to ask; give the executable of a CPython from 3.8 on by --python",
                path.display()
            )
        })?;
        let description: Description = serde_json::from_str(text.trim()).map_err(|_| {
            let said: String = text.trim().chars().take(80).collect();
            anyhow::anyhow!(
                "{} is no Python: it said `{said}`; give the executable of a CPython from 3.8 on",
                path.display()
            )
        })?;
        if let Some(why) = description.refusal() {
            bail!("{} is {}: {why}", path.display(), description.name());
        }
        Ok(Self { path: path.to_owned(), description })
    }

    /// For example `CPython 3.12.1`.
    pub fn name(&self) -> String {
        self.description.name()
    }

    /// The heap's settings that make it do as this interpreter does.
    pub fn rules(&self) -> Rules {
        Rules::of([self.description.version[0], self.description.version[1]])
    }

    /// What to know before believing a difference.
    pub fn warnings(&self) -> Vec<String> {
        self.description.warnings()
    }

    /// Groups of logs that differ for a known reason, with the reason: they are left out unless they are asked for.
    pub fn left_out(&self) -> Vec<(&'static str, &'static str)> {
        self.description.left_out()
    }

    /// Runs a program in isolated mode and without `site`; returns what it printed.
    ///
    /// # Errors
    /// If it fails or takes minutes; the error has its last words.
    pub fn run(&self, program: &Path, arguments: &[&OsStr]) -> Result<String> {
        run(&self.path, program, arguments)
    }
}

impl Description {
    fn name(&self) -> String {
        let [major, minor, patch] = self.version;
        let lock = if self.flags.contains('t') { ", built without the global lock" } else { "" };
        format!("{} {major}.{minor}.{patch}{lock}", self.implementation)
    }

    fn refusal(&self) -> Option<&'static str> {
        if self.implementation != "CPython" {
            return Some("it does not count references as CPython does, so no log would agree; give a CPython");
        }
        if self.flags.contains('t') {
            return Some("that build has another collector, without generations; give one with the global lock");
        }
        if self.version < [3, 8, 0] {
            return Some("the recorder needs 3.8 or later");
        }
        if ([3, 14, 0]..[3, 14, 5]).contains(&self.version) {
            return Some(
                "3.14.0 to 3.14.4 have an incremental collector, which no heap here models; give 3.13 or older, or 3.14.5 or \
                 later, which have three generations again",
            );
        }
        None
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.version >= [3, 14, 0] {
            warnings.push(format!(
                "{} was never tried: its rules here are those of 3.13 and what is known of later ones by reading",
                self.name()
            ));
        }
        if self.version < [3, 9, 0] {
            warnings.push(
                "3.8 has another rule of resurrection, which no setting models: one resurrected object keeps all that the \
                 collection found"
                    .to_owned(),
            );
        }
        if self.release != "final" {
            warnings.push(format!("this is a {} release", self.release));
        }
        if self.flags.contains('d') {
            warnings.push("a debug build of 3.13 nests deaths 450 deep, not 9,950".to_owned());
        }
        warnings
    }

    fn left_out(&self) -> Vec<(&'static str, &'static str)> {
        const RESURRECTION: &str = "3.8 resurrects all that a collection found";
        const FRAME: &str = "up to 3.10 the frame of a finalizer that runs 50 deaths deep keeps its object for a while";
        let mut groups = Vec::new();
        if self.version < [3, 9, 0] {
            groups.extend(["resurrect", "wide", "mixed"].map(|group| (group, RESURRECTION)));
        }
        if self.version < [3, 11, 0] {
            groups.extend(["chain", "cascade"].map(|group| (group, FRAME)));
        }
        groups
    }
}

/// The heap's settings that depend on the version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    trigger: Trigger,
    weak_order: WeakOrder,
    nested_deaths: NestedDeaths,
}

impl Rules {
    /// The names of these settings on the command line.
    pub const SETTINGS: [&'static str; 3] = ["trigger", "weak-order", "nested-deaths"];

    /// Those of a version.
    pub fn of(version: [u32; 2]) -> Self {
        let trigger = if version < [3, 12] { Trigger::Inside } else { Trigger::After };
        let weak_order = if version < [3, 15] { WeakOrder::BeforeFinalizers } else { WeakOrder::PlainAfterFinalizers };
        let nested_deaths = if version < [3, 13] { NestedDeaths::CPython312 } else { NestedDeaths::CPython313 };
        Self { trigger, weak_order, nested_deaths }
    }

    /// A configuration with these.
    pub fn apply(self, config: HeapConfig) -> HeapConfig {
        let Self { trigger, weak_order, nested_deaths } = self;
        HeapConfig { trigger, weak_order, nested_deaths, ..config }
    }
}

/// Starts the interpreter, waits for its end, returns what it printed.
fn run(interpreter: &Path, program: &Path, arguments: &[&OsStr]) -> Result<String> {
    let mut command = Command::new(interpreter);
    // Isolated, without `site`: nothing of the environment, and no modules that it would import.
    command.args(["-I", "-S"]).arg(program).args(arguments);
    // A group of its own, so that what it forks is killed with it.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().with_context(|| format!("cannot start {}", interpreter.display()))?;
    let output = read_in_background(child.stdout.take());
    let messages = read_in_background(child.stderr.take());
    let name = program.file_name().unwrap_or_default().display();
    // When all that it says is read, it has ended, or nearly.
    let Ok(output) = output.recv_timeout(PATIENCE) else {
        // If the group is gone already, so is the process.
        let _ = killpg(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
        child.wait().context("cannot wait for the interpreter")?;
        bail!("{name} was not done after {} s and was killed", PATIENCE.as_secs());
    };
    let status = wait(&mut child, PATIENCE)?;
    if status.is_some_and(|status| status.success()) {
        return Ok(output);
    }
    let messages = messages.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
    let last = messages.lines().last().unwrap_or("without a word");
    let end = status.map_or_else(|| "it was killed".to_owned(), |status| status.to_string());
    bail!("{name} failed ({end}): {last}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(implementation: &str, version: [u32; 3], flags: &str) -> Description {
        let (implementation, flags) = (implementation.to_owned(), flags.to_owned());
        Description { implementation, version, release: "final".to_owned(), flags }
    }

    #[test]
    fn collectors_with_other_rules_are_refused() {
        for (implementation, version, flags, why) in [
            ("PyPy", [3, 10, 12], "", "give a CPython"),
            ("CPython", [3, 13, 0], "t", "with the global lock"),
            ("CPython", [3, 7, 16], "m", "3.8 or later"),
            ("CPython", [2, 7, 18], "", "3.8 or later"),
            ("CPython", [3, 14, 0], "", "incremental"),
            ("CPython", [3, 14, 4], "", "incremental"),
        ] {
            let refusal = description(implementation, version, flags).refusal().unwrap();
            assert!(refusal.contains(why), "{refusal}");
        }
        for version in [[3, 8, 0], [3, 10, 13], [3, 13, 0], [3, 14, 5], [3, 15, 0]] {
            assert_eq!(description("CPython", version, "").refusal(), None, "{version:?}");
        }
    }

    #[test]
    fn untried_and_unsupported_versions_are_warned_of() {
        for (version, flags, why) in [
            ([3, 14, 10], "", "never tried"),
            ([3, 15, 2], "", "never tried"),
            ([3, 8, 18], "", "rule of resurrection"),
            ([3, 13, 0], "d", "450"),
        ] {
            let warnings = description("CPython", version, flags).warnings();
            assert!(warnings.len() == 1 && warnings[0].contains(why), "{warnings:?}");
        }
        for version in [[3, 9, 18], [3, 11, 7], [3, 12, 1], [3, 13, 0]] {
            assert!(description("CPython", version, "").warnings().is_empty(), "{version:?}");
        }
    }

    #[test]
    fn each_version_has_its_rules() {
        use NestedDeaths::{CPython312, CPython313};
        use Trigger::{After, Inside};
        use WeakOrder::{BeforeFinalizers, PlainAfterFinalizers};
        for (version, trigger, weak_order, nested_deaths) in [
            ([3, 8], Inside, BeforeFinalizers, CPython312),
            ([3, 11], Inside, BeforeFinalizers, CPython312),
            ([3, 12], After, BeforeFinalizers, CPython312),
            ([3, 13], After, BeforeFinalizers, CPython313),
            ([3, 14], After, BeforeFinalizers, CPython313),
            ([3, 15], After, PlainAfterFinalizers, CPython313),
        ] {
            assert_eq!(Rules::of(version), Rules { trigger, weak_order, nested_deaths }, "{version:?}");
        }
    }
}
